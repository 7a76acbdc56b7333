//! JSON output: one object a line, with all keys.

use crate::place::{Place, REFUND, careless};
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
            "faults",
            "faults_injected",
            "file",
            "first_seed",
            "message",
            "model_steps",
            "outcome",
            "properties",
            "property",
            "same_history",
            "scenario",
            "schema",
            "seeds",
            "story"
        ]
    );
    assert!(record["message"].as_str().unwrap().contains("bank.refund happened twice"), "{record}");
    assert_eq!(record["faults"][0]["do"], "ack-lost");
    assert!(!record["story"].as_array().unwrap().is_empty());
    assert_eq!(
        (&record["file"], &record["property"]),
        (&file.as_str().into(), &"no-duplicate-effects".into())
    );
    assert_eq!(record["properties"]["no-duplicate-effects"], "violated");
    assert_eq!(record["faults_injected"]["ack-lost"], 1);
    let steps = record["model_steps"].as_array().unwrap();
    for step in steps {
        assert!(step["first_token_ns"].as_u64() < step["total_ns"].as_u64(), "{step:#}");
        assert!((70..100).contains(&step["confidence_percent"].as_u64().unwrap()), "{step:#}");
    }
    let refund = steps.iter().flat_map(|step| step["tool_calls"].as_array().unwrap());
    assert!(refund.clone().any(|call| call["operation"] == "refund"), "{steps:#?}");
}

#[test]
fn programs_read_the_story_of_what_is_not_saved_and_the_command_that_has_it_again() {
    let other = REFUND.replace("violates = \"no-duplicate-effects\"", "violates = \"no-phantom-completion\"");
    let place = Place::with(&[("scenarios/other.toml", &other), ("scenarios/careless.toml", &careless())]);
    let said =
        place.perfidy(&["run", "--format", "json", "--save", "none", "--strategy", "random"]).ends_with(1);
    assert_eq!(place.files("seeds"), [""; 0]);
    let records = said.records();
    let found = |case: &str| {
        records.iter().find(|record| record["scenario"] == case && record["findings"][0].is_object())
    };
    for scenario in ["careless", "other"] {
        let finding = &found(scenario).unwrap_or_else(|| panic!("{scenario} has none"))["findings"][0];
        assert!(!finding["story"].as_array().unwrap().is_empty(), "{finding:#}");
        let again = finding["replay"].as_str().unwrap();
        let (seed, file) = (&finding["seed"], format!("scenarios/{scenario}.toml"));
        let start = format!("perfidy run {file} --strategy random --seed {seed} --seeds 1");
        assert!(again.starts_with(&start), "{again}");
        let arguments: Vec<&str> = again.split(' ').skip(1).chain(["--format", "json"]).collect();
        let again = place.perfidy(&arguments);
        let findings = again.records().into_iter().filter_map(|record| record["findings"].get(0).cloned());
        let messages: Vec<Value> = findings.map(|finding| finding["message"].clone()).collect();
        assert!(messages.contains(&finding["message"]), "{finding:#}\n{messages:?}");
    }
}

#[test]
fn what_programs_read_of_a_campaign_tells_the_smallest_failure() {
    let place = Place::with(&[("scenarios/careless.toml", &careless())]);
    let said = place.perfidy(&["fuzz", "--runs", "200", "--format", "json"]).ends_with(1);
    let broke = &said.records()[0]["broke"]["no-duplicate-effects"];
    assert_eq!(keys(broke), ["failures", "faults", "first_seed", "message", "replay", "runs", "story"]);
    assert!(broke["message"].as_str().unwrap().contains("bank.refund happened twice"), "{broke:#}");
    assert_eq!(broke["faults"].as_array().unwrap().len(), 1);
    assert!(!broke["story"].as_array().unwrap().is_empty());
    let replay = broke["replay"].as_str().unwrap();
    let (_, file) = replay.split_once("perfidy replay ").unwrap();
    assert!(place.path(file).exists(), "{replay}");
}
