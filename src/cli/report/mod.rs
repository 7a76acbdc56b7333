//! `perfidy report`: a run to look at, as a page, a picture, a diagram, or a trace for another tool; or all
//! that a campaign has saved.

mod corpus;
#[cfg(feature = "clients")]
mod history;
mod tables;

use super::ending::Ending;
use super::options::Colours;
use super::pages::write_file;
use super::{Status, is_available, output, print_error, print_problems, tell};
use crate::explore::{Failure, Run, SavedSeed};
use crate::inert;
use crate::report::{Counterpart, Picture, Theme};
use crate::scenario::{self, Case, Scenario};
use crate::suite::Suite;
use clap::ValueEnum;
use corpus::of_corpus;
use perfidy_sim::{Engine, Fault, Seed};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// A saved failure, a scenario of which one seed is run, the history of a real agent, or a folder of
    /// saved failures
    file: PathBuf,
    /// Where it is written [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value_t = Document::Page)]
    format: Document,
    /// Of a scenario, which case: `as written`, or `without` and the safeguards [default: as written]
    #[arg(long, value_name = "LABEL")]
    case: Option<String>,
    /// Of a scenario, which seed [default: 0]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Of a scenario, which engine [default: native]
    #[arg(long, value_name = "native|madsim")]
    engine: Option<Engine>,
    /// Of a folder of failures: also measure after how many seeds each strategy finds what broke, in at most
    /// so many
    #[arg(long, value_name = "SEEDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    detection: Option<u64>,
    /// Of a folder of failures: also remove each safeguard of their scenarios, over so many seeds each
    #[arg(long, value_name = "SEEDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    ablation: Option<u64>,
    /// Of a folder of failures: also compare these two designs, over 300 seeds
    #[arg(long, value_names = ["A", "B"], num_args = 2)]
    compare: Option<Vec<PathBuf>>,
    /// The colours of an SVG picture [default: auto]
    #[arg(long, value_enum)]
    theme: Option<Colours>,
}

impl Arguments {
    fn engine(&self) -> Engine {
        self.engine.unwrap_or_default()
    }

    fn first_seed(&self) -> Seed {
        Seed(self.seed.unwrap_or_default())
    }

    fn theme(&self) -> Theme {
        self.theme.unwrap_or(Colours::Auto).into()
    }

    /// Refuses what only a scenario can have: a run that is over has a seed, a case and an engine of its own.
    fn are_for_a_run_that_is_over(&self) -> Result<(), Status> {
        let given = [
            ("--case", self.case.is_some()),
            ("--seed", self.seed.is_some()),
            ("--engine", self.engine.is_some()),
        ];
        self.refuse(&given, "belongs to a scenario; this file has its own")
    }

    /// Refuses what is given and has no meaning here.
    fn refuse(&self, options: &[(&str, bool)], why: &str) -> Result<(), Status> {
        match options.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => {
                print_error(format_args!("{option} {why}: {}", inert::path(&self.file)));
                Err(Status::BadInput)
            }
            None => Ok(()),
        }
    }
}

/// What a run can be written as.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    /// A self-contained HTML page
    Page,
    /// The picture of what led to the violation
    Svg,
    /// The same as lanes of characters
    Diagram,
    /// The same as a sequence diagram, for an issue
    Mermaid,
    /// The whole history with vector clocks, for `ShiViz`
    Shiviz,
    /// The whole history as spans of OpenTelemetry (JSON)
    Otlp,
    /// The whole history as a trace for Perfetto
    Perfetto,
}

pub fn report(suite: &Suite, arguments: &Arguments) -> Status {
    if arguments.format == Document::Perfetto && arguments.output.is_none() && io::stdout().is_terminal() {
        print_error("a trace of Perfetto is not text; say with --output where it is written");
        return Status::BadInput;
    }
    if arguments.theme.is_some() && arguments.format != Document::Svg {
        print_error("--theme belongs to --format svg; a page is as its reader prefers");
        return Status::BadInput;
    }
    if arguments.file.is_dir() {
        return of_corpus(suite, arguments).map_or_else(
            |status| status,
            |(document, status)| status.worse(write(arguments.output.as_deref(), &document)),
        );
    }
    let of_a_folder = [
        ("--detection", arguments.detection.is_some()),
        ("--ablation", arguments.ablation.is_some()),
        ("--compare", arguments.compare.is_some()),
    ];
    if let Err(status) =
        arguments.refuse(&of_a_folder, "belongs to a folder of saved failures, and this is a file")
    {
        return status;
    }
    #[cfg(feature = "clients")]
    if history::is_one(&arguments.file) {
        return history::of_history(suite, arguments)
            .map_or_else(|status| status, |document| write(arguments.output.as_deref(), &document));
    }
    let text = match scenario::read_long_text(&arguments.file) {
        Ok(text) => text,
        Err(problems) => {
            print_problems(&problems);
            return Status::BadInput;
        }
    };
    let document = if SavedSeed::is_one(&text) {
        of_failure(suite, arguments)
    } else {
        of_seed(suite, arguments, &text)
    };
    match document {
        Ok(document) => write(arguments.output.as_deref(), &document),
        Err(status) => status,
    }
}

/// The document of a saved failure, as it goes today.
fn of_failure(suite: &Suite, arguments: &Arguments) -> Result<Vec<u8>, Status> {
    arguments.are_for_a_run_that_is_over()?;
    let failure = Failure::read(suite, &arguments.file).map_err(|bad| {
        print_problems(bad.problems());
        Status::BadInput
    })?;
    let Failure { saved, case, .. } = &failure;
    if !is_available(saved.engine) {
        return Err(Status::BadInput);
    }
    let ending = Ending::by_signal();
    let run = within(&ending, case, saved.seed, || failure.replay().0)?;
    let again = suite.replay_command(&inert::path(&arguments.file));
    let picture = Picture::of_failure(&failure, &run).again(&again);
    beside(picture, &ending, (case, saved.engine, saved.seed, &saved.faults), arguments)
}

/// The document of a seed of a scenario.
fn of_seed(suite: &Suite, arguments: &Arguments, text: &str) -> Result<Vec<u8>, Status> {
    let engine = arguments.engine();
    if !is_available(engine) {
        return Err(Status::BadInput);
    }
    let root = scenario::root_of(&arguments.file);
    let scenario = Scenario::parse_file(suite, &arguments.file, &root, text).map_err(|problems| {
        print_problems(&problems);
        Status::BadInput
    })?;
    let labelled = |label: &String| Case::labelled(&scenario, label);
    let case = arguments.case.as_ref().map_or_else(|| Ok(Case::as_written(&scenario)), labelled).map_err(
        |error| {
            print_error(error);
            Status::BadInput
        },
    )?;
    let (ending, seed) = (Ending::by_signal(), arguments.first_seed());
    let run = within(&ending, &case, seed, || Run::fuzzed(&case, engine, seed))?;
    let label =
        if case.without().is_some() { format!(" --case \"{}\"", case.label()) } else { String::new() };
    let file = inert::path(&arguments.file);
    let again = format!("{} report {file} --seed {seed}{label}", suite.command());
    let picture = Picture::of_run(&case, engine, seed, &run).again(&again);
    beside(picture, &ending, (&case, engine, seed, &run.outcome.injected), arguments)
}

/// The document, with the counterpart of the run for those that show it.
fn beside(
    picture: Picture<'_>,
    ending: &Ending,
    (case, engine, seed, faults): (&Case, Engine, Seed, &[Fault]),
    arguments: &Arguments,
) -> Result<Vec<u8>, Status> {
    let is_shown = arguments.format == Document::Page;
    let counterpart = || within(ending, case, seed, || Counterpart::of(case, engine, seed, faults));
    let counterpart = if is_shown { counterpart()? } else { None };
    Ok(document(picture.beside(counterpart.as_ref()), arguments))
}

/// The picture in the form that is wanted.
fn document(picture: Picture<'_>, arguments: &Arguments) -> Vec<u8> {
    match arguments.format {
        Document::Page => picture.to_page().into_bytes(),
        Document::Svg => picture.to_svg(arguments.theme()).into_bytes(),
        Document::Diagram => picture.to_terminal().into_bytes(),
        Document::Mermaid => picture.to_mermaid().into_bytes(),
        Document::Shiviz => picture.to_shiviz().into_bytes(),
        Document::Otlp => picture.to_otlp().into_bytes(),
        Document::Perfetto => picture.to_perfetto(),
    }
}

/// Runs something that runs a case, unless the command is to end.
fn within<T>(ending: &Ending, case: &Case, seed: Seed, run: impl FnOnce() -> T) -> Result<T, Status> {
    let run = ending.runs.within(|| ending.watchdog.watch(case, seed, run));
    run.map_err(|_| {
        ending.reached();
        Status::Inconclusive
    })
}

fn write(file: Option<&Path>, document: &[u8]) -> Status {
    let Some(file) = file else {
        output::say_document(document);
        return Status::AsExpected;
    };
    let status = write_file(file, document);
    if status == Status::AsExpected {
        tell(format_args!("wrote {}", inert::path(file)));
    }
    status
}
