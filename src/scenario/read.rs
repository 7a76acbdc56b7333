//! From paths to scenarios: which files are read, under which names, and what stops a file from being read.

use crate::scenario::understand::understand;
use crate::scenario::{Problem, Problems, Scenario, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario is a page of text; what is larger is something else.
const MAX_BYTES: u64 = 1 << 20;

/// The folder below which scenarios have their names.
const ROOT: &str = "scenarios";

impl Scenario {
    /// Reads a scenario from a file. Its name is the file's path below `root`, without ending.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(path: &Path, root: &Path) -> Result<Arc<Self>, Problems> {
        let shown = path.display().to_string();
        let text = read_text(path).map_err(|problem| Problems::new(shown.clone(), "", vec![problem]))?;
        match understand(&name_below(path, root), &text) {
            Ok(scenario) => Ok(Arc::new(scenario)),
            Err(list) => Err(Problems::new(shown, text, list)),
        }
    }

    /// Understands a scenario's text.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(name: &str, text: &str) -> Result<Arc<Self>, Problems> {
        understand(name, text).map(Arc::new).map_err(|list| Problems::new(name, text, list))
    }
}

/// Reads the scenarios at these paths: files as they are, and of directories everything below them that ends
/// in `.toml`, sorted by path. A file that two of the paths lead to is read once.
///
/// Names begin below the nearest folder called `scenarios`, so that a scenario has the same name however it is
/// reached; outside of such a folder they begin at the path that was given.
///
/// # Errors
/// Everything that is wrong with any of the files, or with the paths themselves. One bad file is enough for
/// there to be no scenarios: whoever asked for a directory would not notice a test that is missing.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Arc<Scenario>>, Vec<Problems>> {
    let (mut scenarios, mut bad) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut names = BTreeMap::new();
    for path in paths {
        let files = match files_at(path) {
            Ok(files) => files,
            Err(problem) => {
                bad.push(Problems::new(path.display().to_string(), "", vec![problem]));
                continue;
            }
        };
        let root = root_of(path);
        for file in files {
            if !seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                continue;
            }
            match Scenario::read(&file, &root) {
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

/// The files that a path stands for.
fn files_at(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)?;
    if files.is_empty() {
        let help = "a scenario is a file that ends in .toml";
        return Err(Problem::whole("there is no scenario in this directory").help(help));
    }
    Ok(files)
}

/// Collects the scenario files below a directory, sorted. Hidden entries and links to directories are passed
/// over, so the walk ends.
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

/// The folder below which the scenarios of a path have their names.
fn root_of(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let below = whole.ancestors().position(|folder| folder.file_name().is_some_and(|name| name == ROOT));
    // The path as it was given has the same tail, unless it goes through links or dots: then it is its own root.
    let given = below.and_then(|steps| path.ancestors().nth(steps)).filter(|root| root.ends_with(ROOT));
    match given {
        Some(root) => root.to_owned(),
        None if path.is_dir() => path.to_owned(),
        None => path.parent().unwrap_or(Path::new("")).to_owned(),
    }
}

fn name_below(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or_else(|_| path.file_name().map_or(path, Path::new));
    let parts: Vec<_> =
        below.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join("/")
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Problem::whole("this is a directory, not a scenario file"));
    }
    if !metadata.is_file() {
        return Err(Problem::whole("this is not an ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Problem::whole("the file is larger than 1 MiB").help("a scenario is a page of text"));
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

/// A neighbour of a missing file with nearly its name.
fn similar(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).ok()?;
    let mut neighbours: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    neighbours.sort_unstable();
    let known: Vec<&str> = neighbours.iter().map(String::as_str).collect();
    nearest(path.file_name()?.to_str()?, &known).map(str::to_owned)
}
