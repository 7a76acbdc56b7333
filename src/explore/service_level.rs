//! Whether a share of runs keeps a promise, and how sure that is.
//!
//! Runs of one file with different seeds are independent of each other, so how many of them keep a promise
//! follows a binomial distribution, and the exact bounds of its share can be given for any number of runs
//! (Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
//! Binomial"). A level is met if the lower bound is above what the file asks for, missed if the upper one is
//! below it, and undecided in between: then there were too few runs, or the share is too near.
//!
//! Each bound alone is as sure as the file asks. That holds for a number of runs that is chosen before: who
//! adds runs until the answer pleases has less than that.
//!
//! Only runs by the chances of the file can be counted. The other strategies look for trouble.

use crate::agent::{Outcome, TeamEvent, UserEvent, kinds};
use crate::explore::Run;
use crate::properties::{TeamHistory, Verdict};
use crate::scenario::{Case, Promise, Scenario, ServiceLevel, percent};
use perfidy_sim::{Chance, Lookup, Name, SimSpan};
use std::collections::BTreeSet;
use std::fmt;

/// Of the runs of a campaign, how many kept the promise of a service level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelReport {
    /// The service level.
    pub level: ServiceLevel,
    /// How many runs kept the promise.
    pub kept: u64,
    /// Of how many. A run in which the property had nothing to judge, or could not be judged, is not one.
    pub runs: u64,
}

/// What that says of the service level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LevelVerdict {
    /// It is met.
    Met,
    /// It is missed.
    Missed,
    /// These runs do not tell.
    Undecided {
        /// How many would, if as large a share of them keep the promise; `None` if the share is too near to
        /// what is asked for.
        needed: Option<u64>,
    },
}

/// No more runs than these are asked for.
const MOST_NEEDED: u64 = 10_000_000;

impl ServiceLevel {
    /// The fewest runs that can show that it is met: all of them keep the promise.
    ///
    /// ```
    /// use perfidy::scenario::{Promise, ServiceLevel};
    /// use perfidy::sim::{Chance, SimSpan};
    ///
    /// let level = ServiceLevel {
    ///     promise: Promise::Completes { within: SimSpan::from_secs(600) },
    ///     at_least: Chance::per_million(990_000).unwrap(),
    ///     confidence: Chance::per_million(950_000).unwrap(),
    /// };
    /// assert_eq!(level.fewest_runs(), 299);
    /// ```
    pub fn fewest_runs(&self) -> u64 {
        let (at_least, doubt) = (fraction(self.at_least), 1.0 - fraction(self.confidence));
        (doubt.ln() / at_least.ln()).ceil() as u64
    }

    /// How many runs a campaign has that says nothing else: as many as tell if the share that keeps the
    /// promise lies half-way between what is asked for and all.
    pub fn usual_runs(&self) -> u64 {
        let asked = self.at_least.as_per_million();
        let half_way =
            LevelReport { level: *self, kept: u64::from(asked.midpoint(1_000_000)), runs: 1_000_000 };
        half_way.runs_needed(self.fewest_runs()).unwrap_or(MOST_NEEDED)
    }

    /// Whether a run keeps the promise; `None` if it does not tell.
    pub(super) fn is_kept(&self, case: &Case, run: &Run) -> Option<bool> {
        match self.promise {
            Promise::Completes { within } => {
                Some(completes(&run.outcome.history, case.scenario.tasks.count, within))
            }
            Promise::Keeps { property } => match run.verdict(property) {
                Verdict::Holds => Some(true),
                Verdict::Violated(_) => Some(false),
                Verdict::Vacuous | Verdict::Unknown { .. } => None,
            },
        }
    }
}

impl Scenario {
    /// How many runs it takes to tell whether its service levels are met, if hardly any run keeps them not;
    /// none if it has no service level.
    pub fn runs_for_service_levels(&self) -> u64 {
        self.service_levels.iter().map(ServiceLevel::usual_runs).max().unwrap_or_default()
    }
}

/// Whether the user was informed of so many tasks as done, each in time.
fn completes(history: &TeamHistory, tasks: u32, within: SimSpan) -> bool {
    let mut given = Lookup::<Name, _>::default();
    let mut done = BTreeSet::new();
    for (event, note) in history.app_events_of(kinds::TASK_GIVEN.and(kinds::INFORMED)) {
        match note {
            // A task that is handed to several agents is given when the first of them gets it.
            TeamEvent::User(UserEvent::TaskGiven { task }) => {
                given.get_or_insert_with(*task, || event.at);
            }
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Done => {
                let is_in_time = given.get(report.task).is_some_and(|given| event.at.since(*given) <= within);
                done.extend(is_in_time.then_some(report.task));
            }
            _ => {}
        }
    }
    done.len() == tasks as usize
}

impl LevelReport {
    pub(super) fn new(level: ServiceLevel) -> Self {
        Self { level, kept: 0, runs: 0 }
    }

    pub(super) fn count(&mut self, is_kept: Option<bool>) {
        self.runs += u64::from(is_kept.is_some());
        self.kept += u64::from(is_kept == Some(true));
    }

    /// The bounds of the share of all runs that keep the promise, each alone as sure as the file asks.
    pub fn bounds(&self) -> (Chance, Chance) {
        if self.runs == 0 {
            return (Chance::NEVER, Chance::ALWAYS);
        }
        let low = largest(|share| self.would_be_lucky(share));
        let high = largest(|share| !self.would_be_unlucky(share));
        (low.unwrap_or(Chance::NEVER), high.unwrap_or(Chance::NEVER))
    }

    /// If no larger share of all runs kept the promise, so many of these would be too lucky to believe.
    fn would_be_lucky(&self, share: f64) -> bool {
        at_most(self.runs - self.kept, self.runs, 1.0 - share) <= self.doubt()
    }

    /// If no smaller share of all runs kept the promise, so few of these would be too unlucky to believe.
    fn would_be_unlucky(&self, share: f64) -> bool {
        at_most(self.kept, self.runs, share) <= self.doubt()
    }

    fn doubt(&self) -> f64 {
        1.0 - fraction(self.level.confidence)
    }

    /// What the runs say.
    pub fn verdict(&self) -> LevelVerdict {
        let asked = fraction(self.level.at_least);
        if self.runs > 0 && self.would_be_lucky(asked) {
            LevelVerdict::Met
        } else if self.runs > 0 && self.would_be_unlucky(asked) {
            LevelVerdict::Missed
        } else {
            LevelVerdict::Undecided { needed: self.needed() }
        }
    }

    /// How many runs would decide it, if as large a share of them keep the promise.
    fn needed(&self) -> Option<u64> {
        if self.runs == 0 {
            return Some(self.level.usual_runs());
        }
        self.runs_needed(self.level.fewest_runs().max(self.runs))
    }

    /// How many runs would decide it, so many or more.
    fn runs_needed(&self, first: u64) -> Option<u64> {
        let decides = |runs: u64| {
            let kept = (u128::from(runs) * u128::from(self.kept) / u128::from(self.runs)) as u64;
            let (more, asked) = (Self { kept, runs, ..*self }, fraction(self.level.at_least));
            more.would_be_lucky(asked) || more.would_be_unlucky(asked)
        };
        let sizes = std::iter::successors(Some(first), |runs| Some(runs + runs.div_ceil(4)));
        sizes.take_while(|runs| *runs <= MOST_NEEDED).find(|runs| decides(*runs)).map(rounded_up)
    }
}

/// A number of runs that people would ask for: two digits and zeros.
fn rounded_up(runs: u64) -> u64 {
    let unit = 10_u64.pow(runs.max(1).ilog10().saturating_sub(1));
    runs.div_ceil(unit) * unit
}

fn fraction(chance: Chance) -> f64 {
    f64::from(chance.as_per_million()) / 1e6
}

/// The largest share of which this is true, if it is true of smaller ones.
fn largest(is_true: impl Fn(f64) -> bool) -> Option<Chance> {
    let of = |parts: u32| is_true(f64::from(parts) / 1e6);
    let (mut below, mut above) = (0, 1_000_001);
    while above - below > 1 {
        let middle = u32::midpoint(below, above);
        if of(middle) { below = middle } else { above = middle }
    }
    if below == 0 && !of(0) { None } else { Chance::per_million(below) }
}

impl LevelVerdict {
    /// `met`, `missed` or `undecided`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided { .. } => "undecided",
        }
    }
}

/// The level, the count and the bounds of the share, and what to do if that does not decide it.
impl fmt::Display for LevelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, kept, runs } = self;
        let (low, high) = self.bounds();
        let (low, high, confidence) = (percent(low), percent(high), percent(level.confidence));
        write!(f, "{level}; {kept} of {runs} runs did, so {low} to {high} do with {confidence} confidence")?;
        match self.verdict() {
            LevelVerdict::Met | LevelVerdict::Missed => Ok(()),
            LevelVerdict::Undecided { needed: Some(runs) } => write!(f, "; --seeds {runs} would decide it"),
            LevelVerdict::Undecided { needed: None } => f.write_str("; too near to decide by more runs"),
        }
    }
}

/// How likely it is that of `runs` at most `some` do what each of them does with this chance.
fn at_most(some: u64, runs: u64, chance: f64) -> f64 {
    if some >= runs || chance <= 0.0 {
        return 1.0;
    }
    if chance >= 1.0 {
        return 0.0;
    }
    // Of the two tails the one with fewer terms.
    if some > runs / 2 {
        return (1.0 - at_most(runs - some - 1, runs, 1.0 - chance)).max(0.0);
    }
    let odds = (chance / (1.0 - chance)).ln();
    // The logarithm of how likely exactly `number` are; terms too small for a float do not matter.
    let mut term = runs as f64 * (-chance).ln_1p();
    let mut sum = term.exp();
    for number in 0..some {
        term += ((runs - number) as f64 / (number + 1) as f64).ln() + odds;
        sum += term.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(kept: u64, runs: u64, at_least: u32) -> LevelReport {
        let share = |parts| Chance::per_million(parts).unwrap();
        let promise = Promise::Completes { within: SimSpan::from_secs(600) };
        let level = ServiceLevel { promise, at_least: share(at_least), confidence: share(950_000) };
        LevelReport { level, kept, runs }
    }

    #[test]
    fn the_fewest_runs_are_as_many_as_decide_if_all_keep_the_promise() {
        for at_least in [900_000, 990_000, 999_000, 999_900] {
            let fewest = report(0, 0, at_least).level.fewest_runs();
            assert_eq!(report(fewest, fewest, at_least).verdict(), LevelVerdict::Met);
            let fewer = report(fewest - 1, fewest - 1, at_least).verdict();
            assert!(matches!(fewer, LevelVerdict::Undecided { .. }), "{fewest} {fewer:?}");
        }
    }

    /// As in tables of one-sided Clopper-Pearson bounds at 95%.
    #[test]
    fn bounds_are_those_of_the_tables() {
        for (kept, runs, low, high) in
            [(10, 10, 741_134, 1_000_000), (9, 10, 605_836, 994_883), (50, 100, 413_560, 586_439)]
        {
            let (is_low, is_high) = report(kept, runs, 500_000).bounds();
            let near = |is: Chance, wanted: u32| is.as_per_million().abs_diff(wanted) <= 400;
            assert!(near(is_low, low) && near(is_high, high), "{kept} of {runs}: {is_low:?} {is_high:?}");
        }
    }

    #[test]
    fn a_level_is_met_missed_or_undecided() {
        assert_eq!(report(999, 1_000, 990_000).verdict(), LevelVerdict::Met);
        assert_eq!(report(950, 1_000, 990_000).verdict(), LevelVerdict::Missed);
        let LevelVerdict::Undecided { needed: Some(needed) } = report(993, 1_000, 990_000).verdict() else {
            panic!("993 of 1000 are too few for 99%")
        };
        assert!((1_001..10_000).contains(&needed), "{needed}");
        let kept = needed * 993 / 1_000;
        assert_eq!(report(kept, needed, 990_000).verdict(), LevelVerdict::Met);
        assert_eq!(report(990, 1_000, 990_000).verdict(), LevelVerdict::Undecided { needed: None });
        assert_eq!(report(0, 0, 990_000).verdict(), LevelVerdict::Undecided { needed: Some(1_800) });
    }

    proptest! {
        #[test]
        fn the_share_that_was_seen_lies_within_its_bounds(runs in 1_u64..3_000, part in 0.0..=1.0_f64) {
            let kept = (runs as f64 * part) as u64;
            let (low, high) = report(kept, runs, 500_000).bounds();
            let seen = (kept * 1_000_000 / runs) as u32;
            prop_assert!(low.as_per_million() <= seen && seen <= high.as_per_million());
        }

        #[test]
        fn more_kept_promises_never_make_it_worse(runs in 1_u64..500, kept in 0_u64..500) {
            prop_assume!(kept < runs);
            let ((low, high), (more_low, more_high)) =
                (report(kept, runs, 500_000).bounds(), report(kept + 1, runs, 500_000).bounds());
            prop_assert!(low <= more_low && high <= more_high);
        }
    }
}
