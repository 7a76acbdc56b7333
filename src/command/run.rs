//! `perfidy run`: scenarios over many seeds.

use super::{Format, Status, complain, complain_of, interruption, is_available, say, watchdog};
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use perfidy::explore::strategy::{self, Start};
use perfidy::explore::{Campaign, CaseReport, CaseVerdict, Corpus, Finding, SavedSeed, shrink};
use perfidy::report::{CaseRecord, Story, table};
use perfidy::scenario::{self, Case};
use perfidy_sim::{Engine, Seed};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// How many seeds a case as written gets if nobody says otherwise.
const SEEDS: u64 = 1_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// Scenarios, or folders of them
    #[arg(default_value = "scenarios")]
    scenarios: Vec<PathBuf>,
    /// How many seeds each case gets [default: 1000, and for a [[without]] case what its file allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// What is tried next
    #[arg(long, value_name = "NAME", default_value = "random", value_parser = strategy_parser())]
    strategy: &'static strategy::Kind,
    /// How many threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Which engine
    #[arg(long, default_value_t = Engine::Native, value_name = "native|madsim")]
    engine: Engine,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Which failures to save: those that should not be, also those of [[without]] cases, or none
    #[arg(long, value_enum, default_value_t = Save::Unexpected)]
    save: Save,
    /// Where failures are saved
    #[arg(long, value_name = "FOLDER", default_value = "seeds")]
    corpus: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Save {
    Unexpected,
    All,
    None,
}

/// The strategies by name, each with its line for `--help`.
fn strategy_parser() -> impl TypedValueParser<Value = &'static strategy::Kind> {
    let values = strategy::ALL.iter().map(|kind| PossibleValue::new(kind.name).help(kind.about));
    PossibleValuesParser::new(values).map(|name| strategy::find(&name).expect("one of the list"))
}

pub fn run(arguments: &Arguments) -> Status {
    if !is_available(arguments.engine) {
        return Status::BadInput;
    }
    let scenarios = match scenario::read_all(&arguments.scenarios) {
        Ok(scenarios) => scenarios,
        Err(bad) => {
            bad.iter().for_each(complain_of);
            complain("nothing was run");
            return Status::BadInput;
        }
    };
    if let Some(threads) = arguments.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        if let Err(error) = pool {
            complain(format!("cannot start {threads} threads: {error}"));
            return Status::BadInput;
        }
    }
    let interrupted = interruption();
    let watchdog = watchdog();
    let campaign = |seeds| Campaign {
        engine: arguments.engine,
        first_seed: Seed(arguments.seed),
        seeds,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let mut rows = Vec::new();
    let mut status = Status::AsExpected;
    for case in scenarios.iter().flat_map(Case::all) {
        let seeds =
            arguments.seeds.unwrap_or_else(|| case.without().map_or(SEEDS, |w| w.within_seeds.into()));
        let start = Start { case: &case, engine: arguments.engine, first_seed: Seed(arguments.seed) };
        let mut strategy = (arguments.strategy.start)(&start);
        let (report, took) = timed(|| campaign(seeds).run_with(&case, &mut *strategy));
        status = status.worse(status_of(&report));
        let (saved, save_status) = keep(arguments, &report);
        status = status.worse(save_status);
        if arguments.format == Format::Json {
            let record = CaseRecord::new(&report, Seed(arguments.seed), took, saved);
            say(serde_json::to_string(&record).expect("a record is plain data"));
        }
        let is_over = is_set(&interrupted);
        rows.push((report, took));
        if is_over {
            status = status.worse(Status::Inconclusive);
            break;
        }
    }
    if arguments.format == Format::Text {
        say(table(&rows));
    }
    status
}

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(std::sync::atomic::Ordering::Relaxed)
}

#[expect(clippy::disallowed_methods, reason = "runs a second are counted in real time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn status_of(report: &CaseReport) -> Status {
    match report.verdict().status() {
        0 => Status::AsExpected,
        1 => Status::Broken,
        _ => Status::Inconclusive,
    }
}

/// Makes small, saves and tells what broke; gives the files back.
fn keep(arguments: &Arguments, report: &CaseReport) -> (Vec<PathBuf>, Status) {
    let (findings, expected): (Vec<Finding>, bool) = match report.verdict() {
        CaseVerdict::Broken(findings) => (findings, false),
        CaseVerdict::Caught(finding) => (vec![finding], true),
        _ => return (Vec::new(), Status::AsExpected),
    };
    if expected && arguments.save != Save::All {
        return (Vec::new(), Status::AsExpected);
    }
    let mut files = Vec::new();
    let mut status = Status::AsExpected;
    for finding in findings {
        let Some(minimal) =
            shrink(&report.case, report.engine, finding.seed, finding.property, &finding.faults)
        else {
            complain(format!(
                "{}, seed {}: {} does not break when the faults that struck are replayed. Something in these agents \
                 depends on more than the seed.",
                report.case, finding.seed, finding.property
            ));
            status = Status::Broken;
            continue;
        };
        let saved = SavedSeed::new(
            &report.case,
            report.engine,
            finding.seed,
            finding.property,
            &minimal.faults,
            &minimal.run,
        );
        let file = match arguments.save {
            Save::None => None,
            Save::Unexpected | Save::All => match Corpus::new(&arguments.corpus).save(&saved) {
                Ok(place) => Some(place.path().to_owned()),
                Err(error) => {
                    complain(error);
                    status = Status::BadInput;
                    None
                }
            },
        };
        let shown = file.as_ref().map(|file| file.display().to_string());
        if arguments.format == Format::Text
            && let Some(story) = Story::new(&report.case, &saved, &minimal.run, shown)
        {
            say(story);
        }
        files.extend(file);
    }
    (files, status)
}
