//! JSON output: one object a line, with all keys.

use crate::place::{Place, REFUND};
use serde_json::Value;

fn keys(record: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn what_programs_read_of_a_run_is_complete() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let said =
        place.perfidy(&["run", "--format", "json", "--seed", "7", "--save", "all"]).ends_with(0).calmly();
    let [written, without] = &said.records()[..] else { panic!("{}", said.out) };
    for record in [written, without] {
        assert_eq!(
            keys(record),
            [
                "case",
                "digest",
                "engine",
                "events",
                "faults_injected",
                "findings",
                "first_seed",
                "properties",
                "runs_per_second",
                "saved",
                "scenario",
                "schema",
                "seeds",
                "shown",
                "strategy",
                "summary",
                "verdict"
            ]
        );
        assert_eq!((&record["schema"], &record["first_seed"]), (&1.into(), &7.into()));
        assert_eq!((&record["scenario"], &record["engine"]), (&"bank/refund".into(), &"native".into()));
        let tally = record["properties"]["no-duplicate-effects"].as_object().unwrap();
        assert_eq!(
            tally.values().map(|count| count.as_u64().unwrap()).sum::<u64>(),
            record["seeds"].as_u64().unwrap()
        );
        assert!(record["events"].as_u64() > record["seeds"].as_u64());
        assert!(record["faults_injected"]["ack-lost"].as_u64() > Some(0));
    }
    assert_eq!((&written["case"], &written["verdict"]), (&"as written".into(), &"holds".into()));
    assert_eq!(
        (&without["case"], &without["verdict"]),
        (&"without idempotency-keys".into(), &"caught".into())
    );
    assert_eq!((&written["seeds"], &without["seeds"]), (&1000.into(), &100.into()));
    assert_eq!(written["saved"], Value::Array(Vec::new()));
    assert_eq!(without["saved"], Value::from(place.files("seeds")));
    let finding = &without["findings"][0];
    assert_eq!(
        keys(finding),
        [
            "after_seeds",
            "changed",
            "faults",
            "message",
            "property",
            "replay",
            "safeguards_off",
            "seed",
            "story"
        ]
    );
    assert_eq!(finding["safeguards_off"][0], "idempotency-keys");
    assert!(finding["message"].as_str().unwrap().contains("bank.refund happened twice"), "{finding}");
    assert_eq!(finding["faults"].as_array().unwrap().len(), 1);
    assert_eq!(finding["replay"], format!("perfidy replay {}", place.files("seeds")[0]));
    let effects = finding["story"].as_array().unwrap().iter();
    let effects = effects.filter(|event| event["text"].as_str().unwrap().starts_with("EFFECT"));
    assert_eq!(effects.count(), 2, "{finding}");
    assert_eq!(keys(&finding["story"][0]), ["at_ns", "event", "incarnation", "node", "text", "times"]);
}

#[test]
fn what_programs_read_of_a_replay_is_complete() {
    let place = Place::new();
    let file = place.saved_failure();
    let said = place.perfidy(&["replay", &file, "--format", "json"]).ends_with(1).calmly();
    let [record] = &said.records()[..] else { panic!("{}", said.out) };
    assert_eq!(
        keys(record),
        [
            "case",
            "digest",
            "engine",
            "events",
            "faults_injected",
            "file",
            "first_seed",
            "outcome",
            "properties",
            "property",
            "same_history",
            "scenario",
            "schema",
            "seeds"
        ]
    );
    assert_eq!(
        (&record["file"], &record["property"]),
        (&file.as_str().into(), &"no-duplicate-effects".into())
    );
    assert_eq!(record["properties"]["no-duplicate-effects"], "violated");
    assert_eq!(record["faults_injected"]["ack-lost"], 1);
}
