//! The command line: its arguments, its exit statuses, and how trouble is told.

mod ablate;
mod audit;
mod check;
#[cfg(feature = "clients")]
mod client_report;
mod compare;
mod ending;
mod explain;
mod findings;
mod fuzz;
#[cfg(feature = "clients")]
mod judge;
mod list;
mod new;
mod options;
mod output;
mod pages;
mod progress;
mod replay;
mod report;
mod run;
mod save;
mod schema;
#[cfg(feature = "clients")]
mod serve;
mod shrink;
mod stopwatch;
mod trace;
mod watch;

use options::for_suite;
use output::{print, print_error, print_problems, say_record, say_styled, tell, warn};

use crate::config::problem::nearest_in_words;
use crate::explore::BadSeed;
use crate::inert;
use crate::report::init_logging;
use crate::scenario::files_below;
use crate::suite::Suite;
use crate::testing::run_as_tests;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use perfidy_sim::{Engine, SimSpan};
use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Deterministic simulation testing for agent workflows.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 as expected, 1 a property broke that should hold (or a [[without]] case was \
    not caught,\nor two runs of a seed were different), 2 bad input, or what could not be written, 3 vacuous, unknown, \
    not yet\ncaught, stale, ambiguous or interrupted."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Write logs stamped with virtual time to standard error: `trace` for every event, or a filter
    #[arg(long, global = true, value_name = "FILTER", env = "PERFIDY_LOG")]
    log: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios over many seeds
    Run(run::Arguments),
    /// Run scenarios again whenever they or the crate change, and show what is broken now
    Watch(watch::Arguments),
    /// Replay saved failures
    Replay(replay::Arguments),
    /// Show a run: a page, a picture, a diagram, or a trace for another tool
    Report(report::Arguments),
    /// Go on making saved failures smaller
    Shrink(shrink::Arguments),
    /// Check scenarios and saved failures without running them
    Check(check::Arguments),
    /// Run scenarios over ever more seeds, for as long as you like
    Fuzz(fuzz::Arguments),
    /// Check that runs depend on their seed and on nothing else
    Audit(audit::Arguments),
    /// Show what breaks without each safeguard of a scenario
    Ablate(ablate::Arguments),
    /// Compare two designs over the same seeds: what gets done, in what time, at what cost
    Compare(compare::Arguments),
    /// Serve a scenario to a real agent, in the place of the simulated one
    #[cfg(feature = "clients")]
    Serve(serve::Arguments),
    /// Judge histories of real agents
    #[cfg(feature = "clients")]
    Judge(judge::Arguments),
    /// List the faults, safeguards, properties, workflows and strategies there are
    List(list::Arguments),
    /// Explain one of them: what it is, how a scenario says it, and where to see it at work
    Explain(explain::Arguments),
    /// Write the start of a crate's tests, or one more scenario
    New(new::Arguments),
    /// Write the JSON Schema of scenario files, for editors
    Schema(schema::Arguments),
    /// Write how seeds went in this process; for `audit`
    #[command(hide = true)]
    Trace(trace::Arguments),
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How results are written that make a table with notes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SheetFormat {
    /// For people, in a terminal
    Text,
    /// One JSON object a line
    Json,
    /// For people, in a document
    Markdown,
    /// For people, as one self-contained HTML page
    Page,
}

/// How a command ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    AsExpected,
    Broken,
    BadInput,
    Inconclusive,
}

impl Status {
    /// Of two, the one that must be reported.
    fn worse(self, other: Self) -> Self {
        let rank = |status| match status {
            Self::AsExpected => 0,
            Self::Inconclusive => 1,
            Self::Broken => 2,
            Self::BadInput => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// The codes of a command that has come to its end and judged something.
    fn of_verdicts() -> impl Iterator<Item = i32> {
        [Self::AsExpected, Self::Broken, Self::Inconclusive]
            .into_iter()
            .map(|status| i32::from(status.code()))
    }

    fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::Broken => 1,
            Self::BadInput => 2,
            Self::Inconclusive => 3,
        }
    }
}

impl Suite {
    /// Runs the command line of this process on the suite: `run`, `watch`, `fuzz`, `replay`, `report`,
    /// `shrink`, `check`, `audit`, `ablate`, `compare`, `list`, `explain`, `new` and `schema`, with the
    /// feature `clients` also `serve` and `judge`, as the `perfidy` command does on what is shipped. It is
    /// all that a `main` has to do.
    ///
    /// In a test target with `harness = false` and [`Suite::here`], it runs the tests unless the first
    /// argument is a subcommand: every case of every file under `scenarios/` and every saved failure under
    /// `seeds/` is a test by its name, for `cargo test` and for nextest.
    ///
    /// ```text
    /// cargo test --test agents                                  # all of them
    /// cargo test --test agents -- "lost-ack, as written"        # one, by any part of its name
    /// cargo test --test agents -- replay seeds                  # a subcommand
    /// ```
    ///
    /// ```no_run
    /// use perfidy::suite::Suite;
    /// use std::process::ExitCode;
    ///
    /// fn main() -> ExitCode {
    ///     Suite::shipped().main()
    /// }
    /// ```
    pub fn main(&self) -> ExitCode {
        main(&self.as_started())
    }
}

/// The names of the subcommands.
fn subcommands() -> Vec<String> {
    let command = Arguments::command();
    command.get_subcommands().map(|subcommand| subcommand.get_name().to_owned()).collect()
}

/// Runs the command that the arguments of this process ask for, on what the suite has.
fn main(suite: &Suite) -> ExitCode {
    // To read a file can run code of agents, which may never come back.
    let suite = suite.clone().watched_by(ending::watchdog());
    #[cfg(feature = "clients")]
    {
        let programs = crate::clients::Interpreters::shared();
        let status = run_command(&suite.running_programs(programs.clone()));
        programs.end();
        status
    }
    #[cfg(not(feature = "clients"))]
    {
        run_command(&suite)
    }
}

fn run_command(suite: &Suite) -> ExitCode {
    let subcommands = subcommands();
    let is_subcommand = |word: OsString| subcommands.iter().any(|name| word == name.as_str());
    if suite.is_harness() && !env::args_os().nth(1).is_some_and(is_subcommand) {
        let names: Vec<&str> = subcommands.iter().map(String::as_str).collect();
        return run_as_tests(suite, &names);
    }
    let arguments = match read_arguments(suite) {
        Ok(arguments) => arguments,
        Err(error) => {
            match mistyped(&error) {
                Some(message) => print_error(message),
                // A reader that has gone needs neither help nor complaint.
                None => drop(error.print()),
            }
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    if let Some(filter) = &arguments.log
        && let Err(error) = init_logging(filter)
    {
        print_error(&error);
        return ExitCode::from(Status::BadInput.code());
    }
    let status = match arguments.command {
        Command::Run(arguments) => run::run(suite, &arguments),
        Command::Watch(arguments) => watch::watch(suite, &arguments),
        Command::Replay(arguments) => replay::replay(suite, &arguments),
        Command::Report(arguments) => report::report(suite, &arguments),
        Command::Shrink(arguments) => shrink::shrink(suite, &arguments),
        Command::Check(arguments) => check::check(suite, &arguments),
        Command::Fuzz(arguments) => fuzz::fuzz(suite, &arguments),
        Command::Audit(arguments) => audit::audit(suite, &arguments),
        Command::Ablate(arguments) => ablate::ablate(suite, &arguments),
        Command::Compare(arguments) => compare::compare(suite, &arguments),
        #[cfg(feature = "clients")]
        Command::Serve(arguments) => serve::serve(suite, &arguments),
        #[cfg(feature = "clients")]
        Command::Judge(arguments) => judge::judge(suite, &arguments),
        Command::List(arguments) => list::list(suite, &arguments),
        Command::Explain(arguments) => explain::explain(suite, &arguments),
        Command::New(arguments) => new::new(suite, &arguments),
        Command::Schema(arguments) => schema::schema(suite, &arguments),
        Command::Trace(arguments) => trace::trace(suite, &arguments),
    };
    ExitCode::from(status.worse(output::status()).code())
}

/// What was meant by a subcommand that does not exist, if it is one.
fn mistyped(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let known = subcommands();
    let known: Vec<&str> = known.iter().map(String::as_str).filter(|name| *name != "trace").collect();
    Some(format!("there is no command `{given}`; {}", nearest_in_words(given, &known)))
}

/// The arguments; or what is wrong with them, in which they are quoted as they are shown.
fn read_arguments(suite: &Suite) -> Result<Arguments, clap::Error> {
    let command = || {
        let name = suite.command().trim_end_matches(" --");
        for_suite(Arguments::command(), suite).name("perfidy").bin_name(name)
    };
    let read = |words: Vec<OsString>| {
        let matches = command().try_get_matches_from(words)?;
        Arguments::from_arg_matches(&matches)
    };
    let as_given = match read(env::args_os().collect()) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    let shown = env::args_os().map(|argument| inert::line(&argument.to_string_lossy()).into_owned().into());
    Err(read(shown.collect()).err().unwrap_or(as_given))
}

/// That there is no such file or folder, and where it was looked for.
fn not_there(path: &Path) -> String {
    let current = env::current_dir().unwrap_or_default();
    let (folder, name) = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder != Path::new("") => (current.join(folder), name),
        (_, name) => (current, name.unwrap_or(path.as_os_str())),
    };
    format!("there is no `{}` in {}", inert::path(Path::new(name)), inert::path(&folder))
}

/// Says what is wrong with a saved failure. One of a check that this suite cannot read is left to the check.
fn print_bad_seed(file: &Path, bad: &BadSeed) -> Status {
    let Some(check) = bad.check() else {
        print_problems(bad.problems());
        return Status::BadInput;
    };
    tell(format_args!("{}: of a check, which replays it: {}", inert::path(file), inert::line(check)));
    Status::AsExpected
}

/// The files that the paths stand for; without any, those of the suite's folders of these names. A path that
/// leads to no file is complained of, and the others still count.
fn files_of(suite: &Suite, paths: &[PathBuf], usual: &[&str]) -> (Vec<PathBuf>, Status) {
    let (mut files, mut status) = (Vec::new(), Status::AsExpected);
    let mut paths = Cow::Borrowed(paths);
    if paths.is_empty() {
        let folders = usual.iter().map(|name| suite.folder(name));
        paths = folders.filter(|folder| folder.exists()).collect();
        if paths.is_empty() {
            let there = not_there(&suite.folder(usual[0]));
            print_error(format!("{there}\n  = help: name files, or the folders that they are in"));
            return (files, Status::BadInput);
        }
    }
    for path in paths.iter() {
        match files_below(path) {
            Ok(found) => files.extend(found),
            Err(problems) => {
                print_problems(&problems);
                if path.is_relative() && !path.exists() {
                    tell(format_args!("  = note: {}", not_there(path)));
                }
                status = Status::BadInput;
            }
        }
    }
    (files, status)
}

fn is_available(engine: Engine) -> bool {
    engine.available().map_err(print_error).is_ok()
}

/// A length of time in which something can be done.
fn some_time(text: &str) -> Result<SimSpan, String> {
    match text.parse() {
        Ok(SimSpan::ZERO) => Err("nothing can be run in no time".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(format!("{error}")),
    }
}
