//! `perfidy run`: scenarios over many seeds.

use super::clock::timed;
use super::findings::Small;
use super::keep::save;
use super::options::{Search, Subject};
use super::{
    Format, Status, complain, interruption, is_available, say, say_record, say_styled, tell, watchdog,
};
use clap::ValueEnum;
use perfidy::explore::strategy::{Bounds, Refused, Start, Strategy};
use perfidy::explore::{Campaign, CaseReport, CaseVerdict, Corpus, Finding, Watchdog};
use perfidy::report::{CaseRecord, table};
use perfidy::scenario::{Case, Scenario};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many seeds a case as written gets if nobody says otherwise.
const SEEDS: u64 = 1_000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How many seeds each case gets [default: 1000, and for a [[without]] case what its file allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    #[command(flatten)]
    search: Search,
    /// How many faults the plans of `exhaustive` have at most [default: 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(0..=8))]
    faults: Option<u8>,
    /// How many plans `exhaustive` may try [default: 200000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_plans: Option<u64>,
    /// How many plans `exhaustive` draws where there are more than it may try
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Which failures to save: those that should not be, also those of [[without]] cases, or none
    #[arg(long, value_enum, default_value_t = Save::Unexpected)]
    save: Save,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Save {
    Unexpected,
    All,
    None,
}

/// A case and the strategy that looks for failures in it.
type Started = (Case, Box<dyn Strategy>);

/// The cases with their strategies; none are started unless all can be.
fn start_all(
    arguments: &Arguments,
    scenarios: &[Arc<Scenario>],
    watchdog: &Watchdog,
) -> Result<Vec<Started>, Vec<Refused>> {
    let usual = Bounds::default();
    let bounds = Bounds {
        faults: arguments.faults.map_or(usual.faults, usize::from),
        plans: arguments.max_plans.unwrap_or(usual.plans),
        sample: arguments.sample,
    };
    let (mut started, mut refused) = (Vec::new(), Vec::new());
    for case in scenarios.iter().flat_map(Case::all) {
        let first_seed = arguments.subject.first_seed();
        let start = Start { case: &case, engine: arguments.subject.engine, first_seed, bounds };
        match watchdog.watch(&case, first_seed, || (arguments.search.strategy.start)(&start)) {
            Ok(strategy) => started.push((case, strategy)),
            Err(why) => refused.push(why),
        }
    }
    if refused.is_empty() { Ok(started) } else { Err(refused) }
}

pub fn run(arguments: &Arguments) -> Status {
    if !is_available(arguments.subject.engine) {
        return Status::BadInput;
    }
    let Some(scenarios) = arguments.subject.read() else { return Status::BadInput };
    if !arguments.search.start_threads() {
        return Status::BadInput;
    }
    let is_bounded =
        arguments.faults.is_some() || arguments.max_plans.is_some() || arguments.sample.is_some();
    if is_bounded && arguments.search.strategy.name != "exhaustive" {
        complain("--faults, --max-plans and --sample belong to --strategy exhaustive");
        return Status::BadInput;
    }
    // A strategy may run a case to see where things could go wrong, so these come first.
    let interrupted = interruption();
    let watchdog = watchdog();
    let started = match start_all(arguments, &scenarios, &watchdog) {
        Ok(started) => started,
        Err(refused) => {
            refused.iter().for_each(complain);
            complain("nothing was run");
            return Status::BadInput;
        }
    };
    let campaign = |seeds| Campaign {
        engine: arguments.subject.engine,
        first_seed: arguments.subject.first_seed(),
        seeds,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let mut rows = Vec::new();
    let mut status = Status::AsExpected;
    for (case, mut strategy) in started {
        if let Some(opening) = strategy.opening() {
            tell(opening);
        }
        let usual = || if arguments.search.strategy.ends { u64::MAX } else { usual_seeds(&case) };
        let seeds = arguments.seeds.unwrap_or_else(usual);
        let (report, took) = timed(|| campaign(seeds).run_with(&case, &mut *strategy));
        status = status.worse(status_of(&report));
        if let Some(why) = strategy.gave_up() {
            complain(why);
            status = Status::BadInput;
        }
        let (saved, save_status) = keep(arguments, &report);
        status = status.worse(save_status);
        if arguments.subject.format == Format::Json {
            let record = CaseRecord::new(&report, arguments.subject.first_seed(), took, &saved);
            say_record(&record);
        }
        let is_over = interrupted.load(Ordering::Relaxed);
        rows.push((report, took));
        if is_over {
            status = status.worse(Status::Inconclusive);
            break;
        }
    }
    if arguments.subject.format == Format::Text {
        say(table(&rows));
    }
    status
}

fn usual_seeds(case: &Case) -> u64 {
    case.without().map_or(SEEDS, |without| without.within_seeds.into())
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
    let corpus = (arguments.save != Save::None).then(|| Corpus::new(&arguments.search.corpus));
    for finding in &findings {
        let small = match Small::of(&report.case, report.engine, finding) {
            Ok(small) => small,
            Err(error) => {
                complain(error);
                status = Status::Broken;
                continue;
            }
        };
        let file = corpus.as_ref().and_then(|corpus| {
            let saved = save(corpus, &small);
            if saved.is_none() {
                status = Status::BadInput;
            }
            saved.map(|saved| saved.path().to_owned())
        });
        if arguments.subject.format == Format::Text
            && let Some(story) = small.story(file.as_deref())
        {
            say_styled(&story);
        }
        files.extend(file);
    }
    (files, status)
}
