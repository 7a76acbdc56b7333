//! `perfidy run`: scenarios over many seeds.

use super::clock::timed;
use super::findings::Small;
use super::{Format, Status, complain, complain_of, has_threads, interruption, is_available, say, watchdog};
use clap::ValueEnum;
use perfidy::explore::{Campaign, CaseReport, CaseVerdict, Corpus, Finding};
use perfidy::report::{CaseRecord, table};
use perfidy::scenario::{self, Case};
use perfidy_sim::{Engine, Seed};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

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
    if !has_threads(arguments.threads) {
        return Status::BadInput;
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
        let (report, took) = timed(|| campaign(seeds).run(&case));
        status = status.worse(status_of(&report));
        let (saved, save_status) = keep(arguments, &report);
        status = status.worse(save_status);
        if arguments.format == Format::Json {
            let record = CaseRecord::new(&report, Seed(arguments.seed), took, saved);
            say(serde_json::to_string(&record).expect("a record is plain data"));
        }
        let is_over = interrupted.load(Ordering::Relaxed);
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
    let corpus = (arguments.save != Save::None).then(|| Corpus::new(&arguments.corpus));
    for finding in &findings {
        let small = match Small::of(&report.case, report.engine, finding) {
            Ok(small) => small,
            Err(error) => {
                complain(error);
                status = Status::Broken;
                continue;
            }
        };
        let file = match corpus.as_ref().map(|corpus| corpus.save(&small.saved)).transpose() {
            Ok(place) => place.map(|place| place.path().to_owned()),
            Err(error) => {
                complain(error);
                status = Status::BadInput;
                None
            }
        };
        if arguments.format == Format::Text
            && let Some(story) = small.story(&report.case, file.as_deref())
        {
            say(story);
        }
        files.extend(file);
    }
    (files, status)
}
