//! The corpus: saved failures in a folder.
//!
//! A file is written beside its place and then moved there, so it is whole or not there; it never replaces a
//! different failure. A failure that is found again in other ways has the same fingerprint and is saved once:
//! the smallest form of it stands in the file. Whatever is written was read back and replayed before.

use crate::explore::{Aliases, Failure, SavedSeed, durable};
use crate::inert;
use crate::scenario;
use perfidy_sim::{Name, Seed};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder of saved failures.
#[derive(Clone, Debug)]
pub struct Corpus {
    root: PathBuf,
}

/// What became of a failure that was to be saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saved {
    /// It stands in a new file.
    Now(PathBuf),
    /// It stands in the place of a larger form of the same failure, or of one that no longer breaks.
    Smaller(PathBuf),
    /// It stood there already, as small as this or smaller.
    Before(PathBuf),
}

impl Saved {
    /// Where it stands.
    pub fn path(&self) -> &Path {
        match self {
            Self::Now(path) | Self::Smaller(path) | Self::Before(path) => path,
        }
    }
}

/// A failure could not be saved.
#[derive(Debug)]
pub struct SaveError {
    path: PathBuf,
    cause: io::Error,
}

impl SaveError {
    /// What could not be written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing was written, because what would be written is no failure that could be replayed.
    pub(super) fn does_not_read_back(path: &Path, why: impl fmt::Display) -> Self {
        let cause = io::Error::new(io::ErrorKind::InvalidData, why.to_string());
        Self { path: path.to_owned(), cause }
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot save {}: {}", inert::path(&self.path), self.cause)
    }
}

impl std::error::Error for SaveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl Corpus {
    /// The corpus in a folder, which is made when something is saved.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Saves a failure, unless it is there and as small. A larger form of the same failure is replaced.
    ///
    /// # Errors
    /// [`SaveError`] if the failure would not read back or not fail again, the folder cannot be written to,
    /// or another file has that name; no half-written file is left.
    pub fn save(&self, seed: &SavedSeed) -> Result<Saved, SaveError> {
        self.put(seed, text_that_replays, still_breaks)
    }

    /// The same without any run, for when there is no time: what is saved reads back, and broke when it was
    /// found.
    ///
    /// # Errors
    /// [`SaveError`] if the failure would not be read back, the folder cannot be written to, or something
    /// else stands there already; nothing half-written is left behind.
    pub fn save_at_once(&self, seed: &SavedSeed) -> Result<Saved, SaveError> {
        self.put(seed, text_that_reads_back, |_, _| true)
    }

    fn put(
        &self,
        seed: &SavedSeed,
        text: impl FnOnce(&SavedSeed, &Path) -> Result<String, SaveError>,
        still_breaks: impl Fn(&SavedSeed, &Path) -> bool,
    ) -> Result<Saved, SaveError> {
        let path = self.path_of(seed);
        let failed = |cause| SaveError { path: path.clone(), cause };
        let text = text(seed, &path)?;
        let folder = path.parent().unwrap_or(&self.root);
        durable::create_folders(folder).map_err(failed)?;
        let _lock = lock(folder);
        let mut existing = existing(seed, &path)?;
        if let Existing::Nothing = existing {
            if durable::write_new(&path, text.as_bytes()).map_err(failed)? {
                return Ok(Saved::Now(path));
            }
            // Folders that cannot be locked are shared all the same.
            existing = self::existing(seed, &path)?;
        }
        if let Existing::AsSmall = existing
            && still_breaks(seed, &path)
        {
            return Ok(Saved::Before(path));
        }
        durable::replace(&path, text.as_bytes()).map_err(failed)?;
        Ok(Saved::Smaller(path))
    }

    /// Where a failure is saved.
    pub fn path_of(&self, seed: &SavedSeed) -> PathBuf {
        self.folder_of(&seed.case.scenario).join(file_name(seed))
    }

    /// Removes the file of a failure that was not shrunk to the end, now that a smaller one stands for it. A
    /// file that is anything else stays; so does one that cannot be removed, which is a failure all the same.
    pub fn withdraw(path: &Path, property: &str, seed: Seed) {
        let Ok(text) = scenario::read_long_text(path) else { return };
        let Ok(saved) = SavedSeed::parse(&path.display().to_string(), &text) else { return };
        if saved.unfinished && saved.seed == seed && saved.property == property {
            let _ = durable::remove(path);
        }
    }

    /// Removes the temporary files that processes left which were killed while they saved something.
    pub fn sweep(&self) {
        durable::sweep(&self.root);
    }

    /// Puts a failure in the place of the file that it was shrunk from, and gives its own file. If that is
    /// another, in which the same failure stands as small, it stays. What was not shrunk to the end, for lack
    /// of time, is not run again for this.
    ///
    /// # Errors
    /// [`SaveError`] if the failure would not read back or not fail again, or the folder cannot be written
    /// to; the old file then stays.
    pub fn replace(old: &Path, seed: &SavedSeed) -> Result<PathBuf, SaveError> {
        let path = old.with_file_name(file_name(seed));
        let failed = |cause| SaveError { path: path.clone(), cause };
        let text =
            if seed.unfinished { text_that_reads_back(seed, &path) } else { text_that_replays(seed, &path) };
        let text = text?;
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let _lock = lock(folder);
        let is_there =
            path != old && matches!(existing(seed, &path)?, Existing::AsSmall) && still_breaks(seed, &path);
        if !is_there {
            durable::replace(&path, text.as_bytes()).map_err(failed)?;
        }
        if path != old {
            durable::remove(old).map_err(failed)?;
        }
        Ok(path)
    }

    /// Whether failures of these scenarios could be saved. The folder of the corpus itself is made.
    ///
    /// # Errors
    /// [`SaveError`] with the first folder that cannot be written to.
    pub fn check_writable(&self, scenarios: impl IntoIterator<Item = Name>) -> Result<(), SaveError> {
        let make = durable::create_folders(&self.root);
        make.map_err(|cause| SaveError { path: self.root.clone(), cause })?;
        for scenario in scenarios {
            let folder = self.folder_of(scenario.as_str());
            // A folder that is not there yet can be made if the nearest one that is there can be written to.
            let nearest = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&self.root);
            let tried = durable::try_folder(nearest);
            tried.map_err(|cause| SaveError { path: nearest.to_owned(), cause })?;
        }
        Ok(())
    }

    /// Every failure in the corpus, sorted. Hidden files are none, for a campaign keeps its place in one, nor
    /// are aliases.
    ///
    /// # Errors
    /// If a folder cannot be read; a corpus that does not exist is empty.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        collect(&self.root, &mut files)?;
        files.sort();
        Ok(files)
    }

    /// The folder for failures of the scenario of that name.
    fn folder_of(&self, scenario: &str) -> PathBuf {
        let mut folder = self.root.join(path_of(scenario));
        folder.pop();
        folder
    }
}

/// Puts a new text in the place of a file's old one: whole or not at all.
pub(super) fn rewrite(path: &Path, old: &str, new: &str) -> Result<(), SaveError> {
    let failed = |cause| SaveError { path: path.to_owned(), cause };
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).map_err(failed)?;
    if fs::read_to_string(&target).map_err(failed)? != old {
        return Err(failed(io::Error::other("another process has changed the file")));
    }
    durable::replace(&target, new.as_bytes()).map_err(failed)
}

/// Longer parts of a file's name are cut: file systems take 255 bytes in all, of which fingerprint and engine
/// need some.
const MAX_PART_BYTES: usize = 70;

/// Where the failures of a scenario go, below the corpus and nowhere else, whatever the scenario is called:
/// every part of its name is one folder's name, and shown as it is.
fn path_of(scenario: &str) -> PathBuf {
    scenario.split('/').map(harmless).collect()
}

/// A part of a scenario's name as the name of a file or a folder. Hidden files are none of a corpus.
fn harmless(part: &str) -> String {
    let harmless: String =
        part.chars().map(|c| if inert::is_active(c) || "\\:".contains(c) { '-' } else { c }).collect();
    let harmless = match harmless.strip_prefix('.') {
        Some(rest) => format!("-{rest}"),
        None if harmless.is_empty() => "-".to_owned(),
        None => harmless,
    };
    cut(&harmless, 255).to_owned()
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// What the file of a failure is called: its scenario without the folder, its case, its property and its
/// fingerprint.
fn file_name(seed: &SavedSeed) -> String {
    let slug = |text: &str| -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        text.chars().map(plain).collect::<String>().replace("--", "-")
    };
    let engine = if seed.engine.as_str() == "native" { String::new() } else { format!("{}-", seed.engine) };
    let scenario = harmless(seed.case.scenario.rsplit('/').next().unwrap_or_default());
    let (label, property) = (slug(&seed.case.label), harmless(&seed.property.replace('/', "-")));
    let [scenario, label, property] = [&scenario, &label, &property].map(|part| cut(part, MAX_PART_BYTES));
    format!("{scenario}-{engine}{label}-{property}-{:08x}.toml", seed.fingerprint() >> 32)
}

fn read_back(seed: &SavedSeed, path: &Path) -> Result<Failure, SaveError> {
    seed.read_back(path).map_err(|why| SaveError::does_not_read_back(path, why))
}

/// The text of a file at `path` that was read back.
fn text_that_reads_back(seed: &SavedSeed, path: &Path) -> Result<String, SaveError> {
    read_back(seed, path).map(Failure::into_text)
}

/// The text of a file at `path` that was read back and broke again as it says.
fn text_that_replays(seed: &SavedSeed, path: &Path) -> Result<String, SaveError> {
    let failure = read_back(seed, path)?;
    let (run, answer) = failure.replay();
    if !answer.is_reproduced() || run.outcome.digest() != seed.digest {
        let why = "what its file would say makes another run; either its agents depend on more than the seed (`perfidy \
                   audit` shows on what), or its scenario was changed after it was read";
        return Err(SaveError::does_not_read_back(path, why));
    }
    Ok(failure.into_text())
}

/// What stands in the place of a failure.
enum Existing {
    Nothing,
    /// The same failure, in a form that is worse than another.
    Larger,
    /// The same failure, in a form as small or smaller.
    AsSmall,
}

/// Checks the existing file of a failure. It must contain the same failure: neither a truncated file is
/// accepted, nor another failure of that name.
fn existing(seed: &SavedSeed, path: &Path) -> Result<Existing, SaveError> {
    let in_the_way = |what: &str| {
        let cause = format!("{what} stands there; `perfidy check` says what it is");
        SaveError { path: path.to_owned(), cause: io::Error::new(io::ErrorKind::AlreadyExists, cause) }
    };
    if !path.exists() {
        return Ok(Existing::Nothing);
    }
    let text = scenario::read_long_text(path).map_err(|_| in_the_way("a file that is no saved failure"))?;
    let existing = SavedSeed::parse(&path.display().to_string(), &text);
    let existing = existing.map_err(|_| in_the_way("a file that is no saved failure"))?;
    if existing.fingerprint() != seed.fingerprint() {
        return Err(in_the_way("another saved failure"));
    }
    Ok(if existing.size() <= seed.size() { Existing::AsSmall } else { Existing::Larger })
}

/// Whether the file in the place of a failure still does what it says.
fn still_breaks(seed: &SavedSeed, path: &Path) -> bool {
    let failure = Failure::read(seed.suite(), path);
    failure.is_ok_and(|failure| failure.replay().1.is_reproduced())
}

/// Makes the processes that save to a folder take turns, so that none replaces what it has not seen. A file
/// system without locks is not shared by several.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok().map(|()| folder)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") && !Aliases::is_one(&path) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn whatever_a_scenario_is_called_its_failures_stand_below_the_corpus() {
        for (scenario, folder) in [
            ("conductor/lost-ack", "conductor/lost-ack"),
            ("../../etc/x", "-./-./etc/x"),
            ("/etc//x", "-/etc/-/x"),
            (".hidden/c:d\\e", "-hidden/c-d-e"),
        ] {
            assert_eq!(path_of(scenario), Path::new(folder), "{scenario}");
        }
        let corpus = Corpus::new("seeds");
        assert_eq!(corpus.folder_of("conductor/lost-ack"), Path::new("seeds/conductor"));
        assert_eq!(corpus.folder_of("alone"), Path::new("seeds"));
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        assert_eq!(harmless(&"n".repeat(300)).len(), 255);
        assert_eq!(cut("a\u{fc}b", 2), "a");
        assert_eq!(cut("a\u{fc}b", 3), "a\u{fc}");
    }

    #[test]
    fn the_failures_of_a_corpus_are_its_files_in_order_without_hidden_ones_and_aliases() {
        let folder = TempDir::new().unwrap();
        let corpus = Corpus::new(folder.path());
        let write = |file: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for file in
            ["b/two.toml", "a/one.toml", ".campaign.toml", ".old/x.toml", "a/aliases.toml", "a/note.md"]
        {
            write(file);
        }
        let found: Vec<_> = corpus.files().unwrap();
        assert_eq!(found, ["a/one.toml", "b/two.toml"].map(|file| folder.path().join(file)));
        assert!(Corpus::new(folder.path().join("nowhere")).files().unwrap().is_empty());
    }

    #[test]
    fn a_file_that_another_process_has_changed_is_not_rewritten() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("one.toml");
        fs::write(&file, "theirs").unwrap();
        let refused = rewrite(&file, "ours", "new").unwrap_err();
        assert!(refused.to_string().ends_with("another process has changed the file"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
        rewrite(&file, "theirs", "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }
}
