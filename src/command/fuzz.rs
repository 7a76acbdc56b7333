//! `perfidy fuzz`: scenarios over ever more seeds, for as long as anybody likes.
//!
//! Every turn that finds something ends with the failure small and in the corpus, and only then is the turn over: a
//! process that dies in the middle loses nothing but the turn, which is run again when the campaign goes on.

use super::clock::{Stopwatch, timed};
use super::findings::Small;
use super::keep::save;
use super::options::{Search, Subject};
use super::progress::Progress;
use super::{
    Format, Status, complain, complain_of, interruption, is_available, say, say_record, say_styled,
    some_time, tell, warn, watchdog,
};
use perfidy::explore::strategy::{Bounds, Refused, Start};
use perfidy::explore::{
    Campaign, CaseReport, Corpus, Finding, Fingerprint, Place, Rounds, Saved, Standing, Turn, Watchdog,
};
use perfidy::inert::{self, Styled};
use perfidy::report::{RoundsRecord, rounds_table};
use perfidy::scenario::Case;
use perfidy_sim::SimSpan;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many stories are told at the end.
const STORIES: usize = 5;

/// The time for which the place of a campaign is not written again.
const PLACE_PAUSE: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// For how long, such as 90s, 10m or 1h 30m [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
    /// How many runs of all cases together; those before a --resume count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Any text, such as a date or a commit, that the first seed is made from
    #[arg(long, value_name = "TEXT", conflicts_with = "seed")]
    base: Option<String>,
    /// Go on where the last campaign in this corpus stopped; it keeps its place there
    #[arg(long, conflicts_with_all = ["seed", "base", "engine", "strategy", "without"])]
    resume: bool,
    /// Run the [[without]] cases too, in which a promise should break
    #[arg(long)]
    without: bool,
    #[command(flatten)]
    search: Search,
}

pub fn fuzz(arguments: &Arguments) -> Status {
    if !arguments.resume && arguments.search.strategy.ends {
        let name = arguments.search.strategy.name;
        complain(format!(
            "{name} comes to an end, and a campaign does not: use `perfidy run --strategy {name}`; nothing was run"
        ));
        return Status::BadInput;
    }
    let Some(scenarios) = arguments.subject.read() else { return Status::BadInput };
    let cases: Vec<Case> = scenarios.iter().flat_map(Case::all).collect();
    let corpus = Corpus::new(&arguments.search.corpus);
    if let Err(error) = corpus.check_writable(scenarios.iter().map(|scenario| scenario.name)) {
        complain(format!("{error}; nothing was run"));
        return Status::BadInput;
    }
    let place = match Place::claim(&arguments.search.corpus) {
        Ok(place) => place,
        Err(error) => {
            complain(format!(
                "cannot write to {}: {error}; nothing was run",
                inert::path(&arguments.search.corpus)
            ));
            return Status::BadInput;
        }
    };
    let Some((rounds, cases)) = opening(arguments, &place, cases) else { return Status::BadInput };
    if !is_available(rounds.engine) || !arguments.search.start_threads() {
        return Status::BadInput;
    }
    let (interrupted, watchdog) = (interruption(), watchdog());
    let mut fuzz = Fuzz {
        arguments,
        cases,
        corpus,
        place,
        rounds,
        interrupted: &interrupted,
        watchdog: &watchdog,
        stopwatch: Stopwatch::start(),
        new: New::default(),
    };
    let status = fuzz.run();
    fuzz.report();
    status.worse(fuzz.status())
}

/// The campaign to be run with its cases: a new one, or the one that was left. Complains if there is none.
fn opening(arguments: &Arguments, place: &Place, all: Vec<Case>) -> Option<(Rounds, Vec<Case>)> {
    let as_written = |case: &Case| case.without().is_none();
    if !arguments.resume {
        if !place.is_ours() {
            warn(format!(
                "another campaign keeps its place in {}; this one saves what it finds, but cannot be resumed",
                inert::path(&arguments.search.corpus)
            ));
        }
        let cases: Vec<Case> = all.into_iter().filter(|case| arguments.without || as_written(case)).collect();
        let seed = arguments.base.as_deref().map_or(arguments.subject.first_seed(), Rounds::first_seed_of);
        let strategy = arguments.search.strategy;
        let rounds = Rounds::new(&cases, arguments.subject.engine, strategy, seed, arguments.base.clone());
        return has_set_aside(place).then_some((rounds, cases));
    }
    if !place.is_ours() {
        complain(format!("the campaign in {} is still running", inert::path(&arguments.search.corpus)));
        return None;
    }
    let rounds = place.read().map_err(|problems| complain_of(&problems)).ok()?;
    if rounds.kind().is_none() {
        complain(format!(
            "{} cannot go on: there is no strategy `{}`. Begin anew without --resume.",
            inert::path(place.path()),
            rounds.strategy
        ));
        return None;
    }
    let has_without =
        rounds.cases.iter().any(|case| all.iter().any(|known| case.is_of(known) && !as_written(known)));
    let cases: Vec<Case> = all.into_iter().filter(|case| has_without || as_written(case)).collect();
    if let Err(changed) = rounds.check_cases(&cases) {
        complain(format!(
            "{} cannot go on: {changed}. Begin anew without --resume.",
            inert::path(place.path())
        ));
        return None;
    }
    Some((rounds, cases))
}

/// Makes room for the place of a new campaign. The place of an earlier one is not lost, and its owner is told.
fn has_set_aside(place: &Place) -> bool {
    let aside = match place.set_aside() {
        Ok(None) => return true,
        Ok(Some(aside)) => aside,
        Err(error) => {
            complain(format!("cannot set {} aside: {error}; nothing was run", inert::path(place.path())));
            return false;
        }
    };
    let earlier = place.read().map_or_else(
        |_| "an earlier campaign".to_owned(),
        |rounds| format!("the campaign of {} runs from seed {}", rounds.runs(), rounds.first_seed),
    );
    tell(format_args!(
        "this begins anew; the place of {earlier} is now in {} (to go on with that one, stop this one, move the file \
         back to {} and use --resume)",
        inert::path(&aside),
        inert::path(place.path())
    ));
    true
}

/// What this process found that was not in the corpus.
#[derive(Default)]
struct New {
    files: u64,
    stories: Vec<Styled>,
    last: Option<Duration>,
}

/// A campaign under way.
struct Fuzz<'a> {
    arguments: &'a Arguments,
    cases: Vec<Case>,
    corpus: Corpus,
    place: Place,
    rounds: Rounds,
    interrupted: &'a AtomicBool,
    watchdog: &'a Watchdog,
    stopwatch: Stopwatch,
    new: New,
}

impl Fuzz<'_> {
    fn run(&mut self) -> Status {
        let until = self.arguments.time.map(|span| Duration::from_nanos(span.as_nanos()));
        let before = self.rounds.runs();
        let mut progress = Progress::new();
        let mut kept = None;
        let mut status = Status::AsExpected;
        while let Some(turn) = self.rounds.next(self.arguments.runs.unwrap_or(u64::MAX)) {
            let (report, took) = timed(|| self.campaign(turn));
            let report = match report {
                Ok(report) => report,
                Err(refused) => {
                    complain(refused);
                    status = Status::BadInput;
                    break;
                }
            };
            let is_whole = turn.is_whole && !report.interrupted;
            // A part of a turn is not in the place: it is run again, whole, when the campaign goes on.
            if !is_whole && !self.keep_place() {
                return Status::BadInput;
            }
            let saved = self.take_in(turn, &report, took);
            status = status.worse(saved);
            if saved == Status::BadInput {
                break;
            }
            let now = self.stopwatch.elapsed();
            progress.tell(now, || self.line(now, before));
            let is_over = self.interrupted.load(Ordering::Relaxed) || until.is_some_and(|until| now >= until);
            let is_due = kept.is_none_or(|kept| now.saturating_sub(kept) >= PLACE_PAUSE);
            if is_whole && (is_over || (is_due && self.rounds.is_between_rounds())) {
                kept = Some(now);
                if !self.keep_place() {
                    status = Status::BadInput;
                    break;
                }
            }
            if is_over {
                break;
            }
        }
        progress.end();
        let was_interrupted = self.interrupted.load(Ordering::Relaxed);
        if was_interrupted { status.worse(Status::Inconclusive) } else { status }
    }

    /// Runs a turn. Its strategy starts afresh.
    fn campaign(&self, turn: Turn) -> Result<CaseReport, Refused> {
        let (case, engine, first_seed) = (&self.cases[turn.case], self.rounds.engine, turn.first_seed);
        let start = Start { case, engine, first_seed, bounds: Bounds::default() };
        let kind = self.rounds.kind().expect("the opening has looked");
        let mut strategy = self.watchdog.watch(case, first_seed, || (kind.start)(&start))?;
        let campaign = Campaign {
            engine,
            first_seed,
            seeds: turn.seeds,
            interrupted: self.interrupted,
            watchdog: self.watchdog,
        };
        Ok(campaign.run_with(case, &mut *strategy))
    }

    /// Makes small and saves what a turn found.
    fn take_in(&mut self, turn: Turn, report: &CaseReport, took: Duration) -> Status {
        let (case, engine) = (&self.cases[turn.case], self.rounds.engine);
        let wanted = self.rounds.wanted(turn, report);
        let small =
            |finding: &Finding| self.watchdog.watch(case, finding.seed, || Small::of(case, engine, finding));
        let all: Vec<_> = wanted.par_iter().map(|finding| (finding.property, small(finding))).collect();
        self.rounds.take_in(turn, report, SimSpan::from_nanos(took.as_nanos() as u64));
        let mut status = Status::AsExpected;
        for (property, small) in all {
            let failure =
                small.as_ref().map_or(Fingerprint::DOES_NOT_REPLAY, |small| Fingerprint::of(&small.saved));
            let is_different = self.rounds.take_in_failure(turn, property, failure);
            let small = match small {
                Ok(small) => small,
                Err(_) if !is_different => continue,
                Err(does_not_replay) => {
                    complain(does_not_replay);
                    status = status.worse(Status::Broken);
                    continue;
                }
            };
            match save(&self.corpus, &small) {
                Some(Saved::Before(_) | Saved::Smaller(_)) => {}
                Some(Saved::Now(file)) => {
                    self.new.files += 1;
                    self.new.last = Some(self.stopwatch.elapsed());
                    if self.new.stories.len() < STORIES {
                        self.new.stories.extend(small.story(Some(&file)));
                    }
                }
                None => {
                    self.new.stories.extend(small.story(None));
                    status = Status::BadInput;
                }
            }
        }
        status
    }

    fn keep_place(&self) -> bool {
        let failed = |error| complain(format!("cannot save {}: {error}", inert::path(self.place.path())));
        self.place.keep(&self.rounds).map_err(failed).is_ok()
    }

    /// How far it is, in a line.
    fn line(&self, now: Duration, runs_before: u64) -> String {
        let whole_seconds = |time: Duration| SimSpan::from_secs(time.as_secs());
        let runs = self.rounds.runs();
        let rate = (runs - runs_before) as f64 / now.as_secs_f64().max(1e-9);
        let last = self.new.last.map_or_else(String::new, |last| {
            format!(", the last new one {} ago", whole_seconds(now.saturating_sub(last)))
        });
        format!(
            "{}  {runs} runs  {rate:.0} runs/s  {} faults  {} failures{last}",
            whole_seconds(now),
            self.rounds.faults(),
            self.rounds.failures()
        )
    }

    fn report(&self) {
        let rows = self.rounds.cases.iter().zip(&self.cases);
        if self.arguments.subject.format == Format::Json {
            for (rounds, case) in rows {
                let record = RoundsRecord::new(&self.rounds, rounds, case);
                say_record(&record);
            }
            return;
        }
        self.new.stories.iter().for_each(say_styled);
        let untold = self.new.files.saturating_sub(self.new.stories.len() as u64);
        if untold > 0 {
            say(format_args!(
                "and {untold} more new failures, saved in {}\n",
                inert::path(&self.arguments.search.corpus)
            ));
        }
        say(rounds_table(rows));
        let base = self.rounds.base.as_ref().map_or_else(String::new, |base| format!(" (from \"{base}\")"));
        say(format_args!(
            "\n{} runs of {} from seed {}{base}, {} different failures, {} of them new",
            self.rounds.runs(),
            self.rounds.strategy,
            self.rounds.first_seed,
            self.rounds.failures(),
            self.new.files
        ));
    }

    /// What the campaign as a whole means. That something has not come up yet is no fault of it.
    fn status(&self) -> Status {
        let standings = self.rounds.cases.iter().zip(&self.cases).map(|(rounds, case)| rounds.standing(case));
        standings.fold(Status::AsExpected, |status, standing| {
            status.worse(match standing {
                Standing::Broken(_) | Standing::NotCaught(_) => Status::Broken,
                Standing::NothingBroke | Standing::Caught(..) | Standing::NotYetCaught(_) => {
                    Status::AsExpected
                }
            })
        })
    }
}
