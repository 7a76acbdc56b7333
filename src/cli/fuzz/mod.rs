//! `perfidy fuzz`: scenarios over ever more seeds, until it is told to end.
//!
//! Runs are taken in a few at a time, in the order of their trials. What they found is made small and saved
//! before they count, and what takes long to make small is saved as it was found first; so a process that is
//! killed loses no more than what was under way, which is run again when the campaign goes on. All that a
//! campaign has come to stands in a [`CampaignLog`], from which another thread can end it if a run does not
//! come back.

mod campaign_log;
mod start;

use super::ending::Ending;
use super::findings::{Found, ShrunkFinding};
use super::options::{Search, Subject};
use super::pages::write_pages;
use super::progress::Progress;
use super::stopwatch::{Stopwatch, timed};
use super::{Format, Status, is_available, print_error, some_time};
use crate::explore::strategy::{Bounds, Start};
use crate::explore::{Campaign, CampaignCheckpoint, Collect, Corpus, RunSummary, Slice, TrialsProgress};
use crate::inert;
use crate::scenario::Case;
use crate::suite::Suite;
use campaign_log::{CampaignLog, Pending};
use perfidy_sim::{Abandoned, SimSpan};
use rayon::prelude::*;
use start::start;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time for which the checkpoint of a campaign is not written again.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// For how long, such as 90s, 10m or 1h 30m [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
    /// How many runs of all cases together; those before a --resume count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Any text, such as a date or a commit, that the first seed is made from
    #[arg(long, value_name = "TEXT", conflicts_with = "seed")]
    base: Option<String>,
    /// Go on where the last campaign in this corpus stopped; its checkpoint is there
    #[arg(long, conflicts_with_all = ["seed", "base", "engine", "strategy", "without"])]
    resume: bool,
    /// Run the [[without]] cases too, in which a property should break
    #[arg(long)]
    without: bool,
    #[command(flatten)]
    search: Search,
    /// Also write pages to this folder: the whole campaign, and each failure that is saved
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
}

pub fn fuzz(suite: &Suite, arguments: &Arguments) -> Status {
    let strategy = arguments.search.strategy(suite);
    if !arguments.resume && strategy.ends() {
        let name = strategy.name();
        print_error(format!(
            "{name} comes to an end, and a campaign does not: use `{} run --strategy {name}`; nothing was run",
            suite.command()
        ));
        return Status::BadInput;
    }
    let Some(scenarios) = arguments.subject.read(suite) else { return Status::BadInput };
    let cases: Vec<Case> = scenarios.iter().flat_map(Case::all).collect();
    let folder = arguments.search.corpus(suite);
    let corpus = Corpus::new(&folder);
    if let Err(error) = corpus.check_writable(scenarios.iter().map(|scenario| scenario.name)) {
        print_error(format!("{error}; nothing was run"));
        return Status::BadInput;
    }
    corpus.sweep();
    let checkpoint = match CampaignCheckpoint::claim(&folder) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            print_error(format!("cannot write to {}: {error}; nothing was run", inert::path(&folder)));
            return Status::BadInput;
        }
    };
    let Some((rounds, cases)) = start(suite, arguments, &folder, &checkpoint, cases) else {
        return Status::BadInput;
    };
    if !is_available(rounds.engine) || !arguments.search.threads.start() {
        return Status::BadInput;
    }
    let ending = Ending::within(arguments.time);
    let logbook = CampaignLog::new(arguments.format, cases.clone(), corpus.clone(), checkpoint, rounds);
    let logbook = Arc::new(Mutex::new(logbook));
    ending.on_stuck({
        let logbook = Arc::clone(&logbook);
        move || lock(&logbook).end()
    });
    let fuzz =
        Fuzz { arguments, cases, corpus, ending: &ending, logbook: &logbook, stopwatch: Stopwatch::start() };
    let status = fuzz.run();
    ending.reached();
    let mut status = status.worse(lock(&logbook).end());
    if let Some(folder) = &arguments.pages {
        let logbook = lock(&logbook);
        let (page, files) = (logbook.page(), logbook.files());
        status = status.worse(write_pages(suite, folder, page, &files, &ending.watchdog));
    }
    if ending.was_signalled() { status.worse(Status::Inconclusive) } else { status }
}

fn lock(logbook: &Mutex<CampaignLog>) -> MutexGuard<'_, CampaignLog> {
    logbook.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A campaign under way.
struct Fuzz<'a> {
    arguments: &'a Arguments,
    cases: Vec<Case>,
    corpus: Corpus,
    ending: &'a Ending,
    logbook: &'a Mutex<CampaignLog>,
    stopwatch: Stopwatch,
}

/// How a slice ended that did not come to its end: with what status, if there is something wrong.
type Left = ControlFlow<Status>;

impl Fuzz<'_> {
    fn logbook(&self) -> MutexGuard<'_, CampaignLog> {
        lock(self.logbook)
    }

    fn run(&self) -> Status {
        let before = {
            let mut logbook = self.logbook();
            logbook.begin();
            logbook.rounds.runs()
        };
        let (mut progress, mut kept) = (Progress::new(), Duration::ZERO);
        let mut on_step = || {
            let now = self.stopwatch.elapsed();
            progress.tell(now, || self.logbook().line(now, before));
            if now.saturating_sub(kept) < CHECKPOINT_PAUSE {
                return true;
            }
            kept = now;
            self.logbook().write_checkpoint()
        };
        let most = self.arguments.runs.unwrap_or(u64::MAX);
        let status = loop {
            let Some(slice) = ({ self.logbook().rounds.next(most) }) else { break Status::AsExpected };
            if let Left::Break(status) = self.slice(slice, &mut on_step) {
                break status;
            }
        };
        progress.end();
        status
    }

    /// Runs a slice, or what is left of it. Its strategy starts afresh.
    fn slice(&self, slice: Slice, on_step: &mut dyn FnMut() -> bool) -> Left {
        let (rounds, Ending { runs: interrupted, watchdog, .. }) =
            (self.logbook().rounds.clone(), self.ending);
        let (case, engine, first_seed) = (&self.cases[slice.case], rounds.engine, slice.first_seed);
        let start = Start { case, engine, first_seed, bounds: Bounds::default() };
        let choice = rounds.choice(&case.scenario.suite).expect("it was looked for at the start");
        let mut strategy =
            match interrupted.within(|| watchdog.watch(case, first_seed, || choice.start(&start))) {
                Ok(Ok(strategy)) => strategy,
                Ok(Err(refused)) => {
                    print_error(refused);
                    return Left::Break(Status::BadInput);
                }
                Err(Abandoned) => return Left::Break(Status::AsExpected),
            };
        let campaign = Campaign {
            engine,
            first_seed,
            seeds: slice.seeds,
            collect: Collect { shapes: true, ..Collect::NONE },
            interrupted,
            watchdog,
        };
        let mut trials = campaign.start(case, &mut *strategy);
        if trials.skip(slice.done, rounds.informative()).is_err() {
            return Left::Break(Status::AsExpected);
        }
        while trials.done() < slice.until {
            let (step, took) = timed(|| trials.go_on(slice.until - trials.done()));
            match step {
                TrialsProgress::Ran(runs) => self.take_in(slice, runs, took)?,
                TrialsProgress::Over => break,
                TrialsProgress::Interrupted => return Left::Break(Status::AsExpected),
            }
            if !on_step() {
                return Left::Break(Status::BadInput);
            }
        }
        Left::Continue(())
    }

    /// Makes small, saves and counts what runs came to.
    fn take_in(&self, slice: Slice, runs: Vec<RunSummary>, took: Duration) -> Left {
        let case = &self.cases[slice.case];
        let mut logbook = self.logbook();
        logbook.rounds.take_in_time(SimSpan::from_nanos(took.as_nanos() as u64));
        let wanted = logbook.rounds.wanted(case, &runs);
        let engine = logbook.rounds.engine;
        logbook.pending = Some(Pending { slice, runs, found: wanted.clone() });
        drop(logbook);
        let found = Found { case, engine, corpus: Some(&self.corpus) };
        let (small, took): (Vec<Result<ShrunkFinding, String>>, _) = timed(|| {
            wanted.par_iter().map(|(_, finding)| found.shrink_finding(finding, self.ending)).collect()
        });
        let mut logbook = self.logbook();
        logbook.rounds.take_in_time(SimSpan::from_nanos(took.as_nanos() as u64));
        logbook.take_in(small, self.stopwatch.elapsed())
    }
}
