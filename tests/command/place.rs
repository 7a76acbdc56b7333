//! A folder in which the command runs, and its output.

use serde_json::Value;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The time limit of a command: then it is killed, so that its test fails and the others go on.
const PATIENCE: Duration = Duration::from_mins(5);

/// A team that never repeats an operation under another id: it holds as written, and the case without keys is
/// caught.
pub const REFUND: &str = r#"# A refund is paid once, however often its acknowledgement is lost.
workflow = "conductor"

[[step]]
name = "pay"
tool = "bank.refund"
irreversible = true

[safeguards]
checkpoint = true
idempotency-keys = true
persist-before-call = true
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }

[tools.bank]
deduplicates = true

[faults]
until = "5m"
ack-lost = { at = "bank", chance = "20%" }

[[without]]
safeguards = ["idempotency-keys"]
violates = "no-duplicate-effects"
within-seeds = 100
"#;

/// A team that pays twice.
pub fn careless() -> String {
    REFUND.split("[[without]]").next().unwrap().replace("idempotency-keys = true\n", "")
}

/// The command at this path, with these arguments and without the environment of the tests.
pub fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for variable in ["PERFIDY_LOG", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        command.env_remove(variable);
    }
    command
}

fn perfidy(arguments: &[&str]) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_perfidy")), arguments)
}

/// The command, run in the repository with the shipped scenarios.
pub fn in_the_repository(arguments: &[&str]) -> Said {
    Said::at_the_end_of(perfidy(arguments))
}

/// A folder in which the command runs.
pub struct Place(TempDir);

/// The output of a command.
pub struct Said {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Replaces some words of a file.
    #[track_caller]
    pub fn change(
        &self,
        file: &str,
        place: impl Fn(&str) -> Option<Range<usize>>,
        new: impl Fn(&str) -> String,
    ) {
        let mut text = self.read(file);
        let place = place(&text).unwrap_or_else(|| panic!("there is no such place in:\n{text}"));
        let new = new(&text[place.clone()]);
        text.replace_range(place, &new);
        fs::write(self.path(file), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = perfidy(arguments);
        command.current_dir(self.0.path());
        command
    }

    pub fn perfidy(&self, arguments: &[&str]) -> Said {
        Said::at_the_end_of(self.command(arguments))
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// All files below a folder, by relative path.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.0.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// Runs the careless team; returns the file of its saved failure.
    pub fn saved_failure(&self) -> String {
        self.write("scenarios/bank/careless.toml", &careless());
        self.perfidy(&["run", "--seeds", "100"]).ends_with(1);
        let files = self.files("seeds");
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

impl Said {
    pub fn at_the_end_of(command: Command) -> Self {
        Self::of(assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap())
    }

    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn ends_with(self, status: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.status, Some(status), "\n-- standard output\n{out}\n-- standard error\n{err}");
        self
    }

    /// Standard error is empty.
    #[track_caller]
    pub fn calmly(self) -> Self {
        assert_eq!(self.err, "");
        self
    }

    /// Standard output contains each of the words.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.out.contains(word), "no `{word}` in:\n{}", self.out);
        }
        self
    }

    /// Standard error contains each of the words.
    #[track_caller]
    pub fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in:\n{}", self.err);
        }
        self
    }

    /// One JSON object a line.
    #[track_caller]
    pub fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}
