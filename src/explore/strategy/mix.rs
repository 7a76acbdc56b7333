//! Mix: random first, then every other strategy that never ends in turn with it.
//!
//! No strategy is best everywhere. What is easy to find, random finds within the first trials, and nothing
//! else comes before them; from then on two of three trials are random and the others share the rest. So what
//! only random finds, the mix finds after half as many trials again at worst. Most of the others are storms:
//! a failure that takes several faults at once comes up tens of times as often in them. Where faults are
//! rare, most random trials have none; so one of the others is the single faults of a fault-free run, each
//! tried once. The order of messages is that of PCT now and then.

use super::chances::{self, Detail};
use super::{Kind, PlanOf, Start, Strategy, Trial, WantedFeedback, after, exhaustive, pct, random, storm};
use crate::explore::Run;
use crate::scenario::Case;
use perfidy_sim::{Engine, Fault, Plan, Seed};

pub(super) const KIND: Kind = Kind {
    name: "mix",
    about: "random first; then two thirds random, one third storm, pct and single faults in turn",
    ends: false,
    start: |start| Ok(Box::new(Mix::new(start))),
};

/// How many trials are random before the others have their turn.
const RANDOM_FIRST: u64 = 50;
/// How many trials there are until the turns come again.
const CYCLE: u64 = 12;
/// Of the cycles, one of so many has a trial of PCT in the place of a storm.
const PCT_EVERY: u64 = 4;

struct Mix {
    next: Seed,
    tried: u64,
    random: PlanOf,
    storm: PlanOf,
    pct: PlanOf,
    singletons: Singles,
}

/// The single faults of a fault-free run, in a drawn order. The run is made when the first of them is wanted.
struct Singles {
    case: Case,
    engine: Engine,
    seed: Seed,
    left: Option<Vec<Fault>>,
}

impl Singles {
    fn trial(&mut self) -> Option<Trial> {
        let Self { ref case, engine, seed, ref mut left } = *self;
        let chaos = &case.scenario.chaos;
        let fault_free = chances::fault_free(chaos);
        let left = left.get_or_insert_with(|| {
            let run = Run::marked(case, engine, seed, &fault_free);
            let is_free = |fault: &Fault| fault_free.pinned().iter().all(|pinned| pinned.at != fault.at);
            let faults = chances::of(&case.scenario, &run.outcome, Detail::Full).into_iter().filter(is_free);
            exhaustive::shuffled(faults, seed, 0).collect()
        });
        let faults = fault_free.pinned().iter().copied().chain([left.pop()?]).collect();
        Some(Trial { seed, plan: Plan::Explicit(faults), wants: WantedFeedback::Nothing })
    }
}

impl Mix {
    fn new(start: &Start<'_>) -> Self {
        let Start { case, engine, first_seed: seed, .. } = *start;
        Self {
            next: seed,
            tried: 0,
            random: random::plan_of(case),
            storm: storm::plan_of(case),
            pct: pct::plan_of(start),
            singletons: Singles { case: case.clone(), engine, seed, left: None },
        }
    }

    fn trial(&mut self) -> Trial {
        let (seed, nth) = (self.next, self.tried);
        self.next = after(seed);
        self.tried += 1;
        let turn = nth.checked_sub(RANDOM_FIRST).map(|nth| (nth / CYCLE, nth % CYCLE));
        let plan_of = match turn {
            Some((_, 1)) => {
                if let Some(single) = self.singletons.trial() {
                    return single;
                }
                &self.storm
            }
            Some((cycle, 7)) if cycle.is_multiple_of(PCT_EVERY) => &self.pct,
            Some((_, 4 | 7 | 10)) => &self.storm,
            _ => &self.random,
        };
        Trial { seed, plan: plan_of(seed), wants: WantedFeedback::Nothing }
    }
}

impl Strategy for Mix {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        (0..limit).map(|_| self.trial()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::tests::{case, report, start};

    #[test]
    fn the_first_trials_are_those_of_random() {
        let case = case("conductor/all-faults");
        let [mix, random] = [&KIND, &random::KIND]
            .map(|kind| report(&case, &mut *start(&case, kind), RANDOM_FIRST, 2).digest);
        assert_eq!(mix, random);
    }

    #[test]
    fn of_the_others_two_of_three_are_random_and_every_seed_is_used_once() {
        let case = case("conductor/lost-ack");
        let mut mix = start(&case, &KIND);
        let trials: Vec<Trial> = (0..8).flat_map(|_| mix.next(100)).collect();
        assert_eq!(trials.len(), 800);
        let chaos = &case.scenario.chaos;
        let is_random = |trial: &&Trial| match &trial.plan {
            Plan::Fuzz(plan) => std::sync::Arc::ptr_eq(plan, chaos),
            Plan::Explicit(_) => false,
        };
        assert_eq!(trials.iter().filter(is_random).count(), 50 + 500);
        let is_single = |trial: &Trial| matches!(trial.plan, Plan::Explicit(_));
        assert!(trials.iter().zip(3..).all(|(trial, seed)| is_single(trial) || trial.seed == Seed(seed)));
    }

    #[test]
    fn single_faults_are_all_different_and_come_to_an_end() {
        let case = case("conductor/lost-ack");
        let mut singletons = Singles { case, engine: Engine::Native, seed: Seed(3), left: None };
        let mut plans: Vec<Vec<Fault>> =
            std::iter::from_fn(|| singletons.trial()).map(|trial| trial.plan.pinned().to_vec()).collect();
        let all = plans.len();
        assert!(all > 50 && plans.iter().all(|faults| faults.len() == 1));
        plans.sort_unstable();
        plans.dedup();
        assert_eq!(plans.len(), all);
        assert!(singletons.trial().is_none());
    }
}
