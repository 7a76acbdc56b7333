//! The failures that a campaign has found in a case, and how many more are worth making small.
//!
//! A failure is known by its fingerprint and counted. Most of what breaks a property is one failure again and
//! again, so after the first [`MAX_SAVED`] further ones are made small ever more rarely; and once there are
//! so many different ones, none is.

use crate::explore::{RunSummary, SavedSeed};
use crate::scenario::Case;
use perfidy_sim::{Seed, Words};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// How many different failures of one property in one case are made small and saved.
pub const MAX_SAVED: usize = 32;

/// How a property broke in a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Broke {
    /// In how many runs.
    pub runs: u64,
    /// The first seed at which it did.
    #[serde(with = "crate::explore::saved::seed")]
    pub first_seed: Seed,
    /// After how many runs of the case it first did.
    #[serde(default)]
    pub after_runs: u64,
    /// The different failures, up to [`MAX_SAVED`], and how often each was made small.
    pub failures: BTreeMap<Fingerprint, u64>,
}

/// What tells a failure or a text apart from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fingerprint(pub(super) u64);

impl Fingerprint {
    /// The fingerprint of a failure whose faults, replayed, break nothing: all of them are one.
    pub const DOES_NOT_REPLAY: Self = Self(0);

    /// The fingerprint of a failure that has not been made small.
    pub(super) const NOT_KNOWN_YET: Self = Self(1);

    /// The fingerprint of a saved failure.
    pub fn of(saved: &SavedSeed) -> Self {
        Self(saved.fingerprint())
    }

    pub(super) fn of_text(text: &str) -> Self {
        Self(Words::digest(|words| {
            words.text(text);
        }))
    }
}

/// Counts a run, the last of so many, for each property that it broke.
pub(super) fn count_runs(broke: &mut BTreeMap<String, Broke>, case: &Case, run: &RunSummary, runs: u64) {
    for (property, _) in run.violations().filter(|(property, _)| case.is_about_breaking(property)) {
        broke.entry(property.to_owned()).or_insert_with(|| Broke::first_at(run.seed, runs)).runs += 1;
    }
}

impl Broke {
    pub(super) fn first_at(seed: Seed, after_runs: u64) -> Self {
        Self { runs: 0, first_seed: seed, after_runs, failures: BTreeMap::new() }
    }

    /// Counts a failure that was made small; says whether it is a different one.
    pub(super) fn count(&mut self, failure: Fingerprint) -> bool {
        let times = self.failures.entry(failure).or_insert(0);
        *times += 1;
        *times == 1
    }

    /// Whether another failure is worth making small: every one of the first, then four each time that there
    /// were twice as many runs.
    pub(super) fn is_wanted(&self) -> bool {
        let enough = MAX_SAVED as u64;
        let doublings = (self.runs / enough).max(1).ilog2();
        let made_small: u64 = self.failures.values().sum();
        self.failures.len() < MAX_SAVED && made_small < enough + 4 * u64::from(doublings)
    }
}

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
            after_runs: 1,
            failures: BTreeMap::from([(Fingerprint(2), times)]),
        };
        let is_wanted = |(runs, times)| broke(runs, times).is_wanted();
        assert_eq!([(1, 1), (40, 31), (40, 32)].map(is_wanted), [true, true, false]);
        let later = [(64, 32), (64, 35), (64, 36), (127, 36), (128, 36)];
        assert_eq!(later.map(is_wanted), [true, true, false, false, true]);
        assert!(!is_wanted((1 << 40, 200)));
        let many = (0..MAX_SAVED as u64).map(|number| (Fingerprint(number), 1)).collect();
        assert!(!Broke { failures: many, ..broke(1 << 40, 0) }.is_wanted());
    }
}
