//! `perfidy audit`, over the shipped scenarios.

use crate::place::in_the_repository;

#[test]
fn the_command_finds_the_shipped_scenarios_identical() {
    let output =
        in_the_repository(&["audit", "scenarios/conductor", "--seeds", "5", "--seed", "40"]).ends_with(0);
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines.len() > 5);
    for line in lines {
        assert!(
            line.ends_with(": 5 seeds, the same on other threads, in another process and replayed"),
            "{line}"
        );
    }
}

#[test]
fn programs_get_one_object_a_case() {
    let file = "scenarios/conductor/lost-ack.toml";
    let output = in_the_repository(&["audit", file, "--seeds", "2", "--format", "json"]).ends_with(0);
    let records = output.records();
    assert_eq!(records[0]["scenario"], "conductor/lost-ack");
    assert_eq!(records[0]["case"], "as written");
    assert_eq!(records[0]["seeds"], 2);
    assert!(records.iter().all(|record| record["verdict"] == "identical"));
}

#[test]
fn a_scenario_that_is_not_there_is_bad_input() {
    let missing = in_the_repository(&["audit", "scenarios/conductor/lost-akc.toml"]);
    missing.ends_with(2).complains(&["did you mean"]);
    in_the_repository(&["audit", "--seeds", "0"]).ends_with(2);
}
