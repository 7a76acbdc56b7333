//! The command line: its arguments, its exit statuses, and how trouble is told.

mod audit;
mod check;
mod clock;
mod ending;
mod explain;
mod findings;
mod fuzz;
mod keep;
mod list;
mod options;
mod progress;
mod replay;
mod run;
mod shrink;
mod testify;

use clap::{Parser, Subcommand, ValueEnum};
use perfidy::report::init_logging;
use perfidy::scenario::{Problems, files_below};
use perfidy_sim::{Engine, SimSpan};
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, exit};

/// Deterministic simulation testing for agent workflows.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 as expected, 1 a promise broke that should hold (or a [[without]] case was \
    not caught,\nor two runs of a seed were different), 2 bad input or a failure that could not be saved, 3 vacuous,\nunknown, \
    stale or interrupted."
)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Write logs stamped with virtual time to standard error: `trace` for every event, or a filter
    #[arg(long, global = true, value_name = "FILTER", env = "PERFIDY_LOG")]
    log: Option<String>,
}

#[derive(Subcommand)]
enum What {
    /// Run scenarios over many seeds
    Run(run::Arguments),
    /// Replay saved failures
    Replay(replay::Arguments),
    /// Go on making saved failures smaller
    Shrink(shrink::Arguments),
    /// Check scenarios and saved failures without running them
    Check(check::Arguments),
    /// Run scenarios over ever more seeds, for as long as you like
    Fuzz(fuzz::Arguments),
    /// Check that runs depend on their seed and on nothing else
    Audit(audit::Arguments),
    /// List the faults, safeguards, properties, workflows and strategies there are
    List(list::Arguments),
    /// Explain one of them: what it is, how a scenario says it, and where to see it at work
    Explain(explain::Arguments),
    /// Say how seeds went in this process; for `audit`
    #[command(hide = true)]
    Testify(testify::Arguments),
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
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

    fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::Broken => 1,
            Self::BadInput => 2,
            Self::Inconclusive => 3,
        }
    }
}

pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(filter) = &arguments.log
        && let Err(error) = init_logging(filter)
    {
        complain(&error);
        return ExitCode::from(Status::BadInput.code());
    }
    let status = match arguments.what {
        What::Run(arguments) => run::run(&arguments),
        What::Replay(arguments) => replay::replay(&arguments),
        What::Shrink(arguments) => shrink::shrink(&arguments),
        What::Check(arguments) => check::check(&arguments),
        What::Fuzz(arguments) => fuzz::fuzz(&arguments),
        What::Audit(arguments) => audit::audit(&arguments),
        What::List(arguments) => list::list(&arguments),
        What::Explain(arguments) => explain::explain(&arguments),
        What::Testify(arguments) => testify::testify(&arguments),
    };
    ExitCode::from(status.code())
}

/// Prints a line of a result. Nobody listening any more (`perfidy run | head`) is no reason to complain.
fn say(line: impl fmt::Display) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{line}") {
        if error.kind() == io::ErrorKind::BrokenPipe {
            exit(0);
        }
        complain(format!("cannot write the result: {error}"));
        exit(i32::from(Status::BadInput.code()));
    }
}

/// Prints what is wrong.
fn complain(error: impl fmt::Display) {
    tell(format_args!("error: {error}"));
}

/// Prints what is wrong with a file.
fn complain_of(problems: &Problems) {
    tell(problems.render(true));
}

fn tell(line: impl fmt::Display) {
    progress::aside(|| {
        // Where standard error is gone, there is nobody left to tell.
        let _ = writeln!(anstream::stderr().lock(), "{line}");
    });
}

/// The files that the paths stand for. A path without any is complained of, and the others still count.
fn files_of(paths: &[PathBuf]) -> (Vec<PathBuf>, Status) {
    let (mut files, mut status) = (Vec::new(), Status::AsExpected);
    for path in paths {
        match files_below(path) {
            Ok(found) => files.extend(found),
            Err(problems) => {
                complain_of(&problems);
                status = Status::BadInput;
            }
        }
    }
    (files, status)
}

fn is_available(engine: Engine) -> bool {
    engine.available().map_err(complain).is_ok()
}

/// A length of time in which something can be done.
fn some_time(text: &str) -> Result<SimSpan, String> {
    match text.parse() {
        Ok(SimSpan::ZERO) => Err("nothing can be run in no time".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(format!("{error}")),
    }
}
