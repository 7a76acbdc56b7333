//! Every fault against every team: no fault that a file may configure makes a team misbehave.
//!
//! Most properties do not hold with all of these faults at once, and need not. But no agent may panic, spin
//! or flood the world, and the injected faults, as a list, must make the same run.

use crate::cases;
use perfidy::explore::{Run, first_difference};
use perfidy::faults::{self, ActionMap};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Name, Plan, Seed};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml_edit::{DocumentMut, Item, Table, Value};

/// The configuration of each kind of fault against a whole team: `STEP` is a step of the team, `TOOL` one of
/// its tools.
const EVERYWHERE: &[&str] = &[
    r#"drop = { chance = "0.5%" }"#,
    r#"delay = { chance = "0.5%", by = "1s..9s" }"#,
    r#"duplicate = { chance = "0.5%", after = "1ms..5s" }"#,
    r#"reorder = { chance = "0.5%", within = "90ms" }"#,
    r#"corrupt = { chance = "0.5%" }"#,
    r#"byzantine = { at = "everyone", chance = "0.5%" }"#,
    r#"omitted-field = { at = "everyone", chance = "0.5%" }"#,
    r#"retyped-field = { at = "everyone", chance = "0.5%" }"#,
    r#"mixed-versions = { at = "everyone", chance = "0.5%" }"#,
    r#"partition = { split = "random", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"flap = { between = ["everyone", "TOOL"], turn = "100ms..2s", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"slow-link = { between = ["everyone", "TOOL"], by = "100ms..2s", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"slow-receiver = { at = "everyone", each = "100ms..2s", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"crash = [{ at = "everyone", before = "STEP", after = "STEP", chance = "1%", back-after = "1s..9s" }, { at = "everyone", anywhere = true, chance = "0.3%", back-after = "1s..9s" }, { at = "everyone", during = "sync", chance = "1%", back-after = "1s..9s" }]"#,
    r#"pause = [{ at = "everyone", every = "1m..3m", lasting = "1s..9s" }, { at = "everyone", anywhere = true, chance = "0.3%", lasting = "1s..9s" }]"#,
    r#"zombie = [{ at = "everyone", every = "1m..3m" }, { at = "everyone", anywhere = true, chance = "0.1%" }]"#,
    r#"overlapping-restart = { at = "everyone", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"runtime-restart = { at = "everyone", every = "1m..3m", lasting = "10ms..2s" }"#,
    r#"slow-node = { at = "everyone", times = 5, every = "1m..3m", lasting = "1s..20s" }"#,
    r#"clock-skew = { at = "everyone", by = "1ms..9s" }"#,
    r#"clock-step = { at = "everyone", by = "1s..30s", every = "1m..3m", lasting = "1s..20s" }"#,
    r#"clock-drift = { at = "everyone", ppm = 90000, every = "1m..3m", lasting = "1s..50s" }"#,
    r#"torn-write = { at = "everyone", chance = "50%" }"#,
    r#"stale-journal = { at = "everyone", chance = "20%", records = 2 }"#,
    r#"write-error = { at = "everyone", chance = "2%" }"#,
    r#"slow-sync = { at = "everyone", chance = "3%", by = "100ms..3s" }"#,
    r#"different-answer = { at = "everyone", chance = "5%" }"#,
    r#"wrong-summary = { at = "everyone", chance = "5%" }"#,
    r#"always-hand-off = { at = "everyone", chance = "5%" }"#,
    r#"unknown-target = { at = "everyone", chance = "5%" }"#,
    r#"role-confusion = { at = "everyone", chance = "5%" }"#,
    r#"wrong-completion = { at = "everyone", chance = "2%" }"#,
    r#"missing-field = { at = "everyone", chance = "2%" }"#,
    r#"mistyped-field = { at = "everyone", chance = "2%" }"#,
    r#"truncated-completion = { at = "everyone", chance = "2%" }"#,
    r#"malformed-completion = { at = "everyone", chance = "2%" }"#,
    r#"model-error = { at = "everyone", chance = "2%" }"#,
    r#"model-timeout = { at = "everyone", chance = "2%" }"#,
    r#"truncated-reply = { at = "everyone", chance = "2%" }"#,
    r#"model-refusal = { at = "everyone", chance = "2%" }"#,
    r#"invalid-arguments = { at = "everyone", chance = "2%" }"#,
    r#"unknown-tool = { at = "everyone", chance = "2%" }"#,
    r#"false-completion = { at = "everyone", chance = "2%" }"#,
    r#"verbose-reply = { at = "everyone", chance = "2%" }"#,
    r#"context-overflow = { at = "everyone", chance = "2%" }"#,
    r#"ignored-veto = { at = "everyone", chance = "100%" }"#,
    r#"model-rate-limit = { at = "everyone", chance = "2%", lasting = "1s..60s" }"#,
    r#"repeated-call = { at = "everyone", chance = "5%" }"#,
    r#"slow-first-token = { at = "everyone", chance = "2%", by = "1s..60s" }"#,
    r#"obeyed-instruction = { at = "everyone", chance = "100%" }"#,
    r#"approval-late = { chance = "10%", by = "1s..5m" }"#,
    r#"approval-absent = { chance = "10%" }"#,
    r#"approval-twice = { chance = "10%", after = "1s..90s" }"#,
    r#"approval-contradicted = { chance = "10%", after = "1s..90s" }"#,
    r#"approval-outdated = { chance = "10%" }"#,
    r#"late-verdict = { chance = "10%", by = "1s..90s" }"#,
    r#"handler-error = { at = "everyone", chance = "2%" }"#,
    r#"stranded-reply = { at = "everyone", chance = "5%" }"#,
    r#"shutdown = { at = "everyone", chance = "5%", after = "100ms..3s" }"#,
    r#"duplicate-trigger = { at = "everyone", chance = "10%", after = "1s..90s" }"#,
    r#"late-trigger = { at = "everyone", chance = "10%", by = "1s..90s" }"#,
    r#"trigger-burst = { at = "everyone", chance = "10%", lasting = "1s..90s" }"#,
];

/// The keys of a tool fault besides the tool and the probability.
fn more_about(lie: &str) -> &'static str {
    match lie {
        "late-effect" | "late-reply" | "stale-read" => r#", by = "1s..20s""#,
        "key-forgotten" => r#", after = "1s..10s""#,
        "rate-limit" | "outage" | "endpoint-moved" | "permission-revoked" | "schema-changed" => {
            r#", lasting = "1s..20s""#
        }
        _ => "",
    }
}

/// A scenario of a team with every fault that may be set against it, and the faults that may not.
fn everything_against(scenario: &Arc<Scenario>) -> (Arc<Scenario>, BTreeSet<&'static str>) {
    let mut document: DocumentMut = scenario.text.parse().unwrap();
    document.remove("without");
    document.remove("fault");
    document.remove("properties");
    document["faults"] = Item::Table(Table::new());
    document["faults"]["until"] = Item::Value(Value::from("5m"));
    let read =
        |document: &DocumentMut| Scenario::parse(&Suite::shipped(), "every-team", &document.to_string());
    let tool = scenario.tools.keys().next().expect("every team has a tool").as_str();
    let actions = ActionMap::of(scenario);
    let directory = scenario.directory();
    let is_of_the_team = |node: &Name| !directory.tools.contains(node) && !directory.services.contains(node);
    let team = actions.by.iter().filter(|(node, _)| is_of_the_team(node));
    let mut steps = team.flat_map(|(_, does)| &does.steps);
    let (step, _) =
        steps.find(|(_, places)| places.before && places.after).expect("every team does something");
    let lies = scenario.suite.fault_kinds().of_tools().map(|kind| kind.name);
    let lies = lies.map(|lie| {
        let more = more_about(lie);
        // A model can obey an instruction only where one was injected.
        let chance = if lie == "injected-instruction" { "5%" } else { "0.5%" };
        format!(r#"{lie} = {{ at = "TOOL", chance = "{chance}"{more} }}"#)
    });
    let mut refused = BTreeSet::new();
    // Only there work is handed over under a contract.
    let has_contracts = scenario.workflow.name == "pipeline";
    refused.extend((!has_contracts).then_some("mixed-versions"));
    let everywhere = EVERYWHERE.iter().filter(|said| has_contracts || !said.starts_with("mixed-versions"));
    for said in everywhere.map(|said| (*said).to_owned()).chain(lies) {
        let said: DocumentMut = said.replace("STEP", step.as_str()).replace("TOOL", tool).parse().unwrap();
        let (kind, fault) = said.iter().next().unwrap();
        let before = document.clone();
        document["faults"][kind] = fault.clone();
        if let Err(problems) = read(&document) {
            let message = problems.to_string();
            let is_never_met = [
                "of the workflow",
                "does not look at idempotency keys",
                "cannot fall apart like this",
                "no difference",
            ]
            .into_iter()
            .any(|why| message.contains(why));
            assert!(is_never_met, "{}: {message}", scenario.workflow.name);
            refused.insert(scenario.suite.find_fault(kind).unwrap().name);
            document = before;
        }
    }
    (read(&document).unwrap_or_else(|problems| panic!("{problems}")), refused)
}

/// How many runs each team has: at least, and at most until every fault was injected that can be anywhere.
const SEEDS: u64 = 18;
const MOST_SEEDS: u64 = 90;

/// How many of them are made again from the list of their faults.
const REPLAYED: u64 = 5;

/// What a team seldom comes to: the transcripts of these loops are short, and are hardly ever compacted.
// The model of a router names a target for each step, and hands over nothing else.
const RARE: &[(&str, &str)] =
    &[("router", "always-hand-off"), ("supervisor", "wrong-summary"), ("tool-loop", "wrong-summary")];

/// The kinds of faults that are injected into a team in so many runs at least: all that may be set against
/// it anywhere, one run or the other.
fn injected_into(scenario: &Arc<Scenario>, seeds: u64) -> BTreeSet<&'static str> {
    let (scenario, refused) = everything_against(scenario);
    let (case, team) = (Case::as_written(&scenario), scenario.workflow.name);
    let mut kinds = BTreeSet::new();
    let is_spared = |kinds: &BTreeSet<&str>, kind: &str| {
        !kinds.contains(kind) && !refused.contains(kind) && !RARE.contains(&(team, kind))
    };
    let everywhere = || EVERYWHERE.iter().filter_map(|said| said.split(' ').next());
    for seed in (0..MOST_SEEDS).map(Seed) {
        let run = Run::fuzzed(&case, Engine::Native, seed);
        if let Some(violation) = run.violation("well-behaved") {
            panic!("{team}, seed {seed}: {}", violation.message);
        }
        let injected = run.outcome.injected.clone();
        kinds.extend(injected.iter().map(|fault| fault.action.kind().as_str()));
        if seed.0 < REPLAYED {
            let again = Run::planned(&case, Engine::Native, seed, &Plan::Explicit(injected.into())).outcome;
            let difference = first_difference(&run.outcome, &again);
            assert!(difference.is_none(), "{team}, seed {seed}: {difference:?}");
        }
        if seed.0 >= seeds && !everywhere().any(|kind| is_spared(&kinds, kind)) {
            break;
        }
    }
    let spared: Vec<&str> = everywhere().filter(|kind| is_spared(&kinds, kind)).collect();
    assert!(spared.is_empty(), "{team}: {spared:?}");
    kinds
}

#[test]
fn no_fault_makes_any_team_fall_apart_and_each_is_injected_somewhere() {
    let teams: Vec<_> = cases::with_all_faults().collect();
    let never = |injected: &BTreeSet<&str>| -> Vec<&str> {
        faults::shipped().map(|kind| kind.name).filter(|name| !injected.contains(name)).collect()
    };
    let injected_with = |seeds| -> BTreeSet<&str> {
        teams.par_iter().flat_map_iter(|scenario| injected_into(scenario, seeds)).collect()
    };
    let mut injected_anywhere = injected_with(SEEDS);
    if !never(&injected_anywhere).is_empty() {
        // Some faults of tools are rare.
        injected_anywhere = injected_with(MOST_SEEDS);
    }
    let never = never(&injected_anywhere);
    assert!(never.is_empty(), "{never:?}");
}
