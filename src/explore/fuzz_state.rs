//! Rounds: a campaign over many cases, of any length, that can be stopped and resumed.
//!
//! In every round each case has its slice, a block of seeds; all cases of a round have the same seeds, and
//! the next round goes on behind them. What is tried next follows from how many slices there were, so a
//! campaign is the same in one go or in several, on one thread or on many. Nothing here grows with the number
//! of runs: a case has its counts and, for each property, the fingerprints of its first [`MAX_SAVED`]
//! failures.
//!
//! A strategy starts afresh in every slice, from the first seed of the slice, so there is nothing that it has
//! learnt to be kept with the checkpoint, and no slice depends on another. The slices of the first round are
//! short, for a quick look at every case; those of the next rounds are longer and longer, up to eight times,
//! and give a strategy that learns something to learn from.
//!
//! Of every [`BLOCK`] runs in a slice, the first that breaks a property is made small, as long as there is
//! something to be learnt from it ([`Broke`]). What comes to the same failure is counted.
//!
//! Runs are taken in one by one, in the order of their trials, each once what it found is saved. So what
//! stands here after so many runs is the same on any number of threads and however often the campaign was
//! left, and a checkpoint in the middle of a slice says how far the slice is: a slice can take hours, and a
//! campaign that is taken up for minutes every night has to come to its end. What a strategy has learnt is
//! not kept: when the slice goes on it learns anew from the runs that [gave](FuzzState::informative) it
//! something, and from no others ([`Trials::skip`](crate::explore::Trials::skip)).
//!
//! What was found and is not small yet when a campaign ends is saved as far as it is, and its run counts as
//! not made. It is made again and then made small; the [`Unfinished`] file goes.

mod case_progress;
mod failures;
mod knowledge;

pub use case_progress::CaseProgress;
pub use failures::{Broke, Fingerprint, MAX_SAVED};
pub use knowledge::Knowledge;

use crate::explore::counting::{self, Breaks, Missing, NotCounted, Tried};
use crate::explore::strategy::Choice;
use crate::explore::{Finding, RunSummary};
use crate::scenario::Case;
use crate::suite::Suite;
use failures::count_runs;
use perfidy_sim::{Engine, Seed, SimSpan};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// The version of the file in which a campaign keeps its checkpoint.
const SCHEMA: u32 = 4;

/// From which round on slices are no longer twice as long as in the round before.
const LONGEST_FROM: u64 = 3;

/// Of so many runs of a slice in a row, the first that breaks a property is made small.
pub const BLOCK: u64 = 512;

/// A campaign in rounds: what it is about, and how far it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FuzzState {
    schema: u32,
    /// The text that the first seed comes from, if it comes from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The first seed.
    #[serde(with = "crate::explore::saved::seed")]
    pub first_seed: Seed,
    /// The engine.
    pub engine: Engine,
    /// The name of the strategy.
    pub strategy: String,
    /// How many slices are over.
    slices: u64,
    /// How far the slice under way is.
    #[serde(default, skip_serializing_if = "Part::is_nothing")]
    part: Part,
    /// What was saved before it was small.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<Unfinished>,
    /// The cases in the order of their slices.
    #[serde(rename = "case")]
    pub cases: Vec<CaseProgress>,
}

/// How far a slice is.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Part {
    /// How many runs it has had.
    runs: u64,
    /// Which of them gave the strategy feedback, counted from zero.
    informative: Vec<u64>,
    /// After how many runs a property was last found broken.
    found: BTreeMap<String, u64>,
}

/// A failure that was saved before it was small, because the campaign ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Unfinished {
    /// Its case, as a place in [`FuzzState::cases`].
    pub case: usize,
    /// The property.
    pub property: String,
    /// The seed.
    #[serde(with = "crate::explore::saved::seed")]
    pub seed: Seed,
    /// Its file, from the folder of the corpus.
    pub file: PathBuf,
}

/// What is to be run next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Which case, as a place in [`FuzzState::cases`].
    pub case: usize,
    /// The first seed.
    pub first_seed: Seed,
    /// How many.
    pub seeds: u64,
    /// How many of them have been run.
    pub done: u64,
    /// After how many of them the campaign has had all its runs.
    pub until: u64,
}

/// What the runs of a case so far mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CaseStatus<'a> {
    /// It has not been run yet.
    NotRun,
    /// No property broke that should hold.
    NothingBroke,
    /// Properties broke.
    Broken(&'a BTreeMap<String, Broke>),
    /// The properties that should break broke.
    Caught(&'a BTreeMap<String, Broke>),
    /// A property that should break has not, and there were as many runs as it may take; and why what broke
    /// does not count, if it did.
    NotCaught(&'static str, Option<NotCounted>),
    /// A property that should break has not yet.
    NotYetCaught(&'static str, Option<NotCounted>),
}

/// Why a campaign cannot be taken up again: its scenarios are not what they were.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed(Vec<String>);

impl FuzzState {
    /// A campaign that has not begun.
    pub fn new(
        cases: &[Case],
        engine: Engine,
        strategy: &Choice,
        first_seed: Seed,
        base: Option<String>,
    ) -> Self {
        let cases = cases.iter().map(CaseProgress::new).collect();
        let strategy = strategy.name().to_owned();
        let (slices, part, unfinished) = (0, Part::default(), Vec::new());
        Self { schema: SCHEMA, base, first_seed, engine, strategy, slices, part, unfinished, cases }
    }

    /// The first seed that a text stands for. It has 48 bits, so that every reader of JSON gets it whole.
    pub fn first_seed_of(base: &str) -> Seed {
        Seed(Fingerprint::of_text(base).0 >> 16)
    }

    /// The strategy; `None` if the suite has none of that name, in a checkpoint that another perfidy wrote.
    pub fn choice(&self, suite: &Suite) -> Option<Choice> {
        Choice::find(suite, &self.strategy).filter(|choice| !choice.ends())
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.cases.iter().map(|case| case.runs).sum()
    }

    /// How many faults were injected.
    pub fn faults(&self) -> u64 {
        self.cases.iter().flat_map(|case| case.injected.values()).sum()
    }

    /// How many different failures there are.
    pub fn failures(&self) -> usize {
        self.cases.iter().map(CaseProgress::failures).sum()
    }

    /// What comes next; `None` after `most_runs` runs.
    pub fn next(&self, most_runs: u64) -> Option<Slice> {
        let cases = self.cases.len() as u64;
        let round = self.slices.checked_div(cases)?;
        let (earlier, seeds) = seeds_of(round);
        let done = self.part.runs;
        let until = seeds.min(done + most_runs.saturating_sub(self.runs()));
        let first_seed = Seed(self.first_seed.0.wrapping_add(earlier));
        let case = (self.slices % cases) as usize;
        (until > done).then_some(Slice { case, first_seed, seeds, done, until })
    }

    /// Which runs of the slice under way gave its strategy feedback, counted from zero.
    pub fn informative(&self) -> &[u64] {
        &self.part.informative
    }

    /// What of the next runs is worth making small: the place of its run among these, and the finding. Some
    /// of it may turn out not to be once those before are taken in, since it is not known yet which of them
    /// are one failure; [`FuzzState::is_wanted`] tells.
    pub fn wanted(&self, case: &Case, runs: &[RunSummary]) -> Vec<(usize, Finding)> {
        let mut found = self.part.found.clone();
        let mut broke = self.case().broke.clone();
        let mut wanted = Vec::new();
        for ((place, run), nth) in runs.iter().enumerate().zip(self.part.runs + 1..) {
            for (property, message) in first_of_block(&mut found, case, run, nth) {
                let broke =
                    broke.entry(property.to_owned()).or_insert_with(|| Broke::first_at(run.seed, nth));
                if broke.is_wanted() {
                    // It may be one of those that are known.
                    broke.count(broke.failures.keys().next().copied().unwrap_or(Fingerprint::NOT_KNOWN_YET));
                    wanted.push((place, run.finding(property, message, nth)));
                }
            }
            count_runs(&mut broke, case, run, nth);
        }
        wanted
    }

    /// Whether another failure of this property in the case of the slice under way would be saved.
    pub fn is_wanted(&self, property: &str) -> bool {
        self.case().broke.get(property).is_none_or(Broke::is_wanted)
    }

    /// Takes in the next run of the slice under way.
    pub fn take_in(&mut self, case: &Case, run: &RunSummary) {
        self.part.take_in(case, run);
        let (_, seeds) = seeds_of(self.slices / self.cases.len() as u64);
        let rounds = self.case_mut();
        rounds.runs += 1;
        count_runs(&mut rounds.broke, case, run, rounds.runs);
        rounds.take_in_what_is_not_counted(case, run);
        rounds.known.take_in(case, run);
        for fault in &run.injected {
            *rounds.injected.entry(fault.action.kind()).or_insert(0) += 1;
        }
        for probe in &run.reached {
            *rounds.probes.entry((*probe).to_owned()).or_insert(0) += 1;
        }
        if self.part.runs == seeds {
            self.slices += 1;
            self.part = Part::default();
        }
    }

    /// Takes in how long runs of the slice under way took in real time.
    pub fn take_in_time(&mut self, took: SimSpan) {
        let rounds = self.case_mut();
        rounds.took = rounds.took + took;
    }

    /// Takes in a failure of a case, one of whose runs broke that property; says whether it is a different
    /// one.
    pub fn take_in_failure(&mut self, case: usize, property: &str, failure: Fingerprint) -> bool {
        let broke = self.cases[case].broke.get_mut(property);
        broke.is_some_and(|broke| broke.count(failure))
    }

    /// What the runs so far mean for a case.
    pub fn status<'a>(&'a self, progress: &'a CaseProgress, case: &Case) -> CaseStatus<'a> {
        if progress.runs == 0 {
            return CaseStatus::NotRun;
        }
        let broke = &progress.broke;
        let Some(without) = case.without() else {
            return if broke.is_empty() { CaseStatus::NothingBroke } else { CaseStatus::Broken(broke) };
        };
        let label = Case::as_written(&case.scenario).label();
        let is_as_written =
            |other: &&CaseProgress| other.scenario == progress.scenario && other.label == label;
        let as_written = self.cases.iter().find(is_as_written);
        let missing = counting::missing(without, Tried::Seeds(progress.runs), |property| Breaks {
            after: broke.get(property).map(|broke| broke.after_runs),
            by_other_faults: progress.by_other_faults.get(property).cloned(),
            as_written: as_written.and_then(|progress| progress.first_broken(property)),
        });
        match missing {
            None => CaseStatus::Caught(broke),
            Some(Missing { property, is_certain: true, why }) => CaseStatus::NotCaught(property, why),
            Some(Missing { property, is_certain: false, why }) => CaseStatus::NotYetCaught(property, why),
        }
    }

    fn place_of_case(&self) -> usize {
        (self.slices % self.cases.len() as u64) as usize
    }

    fn case(&self) -> &CaseProgress {
        &self.cases[self.place_of_case()]
    }

    fn case_mut(&mut self) -> &mut CaseProgress {
        let place = self.place_of_case();
        &mut self.cases[place]
    }

    /// Whether this is a campaign over these cases.
    ///
    /// # Errors
    /// [`Changed`] with every difference.
    pub fn check_cases(&self, cases: &[Case]) -> Result<(), Changed> {
        let now: Vec<_> = cases.iter().map(CaseProgress::new).collect();
        let find = |list: &[CaseProgress], wanted: &CaseProgress| {
            list.iter().find(|case| case.is_called_like(wanted)).map(|case| case.text)
        };
        let mut changes = BTreeSet::new();
        for case in &self.cases {
            changes.extend(match find(&now, case) {
                None => Some(format!("{}, {} is missing", case.scenario, case.label)),
                Some(text) => (text != case.text).then(|| format!("{} was edited", case.scenario)),
            });
        }
        let new = now.iter().filter(|case| find(&self.cases, case).is_none());
        changes.extend(new.map(|case| format!("{}, {} is new", case.scenario, case.label)));
        if changes.is_empty() { Ok(()) } else { Err(Changed(changes.into_iter().collect())) }
    }

    /// Whether the file was written by a perfidy that meant the same by it.
    pub(crate) fn has_this_schema(&self) -> bool {
        self.schema == SCHEMA && !self.cases.is_empty()
    }
}

impl Part {
    fn is_nothing(&self) -> bool {
        self.runs == 0
    }

    fn take_in(&mut self, case: &Case, run: &RunSummary) {
        if run.informative {
            self.informative.push(self.runs);
        }
        self.runs += 1;
        first_of_block(&mut self.found, case, run, self.runs);
    }
}

/// The properties that matter and that this run, the `nth` of its slice, is the first of its block to break.
/// `found` says after how many runs each was last found broken.
fn first_of_block<'a>(
    found: &mut BTreeMap<String, u64>,
    case: &Case,
    run: &'a RunSummary,
    nth: u64,
) -> Vec<(&'static str, &'a str)> {
    let block = |nth: u64| (nth - 1) / BLOCK;
    let mut is_first = |property: &str| {
        let is_first = case.is_about_breaking(property)
            && found.get(property).is_none_or(|last| block(*last) < block(nth));
        if is_first {
            found.insert(property.to_owned(), nth);
        }
        is_first
    };
    run.violations().filter(|(property, _)| is_first(property)).collect()
}

/// How many seeds there are before a round, and how many a case has in it.
fn seeds_of(round: u64) -> (u64, u64) {
    let grown = round.min(LONGEST_FROM);
    let whole = BLOCK << grown;
    (((BLOCK << grown) - BLOCK).wrapping_add((round - grown).wrapping_mul(whole)), whole)
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its scenarios are not what they were: {}", self.0.join("; "))
    }
}

impl std::error::Error for Changed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_goes_on_where_the_one_before_ended() {
        let mut next = 0;
        for round in 0..10 {
            let (earlier, whole) = seeds_of(round);
            assert_eq!(earlier, next, "round {round}");
            next += whole;
        }
        assert_eq!([0, 1, 2, 3, 4].map(|round| seeds_of(round).1), [512, 1_024, 2_048, 4_096, 4_096]);
    }
}
