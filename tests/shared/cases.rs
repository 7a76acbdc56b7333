//! The cases of the shipped scenarios.

use perfidy::scenario::{self, Case};
use perfidy::suite::Suite;

/// Every case of every file under `scenarios/`.
pub fn all() -> Vec<Case> {
    let scenarios = scenario::read_all(&Suite::shipped(), &["scenarios".into()]).unwrap_or_else(|bad| {
        panic!("{}", bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"));
    });
    scenarios.iter().flat_map(Case::all).collect()
}
