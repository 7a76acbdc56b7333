//! Calls whose trace gets lost on the way to their tool.

use super::caller::{
    Ask, CallOutcome, DONE, StoreOutcome, TASK, TEXT, met_or_not, met_or_not_in, refused, told,
};
use perfidy::agent::{Definite, TeamEvent, ToolEvent};
use perfidy_sim::Name;

const LOST: &str = "vault, put, a, try 1: trace-lost";

/// The task that the tool has on record with its only effect.
fn on_record(told: &CallOutcome) -> Option<Name> {
    let mut effects = told.run.outcome.history.app_events().filter_map(|(_, note)| match note {
        TeamEvent::Tool(ToolEvent::Effect { request, .. }) => Some(request.headers().correlation),
        _ => None,
    });
    let task = effects.next().expect("there is an effect");
    assert_eq!(effects.next(), None, "there is one effect");
    task
}

fn with_traced_calls(asks: &[Ask], faults: &[&str]) -> CallOutcome {
    let switches = "tool-dedupe = true\ntraced-calls = true\nretry = { attempts = 4, backoff = \"1s..10s\" }";
    met_or_not_in(&TEXT.replace("tool-dedupe = true", switches), asks, faults)
}

#[test]
fn a_tool_has_the_task_of_a_call_on_record_unless_the_trace_is_lost() {
    let asks = [Ask::TracedCall("a", 1)];
    assert_eq!(on_record(&told(&asks, &[])), Some(Name::new(TASK)));
    let lost = told(&asks, &[LOST]);
    assert_eq!((lost.heard.as_slice(), on_record(&lost)), (&[DONE][..], None));
}

#[test]
fn a_call_without_a_trace_has_none_to_lose() {
    let told = met_or_not(&[Ask::Call("a", 1)], &[LOST]);
    assert!(told.run.outcome.injected.is_empty() && told.run.outcome.pinned[0].reached);
}

#[test]
fn with_traced_calls_a_tool_refuses_what_is_not_traced_and_carries_the_next_try_out() {
    let told = with_traced_calls(&[Ask::TracedCall("a", 1), Ask::TracedCall("a", 1)], &[LOST]);
    assert_eq!(told.heard, [StoreOutcome::Call(Err(refused(Definite::Untraced))), DONE]);
    assert_eq!(on_record(&told), Some(Name::new(TASK)));
}

#[test]
fn a_call_that_was_carried_out_before_is_recognised_by_its_key_though_its_second_trace_is_lost() {
    let lost = "vault, put, a, try 2: trace-lost";
    let told = with_traced_calls(&[Ask::TracedCall("a", 1), Ask::TracedCall("a", 1)], &[lost]);
    assert_eq!(told.heard, [DONE, DONE]);
    assert_eq!(on_record(&told), Some(Name::new(TASK)));
}
