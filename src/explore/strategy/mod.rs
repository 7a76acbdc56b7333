//! The shipped [strategies](crate::suite::Strategy), and which of them and of its own a suite has.
//!
//! A new shipped strategy is one file and one line in [`ALL`].

mod behaviour;
mod chances;
mod exhaustive;
mod feedback;
mod lineage;
mod mix;
mod pct;
mod random;
mod reduction;
mod storm;
mod swarm;

pub(crate) use crate::suite::Outline;
pub use crate::suite::{Feedback, OwnStrategy, Strategy, Trial, WantedFeedback};
pub(in crate::explore) use random::random;

use crate::scenario::Case;
use crate::suite::{BySeed, PlanOf, Suite, after};
use perfidy_sim::{Engine, Seed};
use std::fmt;

/// How far a strategy goes that comes to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many faults a plan has at most.
    pub faults: usize,
    /// How many plans may be tried.
    pub plans: u64,
    /// How many plans are drawn where there are more than may be tried.
    pub sample: Option<u64>,
    /// Whether plans are left out whose result follows from that of others. A sample has them.
    pub is_reduced: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { faults: 1, plans: 200_000, sample: None, is_reduced: false }
    }
}

/// A strategy cannot start, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StrategyRefused(String);

impl fmt::Display for StrategyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StrategyRefused {}

/// What a strategy starts from.
pub struct Start<'a> {
    /// The case.
    pub case: &'a Case,
    /// The engine.
    pub engine: Engine,
    /// The first seed.
    pub first_seed: Seed,
    /// How far it goes.
    pub bounds: Bounds,
}

/// A strategy that can be chosen.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Whether it comes to an end by itself, and is to be let.
    pub ends: bool,
    /// Starts it.
    pub start: fn(&Start<'_>) -> Result<Box<dyn Strategy>, StrategyRefused>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// Every strategy.
pub const ALL: &[&Kind] =
    &[&mix::KIND, &random::KIND, &storm::KIND, &swarm::KIND, &pct::KIND, &exhaustive::KIND, &lineage::KIND];

/// The strategy of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// A strategy that can be chosen for the cases of a suite.
#[derive(Clone, Debug)]
pub enum Choice {
    /// One that comes with perfidy.
    Shipped(&'static Kind),
    /// One of the suite's own.
    Own(OwnStrategy),
}

impl Choice {
    /// Every strategy that there is in a suite. An own one takes the place of a shipped one of the same name.
    pub fn all(suite: &Suite) -> impl Iterator<Item = Self> {
        let is_replaced = |kind: &&&Kind| suite.strategies().iter().any(|own| own.name == kind.name);
        let shipped = ALL.iter().filter(move |kind| !is_replaced(kind)).map(|kind| Self::Shipped(kind));
        shipped.chain(suite.strategies().iter().cloned().map(Self::Own))
    }

    /// The strategy of that name in a suite.
    pub fn find(suite: &Suite, name: &str) -> Option<Self> {
        Self::all(suite).find(|choice| choice.name() == name)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shipped(kind) => kind.name,
            Self::Own(own) => own.name,
        }
    }

    /// What it does, in one line.
    pub fn about(&self) -> &'static str {
        match self {
            Self::Shipped(kind) => kind.about,
            Self::Own(own) => own.about,
        }
    }

    /// Whether it comes to an end by itself, and is to be let.
    pub fn ends(&self) -> bool {
        match self {
            Self::Shipped(kind) => kind.ends,
            Self::Own(_) => false,
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// Why it cannot start.
    pub fn start(&self, start: &Start<'_>) -> Result<Box<dyn Strategy>, StrategyRefused> {
        match self {
            Self::Shipped(kind) => (kind.start)(start),
            Self::Own(own) => Ok(own.start(&start.case.scenario.chaos, start.first_seed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Campaign, CaseReport, Collect, Watchdog};
    use crate::scenario::Scenario;
    use perfidy_sim::{Interrupt, Plan};
    use std::path::Path;

    /// A scenario that comes with perfidy, as written.
    pub(super) fn case(name: &str) -> Case {
        all_cases(name).remove(0)
    }

    pub(super) fn all_cases(name: &str) -> Vec<Case> {
        let file = format!("scenarios/{name}.toml");
        let scenario =
            Scenario::read(&crate::suite::Suite::shipped(), Path::new(&file), Path::new("scenarios"));
        Case::all(&scenario.unwrap_or_else(|problems| panic!("{problems}")))
    }

    pub(super) fn start(case: &Case, kind: &Kind) -> Box<dyn Strategy> {
        let bounds = Bounds::default();
        (kind.start)(&Start { case, engine: Engine::Native, first_seed: Seed(3), bounds }).unwrap()
    }

    pub(super) fn report(case: &Case, strategy: &mut dyn Strategy, seeds: u64, threads: usize) -> CaseReport {
        let interrupted = Interrupt::default();
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: Seed(3),
            seeds,
            collect: Collect { digests: true, ..Collect::NONE },
            interrupted: &interrupted,
            watchdog: &Watchdog::new(),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| campaign.run_with(case, strategy))
    }

    #[test]
    fn every_strategy_comes_to_the_same_result_on_one_thread_and_on_four() {
        for kind in ALL {
            for case in all_cases("conductor/lost-ack") {
                let [one, four] = [1, 4].map(|threads| report(&case, &mut *start(&case, kind), 300, threads));
                assert_eq!(one.digest, four.digest, "{case}, {}", kind.name);
                assert_eq!(
                    (one.findings, one.tallies),
                    (four.findings, four.tallies),
                    "{case}, {}",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn what_any_strategy_finds_breaks_again_by_the_faults_of_the_finding() {
        for kind in ALL {
            for case in all_cases("conductor/lost-ack") {
                for finding in report(&case, &mut *start(&case, kind), 300, 2).findings {
                    let plan = Plan::Explicit(finding.faults.as_slice().into());
                    let run = crate::explore::Run::planned(&case, Engine::Native, finding.seed, &plan);
                    assert!(run.violation(finding.property).is_some(), "{case}, {}: {finding:?}", kind.name);
                }
            }
        }
    }

    #[test]
    fn no_two_strategies_share_a_name() {
        let mut names: Vec<&str> = ALL.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| find(name).is_some_and(|kind| kind.name == *name)));
    }

    #[test]
    fn a_strategy_of_a_suite_is_chosen_by_its_name_and_takes_the_place_of_a_shipped_one() {
        let none = || OwnStrategy::by_seed("none", "no faults", |_, _| Plan::fault_free());
        let random = OwnStrategy::by_seed("random", "no faults either", |_, _| Plan::fault_free());
        let suite = Suite::shipped().strategy(none()).strategy(random);
        let names: Vec<&str> = Choice::all(&suite).map(|choice| choice.name()).collect();
        assert_eq!(names, ["mix", "storm", "swarm", "pct", "exhaustive", "lineage", "none", "random"]);
        let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
        let scenario = Scenario::parse(&suite, "conductor/lost-ack", &text).unwrap();
        let case = Case::as_written(&scenario);
        for (suite, is_met) in [(&suite, false), (&Suite::shipped(), true)] {
            let choice = Choice::find(suite, "random").unwrap();
            let start =
                Start { case: &case, engine: Engine::Native, first_seed: Seed(3), bounds: Bounds::default() };
            let report = report(&case, &mut *choice.start(&start).unwrap(), 50, 2);
            assert_eq!((report.strategy, report.seeds), ("random", 50));
            assert_eq!(!report.injected.is_empty(), is_met, "{:?}", report.injected);
        }
        assert!(Choice::find(&suite, "stormy").is_none());
        assert!(std::panic::catch_unwind(|| Suite::shipped().strategy(none()).strategy(none())).is_err());
    }
}
