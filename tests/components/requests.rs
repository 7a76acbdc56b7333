//! Every request of an agent stands in the history with its arguments and headers, whatever becomes of it.

use super::caller::{Ask, CallOutcome, told};
use perfidy::agent::{AgentEvent, OpId, Request, TeamEvent, ToolRequest};
use perfidy_sim::{Event, EventKind};
use serde_json::{Value, json};

const ASKS: [Ask; 4] = [Ask::Call("a", 1), Ask::Read("x"), Ask::LookUp("a"), Ask::Cancel("b", 2)];

const SITES: [&str; 4] = [
    "caller > vault, call put, a, try 1",
    "caller > feed, call read of x, want/x, try 1",
    "caller > vault, call look-up of put, a, try 1",
    "caller > vault, call cancel of put, b, try 1",
];

/// The requests of the events that are wanted: of which kind, with which arguments, under which key.
fn requests(
    told: &CallOutcome,
    wanted: fn(&EventKind<TeamEvent>) -> bool,
) -> Vec<(Request, Value, Option<OpId>)> {
    let is_wanted = |event: &&Event<TeamEvent>| wanted(&event.what);
    let requests = told.run.outcome.history.events().iter().filter(is_wanted).filter_map(ToolRequest::of);
    let parts = |request: ToolRequest| {
        let arguments = request.operation().arguments.json();
        (request.kind(), arguments, request.headers().idempotency_key)
    };
    requests.map(parts).collect()
}

fn all() -> Vec<(Request, Value, Option<OpId>)> {
    vec![
        (Request::Call, json!({ "what": "a" }), Some(OpId(1))),
        (Request::Read, Value::Null, None),
        (Request::LookUp, Value::Null, None),
        (Request::Cancel, Value::Null, Some(OpId(2))),
    ]
}

#[test]
fn every_request_that_a_tool_gets_stands_in_the_history_as_it_was_sent_and_as_it_arrived() {
    let told = told(&ASKS, &[]);
    assert_eq!(requests(&told, |what| matches!(what, EventKind::Sent { .. })), all());
    assert_eq!(requests(&told, |what| matches!(what, EventKind::Delivered { .. })), all());
    assert_eq!(requests(&told, |what| matches!(what, EventKind::App(TeamEvent::Tool(_)))), all());
}

#[test]
fn a_request_that_is_lost_on_its_way_stands_in_the_history_all_the_same() {
    let drops = SITES.map(|site| format!("{site}: drop"));
    let told = told(&ASKS, &drops.each_ref().map(String::as_str));
    assert_eq!(requests(&told, |what| matches!(what, EventKind::Sent { .. })), all());
    assert_eq!(requests(&told, |what| matches!(what, EventKind::Delivered { .. })), []);
    let calls = |what: &EventKind<TeamEvent>| {
        matches!(what, EventKind::App(TeamEvent::Agent(AgentEvent::Called { .. })))
    };
    assert_eq!(requests(&told, calls), all()[..1], "the handle of the agent writes it down");
}

#[test]
fn a_story_shows_the_arguments_of_a_call_that_was_lost() {
    let told = told(&ASKS[..1], &[&format!("{}: drop", SITES[0])]);
    let shown: Vec<String> =
        told.run.outcome.history.app_events().map(|(_, note)| note.to_string()).collect();
    assert!(
        shown.iter().any(|line| line.starts_with("calls vault.put for a (op 0000): {what: a}")),
        "{shown:?}"
    );
}
