//! Random: seed after seed, each with the chances that stand in the scenario.

use super::{BySeed, Kind, PlanOf};
use crate::scenario::Case;
use perfidy_sim::{Plan, Seed};
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "random",
    about: "each fault with the scenario's probabilities, seed after seed",
    ends: false,
    start: |start| Ok(Box::new(random(start.case, start.first_seed))),
};

pub(in crate::explore) fn random(case: &Case, first_seed: Seed) -> BySeed {
    BySeed { name: KIND.name, next: first_seed, plan_of: plan_of(case) }
}

pub(super) fn plan_of(case: &Case) -> PlanOf {
    let plan = Plan::Fuzz(Arc::clone(&case.scenario.chaos));
    Box::new(move |_| plan.clone())
}
