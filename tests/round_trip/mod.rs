//! Round trip: every saved failure reads back and reproduces, and one failure is saved once.

mod by_chance;
mod identity;
mod unusual;

use crate::cases;
use perfidy::explore::{Corpus, Failure, ReplayOutcome, Run, SavedSeed, shrink};
use perfidy::scenario::Case;
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Seed};
use std::path::Path;
use std::sync::LazyLock;

/// Saves a failure in a new corpus, and checks that the file contains this failure and fails again.
fn reads_back(saved: &SavedSeed) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let text = || saved.to_toml(Path::new("it.toml"));
    let place = Corpus::new(folder.path()).save(saved).map_err(|error| format!("{error}\n{}", text()))?;
    let read = Failure::read(&Suite::shipped(), place.path()).map_err(|bad| format!("{bad}\n{}", text()))?;
    let is_it = read.saved.faults == saved.faults && read.saved.seed == saved.seed;
    match read.replay().1 {
        ReplayOutcome::Reproduced { same_history: true } if is_it => Ok(()),
        answer => Err(format!("{answer:?}\n{}", text())),
    }
}

/// The shrunk failures of a case at some of these seeds.
fn failures(case: &Case, seeds: impl Iterator<Item = u64>) -> impl Iterator<Item = SavedSeed> {
    let property = case.without().expect("the case breaks something").violates[0];
    seeds.map(Seed).filter_map(move |seed| {
        let run = Run::fuzzed(case, Engine::Native, seed);
        run.violation(property)?;
        let minimal = shrink(case, Engine::Native, seed, property, &run.outcome.injected)?;
        Some(SavedSeed::new(Engine::Native, seed, property, &minimal))
    })
}

/// A failure with a ticket that is filed twice, with a change in it.
fn filed_twice_but(change: impl FnOnce(&mut SavedSeed)) -> SavedSeed {
    let mut saved = filed_twice();
    change(&mut saved);
    saved
}

/// A case in which tickets are filed twice.
const FILED_TWICE: &str = "conductor/lost-ack, without idempotency-keys";

/// A failure with a ticket that is filed twice.
fn filed_twice() -> SavedSeed {
    static FIRST: LazyLock<SavedSeed> =
        LazyLock::new(|| failures(cases::titled(FILED_TWICE), 0..300).next().expect("it breaks"));
    FIRST.clone()
}
