//! `perfidy watch`: runs scenarios again whenever one of them or the crate changes, and keeps on the screen
//! what is broken now.
//!
//! Each pass is a process of its own, `perfidy run --format json`. For a test target that process is cargo's,
//! so a change of the crate is compiled first, and what does not compile is shown. A run that hangs or takes
//! the process with it ends a pass and not the watch. After a change of some scenarios only these are run.

mod files;
mod screen;

use super::ending::Ending;
use super::options::Subject;
use super::stopwatch::Stopwatch;
use super::{Status, print_error, some_time};
use crate::process_group;
use crate::suite::Suite;
use files::{Change, Files};
use perfidy_sim::SimSpan;
use screen::Screen;
use serde_json::Value;
use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often files and the process of a pass are looked at.
const TICK: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How many seeds each case gets [default: as of `run`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// For how long, such as 90s or 10m [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
}

pub fn watch(suite: &Suite, arguments: &Arguments) -> Status {
    let paths = arguments.subject.paths(suite);
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        print_error(super::not_there(missing));
        return Status::BadInput;
    }
    let ending = Ending::within(arguments.time);
    let mut files = Files::of(suite, &paths);
    let mut screen = Screen::new(&paths);
    let mut due = Some(Change::All);
    while !ending.runs.is_set() {
        if let Some(change) = due.take() {
            let pass = Pass { suite, arguments, paths: &paths, ending: &ending };
            match pass.run(&change) {
                Ok(Some(ran)) => screen.take_in(&change, ran),
                Ok(None) => break,
                Err(error) => {
                    print_error(format_args!("cannot start a run: {error}"));
                    return Status::BadInput;
                }
            }
            screen.show();
        }
        // What was not run for want of a build, or because a file was bad, stays due with the next change.
        due = files.changed().map(|change| if screen.is_stuck() { Change::All } else { change });
        wait();
    }
    ending.reached();
    screen.status()
}

#[expect(clippy::disallowed_methods, reason = "files change in real time, and nothing simulated sees them")]
fn wait() {
    thread::sleep(TICK);
}

/// What a pass came to.
pub struct Ran {
    /// The records of its cases.
    records: Vec<Value>,
    /// Why they are not all: it did not come to its end.
    ended_early: Option<String>,
    /// What it said on standard error.
    said: String,
    /// How long it took.
    took: Duration,
}

/// A process that runs scenarios once.
struct Pass<'a> {
    suite: &'a Suite,
    arguments: &'a Arguments,
    paths: &'a [PathBuf],
    ending: &'a Ending,
}

impl Pass<'_> {
    /// Runs what a change concerns; `None` if the watch ended in the meantime.
    fn run(&self, change: &Change) -> io::Result<Option<Ran>> {
        let stopwatch = Stopwatch::start();
        let mut child = process_group::start(&mut self.command(change))?;
        let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
        let Some(ended) = self.end_of(&mut child)? else { return Ok(None) };
        let joined = |text: JoinHandle<String>| text.join().unwrap_or_default();
        let (out, said) = (joined(out), joined(err));
        let records = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let is_whole = ended.code().is_some_and(|code| Status::of_verdicts().any(|status| status == code));
        let ended_early = (!is_whole).then(|| ended.to_string());
        Ok(Some(Ran { records, ended_early, said, took: stopwatch.elapsed() }))
    }

    /// Waits for the process; ends it, with the test target that it may have started, if the watch ends.
    fn end_of(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(ended) = child.try_wait()? {
                return Ok(Some(ended));
            }
            if self.ending.runs.is_set() {
                process_group::kill(child);
                return Ok(None);
            }
            wait();
        }
    }

    fn command(&self, change: &Change) -> Command {
        let program = env::current_exe().unwrap_or_default();
        let mut words = self.suite.command().split_whitespace();
        let first = words.next().unwrap_or_default();
        let mut command = if first == "cargo" {
            let mut command = Command::new("cargo");
            command.args(words.next());
            let is_release = program.components().any(|part| part.as_os_str() == "release");
            let rest: Vec<&str> = words.collect();
            if is_release && !rest.contains(&"--release") {
                command.arg("--release");
            }
            command.args(rest);
            command
        } else {
            Command::new(program)
        };
        let runs = self.arguments.subject.runs;
        command.args(["run", "--format", "json", "--save", "none"]);
        command.args(["--seed", &runs.seed.to_string(), "--engine", runs.engine.as_str()]);
        if let Some(seeds) = self.arguments.seeds {
            command.args(["--seeds", &seeds.to_string()]);
        }
        let files: &[PathBuf] = match change {
            Change::All => self.paths,
            Change::Scenarios(files) => files,
        };
        command.args(files).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Reads all that comes, on a thread of its own, so that the process is never kept waiting.
#[expect(
    clippy::disallowed_methods,
    reason = "a process is read in real time, and nothing simulated sees it"
)]
fn read(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What can no longer be read is not there.
        let _ = from.map(|mut from| from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A path as a person names it.
fn named(path: &Path) -> String {
    crate::inert::path(path)
}
