//! Files and folders: which cannot be read, and the names of the scenarios in the others.

use super::GOOD;
use perfidy::scenario::{Scenario, read_all};
use perfidy::suite::Suite;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A temporary folder of files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The diagnostics for a path, without the folder's own path.
    fn said_of(&self, below: &str) -> String {
        let bad = read_all(&Suite::shipped(), &[self.path(below)])
            .map_or_else(|bad| bad, |good| panic!("{good:?}"));
        let said: Vec<String> = bad.iter().map(ToString::to_string).collect();
        said.join("\n\n").replace(&self.0.path().display().to_string(), "[folder]")
    }
}

#[test]
fn files_that_cannot_be_read() {
    let huge = vec![b'#'; (1 << 20) + 1];
    let folder = Folder::new(&[
        ("lost-ack.toml", GOOD.as_bytes()),
        ("empty.toml", b" \n"),
        ("latin.toml", b"# One.\n# Gr\xfc\xdfe.\n"),
        ("huge.toml", &huge),
        ("nothing/readme.md", b"nothing to see"),
    ]);
    let mut all = String::new();
    for path in ["lost-ask.toml", "no/such/folder", "empty.toml", "latin.toml", "huge.toml", "nothing"] {
        writeln!(all, "--- {path}\n{}\n", folder.said_of(path)).unwrap();
    }
    insta::assert_snapshot!(all);

    let directory = Scenario::read(&Suite::shipped(), &folder.path("nothing"), Path::new("")).unwrap_err();
    assert!(directory.to_string().starts_with("error: this is a directory, not a file"));
}

#[test]
fn a_directory_with_bad_files_names_them_all_and_yields_nothing() {
    let folder = Folder::new(&[
        ("scenarios/a/good.toml", GOOD.as_bytes()),
        ("scenarios/a/bad.toml", b"# No workflow.\n"),
        ("scenarios/b/worse.toml", b"workflow ="),
        ("scenarios/b/notes.txt", b"not a scenario"),
        ("scenarios/.hidden/bad.toml", b"hidden"),
    ]);
    insta::assert_snapshot!(folder.said_of("scenarios"));
}

#[test]
fn scenarios_have_one_name_however_they_are_reached() {
    let folder = Folder::new(&[
        ("scenarios/b/two.toml", GOOD.as_bytes()),
        ("scenarios/a/one.toml", GOOD.as_bytes()),
        ("elsewhere/three.toml", GOOD.as_bytes()),
    ]);
    let names = |paths: &[&str]| -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| folder.path(path)).collect();
        read_all(&Suite::shipped(), &paths)
            .unwrap()
            .iter()
            .map(|scenario| scenario.name.to_string())
            .collect()
    };
    assert_eq!(names(&["scenarios"]), ["a/one", "b/two"]);
    assert_eq!(names(&["scenarios/a"]), ["a/one"]);
    assert_eq!(names(&["scenarios/b/two.toml", "scenarios"]), ["b/two", "a/one"]);
    assert_eq!(names(&["elsewhere"]), ["three"]);
    assert_eq!(names(&["elsewhere/three.toml"]), ["three"]);
}

#[test]
fn two_scenarios_of_one_name_are_not_read_together() {
    let folder = Folder::new(&[("a/one.toml", GOOD.as_bytes()), ("b/one.toml", GOOD.as_bytes())]);
    let bad = read_all(&Suite::shipped(), &[folder.path("a"), folder.path("b")]).unwrap_err();
    assert!(bad[0].to_string().contains("one.toml is called `one` as well"), "{}", bad[0]);
}
