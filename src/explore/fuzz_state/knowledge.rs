//! What a campaign knows of a case, so that it can be decided whether to go on: how much of what its runs do
//! is new, how much has not been seen, and where no fault has struck.
//!
//! Runs are told apart by their *shape*: how many events of each kind they have, by powers of two, what the
//! properties say of them, and which probes they reach. The share of the runs whose shape no other run has is
//! an estimate of how likely the next run is to have a new one (Good 1953; of fuzzing, Böhme 2018, "STADS:
//! software testing as species discovery"). The number of shapes that have not been seen is estimated from
//! those that one and two runs had (Chao 1984); it is a lower bound.
//!
//! A campaign keeps no more than [`MOST_SHAPES`] of a case: where there are more, it counts those whose
//! fingerprint ends in a zero bit and takes each for two, then those that end in two, and so on. So every
//! number is exact until there are so many, and an estimate from then on.

use super::Fingerprint;
use crate::explore::RunSummary;
use crate::scenario::Case;
use perfidy_sim::{Address, Fault, Name, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many shapes are kept of a case.
pub const MOST_SHAPES: usize = 128;

/// What is known of a case.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Knowledge {
    /// How many runs it comes from.
    runs: u64,
    /// In how many zero bits the fingerprints of the shapes that are kept end.
    #[serde(default)]
    thinned: u32,
    /// The shapes that one run had.
    #[serde(default)]
    once: BTreeSet<Fingerprint>,
    /// Those that two had.
    #[serde(default)]
    twice: BTreeSet<Fingerprint>,
    /// Those that more had.
    #[serde(default)]
    often: BTreeSet<Fingerprint>,
    /// How many shapes were new in the first run, in the next, in the next two, in the next four, and so on.
    #[serde(default)]
    new_shapes: Vec<u64>,
    /// How many faults were injected at each place at which one could have been, without the numbers of
    /// agents.
    #[serde(default)]
    faults_at: BTreeMap<String, u64>,
}

impl Knowledge {
    pub(super) fn new(case: &Case) -> Self {
        let windows = case.scenario.chaos.windows.iter();
        let faults_at = windows.map(|window| (place(window.site), 0)).collect();
        Self { faults_at, ..Self::default() }
    }

    pub(super) fn take_in(&mut self, case: &Case, run: &RunSummary) {
        if let Some(shape) = run.shape {
            self.take_in_shape(Fingerprint(shape));
        }
        for site in &run.sites {
            let place = place(*site);
            if !self.faults_at.contains_key(&place) && can_be_struck(case, *site) {
                self.faults_at.insert(place, 0);
            }
        }
        for fault in &run.injected {
            *self.faults_at.entry(place(fault.at.site)).or_insert(0) += 1;
        }
    }

    fn take_in_shape(&mut self, shape: Fingerprint) {
        self.runs += 1;
        let period = (u64::BITS - (self.runs - 1).leading_zeros()) as usize;
        self.new_shapes.resize(self.new_shapes.len().max(period + 1), 0);
        if shape.0.trailing_zeros() < self.thinned {
            return;
        }
        if self.once.remove(&shape) {
            self.twice.insert(shape);
        } else if self.twice.remove(&shape) {
            self.often.insert(shape);
        } else if !self.often.contains(&shape) {
            self.new_shapes[period] += 1 << self.thinned;
            self.once.insert(shape);
            while self.kept() > MOST_SHAPES {
                self.thin();
            }
        }
    }

    /// Keeps half of the shapes.
    fn thin(&mut self) {
        self.thinned += 1;
        for shapes in [&mut self.once, &mut self.twice, &mut self.often] {
            shapes.retain(|shape| shape.0.trailing_zeros() >= self.thinned);
        }
    }

    fn kept(&self) -> usize {
        self.once.len() + self.twice.len() + self.often.len()
    }

    fn scaled(&self, kept: usize) -> u64 {
        (kept as u64) << self.thinned
    }

    /// How many runs it comes from.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many shapes the runs had.
    pub fn shapes(&self) -> u64 {
        self.scaled(self.kept())
    }

    /// How many shapes were new in the first run, in the next, in the next two, in the next four, and so on.
    pub fn new_shapes(&self) -> &[u64] {
        &self.new_shapes
    }

    /// How likely the next run is to have a shape that none has had, of a million; `None` before the first.
    pub fn next_is_new_per_million(&self) -> Option<u64> {
        let share = u128::from(self.scaled(self.once.len())) * 1_000_000;
        Some(share.checked_div(self.runs.into())?.min(1_000_000) as u64)
    }

    /// How many shapes there are at least that no run has had.
    pub fn unseen_shapes(&self) -> u64 {
        let (once, twice) = (self.scaled(self.once.len()), self.scaled(self.twice.len()));
        match twice {
            0 => once * once.saturating_sub(1) / 2,
            _ => once * once / (2 * twice),
        }
    }

    /// At how many places a fault could have been injected.
    pub fn places(&self) -> usize {
        self.faults_at.len()
    }

    /// Those of them at which none has been.
    pub fn places_never_struck(&self) -> impl Iterator<Item = &str> {
        self.faults_at.iter().filter(|(_, faults)| **faults == 0).map(|(place, _)| place.as_str())
    }
}

/// Whether a rule of the case can make a fault at a site.
fn can_be_struck(case: &Case, site: Name) -> bool {
    let at = Address { site, id: site, nth: 1 };
    let can_make = |rule: &Rule| {
        let action = rule.span.as_ref().map_or(rule.action, |span| rule.action.with_span(*span.end()));
        rule.can_make(&Fault { at, action })
    };
    case.scenario.chaos.rules.iter().any(can_make)
}

/// A site without the numbers of agents.
fn place(site: Name) -> String {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '-';
    let words = site.as_str().split_inclusive(|c| !is_of_word(c));
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c| !is_of_word(c));
            let role = bare.trim_end_matches(|c: char| c.is_ascii_digit());
            match role.strip_suffix('-') {
                Some(role) if role.len() + 1 < bare.len() => format!("{role}{}", &word[bare.len()..]),
                _ => word.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::Words;

    fn shape(number: u64) -> Fingerprint {
        Fingerprint(Words::digest(|words| {
            words.put(number);
        }))
    }

    fn after(numbers: impl IntoIterator<Item = u64>) -> Knowledge {
        let mut known = Knowledge::default();
        numbers.into_iter().for_each(|number| known.take_in_shape(shape(number)));
        known
    }

    #[test]
    fn the_share_of_shapes_that_one_run_had_is_how_likely_the_next_is_new() {
        assert_eq!(Knowledge::default().next_is_new_per_million(), None);
        let known = after([1, 1, 1, 2, 2, 3, 1, 4]);
        assert_eq!((known.runs(), known.shapes()), (8, 4));
        assert_eq!(known.next_is_new_per_million(), Some(250_000));
        assert_eq!(known.unseen_shapes(), 2);
        assert_eq!(known.new_shapes(), [1, 0, 1, 2]);
    }

    #[test]
    fn where_there_are_too_many_shapes_a_part_of_them_stands_for_all() {
        let known = after((0..100_000).map(|run| run % 10_000));
        assert!(known.kept() <= MOST_SHAPES);
        assert!((7_500..12_500).contains(&known.shapes()), "{}", known.shapes());
        assert_eq!(known.next_is_new_per_million(), Some(0));
        let new: u64 = known.new_shapes().iter().sum();
        assert!((7_500..12_500).contains(&new), "{new}");
        let all_new = after(0..10_000);
        let share = all_new.next_is_new_per_million().unwrap();
        assert!(share > 750_000, "{share}");
    }

    #[test]
    fn what_is_read_back_from_a_checkpoint_goes_on_as_it_was() {
        let known = after(0..500);
        let text = toml::to_string(&known).unwrap();
        assert!(text.len() < 4_000, "{} bytes", text.len());
        assert_eq!(toml::from_str::<Knowledge>(&text).unwrap(), known);
    }

    #[test]
    fn places_are_sites_without_the_numbers_of_agents() {
        let places = ["executor-1 > ticketing, call create", "executor-12's disk, write", "mail2, send"];
        assert_eq!(
            places.map(|site| place(Name::new(site))),
            ["executor > ticketing, call create", "executor's disk, write", "mail2, send"]
        );
    }
}
