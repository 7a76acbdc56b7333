//! Mix: random first, then every other strategy that never ends in turn with it.
//!
//! No strategy is best everywhere. What is easy to find, random finds within the first trials, and nothing else comes
//! before them; from then on every second trial is random and the others share the rest. So what random finds late the
//! mix finds after twice as many trials at worst, and what random hardly ever finds has a chance.

use super::guided::Guided;
use super::{Kind, Lesson, PlanOf, Start, Strategy, Trial, Wants, after, pct, random, swarm};
use perfidy_sim::Seed;

pub(super) const KIND: Kind = Kind {
    name: "mix",
    about: "random first; then half random, the rest swarm, pct and guided in turn",
    ends: false,
    start: |start| Ok(Box::new(Mix::new(start))),
};

/// How many trials are random before the others have their turn.
const RANDOM_FIRST: u64 = 50;
/// How many trials there are before what they taught is wanted.
const BATCH: usize = 128;

struct Mix {
    next: Seed,
    tried: u64,
    random: PlanOf,
    swarm: PlanOf,
    pct: PlanOf,
    guided: Guided,
}

impl Mix {
    fn new(start: &Start<'_>) -> Self {
        Self {
            next: start.first_seed,
            tried: 0,
            random: random::plan_of(start.case),
            swarm: swarm::plan_of(start.case),
            pct: pct::plan_of(start),
            guided: Guided::new(start.case, start.first_seed),
        }
    }

    fn trial(&mut self) -> Trial {
        let (seed, nth) = (self.next, self.tried);
        self.next = after(seed);
        self.tried += 1;
        let plan_of = match nth.checked_sub(RANDOM_FIRST).map(|nth| nth % 6) {
            Some(1) => &self.swarm,
            Some(3) => &self.pct,
            Some(5) => return self.guided.trial(seed),
            _ => &self.random,
        };
        Trial { seed, plan: plan_of(seed), wants: Wants::Nothing }
    }
}

impl Strategy for Mix {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        (0..limit.min(BATCH)).map(|_| self.trial()).collect()
    }

    /// Only the guided trials want to know anything.
    fn learn(&mut self, trial: &Trial, lesson: &Lesson) {
        self.guided.learn(trial, lesson);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::tests::{case, report, start};

    #[test]
    fn the_first_trials_are_those_of_random() {
        let case = case("conductor/rough-weather");
        let [mix, random] = [&KIND, &random::KIND]
            .map(|kind| report(&case, &mut *start(&case, kind), RANDOM_FIRST, 2).digest);
        assert_eq!(mix, random);
    }

    #[test]
    fn of_the_others_half_are_random_and_every_seed_is_used_once() {
        let case = case("conductor/lost-ack");
        let mut mix = start(&case, &KIND);
        let trials: Vec<Trial> = (0..8).flat_map(|_| mix.next(100)).collect();
        assert_eq!(trials.len(), 800);
        let chaos = std::sync::Arc::clone(&case.scenario.chaos);
        let is_random = |trial: &&Trial| match &trial.plan {
            perfidy_sim::Plan::Fuzz(plan) => std::sync::Arc::ptr_eq(plan, &chaos),
            perfidy_sim::Plan::Explicit(_) => false,
        };
        let random = trials.iter().filter(|trial| trial.wants == Wants::Nothing).filter(is_random).count();
        assert_eq!(random, 50 + 375);
        assert!(trials.iter().zip(3..).all(|(trial, seed)| trial.seed == Seed(seed)));
    }
}
