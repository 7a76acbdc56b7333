//! `perfidy list` and `perfidy explain`, for a new user.

use crate::place::in_the_repository;

fn said(arguments: &[&str]) -> String {
    in_the_repository(arguments).ends_with(0).out
}

#[test]
fn the_list_has_a_line_for_everything_that_a_scenario_can_name() {
    let list = said(&["list"]);
    for item in perfidy::catalogue::all(&perfidy::suite::Suite::shipped()) {
        let is_its_line = |line: &str| line.trim().starts_with(item.name) && line.ends_with(item.about);
        assert!(list.lines().any(is_its_line), "{}:\n{list}", item.name);
    }
    assert!(list.lines().all(|line| line.len() <= 160));
}

#[test]
fn a_list_of_one_family_has_only_that_one_and_programs_read_it_as_well() {
    let safeguards = said(&["list", "safeguards"]);
    assert!(safeguards.contains("idempotency-keys") && !safeguards.contains("ack-lost"));
    let records = said(&["list", "faults", "--format", "json"]);
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["family"], "fault");
        assert!(record["example"].as_str().unwrap().starts_with(record["name"].as_str().unwrap()));
    }
}

#[test]
fn an_explanation_says_what_it_is_what_can_be_said_of_it_and_where_to_see_it_at_work() {
    let explained = said(&["explain", "ack-lost", "--scenarios", "nowhere"]);
    let here = std::env::current_dir().unwrap().display().to_string();
    insta::assert_snapshot!("explain_a_fault", explained.replace(&here, "FOLDER"));
    let seen = said(&["explain", "retry", "checkpoint"]);
    assert!(seen.contains("perfidy run scenarios/"), "{seen}");
}

#[test]
fn a_workflow_is_explained_by_what_each_of_its_agents_does() {
    for workflow in ["conductor", "hierarchy", "scratchpad"] {
        let explained = said(&["explain", workflow]);
        let (_, map) = explained.split_once("  What its agents do").expect("the map has a heading");
        let (map, _) = map.split_once("\n\n").expect("a blank line ends it");
        insta::assert_snapshot!(format!("actions_of_{workflow}"), map);
    }
}

#[test]
fn what_is_explained_is_shown_first_where_it_is_missed() {
    for (name, missed) in [
        ("no-split-brain", "violates = \"no-split-brain\""),
        ("fencing-tokens", "safeguards = [\"fencing-tokens\"]"),
    ] {
        let explained = said(&["explain", name]);
        let file = explained.lines().find_map(|line| line.trim().strip_prefix("perfidy run "));
        let scenario = std::fs::read_to_string(file.unwrap()).unwrap();
        assert!(scenario.contains(missed), "{explained}");
    }
}

#[test]
fn everything_in_the_list_can_be_explained() {
    let names: Vec<&str> =
        perfidy::catalogue::all(&perfidy::suite::Suite::shipped()).iter().map(|item| item.name).collect();
    let explained = said(&[&["explain"], names.as_slice()].concat());
    assert!(names.iter().all(|name| explained.contains(&format!("{name}, a "))));
}

#[test]
fn what_nobody_has_heard_of_is_bad_input_with_the_nearest_name() {
    let said = in_the_repository(&["explain", "ack-lots"]).ends_with(2);
    assert_eq!(said.err, "error: nothing is called `ack-lots`; did you mean `ack-lost`?\n");
}
