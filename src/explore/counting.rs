//! Which breaks of a `[[without]]` case count.
//!
//! Such a case claims that a safeguard is what keeps a property against the faults that its file names, and
//! that this shows within so many seeds. A break shows nothing of that if the same scenario breaks the
//! property as written too, if it takes faults that the file does not name, such as the delays of PCT, or if
//! it comes later. `run`, `fuzz` and the tests ask here, and say the same.

use crate::config::problem::listed;
use crate::scenario::{Case, Without};
use perfidy_sim::{Fault, Name, Seed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A property that a case broke only by faults that its file does not name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OtherFaults {
    /// The first seed at which it did.
    #[serde(with = "crate::explore::saved::seed")]
    pub seed: Seed,
    /// The kinds of those faults.
    pub kinds: BTreeSet<Name>,
}

impl OtherFaults {
    /// The injected faults of a run that the file of its case does not name.
    pub(super) fn of(case: &Case, seed: Seed, injected: &[Fault]) -> Self {
        let others = injected.iter().filter(|fault| !case.scenario.configures(fault));
        Self { seed, kinds: others.map(|fault| fault.action.kind()).collect() }
    }
}

/// Why what broke shows nothing of the safeguard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotCounted {
    /// The scenario breaks it as written too, first at this seed.
    AsWritten(Seed),
    /// It broke only by faults that the file does not name.
    ByOtherFaults(OtherFaults),
    /// It broke by faults of the file, and first after so many runs.
    TooLate {
        /// After how many.
        after: u64,
    },
}

/// What the runs of a case were.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tried {
    /// So many seeds. The case says within how many it breaks.
    Seeds(u64),
    /// Plans of one seed, as a search tries them: how many come before the one that breaks it says nothing,
    /// and if none does, it may take more faults.
    Plans,
}

/// How a property broke in a `[[without]]` case and as written.
#[derive(Clone, Default, Debug)]
pub(super) struct Breaks {
    /// After how many runs it first broke by faults that the file names.
    pub after: Option<u64>,
    /// How it broke by other faults.
    pub by_other_faults: Option<OtherFaults>,
    /// The first seed at which it broke as written.
    pub as_written: Option<Seed>,
}

impl Breaks {
    /// Whether it broke so that it counts.
    fn counts(&self, without: &Without, tried: Tried) -> bool {
        let is_in_time = |after| match tried {
            Tried::Seeds(_) => after <= u64::from(without.within_seeds),
            Tried::Plans => true,
        };
        self.as_written.is_none() && self.after.is_some_and(is_in_time)
    }

    /// Why it does not count, if it broke.
    fn why_not(self) -> Option<NotCounted> {
        match self {
            Self { as_written: Some(seed), .. } => Some(NotCounted::AsWritten(seed)),
            Self { after: Some(after), .. } => Some(NotCounted::TooLate { after }),
            Self { by_other_faults, .. } => by_other_faults.map(NotCounted::ByOtherFaults),
        }
    }
}

/// A property that should break and has not, or not so that it counts.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub property: &'static str,
    /// Whether it is certain, as far as these seeds go: there were as many runs as it may take, or it broke
    /// as written too.
    pub is_certain: bool,
    pub why: Option<NotCounted>,
}

/// The first property of a `[[without]]` case that is missing after these runs.
pub(super) fn missing(
    without: &Without,
    tried: Tried,
    breaks: impl Fn(&'static str) -> Breaks,
) -> Option<Missing> {
    let mut all = without.violates.iter().map(|property| (*property, breaks(property)));
    let (property, breaks) = all.find(|(_, breaks)| !breaks.counts(without, tried))?;
    let are_enough = match tried {
        Tried::Seeds(runs) => runs >= u64::from(without.within_seeds),
        Tried::Plans => false,
    };
    let is_certain = are_enough || breaks.after.is_some();
    Some(Missing { property, is_certain, why: breaks.why_not() })
}

impl fmt::Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsWritten(seed) => {
                write!(f, "it breaks as written too (seed {seed}), so it shows nothing of the safeguard")
            }
            Self::ByOtherFaults(OtherFaults { seed, kinds }) => {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let kinds = listed(&kinds);
                write!(f, "it broke only with {kinds}, which the file does not name (first at seed {seed})")
            }
            Self::TooLate { after } => write!(f, "it broke only later, first after {after} runs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHOUT: fn() -> Without = || Without {
        safeguards: vec!["idempotency-keys"],
        violates: vec!["no-duplicate-effects", "no-phantom-completion"],
        within_seeds: 10,
    };

    /// What is missing if both properties first break after so many runs.
    fn missing_after(after: Option<u64>, tried: Tried) -> Option<Missing> {
        missing(&WITHOUT(), tried, |_| Breaks { after, ..Breaks::default() })
    }

    #[test]
    fn a_break_counts_up_to_the_last_run_that_the_file_allows() {
        assert!(missing_after(Some(10), Tried::Seeds(10)).is_none());
        let late = missing_after(Some(11), Tried::Seeds(300)).unwrap();
        assert_eq!((late.why, late.is_certain), (Some(NotCounted::TooLate { after: 11 }), true));
        assert!(missing_after(Some(11), Tried::Plans).is_none(), "the place of a plan says nothing");
    }

    #[test]
    fn what_has_not_broken_is_missing_for_certain_once_there_were_as_many_runs_as_it_may_take() {
        let missing = |tried| missing_after(None, tried).unwrap();
        assert!(!missing(Tried::Seeds(9)).is_certain);
        assert!(missing(Tried::Seeds(10)).is_certain);
        assert!(!missing(Tried::Plans).is_certain, "it may take more faults");
        assert_eq!(missing(Tried::Seeds(10)).why, None);
    }

    #[test]
    fn each_property_has_to_break_and_the_first_that_does_not_is_named() {
        let one = |broken: &'static str| {
            let breaks = |property| Breaks { after: (property == broken).then_some(1), ..Breaks::default() };
            missing(&WITHOUT(), Tried::Seeds(10), breaks).map(|missing| missing.property)
        };
        assert_eq!(one("no-duplicate-effects"), Some("no-phantom-completion"));
        assert_eq!(one("no-phantom-completion"), Some("no-duplicate-effects"));
    }

    #[test]
    fn what_breaks_as_written_too_does_not_count_however_soon_it_breaks() {
        let as_written = Some(Seed(4));
        let by_other_faults = Some(OtherFaults { seed: Seed(2), kinds: BTreeSet::new() });
        let breaks = |_| Breaks { after: Some(1), by_other_faults: by_other_faults.clone(), as_written };
        let missing = missing(&WITHOUT(), Tried::Seeds(10), breaks).unwrap();
        assert_eq!(missing.why, Some(NotCounted::AsWritten(Seed(4))));
    }

    #[test]
    fn what_broke_only_by_other_faults_is_told_with_their_kinds() {
        let kinds = BTreeSet::from([Name::new("delay")]);
        let other = OtherFaults { seed: Seed(2), kinds };
        let breaks = |_| Breaks { by_other_faults: Some(other.clone()), ..Breaks::default() };
        let why = missing(&WITHOUT(), Tried::Seeds(10), breaks).unwrap().why.unwrap();
        assert_eq!(
            why.to_string(),
            "it broke only with `delay`, which the file does not name (first at seed 2)"
        );
    }
}
