//! Shrinking: from everything that struck to the few faults that suffice.
//!
//! A failure is run again as an explicit plan with fewer and fewer faults, always judged by the same property.
//! Draws are keyed by identity, so taking one fault away leaves every other where it was. First whole chunks
//! are tried (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input"), then single
//! faults until none can go: the result is 1-minimal.

use crate::explore::Run;
use crate::scenario::Case;
use perfidy_sim::{Engine, Fault, Plan, Seed};

/// A failure with no fault that could be left out.
pub struct Minimal {
    /// The faults that suffice.
    pub faults: Vec<Fault>,
    /// The run with exactly these.
    pub run: Run,
}

/// Shrinks a failure of `property`. `None` if the faults, replayed, do not break it.
pub fn shrink(case: &Case, engine: Engine, seed: Seed, property: &str, faults: &[Fault]) -> Option<Minimal> {
    let fails = |faults: &[Fault]| {
        let run = Run::planned(case, engine, seed, &Plan::Explicit(faults.into()));
        run.violation(property).is_some().then_some(run)
    };
    let mut best = Minimal { faults: faults.to_vec(), run: fails(faults)? };
    let mut chunk = best.faults.len().div_ceil(2).max(1);
    loop {
        let mut removed_any = false;
        let mut start = 0;
        while start < best.faults.len() {
            let mut fewer = best.faults.clone();
            fewer.drain(start..(start + chunk).min(best.faults.len()));
            if let Some(run) = fails(&fewer) {
                best = Minimal { faults: fewer, run };
                removed_any = true;
            } else {
                start += chunk;
            }
        }
        if chunk == 1 && !removed_any {
            return Some(best);
        }
        chunk = chunk.div_ceil(2);
    }
}
