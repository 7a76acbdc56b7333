//! A strategy: each run with faults stands beside one without any.

use perfidy::sim::Plan;
use perfidy::suite::OwnStrategy;
use std::sync::Arc;

pub fn every_other() -> OwnStrategy {
    OwnStrategy::by_seed("every-other", "faults with every other seed", |chaos, seed| match seed.0 % 2 {
        0 => Plan::Fuzz(Arc::clone(chaos)),
        _ => Plan::fault_free(),
    })
}
