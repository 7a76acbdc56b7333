//! Service levels, as `perfidy run` judges them.

use crate::place::Place;

/// A tool that is out for longer than the agent waits in about a tenth of the runs.
const SHARE: &str = r#"# An assistant is done in time in most runs.
workflow = "solo"
[[step]]
name = "file-ticket"
tool = "ticketing.create"
[tasks]
count = 1
[safeguards]
dead-letter = true
idempotency-keys = true
intent-keys = true
persist-before-call = true
retry = { attempts = 3, backoff = "1s..5s" }
tool-dedupe = true
[tools.ticketing]
latency = "50ms..2s"
deduplicates = true
[faults]
until = "10m"
no-response = { at = "ticketing", chance = "40%" }
[[service-level]]
completes-within = "15s"
at-least = "LEAST"
"#;

fn place(least: &str) -> Place {
    Place::with(&[("scenarios/share.toml", &SHARE.replace("LEAST", least))])
}

const RUN: [&str; 4] = ["run", "scenarios/share.toml", "--save", "none"];

#[test]
fn a_share_that_most_runs_keep_is_met_and_the_table_says_how_sure_that_is() {
    let said = place("80%").perfidy(&RUN).ends_with(0).calmly();
    // Beside the speed, which is another each time.
    let levels = said.out.split("\n\n").nth(1).unwrap();
    insta::assert_snapshot!(levels);
}

#[test]
fn a_share_that_too_few_runs_keep_is_missed() {
    place("99%")
        .perfidy(&RUN)
        .ends_with(1)
        .says(&["SERVICE LEVEL MISSED: completes within 15s in at least 99% of runs"]);
}

#[test]
fn too_few_runs_decide_nothing_and_it_is_said_how_many_would() {
    let few = [&RUN[..], &["--seeds", "20"]].concat();
    place("90%").perfidy(&few).ends_with(3).says(&["undecided: completes within 15s", "would decide it"]);
}

#[test]
fn programs_get_the_counts_and_the_bounds() {
    let json = [&RUN[..], &["--seeds", "500", "--strategy", "random", "--format", "json"]].concat();
    let said = place("80%").perfidy(&json).ends_with(0).calmly();
    let level = &said.records()[0]["service_levels"][0];
    assert_eq!((level["runs"].as_u64(), level["verdict"].as_str()), (Some(500), Some("met")));
    let bound = |name: &str| level[name].as_u64().unwrap();
    let seen = bound("kept") * 1_000_000 / 500;
    assert!(800_000 <= bound("low_per_million") && bound("low_per_million") < seen, "{level}");
    assert!(seen < bound("high_per_million") && bound("high_per_million") < 1_000_000, "{level}");
}

#[test]
fn other_strategies_look_for_trouble_and_do_not_count() {
    let swarm = [&RUN[..], &["--strategy", "swarm", "--seeds", "50"]].concat();
    place("99%")
        .perfidy(&swarm)
        .ends_with(0)
        .says(&["no run has the chances of the file; --strategy random"]);
}

#[test]
fn a_property_with_a_service_level_may_break_in_a_run_and_nothing_is_saved() {
    let careless = SHARE
        .replace("idempotency-keys = true\n", "")
        .replace("tool-dedupe = true\n", "")
        .replace("deduplicates = true\n", "")
        .replace(
            "no-response = { at = \"ticketing\", chance = \"40%\" }",
            "ack-lost = { at = \"ticketing\", chance = \"5%\" }",
        )
        .replace("completes-within = \"15s\"", "property = \"no-duplicate-effects\"")
        .replace("LEAST", "80%");
    let place = Place::with(&[("scenarios/share.toml", &careless)]);
    let said = place.perfidy(&["run", "scenarios/share.toml"]).ends_with(0).calmly();
    assert!(said.out.contains("no-duplicate-effects holds in at least 80% of runs"), "{}", said.out);
    assert!(!said.out.contains("1000 of 1000"), "it breaks in some: {}", said.out);
}
