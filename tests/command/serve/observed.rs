//! `judge` on what was seen of a real team.

use super::LOST_ACK;
use crate::place::Place;

const SEEN: &str = r#"{"perfidy-observed": 1, "scenario": "scenarios/support.toml"}
{"at_ms": 1764558000000, "seen": {"given": {"task": "case-4711"}}}
{"at_ms": 1764558000300, "by": "helper", "seen": {"called": {"tool": "ticketing", "operation": "create"}}}
{"at_ms": 1764558000900, "by": "helper", "seen": {"effect": {"tool": "ticketing", "operation": "create", "arguments": {"title": "Login is down", "priority": 2}}}}
{"at_ms": 1764558010300, "by": "helper", "seen": {"answered": {"tool": "ticketing", "operation": "create", "outcome": "timed-out"}}}
{"at_ms": 1764558010400, "by": "helper", "seen": {"called": {"tool": "ticketing", "operation": "create"}}}
{"at_ms": 1764558010900, "by": "helper", "seen": {"effect": {"tool": "ticketing", "operation": "create", "arguments": {"title": "Login is down", "priority": 2}}}}
{"at_ms": 1764558012900, "by": "helper", "seen": {"effect": {"tool": "mail", "operation": "send", "arguments": {"to": "customer", "text": "We are on it."}}}}
{"at_ms": 1764558013000, "by": "helper", "seen": {"told": {"task": "case-4711", "done": true}}}
"#;

#[test]
fn what_was_seen_of_a_real_team_is_judged_and_told() {
    let place = Place::with(&[("scenarios/support.toml", LOST_ACK), ("seen.jsonl", SEEN)]);
    let said = place.perfidy(&["judge", "seen.jsonl"]).ends_with(1).calmly();
    insta::assert_snapshot!(said.out);
    let record = &place.perfidy(&["judge", "seen.jsonl", "--format", "json"]).ends_with(1).records()[0];
    assert_eq!(record["broke"][0]["property"], "no-duplicate-effects", "{record}");
    assert_eq!(record["lines"], 8);
    assert!(record.get("seed").is_none(), "{record}");

    let once: Vec<&str> =
        SEEN.lines().enumerate().filter(|(at, _)| !(4..7).contains(at)).map(|(_, it)| it).collect();
    place.write("once.jsonl", &once.join("\n"));
    place.perfidy(&["judge", "once.jsonl"]).ends_with(0).calmly().says(&["no-duplicate-effects    holds"]);
    place
        .perfidy(&["judge", "once.jsonl", "seen.jsonl", "gone.jsonl"])
        .ends_with(2)
        .complains(&["gone.jsonl"]);
}

#[test]
fn a_line_that_cannot_be_understood_is_named_with_its_file() {
    let broken = SEEN.replace("\"told\"", "\"heard\"");
    let place = Place::with(&[("scenarios/support.toml", LOST_ACK), ("seen.jsonl", &broken)]);
    place
        .perfidy(&["judge", "seen.jsonl"])
        .ends_with(2)
        .complains(&["seen.jsonl: line 9: unknown variant `heard`"]);
    let elsewhere = SEEN.replace("scenarios/", "nowhere/");
    place.write("seen.jsonl", &elsewhere);
    place
        .perfidy(&["judge", "seen.jsonl"])
        .ends_with(2)
        .complains(&["its scenario cannot be read", "nowhere/support.toml"]);
}
