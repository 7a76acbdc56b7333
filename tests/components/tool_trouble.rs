//! Tool outages: the tool refuses all callers, for a while or forever, with or without an error.

use super::caller::{Ask, DONE, StoreOutcome, met_or_not, refused, told, unclear};
use perfidy::agent::{Definite, Indefinite, Receipt, TeamEvent, ToolEvent};
use perfidy_sim::Event;

#[test]
fn a_tool_in_trouble_refuses_every_call_and_nothing_happens() {
    for (lie, error) in [
        ("outage 10s", Definite::Unavailable),
        ("permission-revoked 10s", Definite::Forbidden),
        ("schema-changed 10s", Definite::OtherSchema),
    ] {
        let asks = [Ask::Call("a", 1), Ask::LookUp("a"), Ask::Wait(10), Ask::Call("a", 1)];
        let told = told(&asks, &[&format!("vault, put, a, try 1: {lie}")]);
        let no = refused(error);
        let looked = StoreOutcome::LookUp(Err(Indefinite::Refused(error)));
        assert_eq!(told.heard, [StoreOutcome::Call(Err(no)), looked, DONE], "{lie}");
        assert_eq!(told.effects("a"), 1, "{lie}");
    }
}

#[test]
fn a_call_that_states_no_version_of_the_schema_is_carried_out_under_the_new_one() {
    let asks = [Ask::Call("a", 1), Ask::LookUp("a"), Ask::Call("b", 2)];
    let told = told(&asks, &["vault, put, a, try 1: schema-rolled"]);
    let found = StoreOutcome::LookUp(Ok(true));
    assert_eq!(told.heard, [DONE, found, StoreOutcome::Call(Ok(Receipt(2)))]);
    let rolled = |event: &&Event<TeamEvent>| {
        matches!(event.app_event(), Some(TeamEvent::Tool(ToolEvent::SchemaRolled { version: 2, .. })))
    };
    assert_eq!(told.run.outcome.history.events().iter().filter(rolled).count(), 1);
}

#[test]
fn what_is_not_repaired_stays_broken() {
    let asks = [Ask::Call("a", 1), Ask::Wait(600), Ask::Call("a", 1)];
    let told = told(&asks, &["vault, put, a, try 1: permission-revoked"]);
    let no = StoreOutcome::Call(Err(refused(Definite::Forbidden)));
    assert_eq!(told.heard, [no.clone(), no]);
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    let asks = [Ask::Call("a", 1), Ask::Wait(4), Ask::Call("a", 1), Ask::Wait(7), Ask::Call("a", 1)];
    let told = told(&asks, &["vault, put, a, try 1: rate-limit 10s"]);
    let no = |retry_after_secs| StoreOutcome::Call(Err(refused(Definite::RateLimited { retry_after_secs })));
    assert_eq!(told.heard, [no(10), no(6), DONE]);
}

#[test]
fn an_unresponsive_tool_never_answers_again() {
    let asks = [Ask::Call("b", 1), Ask::Call("a", 2), Ask::Wait(600), Ask::LookUp("a")];
    let told = told(&asks, &["vault, put, b, try 1: unresponsive"]);
    let silence = Indefinite::TimedOut;
    let silent = || StoreOutcome::Call(Err(unclear(silence)));
    let heard = [silent(), silent(), StoreOutcome::LookUp(Err(silence))];
    assert_eq!((told.heard.as_slice(), told.effects("a")), (&heard[..], 0));
}

#[test]
fn trouble_by_the_clock_comes_and_goes() {
    let asks = [Ask::Call("a", 1), Ask::Wait(20), Ask::Call("b", 2), Ask::Wait(30), Ask::Call("c", 3)];
    let told = told(&asks, &["outage of vault, window, try 1: outage of vault at 10s for 30s"]);
    let no = StoreOutcome::Call(Err(refused(Definite::Unavailable)));
    assert_eq!(told.heard, [DONE, no, StoreOutcome::Call(Ok(Receipt(2)))]);
}

#[test]
fn a_tool_in_trouble_tells_no_lies_and_counts_on() {
    let asks = [Ask::Call("a", 1), Ask::Call("a", 1), Ask::Wait(10), Ask::Call("a", 1)];
    let faults = [
        "vault, put, a, try 1: outage 5s",
        "vault, put, a, try 2: ack-lost",
        "vault, put, a, try 3: error-with-effect",
    ];
    let told = met_or_not(&asks, &faults);
    let no = StoreOutcome::Call(Err(refused(Definite::Unavailable)));
    assert_eq!(told.heard, [no.clone(), no, StoreOutcome::Call(Err(unclear(Indefinite::Failed)))]);
    assert!(told.run.outcome.pinned.iter().all(|pinned| pinned.reached));
    assert_eq!(told.run.outcome.injected.len(), 2);
}
