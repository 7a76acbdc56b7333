//! The shipped scenarios and their cases, read once for all tests.

use perfidy::scenario::{self, Case, Scenario};
use perfidy::suite::Suite;
use std::sync::{Arc, LazyLock};

static SCENARIOS: LazyLock<Vec<Arc<Scenario>>> = LazyLock::new(|| {
    scenario::read_all(&Suite::shipped(), &["scenarios".into()]).unwrap_or_else(|bad| {
        panic!("{}", bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"));
    })
});

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| SCENARIOS.iter().flat_map(Case::all).collect());

/// Every file under `scenarios/`.
pub fn scenarios() -> &'static [Arc<Scenario>] {
    &SCENARIOS
}

/// The scenario of each workflow with all faults at once.
pub fn with_all_faults() -> impl Iterator<Item = &'static Arc<Scenario>> {
    SCENARIOS.iter().filter(|scenario| scenario.name.as_str().ends_with("/all-faults"))
}

/// Every case of every file under `scenarios/`.
pub fn all() -> &'static [Case] {
    &CASES
}

/// The case with this title.
///
/// # Panics
///
/// If there is none.
pub fn titled(title: &str) -> &'static Case {
    let case = CASES.iter().find(|case| case.to_string() == title);
    case.unwrap_or_else(|| panic!("no case of the shipped scenarios is called `{title}`"))
}
