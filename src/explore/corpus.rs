//! The corpus: saved failures in a folder.
//!
//! A file is written beside its place and then moved there, so it is whole or not there; it never replaces a
//! different failure. A failure that is found again in other ways has the same fingerprint and is saved once.

use crate::explore::{Aliases, SavedSeed, durable};
use crate::scenario;
use perfidy_sim::{Name, Seed};
use std::fmt;
use std::fs;
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
    /// It stood there already.
    Before(PathBuf),
}

impl Saved {
    /// Where it stands.
    pub fn path(&self) -> &Path {
        match self {
            Self::Now(path) | Self::Before(path) => path,
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
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot save {}: {}", self.path.display(), self.cause)
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

    /// Saves a failure, unless it is there.
    ///
    /// # Errors
    /// [`SaveError`] if the folder cannot be written to or something else stands there already; nothing half-written
    /// is left behind.
    pub fn save(&self, seed: &SavedSeed) -> Result<Saved, SaveError> {
        let path = self.path_of(seed);
        if path.exists() {
            return before(path);
        }
        match durable::write_new(&path, seed.to_toml(&path).as_bytes()) {
            Ok(true) => Ok(Saved::Now(path)),
            Ok(false) => before(path),
            Err(cause) => Err(SaveError { path, cause }),
        }
    }

    /// Where a failure is saved.
    pub fn path_of(&self, seed: &SavedSeed) -> PathBuf {
        self.root.join(&seed.case.scenario).with_file_name(file_name(seed))
    }

    /// Removes the file of a failure that was not shrunk to the end, now that a smaller one stands for it. A file that is
    /// anything else stays; so does one that cannot be removed, which is a failure all the same.
    pub fn withdraw(path: &Path, property: &str, seed: Seed) {
        let Ok(text) = scenario::read_text(path) else { return };
        let Ok(saved) = SavedSeed::parse(&path.display().to_string(), &text) else { return };
        if saved.unfinished && saved.seed == seed && saved.property == property {
            let _ = durable::remove(path);
        }
    }

    /// Removes the temporary files that processes left which were killed while they saved something.
    pub fn sweep(&self) {
        durable::sweep(&self.root);
    }

    /// Puts a failure in the place of the file that it was shrunk from, and gives its own file.
    ///
    /// # Errors
    /// [`SaveError`] if the folder cannot be written to; the old file is then still there.
    pub fn replace(old: &Path, seed: &SavedSeed) -> Result<PathBuf, SaveError> {
        let path = old.with_file_name(file_name(seed));
        let failed = |cause| SaveError { path: path.clone(), cause };
        durable::replace(&path, seed.to_toml(&path).as_bytes()).map_err(failed)?;
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
            let path = self.root.join(scenario.as_str());
            // A folder that is not there yet can be made if the nearest one that is there can be written to.
            let nearest = path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(&self.root);
            let tried = durable::try_folder(nearest);
            tried.map_err(|cause| SaveError { path: nearest.to_owned(), cause })?;
        }
        Ok(())
    }

    /// Every failure in the corpus, sorted. Hidden files are none, for a campaign keeps its place in one, nor are aliases.
    ///
    /// # Errors
    /// If a folder cannot be read; a corpus that does not exist is empty.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        collect(&self.root, &mut files)?;
        files.sort();
        Ok(files)
    }
}

/// Puts a new text in the place of a file's old one: whole or not at all.
pub(super) fn rewrite(path: &Path, old: &str, new: &str) -> Result<(), SaveError> {
    let failed = |cause| SaveError { path: path.to_owned(), cause };
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).map_err(failed)?;
    if fs::read_to_string(&target).map_err(failed)? != old {
        return Err(failed(io::Error::other("somebody else has changed the file")));
    }
    durable::replace(&target, new.as_bytes()).map_err(failed)
}

/// What the file of a failure is called: its scenario without the folder, its case, its property and its fingerprint.
fn file_name(seed: &SavedSeed) -> String {
    let slug: String = seed
        .case
        .label
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect::<String>()
        .replace("--", "-");
    let engine = if seed.engine.as_str() == "native" { String::new() } else { format!("{}-", seed.engine) };
    let scenario = seed.case.scenario.rsplit('/').next().unwrap_or_default();
    format!("{scenario}-{engine}{slug}-{}-{:08x}.toml", seed.property, seed.fingerprint() >> 32)
}

/// What stands in the place of a failure must be one: a file that somebody else has cut short is not taken for it.
fn before(path: PathBuf) -> Result<Saved, SaveError> {
    let text = scenario::read_text(&path);
    if text.is_ok_and(|text| SavedSeed::parse(&path.display().to_string(), &text).is_ok()) {
        return Ok(Saved::Before(path));
    }
    let cause = "a file that is no saved failure stands there; `perfidy check` says what is wrong with it";
    Err(SaveError { path, cause: io::Error::new(io::ErrorKind::AlreadyExists, cause) })
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
