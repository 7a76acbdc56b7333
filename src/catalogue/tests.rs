//! The catalogue against the scenarios, examples and keys that are shipped.

use super::*;
use std::collections::BTreeSet;

#[test]
fn every_key_has_a_meaning_and_every_meaning_a_key() {
    let items = all(&Suite::shipped());
    let keys: BTreeSet<&str> = items
        .iter()
        .filter(|item| matches!(item.family, Family::Fault | Family::Safeguard | Family::Tool))
        .flat_map(|item| item.keys.iter().map(|key| key.name))
        .collect();
    let meant: BTreeSet<&str> = MEANINGS.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, meant);
}

#[test]
fn an_example_says_nothing_but_what_has_a_meaning() {
    for item in all(&Suite::shipped()).into_iter().filter(|item| item.family != Family::Table) {
        let Some(Ok(example)) = item.example.map(str::parse::<toml::Table>) else { continue };
        let example =
            if item.family == Family::Tool { example.values().next() } else { example.get(item.name) };
        let Some(toml::Value::Table(said)) = example else { continue };
        let known = |key: &String| item.keys.iter().any(|known| known.name == key);
        assert!(said.keys().all(known), "{}", item.name);
    }
}

#[test]
fn whatever_is_shipped_is_used_by_a_scenario_that_is_shipped() {
    let scenarios = crate::scenario::read_all(&Suite::shipped(), &["scenarios".into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
    for item in all(&Suite::shipped()).iter().filter(|item| item.family != Family::Strategy) {
        // No shipped scenario pins a fault, is so large that it needs another limit, or has a program of a
        // user.
        if item.family == Family::Table && matches!(item.name, "agents" | "fault" | "limits") {
            continue;
        }
        // A property that is judged everywhere and never expected to break needs no scenario of its own.
        let is_for_all = item.name == WELL_BEHAVED;
        assert!(is_for_all || scenarios.iter().any(|scenario| item.is_used_by(scenario)), "{}", item.name);
    }
}

#[test]
fn every_safeguard_is_taken_away_somewhere_and_every_promise_broken() {
    let scenarios = crate::scenario::read_all(&Suite::shipped(), &["scenarios".into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
    let all = all(&Suite::shipped());
    let claimed = all.iter().filter(|item| matches!(item.family, Family::Safeguard | Family::Property));
    let unshown = claimed.filter(|item| !scenarios.iter().any(|scenario| item.is_missed_in(scenario)));
    // No shipped team misbehaves.
    assert_eq!(unshown.map(|item| item.name).collect::<Vec<_>>(), ["well-behaved"]);
}

#[test]
fn whatever_a_workflow_can_be_told_to_do_is_done_by_a_scenario_that_is_shipped() {
    let scenarios = crate::scenario::read_all(&Suite::shipped(), &["scenarios".into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
    let suite = Suite::shipped();
    let uses = |workflow: &str, safeguard: &str| {
        let kind = suite.find_safeguard(safeguard).expect("a workflow has only known ones");
        let mut own = scenarios.iter().filter(|scenario| scenario.workflow.name == workflow);
        own.any(|scenario| {
            let mut taken_away = scenario.without.iter().flat_map(|case| &case.safeguards);
            scenario.safeguards.names().any(|on| on == safeguard)
                || (kind.is_built_in && !scenario.safeguards.is_on(kind))
                || taken_away.any(|off| *off == safeguard)
        })
    };
    let pairs = suite
        .workflows()
        .flat_map(|workflow| workflow.safeguards.iter().map(|safeguard| (workflow.name, *safeguard)));
    let unused: Vec<_> = pairs.filter(|(workflow, safeguard)| !uses(workflow, safeguard)).collect();
    assert_eq!(unused, []);
}

#[test]
fn every_line_about_an_item_is_one_line() {
    for item in all(&Suite::shipped()) {
        assert!(!item.about.is_empty() && item.about.len() <= 120, "{}: {}", item.name, item.about);
        assert!(!item.about.contains('\n') && !item.about.ends_with('.'), "{}: {}", item.name, item.about);
    }
}
