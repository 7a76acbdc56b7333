//! The trials of one case, run on all cores and handed out in their order a few at a time.
//!
//! A strategy names its trials in batches and learns from them batch by batch; that decides what a campaign
//! comes to. How many of a batch run at once before their results are handed out is another matter, of real
//! time: few where a run takes long, so that what a run has found is known soon after the run is over. The
//! results are the same either way, and so are those of a campaign that is left in the middle of a batch.
//!
//! To go on there, the strategy starts afresh and names the same trials again ([`Trials::skip`]). Those that
//! were run before are not run again, but for the ones that gave the strategy feedback: the mix learns
//! from a few in a hundred, and the feedback of a run is much larger than the number that it is run again by.

use crate::explore::strategy::{Feedback, Strategy, Trial};
use crate::explore::tool_metrics::MetricsByTool;
use crate::explore::{Campaign, Finding, Run};
use crate::properties::Verdict;
use crate::scenario::Case;
use perfidy_sim::{Abandoned, Digest, Engine, Fault, Name, Plan, Seed};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many trials a strategy names before it learns from them; bounds the memory of a campaign.
const BATCH: u64 = 512;

/// Of so many runs in a row the sites of one are taken: nearly all runs have the same.
const WITH_SITES: u64 = 32;

/// More trials run at once if fewer took less, and fewer if more took longer than the other.
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_millis(400);

/// What is kept of one run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    pub(super) seed: Seed,
    /// The fingerprint of its history, if the campaign wants that or a property broke.
    pub(super) digest: Option<Digest>,
    pub(super) events: u64,
    pub(super) verdicts: Vec<(&'static str, Judgement)>,
    pub(super) injected: Vec<Fault>,
    /// Of what broke: what did so only by faults that the file does not name.
    pub(super) by_other_faults: Vec<&'static str>,
    /// The probes that it reached.
    pub(super) reached: Vec<&'static str>,
    /// Whether it kept the promise of each service level of the file, as far as it tells; nothing if its
    /// faults were not drawn by the chances of the file.
    pub(super) kept: Vec<Option<bool>>,
    /// What became of the calls of each tool, if the campaign wants that and the chances of the file drew its
    /// faults.
    pub(super) metrics: Option<MetricsByTool>,
    /// What tells it apart from runs that went otherwise, if the campaign wants that.
    pub(super) shape: Option<u64>,
    /// Where faults could have struck, if the campaign wants that, of one run of [`WITH_SITES`].
    pub(super) sites: Vec<Name>,
    /// Whether the strategy learnt something from it.
    pub(super) informative: bool,
}

/// What a property said of a run.
#[derive(Clone, Debug)]
pub(super) enum Judgement {
    Holds,
    /// How it broke, in words.
    Violated(String),
    Vacuous,
    /// Why it could not be judged.
    Unknown(String),
}

impl RunSummary {
    /// The properties that broke, and how; for a `[[without]]` case, by faults that its file names.
    pub(super) fn violations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.broken().filter(|(property, _)| !self.by_other_faults.contains(property))
    }

    fn broken(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.verdicts.iter().filter_map(|(property, mark)| match mark {
            Judgement::Violated(message) => Some((*property, message.as_str())),
            _ => None,
        })
    }

    /// That a property broke in this run, which was the last of so many.
    pub(super) fn finding(&self, property: &'static str, message: &str, after_seeds: u64) -> Finding {
        let Self { seed, events, .. } = *self;
        let digest = self.digest.expect("a property broke in this run");
        let (faults, message) = (self.injected.clone(), message.to_owned());
        Finding { property, seed, faults, after_seeds, message, digest, events }
    }
}

/// How far trials have come.
#[derive(Debug)]
pub enum TrialsProgress {
    /// These have been run, in order; there may be more.
    Ran(Vec<RunSummary>),
    /// All have been run.
    Over,
    /// The campaign was interrupted. What was handed out before is whole.
    Interrupted,
}

/// The trials of one case, under way.
pub struct Trials<'a> {
    campaign: &'a Campaign<'a>,
    case: &'a Case,
    strategy: &'a mut dyn Strategy,
    /// How many trials have been handed out.
    done: u64,
    /// The trials of the batch under way, from the first that has not been learnt from.
    batch: Vec<Trial>,
    /// The feedback of those of the batch that have been run.
    lessons: Vec<Option<Feedback>>,
    /// How many are run at once.
    at_once: usize,
}

impl<'a> Trials<'a> {
    pub(super) fn new(campaign: &'a Campaign<'a>, case: &'a Case, strategy: &'a mut dyn Strategy) -> Self {
        let at_once = rayon::current_num_threads();
        Self { campaign, case, strategy, done: 0, batch: Vec::new(), lessons: Vec::new(), at_once }
    }

    /// How many trials have been run.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Goes on behind the first `done` trials, which were run before. Of these only the `informative` ones,
    /// by their place in the order, are run again.
    ///
    /// # Errors
    /// [`Abandoned`] if the campaign was interrupted.
    pub fn skip(&mut self, done: u64, informative: &[u64]) -> Result<(), Abandoned> {
        while self.done < done && self.has_next()? {
            let first = self.lessons.len();
            let left = usize::try_from(done - self.done).unwrap_or(usize::MAX);
            let range = first..self.batch.len().min(first.saturating_add(left));
            let start_of_batch = self.done - first as u64;
            let is_informative =
                |place: usize| informative.binary_search(&(start_of_batch + place as u64)).is_ok();
            let (campaign, case, batch) = (self.campaign, self.case, &self.batch);
            let again = |place: usize| run(campaign, case, &batch[place]);
            let feedback = |place| is_informative(place).then(|| again(place)).transpose();
            let lessons: Result<Vec<_>, Abandoned> = range.into_par_iter().map(feedback).collect();
            let lessons = lessons?.into_iter().map(|run| run.and_then(|(_, feedback)| feedback));
            self.done += lessons.len() as u64;
            self.lessons.extend(lessons);
            self.learn();
        }
        Ok(())
    }

    /// Runs the next few trials, at most so many.
    #[expect(
        clippy::disallowed_methods,
        reason = "how many run at once is a matter of real time, results are not"
    )]
    pub fn go_on(&mut self, most: u64) -> TrialsProgress {
        match self.has_next() {
            Err(Abandoned) => return TrialsProgress::Interrupted,
            Ok(false) => return TrialsProgress::Over,
            Ok(true) => {}
        }
        let first = self.lessons.len();
        let at_once = self.at_once.min(usize::try_from(most).unwrap_or(usize::MAX));
        let began = Instant::now();
        let ran = self.run_all(first..self.batch.len().min(first + at_once));
        if ran.len() == self.at_once {
            self.adjust(began.elapsed());
        }
        if ran.is_empty() {
            return TrialsProgress::Interrupted;
        }
        let (runs, lessons): (Vec<_>, Vec<_>) = ran.into_iter().unzip();
        self.done += runs.len() as u64;
        self.lessons.extend(lessons);
        self.learn();
        TrialsProgress::Ran(runs)
    }

    /// Runs these trials of the batch; those before the first that was abandoned.
    fn run_all(&self, range: Range<usize>) -> Vec<(RunSummary, Option<Feedback>)> {
        let (campaign, case) = (self.campaign, self.case);
        let runs: Vec<_> = self.batch[range].par_iter().map(|trial| run(campaign, case, trial)).collect();
        runs.into_iter().map_while(Result::ok).collect()
    }

    fn adjust(&mut self, took: Duration) {
        if took < SHORT {
            self.at_once = (2 * self.at_once).min(BATCH as usize);
        } else if took > LONG {
            self.at_once = (self.at_once / 2).max(rayon::current_num_threads());
        }
    }

    /// Whether there is another trial; asks the strategy if need be, which may run the case to see where
    /// things could go wrong.
    fn has_next(&mut self) -> Result<bool, Abandoned> {
        if self.lessons.len() < self.batch.len() {
            return Ok(true);
        }
        let Campaign { first_seed, seeds, interrupted, watchdog, .. } = *self.campaign;
        let most = (seeds - self.done).min(BATCH) as usize;
        if most > 0 {
            self.batch =
                interrupted.within(|| watchdog.watch(self.case, first_seed, || self.strategy.next(most)))?;
            self.lessons.clear();
        }
        Ok(self.lessons.len() < self.batch.len())
    }

    /// Lets the strategy learn from a batch that is over.
    fn learn(&mut self) {
        if self.lessons.len() < self.batch.len() {
            return;
        }
        for (trial, feedback) in self.batch.iter().zip(&self.lessons) {
            if let Some(feedback) = feedback {
                self.strategy.learn(trial, feedback);
            }
        }
    }
}

/// Runs a trial; what is kept of it, and its feedback.
fn run(
    campaign: &Campaign<'_>,
    case: &Case,
    trial: &Trial,
) -> Result<(RunSummary, Option<Feedback>), Abandoned> {
    let Campaign { engine, collect, interrupted, watchdog, .. } = *campaign;
    let Trial { seed, ref plan, ref wants } = *trial;
    let (run, by_other_faults) = interrupted.within(|| {
        watchdog.watch(case, seed, || {
            let run = wants.run(case, engine, seed, plan);
            let by_other_faults = broken_by_other_faults(case, engine, seed, &run);
            (run, by_other_faults)
        })
    })?;
    let feedback = Feedback::of(case, trial, &run);
    let mark = |verdict: &Verdict| match verdict {
        Verdict::Holds => Judgement::Holds,
        Verdict::Violated(violation) => Judgement::Violated(violation.message.clone()),
        Verdict::Vacuous => Judgement::Vacuous,
        Verdict::Unknown { reason } => Judgement::Unknown(reason.clone()),
    };
    let has_chances_of_file = matches!(plan, Plan::Fuzz(chaos) if Arc::ptr_eq(chaos, &case.scenario.chaos));
    let levels = case.scenario.service_levels.iter().filter(|_| has_chances_of_file);
    let kept = levels.map(|level| level.is_kept(case, &run)).collect();
    let metrics = (collect.metrics && has_chances_of_file).then(|| MetricsByTool::of(&run.outcome.history));
    let shape = collect.shapes.then(|| run.shape());
    let sites = if collect.shapes && seed.0.is_multiple_of(WITH_SITES) { sites(&run) } else { Vec::new() };
    let is_broken = run.verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Violated(_)));
    let summary = RunSummary {
        seed,
        digest: (collect.digests || is_broken).then(|| run.outcome.digest()),
        events: run.outcome.history.len() as u64,
        verdicts: run.verdicts.iter().map(|(property, verdict)| (*property, mark(verdict))).collect(),
        injected: run.outcome.injected,
        by_other_faults,
        reached: run.reached,
        kept,
        metrics,
        shape,
        sites,
        informative: feedback.is_some(),
    };
    Ok((summary, feedback))
}

/// The sites that came up in a run, each once.
fn sites(run: &Run) -> Vec<Name> {
    let mut sites: Vec<Name> = run.outcome.visited.iter().map(|at| at.site).collect();
    sites.sort_unstable();
    sites.dedup();
    sites
}

/// The properties that a `[[without]]` case should break and that this run broke only by faults which its
/// file does not name: the run is repeated with those of the file alone.
fn broken_by_other_faults(case: &Case, engine: Engine, seed: Seed, run: &Run) -> Vec<&'static str> {
    let should_break = case.without().map_or(&[][..], |without| &without.violates);
    let mut broken: Vec<&'static str> =
        should_break.iter().copied().filter(|property| run.violation(property).is_some()).collect();
    let injected = &run.outcome.injected;
    if broken.is_empty() || injected.iter().all(|fault| case.scenario.configures(fault)) {
        return Vec::new();
    }
    let named = injected.iter().copied().filter(|fault| case.scenario.configures(fault)).collect();
    let again = Run::planned(case, engine, seed, &Plan::Explicit(named));
    broken.retain(|property| again.violation(property).is_none());
    broken
}
