//! Rounds: a campaign over many cases that can be as long as anybody likes, be left and be taken up again.
//!
//! In every round each case has its turn, a block of seeds; all cases of a round have the same seeds, and the next
//! round goes on behind them. What is tried next follows from how many turns there were, so a campaign is the same
//! in one go or in several, on one thread or on many. Nothing here grows with the number of runs: a
//! case has its counts and, for each property, the fingerprints of its first [`ENOUGH`] failures.
//!
//! A strategy starts afresh in every turn, from the first seed of the turn, so there is nothing that it has learnt to
//! be kept with the place, and no turn depends on another. The turns of the first round are short, for a quick look at
//! every case; those of the next rounds are longer and longer, up to eight times, and give a strategy that learns
//! something to learn from.
//!
//! Of every [`BLOCK`](crate::explore::BLOCK) runs in a turn, the first that breaks a property is made small. What comes
//! to the same failure is counted. Most of what breaks a property is one failure again and again, so after the first
//! [`ENOUGH`] further ones are made small ever more rarely; and once there are so many different ones, none is.

use crate::explore::strategy::{self, Kind};
use crate::explore::{BLOCK, CaseReport, Finding, SavedSeed};
use crate::scenario::Case;
use perfidy_sim::{Engine, Name, Seed, SimSpan, Words};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The version of the file in which a campaign keeps its place.
const SCHEMA: u32 = 3;

/// From which round on turns are no longer twice as long as in the round before.
const LONGEST_FROM: u64 = 3;

/// How many different failures of one property in one case are made small and saved.
pub const ENOUGH: usize = 32;

/// A campaign in rounds: what it is about, and how far it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rounds {
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
    /// How many turns are over.
    turns: u64,
    /// The cases in the order of their turns.
    #[serde(rename = "case")]
    pub cases: Vec<CaseRounds>,
}

/// What became of one case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CaseRounds {
    /// The scenario's name.
    pub scenario: Name,
    /// The label of the case.
    pub label: String,
    /// What tells the scenario's text apart from others.
    text: Fingerprint,
    /// How many runs there were.
    pub runs: u64,
    /// How long they took in real time.
    pub took: SimSpan,
    /// How often each kind of fault struck.
    pub fired: BTreeMap<Name, u64>,
    /// The properties that broke.
    pub broke: BTreeMap<String, Broke>,
}

/// How a property broke in a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Broke {
    /// In how many runs.
    pub runs: u64,
    /// The first seed at which it did.
    #[serde(with = "crate::explore::saved::seed")]
    pub first_seed: Seed,
    /// The different failures, up to [`ENOUGH`], and how often each was made small.
    pub failures: BTreeMap<Fingerprint, u64>,
}

/// What tells a failure or a text apart from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fingerprint(u64);

/// What is to be run next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Which case, as a place in [`Rounds::cases`].
    pub case: usize,
    /// The first seed.
    pub first_seed: Seed,
    /// How many.
    pub seeds: u64,
    /// Whether it is as long as turns of its round are; a shorter one is run again when the campaign goes on.
    pub is_whole: bool,
}

/// What the rounds so far mean for a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing<'a> {
    /// No promise broke that should hold.
    NothingBroke,
    /// Promises broke.
    Broken(&'a BTreeMap<String, Broke>),
    /// The property that should break broke.
    Caught(&'a str, &'a Broke),
    /// The property that should break has not, and there were as many runs as it may take.
    NotCaught(&'static str),
    /// The property that should break has not yet.
    NotYetCaught(&'static str),
}

/// Why a campaign cannot be taken up again: its scenarios are not what they were.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed(Vec<String>);

impl Fingerprint {
    /// The fingerprint of a failure whose faults, replayed, break nothing: all of them are one.
    pub const DOES_NOT_REPLAY: Self = Self(0);

    /// The fingerprint of a saved failure.
    pub fn of(saved: &SavedSeed) -> Self {
        Self(saved.fingerprint())
    }

    fn of_text(text: &str) -> Self {
        Self(Words::digest(|words| {
            words.text(text);
        }))
    }
}

impl Rounds {
    /// A campaign that has not begun.
    pub fn new(
        cases: &[Case],
        engine: Engine,
        strategy: &Kind,
        first_seed: Seed,
        base: Option<String>,
    ) -> Self {
        let cases = cases.iter().map(CaseRounds::new).collect();
        let strategy = strategy.name.to_owned();
        Self { schema: SCHEMA, base, first_seed, engine, strategy, turns: 0, cases }
    }

    /// The first seed that a text stands for. It has 48 bits, so that every reader of JSON gets it whole.
    pub fn first_seed_of(base: &str) -> Seed {
        Seed(Fingerprint::of_text(base).0 >> 16)
    }

    /// The strategy; `None` if there is none of that name, in a place that another perfidy kept.
    pub fn kind(&self) -> Option<&'static Kind> {
        strategy::find(&self.strategy).filter(|kind| !kind.ends)
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.cases.iter().map(|case| case.runs).sum()
    }

    /// How many faults struck.
    pub fn faults(&self) -> u64 {
        self.cases.iter().flat_map(|case| case.fired.values()).sum()
    }

    /// How many different failures there are.
    pub fn failures(&self) -> usize {
        self.cases.iter().map(CaseRounds::failures).sum()
    }

    /// Whether every case has had as many turns as the others.
    pub fn is_between_rounds(&self) -> bool {
        self.turns.is_multiple_of(self.cases.len() as u64)
    }

    /// What comes next; `None` after `most_runs` runs.
    pub fn next(&self, most_runs: u64) -> Option<Turn> {
        let cases = self.cases.len() as u64;
        let round = self.turns.checked_div(cases)?;
        let (earlier, whole) = seeds_of(round);
        let seeds = whole.min(most_runs.saturating_sub(self.runs()));
        let first_seed = Seed(self.first_seed.0.wrapping_add(earlier));
        let case = (self.turns % cases) as usize;
        (seeds > 0).then_some(Turn { case, first_seed, seeds, is_whole: seeds == whole })
    }

    /// Takes in a turn that has been run; how long it took is real time.
    pub fn take_in(&mut self, turn: Turn, report: &CaseReport, took: SimSpan) {
        let case = &mut self.cases[turn.case];
        for finding in findings(report, &report.findings) {
            let broke = case.broke.entry(finding.property.to_owned()).or_insert_with(|| Broke {
                runs: 0,
                first_seed: finding.seed,
                failures: BTreeMap::new(),
            });
            broke.runs += report.tallies[finding.property].violated;
        }
        for (kind, count) in &report.fired {
            *case.fired.entry(*kind).or_insert(0) += count;
        }
        case.runs += report.seeds;
        case.took = case.took + took;
        self.turns += 1;
    }

    /// Takes in a failure of a turn that has been taken in; says whether it is a different one.
    pub fn take_in_failure(&mut self, turn: Turn, property: &str, failure: Fingerprint) -> bool {
        let broke = self.cases[turn.case].broke.get_mut(property);
        broke.is_some_and(|broke| {
            let times = broke.failures.entry(failure).or_insert(0);
            *times += 1;
            *times == 1
        })
    }

    /// The findings of a turn that are worth making small.
    pub fn wanted<'a>(&self, turn: Turn, report: &'a CaseReport) -> Vec<&'a Finding> {
        let broke = &self.cases[turn.case].broke;
        let mut left: BTreeMap<&str, u64> =
            broke.iter().map(|(property, broke)| (property.as_str(), broke.more_to_make_small())).collect();
        let all = findings(report, &report.findings).chain(findings(report, &report.again));
        let is_wanted = |finding: &&Finding| {
            let left = left.entry(finding.property).or_insert(ENOUGH as u64);
            let is_wanted = *left > 0;
            *left = left.saturating_sub(1);
            is_wanted
        };
        all.filter(is_wanted).collect()
    }

    /// Whether this is a campaign over these cases.
    ///
    /// # Errors
    /// [`Changed`] with every difference.
    pub fn check_cases(&self, cases: &[Case]) -> Result<(), Changed> {
        let now: Vec<_> = cases.iter().map(CaseRounds::new).collect();
        let find = |list: &[CaseRounds], wanted: &CaseRounds| {
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

impl Broke {
    /// How many further failures are worth making small: every one of the first, then four each time that there were
    /// twice as many runs.
    fn more_to_make_small(&self) -> u64 {
        if self.failures.len() >= ENOUGH {
            return 0;
        }
        let enough = ENOUGH as u64;
        let doublings = (self.runs / enough).max(1).ilog2();
        let made_small: u64 = self.failures.values().sum();
        (enough + 4 * u64::from(doublings)).saturating_sub(made_small)
    }
}

impl CaseRounds {
    fn new(case: &Case) -> Self {
        Self {
            scenario: case.scenario.name,
            label: case.label(),
            text: Fingerprint::of_text(&case.scenario.text),
            runs: 0,
            took: SimSpan::ZERO,
            fired: BTreeMap::new(),
            broke: BTreeMap::new(),
        }
    }

    /// Whether this is what became of that case.
    pub fn is_of(&self, case: &Case) -> bool {
        self.scenario == case.scenario.name && self.label == case.label()
    }

    fn is_called_like(&self, other: &Self) -> bool {
        self.scenario == other.scenario && self.label == other.label
    }

    /// How many different failures there are.
    pub fn failures(&self) -> usize {
        self.broke.values().map(|broke| broke.failures.len()).sum()
    }

    /// What this means for the case.
    pub fn standing(&self, case: &Case) -> Standing<'_> {
        let Some(without) = case.without() else {
            return if self.broke.is_empty() {
                Standing::NothingBroke
            } else {
                Standing::Broken(&self.broke)
            };
        };
        let property = without.violates;
        match self.broke.get(property) {
            Some(broke) => Standing::Caught(property, broke),
            None if self.runs >= u64::from(without.within_seeds) => Standing::NotCaught(property),
            None => Standing::NotYetCaught(property),
        }
    }
}

/// How many seeds there are before a round, and how many a case has in it.
fn seeds_of(round: u64) -> (u64, u64) {
    let grown = round.min(LONGEST_FROM);
    let whole = BLOCK << grown;
    (((BLOCK << grown) - BLOCK).wrapping_add((round - grown).wrapping_mul(whole)), whole)
}

/// What counts: in a case as written every property that is not waived, otherwise the one that should break.
fn findings<'a>(report: &'a CaseReport, all: &'a [Finding]) -> impl Iterator<Item = &'a Finding> {
    let case = &report.case;
    all.iter().filter(|finding| match case.without() {
        None => !case.scenario.waived.contains_key(finding.property),
        Some(without) => without.violates == finding.property,
    })
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its scenarios are not what they were: {}", self.0.join("; "))
    }
}

impl std::error::Error for Changed {}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_again_and_again_is_made_small_ever_more_rarely_but_never_not_at_all() {
        let broke = |runs, times: u64| Broke {
            runs,
            first_seed: Seed(0),
            failures: BTreeMap::from([(Fingerprint(1), times)]),
        };
        let more = |runs, times| broke(runs, times).more_to_make_small();
        assert_eq!([more(1, 1), more(40, 31), more(40, 32)], [31, 1, 0]);
        assert_eq!([more(64, 32), more(64, 36), more(127, 36), more(128, 36)], [4, 0, 0, 4]);
        assert_eq!(more(1 << 40, 200), 0);
        let many = (0..ENOUGH as u64).map(|number| (Fingerprint(number), 1)).collect();
        assert_eq!(Broke { failures: many, ..broke(1 << 40, 0) }.more_to_make_small(), 0);
    }

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
