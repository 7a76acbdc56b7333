//! The shipped safeguards against the shipped scenarios, and their order.

use crate::scenario;
use crate::suite::Suite;
use std::collections::BTreeSet;

#[test]
fn a_safeguard_protects_what_breaks_without_it_in_the_shipped_scenarios() {
    let suite = Suite::shipped();
    let scenarios = scenario::read_all(&suite, &["scenarios".into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
    let cases = || scenarios.iter().flat_map(|scenario| &scenario.without);
    for kind in suite.safeguards() {
        let without = cases().filter(|case| case.safeguards.contains(&kind.name));
        let shown: BTreeSet<&str> = without.flat_map(|case| case.violates.iter().copied()).collect();
        let said: BTreeSet<&str> = kind.protects.iter().copied().collect();
        assert_eq!(said, shown, "PROTECTS of {}, and what [[without]] cases show", kind.name);
    }
}

#[test]
fn a_safeguard_says_what_a_team_does_without_it_and_needs_only_what_there_is() {
    let suite = Suite::shipped();
    let settings = [
        "`deduplicates = true`",
        "`guarded`",
        "`irreversible`",
        "`kind = \"registers\"`",
        "`reads`",
        "`[store]`",
        "`within`",
        "`[tasks]`",
        "`undo`",
    ];
    for kind in suite.safeguards() {
        assert!(!kind.without.is_empty() && kind.without.len() <= 100, "{}", kind.name);
        for word in kind.needs.split('`').skip(1).step_by(2) {
            let is_known = suite.find_safeguard(word).is_some() || settings.contains(&&*format!("`{word}`"));
            assert!(is_known, "{} needs `{word}`", kind.name);
        }
    }
}

#[test]
fn every_safeguard_is_listed_once_and_in_order() {
    let names: Vec<&str> = super::shipped().iter().map(|kind| kind.name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
}
