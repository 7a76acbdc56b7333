//! A campaign: one case over many trials, on all cores, with a result that does not depend on how many.

use crate::explore::Watchdog;
use crate::explore::strategy::{self, Lesson, Strategy, Trial};
use crate::properties::{self, Verdict};
use crate::scenario::Case;
use perfidy_sim::{Digest, Engine, Fault, Name, Seed};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many trials run before their results are put together; bounds the memory of a campaign.
const BATCH: u64 = 512;

/// Of so many trials in a row, the first that breaks a property is kept.
pub const BLOCK: u64 = 512;

/// Which seeds to run, and how.
pub struct Campaign<'a> {
    /// The engine.
    pub engine: Engine,
    /// The first seed; the others follow it.
    pub first_seed: Seed,
    /// How many trials at most.
    pub seeds: u64,
    /// Set by somebody who wants the campaign to end early.
    pub interrupted: &'a AtomicBool,
    /// Who watches for runs that never come back.
    pub watchdog: &'a Watchdog,
}

/// How often a property held, broke, and so on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Tally {
    /// Runs in which the promise was kept.
    pub holds: u64,
    /// Runs in which it was broken.
    pub violated: u64,
    /// Runs in which there was nothing to judge.
    pub vacuous: u64,
    /// Runs that could not be judged.
    pub unknown: u64,
}

/// A property that broke, and the first trial in which it did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The property.
    pub property: &'static str,
    /// The seed.
    pub seed: Seed,
    /// The faults that struck. With the seed they make the run again, whatever strategy planned it.
    #[serde(skip)]
    pub faults: Vec<Fault>,
    /// How many trials had been run by then, this one included.
    pub after_seeds: u64,
}

/// What a campaign found.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case.
    pub case: Case,
    /// The engine.
    pub engine: Engine,
    /// The name of the strategy.
    pub strategy: &'static str,
    /// How many trials were run.
    pub seeds: u64,
    /// How many events happened in all runs.
    pub events: u64,
    /// The digests of all runs, folded in the order of the trials.
    pub digest: Digest,
    /// What the properties said.
    pub tallies: BTreeMap<&'static str, Tally>,
    /// How often each kind of fault struck.
    pub fired: BTreeMap<Name, u64>,
    /// What the scenario configures and no run has met, as places in its list.
    pub never_struck: Vec<usize>,
    /// The properties that broke, each as it first did.
    pub findings: Vec<Finding>,
    /// How they broke again: each as it first did in each further [`BLOCK`] of trials.
    pub again: Vec<Finding>,
    /// What the strategy says it has shown.
    pub closing: Option<String>,
    /// Whether somebody ended it early.
    pub interrupted: bool,
}

/// What a campaign means for its case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CaseVerdict {
    /// Every property holds.
    Holds,
    /// The property that should break broke, after so many seeds.
    Caught(Finding),
    /// Properties broke that should hold.
    Broken(Vec<Finding>),
    /// The property that should break did not.
    NotCaught {
        /// Which.
        property: &'static str,
        /// Within how many seeds it should have.
        within_seeds: u32,
    },
    /// Something that the case is about never came up.
    Vacuous {
        /// What, in words.
        what: String,
    },
    /// A property could not be judged.
    Unknown {
        /// Which.
        property: &'static str,
    },
    /// Somebody ended the campaign before it could tell.
    Interrupted,
}

/// What is kept of one run.
struct Summary {
    digest: Digest,
    events: u64,
    verdicts: Vec<(&'static str, Mark)>,
    fired: Vec<Fault>,
    lesson: Option<Lesson>,
}

#[derive(Clone, Copy)]
enum Mark {
    Holds,
    Violated,
    Vacuous,
    Unknown,
}

impl Campaign<'_> {
    /// Runs the case at random: seed after seed, each with the chances of its scenario.
    pub fn run(&self, case: &Case) -> CaseReport {
        self.run_with(case, &mut strategy::random(case, self.first_seed))
    }

    /// Runs the case with whatever the strategy thinks of, until it thinks of nothing more or there have been enough
    /// trials. The report is the same for any number of threads.
    pub fn run_with(&self, case: &Case, strategy: &mut dyn Strategy) -> CaseReport {
        let mut report = CaseReport {
            case: case.clone(),
            engine: self.engine,
            strategy: strategy.name(),
            seeds: 0,
            events: 0,
            digest: Digest::default(),
            tallies: properties::ALL.iter().map(|property| (property.name, Tally::default())).collect(),
            fired: BTreeMap::new(),
            never_struck: (0..case.scenario.configured.len()).collect(),
            findings: Vec::new(),
            again: Vec::new(),
            closing: None,
            interrupted: false,
        };
        while report.seeds < self.seeds {
            let most = (self.seeds - report.seeds).min(BATCH) as usize;
            // A strategy may run the case itself, to see where things could go wrong.
            let trials = self.watchdog.watch(case, self.first_seed, || strategy.next(most));
            if trials.is_empty() {
                break;
            }
            let summaries: Vec<Option<Summary>> =
                trials.par_iter().map(|trial| self.summarise(case, trial)).collect();
            for (trial, summary) in trials.iter().zip(summaries) {
                let Some(summary) = summary else {
                    report.interrupted = true;
                    return report;
                };
                if let Some(lesson) = &summary.lesson {
                    strategy.learn(trial, lesson);
                }
                report.take_in(summary, trial.seed);
            }
        }
        report.closing = strategy.closing();
        report
    }

    fn summarise(&self, case: &Case, trial: &Trial) -> Option<Summary> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let seed = trial.seed;
        let run = self.watchdog.watch(case, seed, || trial.wants.run(case, self.engine, seed, &trial.plan));
        let mark = |verdict: &Verdict| match verdict {
            Verdict::Holds => Mark::Holds,
            Verdict::Violated(_) => Mark::Violated,
            Verdict::Vacuous => Mark::Vacuous,
            Verdict::Unknown { .. } => Mark::Unknown,
        };
        Some(Summary {
            digest: run.outcome.digest(),
            events: run.outcome.history.len() as u64,
            verdicts: run.verdicts.iter().map(|(property, verdict)| (property.name, mark(verdict))).collect(),
            lesson: Lesson::of(case, trial, &run),
            fired: run.outcome.fired,
        })
    }
}

impl CaseReport {
    fn take_in(&mut self, summary: Summary, seed: Seed) {
        self.seeds += 1;
        self.events += summary.events;
        self.digest.fold(summary.digest);
        for fault in &summary.fired {
            *self.fired.entry(fault.action.kind()).or_insert(0) += 1;
        }
        // After the first few runs hardly anything is left to look for.
        if !self.never_struck.is_empty() {
            let configured = &self.case.scenario.configured;
            let is_struck =
                |index: usize| summary.fired.iter().any(|fault| configured[index].is_struck_by(fault));
            self.never_struck.retain(|index| !is_struck(*index));
        }
        for (property, mark) in summary.verdicts {
            let tally = self.tallies.entry(property).or_default();
            match mark {
                Mark::Holds => tally.holds += 1,
                Mark::Vacuous => tally.vacuous += 1,
                Mark::Unknown => tally.unknown += 1,
                Mark::Violated => {
                    tally.violated += 1;
                    let block = |after_seeds: u64| (after_seeds - 1) / BLOCK;
                    let is_of_it = |finding: &&Finding| finding.property == property;
                    let last = self.again.iter().rfind(is_of_it);
                    let last =
                        last.or_else(|| self.findings.iter().find(is_of_it)).map(|last| last.after_seeds);
                    if last.is_none_or(|last| block(last) < block(self.seeds)) {
                        let (faults, after_seeds) = (summary.fired.clone(), self.seeds);
                        let among = if last.is_none() { &mut self.findings } else { &mut self.again };
                        among.push(Finding { property, seed, faults, after_seeds });
                    }
                }
            }
        }
    }

    /// The finding on a property, if it broke.
    ///
    /// # Panics
    /// If there is no property of that name.
    pub fn finding(&self, property: &str) -> Option<Finding> {
        let property = properties::named(property).name;
        self.findings.iter().find(|finding| finding.property == property).cloned()
    }

    /// What it means for the case.
    pub fn verdict(&self) -> CaseVerdict {
        let scenario = &self.case.scenario;
        if let Some(without) = self.case.without() {
            let within = u64::from(without.within_seeds);
            return match self.finding(without.violates) {
                Some(finding) if finding.after_seeds <= within => CaseVerdict::Caught(finding),
                _ if self.interrupted && self.seeds < within => CaseVerdict::Interrupted,
                _ => {
                    CaseVerdict::NotCaught { property: without.violates, within_seeds: without.within_seeds }
                }
            };
        }
        let unexpected: Vec<Finding> =
            self.findings.iter().filter(|f| !scenario.waived.contains_key(f.property)).cloned().collect();
        if !unexpected.is_empty() {
            return CaseVerdict::Broken(unexpected);
        }
        if self.interrupted {
            return CaseVerdict::Interrupted;
        }
        if let Some(first) = self.never_struck.first() {
            let configured = scenario.configured[*first].in_words();
            return CaseVerdict::Vacuous { what: format!("{configured} never struck") };
        }
        let tally = |property: &str| self.tallies.get(property).copied().unwrap_or_default();
        for property in self.case.is_about() {
            if tally(property).holds + tally(property).unknown == 0 {
                return CaseVerdict::Vacuous { what: format!("`{property}` had nothing to judge") };
            }
        }
        let unknown = self.tallies.iter().find(|(_, tally)| tally.unknown > 0);
        match unknown {
            Some((property, _)) => CaseVerdict::Unknown { property },
            None => CaseVerdict::Holds,
        }
    }
}

impl CaseVerdict {
    /// The exit status it asks for: 0 as expected, 1 broken or not caught, 3 vacuous or unknown.
    pub fn status(&self) -> u8 {
        match self {
            Self::Holds | Self::Caught(_) => 0,
            Self::Broken(_) | Self::NotCaught { .. } => 1,
            Self::Vacuous { .. } | Self::Unknown { .. } | Self::Interrupted => 3,
        }
    }
}
