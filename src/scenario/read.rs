//! Reading scenarios from paths: which files are read, under which names, and which errors prevent it.

use crate::config::{Problem, Problems, nearest};
use crate::scenario::Scenario;
use crate::scenario::resolve::{Unreachable, check_pinned, resolve};
use crate::suite::Suite;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario is a page of text; what is larger is something else.
const MAX_MEBIBYTES: u64 = 1;

/// A saved failure lists every fault of a run, of which there can be a hundred thousand.
const MAX_MEBIBYTES_OF_FAILURE: u64 = 16;

/// The folder to which the names of scenarios are relative.
const ROOT: &str = "scenarios";

impl Scenario {
    /// Reads a scenario from a file. Its name is the file's path below `root`, without ending.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(suite: &Suite, path: &Path, root: &Path) -> Result<Arc<Self>, Problems> {
        Self::parse_file(suite, path, root, &read_text(path)?)
    }

    /// Parses the text of a scenario file that has been read already.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse_file(suite: &Suite, path: &Path, root: &Path, text: &str) -> Result<Arc<Self>, Problems> {
        let bad = |list| Problems::new(path.display().to_string(), text, list);
        resolve(suite, &name_below(path, root), text, Unreachable::Rejected).map_err(bad)
    }

    /// Parses a scenario's text, which can name all items of the suite.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(suite: &Suite, name: &str, text: &str) -> Result<Arc<Self>, Problems> {
        resolve(suite, name, text, Unreachable::Rejected).map_err(|list| Problems::new(name, text, list))
    }

    /// Parses the text of a scenario in a saved failure. A fault in it that the agents of today cannot meet
    /// is no problem here: the replay says that the code has changed.
    ///
    /// # Errors
    /// Everything else that is wrong with the text.
    pub(crate) fn parse_saved(suite: &Suite, name: &str, text: &str) -> Result<Arc<Self>, Problems> {
        resolve(suite, name, text, Unreachable::Accepted).map_err(|list| Problems::new(name, text, list))
    }

    /// What is wrong with the pinned faults in the text of a saved failure of this scenario.
    pub(crate) fn check_pinned(&self, text: &str) -> Vec<Problem> {
        check_pinned(text, self)
    }
}

/// Reads the scenarios at these paths: files as they are, and of directories everything below them that ends
/// in `.toml`, sorted by path. A file that two of the paths lead to is read once.
///
/// Names begin below the nearest folder called `scenarios`, so that a scenario has the same name however it
/// is reached; outside of such a folder they begin at the path that was given.
///
/// Everything that is wrong with any of the files, or with the paths themselves. One bad file is enough to
/// return no scenarios: otherwise a caller that reads a directory would not notice a missing test.
pub fn read_all(suite: &Suite, paths: &[PathBuf]) -> Result<Vec<Arc<Scenario>>, Vec<Problems>> {
    let (mut scenarios, mut bad) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut names = BTreeMap::new();
    for path in paths {
        let files = match files_below(path) {
            Ok(files) => files,
            Err(problems) => {
                bad.push(problems);
                continue;
            }
        };
        let root = root_of(path);
        for file in files {
            if !seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                continue;
            }
            match Scenario::read(suite, &file, &root) {
                Ok(scenario) => match names.insert(scenario.name, file.clone()) {
                    None => scenarios.push(scenario),
                    Some(other) => bad.push(same_name(&scenario, &file, &other)),
                },
                Err(problems) => bad.push(problems),
            }
        }
    }
    if bad.is_empty() { Ok(scenarios) } else { Err(bad) }
}

fn same_name(scenario: &Scenario, file: &Path, other: &Path) -> Problems {
    let message = format!("{} is called `{}` as well", other.display(), scenario.name);
    let problem = Problem::whole(message).help("scenarios read together have different names");
    Problems::new(file.display().to_string(), "", vec![problem])
}

/// The files that a path stands for: itself, or everything below it that ends in `.toml`, sorted.
///
/// # Errors
/// If there is nothing at the path, or no such file below it, or it cannot be read.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>, Problems> {
    files_at(path).map_err(|problem| Problems::new(path.display().to_string(), "", vec![problem]))
}

fn files_at(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)?;
    if files.is_empty() {
        let help = "scenarios and saved failures are files that end in .toml";
        return Err(Problem::whole("there is no TOML file in this directory").help(help));
    }
    Ok(files)
}

/// Collects the scenario files below a directory, sorted. Hidden entries and links to directories are
/// skipped, so the walk ends.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::whole(format!("the directory {} cannot be read: {error}", directory.display()))
    };
    let mut entries =
        fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The folder to which the names of a path's scenarios are relative: the nearest one called `scenarios`.
pub fn root_of(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let below = whole.ancestors().position(|folder| folder.file_name().is_some_and(|name| name == ROOT));
    // The given path has the same tail, unless it contains links or dots: then it is its own root.
    let given = below.and_then(|steps| path.ancestors().nth(steps)).filter(|root| root.ends_with(ROOT));
    match given {
        Some(root) => root.to_owned(),
        None if path.is_dir() => path.to_owned(),
        None => path.parent().unwrap_or(Path::new("")).to_owned(),
    }
}

/// The file that holds the scenario of that name, of those that a path stands for.
#[cfg(feature = "cli")]
pub(crate) fn file_named(path: &Path, name: &str) -> Option<PathBuf> {
    let root = root_of(path);
    files_below(path).ok()?.into_iter().find(|file| name_below(file, &root) == name)
}

fn name_below(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or_else(|_| path.file_name().map_or(path, Path::new));
    let parts: Vec<_> =
        below.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join("/")
}

/// The text of a file.
///
/// # Errors
/// If it is missing, unreadable, not text, or too large for a scenario.
pub fn read_text(path: &Path) -> Result<String, Problems> {
    read_at_most(MAX_MEBIBYTES, path)
}

/// The text of a saved failure, or of another file that perfidy writes itself.
///
/// # Errors
/// As [`read_text`], for a file larger than a saved failure can be.
pub fn read_long_text(path: &Path) -> Result<String, Problems> {
    read_at_most(MAX_MEBIBYTES_OF_FAILURE, path)
}

/// A saved failure with this text could not be read again.
pub(crate) fn is_too_long_to_save(text: &str) -> bool {
    text.len() as u64 > MAX_MEBIBYTES_OF_FAILURE << 20
}

fn read_at_most(mebibytes: u64, path: &Path) -> Result<String, Problems> {
    text_of(path, mebibytes).map_err(|problem| Problems::new(path.display().to_string(), "", vec![problem]))
}

fn text_of(path: &Path, most_mebibytes: u64) -> Result<String, Problem> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Problem::whole("this is a directory, not a file"));
    }
    if !metadata.is_file() {
        return Err(Problem::whole("this is not an ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take((most_mebibytes << 20) + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > most_mebibytes << 20 {
        return Err(Problem::whole(format!("the file is larger than {most_mebibytes} MiB"))
            .help("a scenario is a page of text, and a saved failure rarely more"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, good) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = bytes[..good].split(|byte| *byte == b'\n').count();
        Problem::whole(format!("line {line} is not UTF-8 text")).help("save the file in the encoding UTF-8")
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    if error.kind() != ErrorKind::NotFound {
        return Problem::whole(format!("this cannot be read: {error}"));
    }
    let problem = Problem::whole("there is no such file or directory");
    match similar(path) {
        Some(near) => problem.help(format!("did you mean {}?", path.with_file_name(near).display())),
        None => problem,
    }
}

/// A file beside a missing one with a similar name.
fn similar(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).ok()?;
    let mut neighbours: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    neighbours.sort_unstable();
    let known: Vec<&str> = neighbours.iter().map(String::as_str).collect();
    nearest(path.file_name()?.to_str()?, &known).map(str::to_owned)
}
