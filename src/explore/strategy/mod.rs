//! Strategies: which seeds and plans a campaign tries next.
//!
//! A strategy names [`Trial`]s in batches; the campaign runs a batch on all cores and then tells the
//! strategy, in the order of the trials, what it wanted to learn from each. Nothing depends on which run was
//! over first, so a campaign comes to the same result on any number of threads.
//!
//! A new strategy is one file and one line in [`ALL`].

mod behaviour;
mod chances;
mod exhaustive;
mod feedback;
mod guided;
mod mix;
mod pct;
mod random;
mod swarm;

pub use feedback::{Feedback, WantedFeedback};
pub(in crate::explore) use random::random;

use crate::scenario::Case;
use perfidy_sim::{Engine, Plan, Seed};
use std::fmt;

/// One run that a strategy wants.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Where its draws come from.
    pub seed: Seed,
    /// What goes wrong.
    pub plan: Plan,
    /// What the strategy wants to know of it.
    pub wants: WantedFeedback,
}

/// Decides what is tried next.
pub trait Strategy: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The next trials, at most `limit`; none when there is nothing left to try.
    fn next(&mut self, limit: usize) -> Vec<Trial>;

    /// The feedback of one of its trials, if it wants feedback. Called in the order of the trials, once a
    /// batch is over.
    fn learn(&mut self, trial: &Trial, feedback: &Feedback) {
        let _ = (trial, feedback);
    }

    /// What it has to say before it begins.
    fn opening(&self) -> Option<String> {
        None
    }

    /// What it has shown, once every trial is over.
    fn closing(&self) -> Option<String> {
        None
    }

    /// Why it ended before it had tried everything.
    fn gave_up(&self) -> Option<&str> {
        None
    }
}

/// How far a strategy goes that comes to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many faults a plan has at most.
    pub faults: usize,
    /// How many plans may be tried.
    pub plans: u64,
    /// How many plans are drawn where there are more than may be tried.
    pub sample: Option<u64>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { faults: 1, plans: 200_000, sample: None }
    }
}

/// A strategy cannot start, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

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
    pub start: fn(&Start<'_>) -> Result<Box<dyn Strategy>, Refused>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// Every strategy.
pub const ALL: &[&Kind] =
    &[&mix::KIND, &random::KIND, &swarm::KIND, &pct::KIND, &guided::KIND, &exhaustive::KIND];

/// The strategy of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// What goes wrong with a seed.
type PlanOf = Box<dyn Fn(Seed) -> Plan + Send>;

/// A strategy that learns nothing: it takes seed after seed, and each has its plan.
pub(in crate::explore) struct BySeed {
    name: &'static str,
    next: Seed,
    plan_of: PlanOf,
}

impl Strategy for BySeed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        let trial = |_| {
            let seed = self.next;
            self.next = after(seed);
            Trial { seed, plan: (self.plan_of)(seed), wants: WantedFeedback::Nothing }
        };
        (0..limit).map(trial).collect()
    }
}

fn after(seed: Seed) -> Seed {
    Seed(seed.0.wrapping_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Campaign, CaseReport, Watchdog};
    use crate::scenario::Scenario;
    use perfidy_sim::Interrupt;
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
            digests: true,
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
}
