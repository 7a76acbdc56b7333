//! Messages that a fault alters on their way: the receiver reads the altered content, whatever workflow they
//! belong to.

use crate::cases;
use perfidy::agent::Agents;
use perfidy::explore::Run;
use perfidy::faults::OwnFault;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{DrawSite, Engine, EventKind, Name, RunEnd, RunOutcome, Seed};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const ENGINE: Engine = Engine::Native;

/// The file of a shipped scenario, with one more fault.
fn with_fault(suite: &Suite, file: &str, fault: &str) -> Arc<Scenario> {
    let text = std::fs::read_to_string(format!("scenarios/{file}.toml")).expect("a scenario");
    let text = match text.split_once("\n[faults]\n") {
        Some((before, after)) => format!("{before}\n[faults]\n{fault}\n{after}"),
        None => format!("{text}\n[faults]\n{fault}\n"),
    };
    Scenario::parse(suite, file, &text).unwrap_or_else(|bad| panic!("{bad}"))
}

/// What is sent and what is delivered of messages of a kind, by the JSON of each.
fn exchanged(outcome: &RunOutcome<Agents>, of: &str) -> [Vec<Value>; 2] {
    let [mut sent, mut delivered] = [Vec::new(), Vec::new()];
    for event in outcome.history.events() {
        match &event.what {
            EventKind::Sent { kind, content, .. } if kind.as_str() == of => sent.push(content.json()),
            EventKind::Delivered { kind, content, .. } if kind.as_str() == of => {
                delivered.push(content.json());
            }
            _ => {}
        }
    }
    [sent, delivered]
}

/// For each workflow: a scenario, a kind of message, the place of a field in it, and another value for it.
fn fields() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    vec![
        ("cascade/quiet-drift", "request", "/Request/query/attempt", json!(7)),
        ("chain/lost-handoff", "ended", "/Ended/run", json!(7)),
        ("commit/coordinator-dies", "vote", "/Vote/is_yes", json!(false)),
        ("conductor/lost-ack", "assign", "/Assign/round", json!(7)),
        ("conductor/lost-ack", "done", "/Done/round", json!(7)),
        ("evaluator-optimizer/lost-acks", "review", "/Review/round", json!(7)),
        ("handoff/lost-transfer", "transfer", "/Transfer/spent/turns", json!(7)),
        ("hierarchy/all-faults", "delegate", "/Delegate/term", json!(70_007)),
        ("peers/two-owners", "submit", "/Submit/task", json!("task-7")),
        ("pipeline/stale-retry", "check version", "/CheckVersion/version", json!(7)),
        ("research/stale-context", "question", "/Question/task", json!("task-7")),
        ("review/lost-acks", "request review", "/RequestReview/op", json!("0000000000000007")),
        ("roundtable/polite-circle", "contribute", "/Contribute/op", json!("0000000000000007")),
        ("router/lost-acks", "assign", "/Assign/op", json!("0000000000000007")),
        ("saga-choreographed/lost-event", "done", "/task", json!("task-7")),
        ("saga-orchestrated/all-faults", "do", "/Order/op", json!("0000000000000007")),
        ("scheduled/redelivered-webhook", "fire", "/Fire/run", json!("0000000000000007")),
        ("scratchpad/lost-update", "updated", "/task", json!("task-7")),
        ("solo/lost-ack", "submit", "/Submit/task", json!("task-7")),
        ("supervisor/asked-twice", "done", "/Done/attempt", json!(7)),
        ("tool-loop/lost-request", "submit", "/Submit/task", json!("task-7")),
        ("vote/lying-voter", "vote", "/Vote/step", json!(7)),
        ("standby/zombie-leader", "order", "/Order/token", json!(7)),
    ]
}

#[test]
fn a_fault_that_alters_one_field_of_a_shipped_message_lets_its_receiver_read_the_new_value() {
    let mut workflows = BTreeSet::new();
    for (file, kind, place, value) in fields() {
        let other = value.clone();
        let alter = move |message: &mut Value, _: DrawSite<'_>| {
            *message.pointer_mut(place).expect("the field") = other.clone();
        };
        let fault = OwnFault::altering("altered", "another value", "altered = { chance = \"5%\" }", alter);
        let fault = fault.in_messages().only_where(move |message| message.pointer(place).is_some());
        let suite = Suite::shipped().fault(fault);
        let entry = format!("altered = {{ message = \"{kind}\", chance = \"50%\" }}");
        let scenario = with_fault(&suite, file, &entry);
        workflows.insert(scenario.workflow.name);
        let outcome = Run::fuzzed(&Case::as_written(&scenario), ENGINE, Seed(1)).outcome;
        let [sent, delivered] = exchanged(&outcome, kind);
        let altered = |message: &&Value| message.pointer(place) == Some(&value);
        // A receiver that passes the value on sends it as well.
        let [sent, altered] = [&sent, &delivered].map(|all| all.iter().filter(altered).count());
        assert!(altered > sent, "{file}: {kind}: {delivered:?}");
        assert!(delivered.iter().all(|message| message.pointer(place).is_some()), "{file}: {kind}");
    }
    let all: BTreeSet<&str> = Suite::shipped().workflows().map(|workflow| workflow.name).collect();
    assert_eq!(workflows, all);
}

#[test]
fn an_executor_answers_the_round_that_it_read_and_the_coordinator_orders_again() {
    let alter = |message: &mut Value, _: DrawSite<'_>| message["Assign"]["round"] = 7.into();
    let fault = OwnFault::altering("altered", "another round", "altered = { chance = \"5%\" }", alter);
    let suite = Suite::shipped().fault(fault.in_messages());
    let scenario =
        with_fault(&suite, "conductor/lost-ack", "altered = { message = \"assign\", chance = \"30%\" }");
    let outcome = Run::fuzzed(&Case::as_written(&scenario), ENGINE, Seed(1)).outcome;
    let [done, _] = exchanged(&outcome, "done");
    assert!(done.iter().any(|done| done["Done"]["round"] == 7), "{done:?}");
    assert!(done.iter().any(|done| done["Done"]["round"] == 0), "{done:?}");
}

/// Alters one value of a message, drawn.
fn scramble(message: &mut Value, draw: DrawSite<'_>) {
    let mut values = Vec::new();
    scalars(message, &mut values);
    let count = values.len() as u64;
    if count == 0 {
        return;
    }
    let value = values.swap_remove(draw.below("which", count) as usize);
    *value = match value.take() {
        Value::Bool(truth) => Value::Bool(!truth),
        Value::Number(number) => (number.as_u64().unwrap_or_default() + 1 + draw.below("what", 9)).into(),
        other => Value::String(format!("{}-x", other.as_str().unwrap_or_default())),
    };
}

fn scalars<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(parts) => parts.iter_mut().for_each(|part| scalars(part, found)),
        Value::Object(table) => table.values_mut().for_each(|part| scalars(part, found)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(value),
        Value::Null => {}
    }
}

/// What is altered may name a step or an agent that does not exist.
#[test]
fn no_shipped_team_panics_at_an_altered_message() {
    let about = "a value is another one";
    let example = "scrambled = { chance = \"5%\" }";
    let fault = OwnFault::altering("scrambled", about, example, scramble).in_messages();
    let suite = Suite::shipped().fault(fault);
    let files: BTreeSet<String> =
        cases::all().iter().map(|case| case.scenario.name.as_str().to_owned()).collect();
    let altered: usize = files
        .par_iter()
        .map(|file| {
            let scenario = with_fault(&suite, file, "scrambled = { chance = \"20%\" }");
            let runs = Case::all(&scenario).into_iter().flat_map(|case| {
                (0..3).map(move |seed| (Run::fuzzed(&case, ENGINE, Seed(seed)).outcome, seed))
            });
            let kind = Name::new("scrambled");
            runs.map(|(outcome, seed)| {
                assert!(!matches!(outcome.stop, RunEnd::Panicked { .. }), "{file}, seed {seed}");
                outcome.injected.iter().filter(|fault| fault.action.kind() == kind).count()
            })
            .sum::<usize>()
        })
        .sum();
    assert!(altered > 1_000, "{altered}");
}
