//! A fault of a tool is injected only where it makes a difference, whatever its kind.

use super::caller::{Ask, CallOutcome, StoreOutcome, TEXT, caller_team, met_or_not, told_in};
use perfidy::agent::TeamEvent;
use perfidy::faults::OwnFault;
use perfidy::faults::tool_faults;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Action, EventKind, Fault, Name, Plan, Seed, SimSpan, SimTime};

/// Each call comes again, so that a key that is ignored is missed.
const ASKS: [Ask; 9] = [
    Ask::Call("a", 1),
    Ask::Call("b", 2),
    Ask::Wait(30),
    Ask::Call("a", 1),
    Ask::Call("b", 2),
    Ask::Read("x"),
    Ask::Read("y"),
    Ask::LookUp("a"),
    Ask::Cancel("a", 1),
];

const SITES: [&str; 8] = [
    "vault, put, a, try 1",
    "vault, put, b, try 1",
    "vault, put, a, try 2",
    "vault, put, b, try 2",
    "feed, read of x, want/x, try 1",
    "feed, read of y, want/y, try 1",
    "vault, look-up of put, a, try 1",
    "vault, cancel of put, a, try 1",
];

/// Everything that happens beside the faults themselves, and what the caller hears.
fn what_happens(told: &CallOutcome) -> (Vec<StoreOutcome>, Vec<(SimTime, Name, String)>) {
    let events = told.run.outcome.history.events().iter();
    let others = events.filter(|event| !matches!(event.what, EventKind::Injected(_)));
    let shown = others.map(|event| match &event.what {
        EventKind::App(TeamEvent::Tool(said)) => (event.at, event.node, format!("{said:?}")),
        what => (event.at, event.node, format!("{what:?}")),
    });
    (told.heard.clone(), shown.collect())
}

#[test]
fn every_fault_of_a_tool_that_is_injected_changes_what_happens() {
    let fault_free = what_happens(&met_or_not(&ASKS, &[]));
    let mut injected = Vec::new();
    // No call here carries what can be lost of a trace; tests/components/traces.rs has such.
    let is_of_a_call = |word: &&str| *word != "trace-lost";
    let words: Vec<&str> = tool_faults::kinds().map(|kind| kind.name).filter(is_of_a_call).collect();
    for word in &words {
        for site in SITES {
            let action = Action::of_word(Name::new(word)).with_span(SimSpan::from_secs(20));
            let told = met_or_not(&ASKS, &[&format!("{site}: {action}")]);
            if told.run.outcome.injected.is_empty() {
                assert_eq!(what_happens(&told), fault_free, "{word} at {site} was not injected");
            } else {
                assert_ne!(what_happens(&told), fault_free, "{word} at {site} was injected");
                injected.push(*word);
            }
        }
    }
    injected.dedup();
    assert_eq!(injected, words, "each is injected somewhere");
}

#[test]
fn a_call_that_was_done_before_cannot_be_refused() {
    let told = met_or_not(&ASKS[..4], &["vault, put, a, try 2: permanent-error"]);
    assert!(told.run.outcome.injected.is_empty() && told.run.outcome.pinned[0].reached);
}

#[test]
fn an_own_fault_that_leaves_an_answer_as_it_was_is_not_injected() {
    let idle =
        OwnFault::altering("idle", "nothing changes", r#"idle = { at = "feed", chance = "5%" }"#, |_, _| {});
    let suite = Suite::shipped().workflow(caller_team()).fault(idle);
    let scenario = Scenario::parse(&suite, "caller", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
    let (at, action) = ("feed, read of x, want/x, try 1".parse().unwrap(), "idle".parse().unwrap());
    let plan = Plan::Explicit([Fault { at, action }].into());
    let told = told_in(&Case::as_written(&scenario), Seed(1), &plan, &[Ask::Read("x")]);
    assert!(told.run.outcome.injected.is_empty() && told.run.outcome.pinned[0].reached);
}
