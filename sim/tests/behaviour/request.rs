//! Requests end: with a reply or with a timeout.

use crate::{Numbers, at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{EventKind, IncomingMessage, Loss, Service, ServiceContext, World};

/// Replies with the number plus one.
struct Adder;

impl Service<Numbers> for Adder {
    fn on_message(&mut self, desk: &mut ServiceContext<'_, Numbers>, envelope: IncomingMessage<u64>) {
        desk.reply(&envelope, name("sum"), envelope.payload + 1);
    }
}

fn asker(world: &mut World<Numbers>) {
    world.service(name("adder"), Adder);
    world.process(name("asker"), |context| async move {
        for question in [10, 20] {
            let answer = context.request(name("adder"), name("add"), name("one"), question, ms(500)).await;
            context.record_event((), answer.map_or(0, |answer| answer.payload));
        }
        context.sleep(ms(2_000)).await;
    });
}

#[test]
fn a_request_is_answered() {
    on_every_engine(&with_faults(&[]), asker, |engine, outcome| {
        assert_eq!(notes(&outcome), [11, 21], "{engine}");
    });
}

#[test]
fn a_lost_answer_is_a_timeout_and_the_next_request_is_unharmed() {
    for lost in ["asker > adder, add, one, try 1", "adder > asker, sum, one, try 1"] {
        on_every_engine(&with_faults(&[(lost, "drop")]), asker, |engine, outcome| {
            assert_eq!(notes(&outcome), [0, 21], "{engine}");
            let timeout =
                |event: &&perfidy_sim::Event<u64>| event.what == EventKind::TimedOut { label: name("add") };
            let timeout = outcome.history.events().iter().find(timeout).expect("a timeout");
            assert!((at(500)..at(501)).contains(&timeout.at), "{engine}: {}", timeout.at);
        });
    }
}

#[test]
fn a_late_answer_is_dropped() {
    let config = with_faults(&[("adder > asker, sum, one, try 1", "delay 1s")]);
    on_every_engine(&config, asker, |engine, outcome| {
        assert_eq!(notes(&outcome), [0, 21], "{engine}");
        let late = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Late, .. });
        assert_eq!(outcome.history.events().iter().filter(|event| late(&event.what)).count(), 1, "{engine}");
    });
}

#[test]
fn an_answer_to_a_dead_asker_does_not_reach_its_next_life() {
    let config = with_faults(&[
        ("adder > asker, sum, one, try 1", "delay 400ms"),
        ("crash, a, try 1", "crash asker at 100ms, back after 1ms"),
    ]);
    on_every_engine(&config, asker, |engine, outcome| {
        assert_eq!(notes(&outcome), [11, 21], "{engine}");
        let late = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Late, .. });
        assert_eq!(outcome.history.events().iter().filter(|event| late(&event.what)).count(), 1, "{engine}");
    });
}

#[test]
fn an_answer_after_a_restart_of_the_runtime_finds_no_request_and_a_later_one_does() {
    let config = with_faults(&[
        ("adder > asker, sum, one, try 1", "delay 400ms"),
        ("restart, a, try 1", "runtime-restart asker at 100ms for 1ms"),
    ]);
    on_every_engine(&config, asker, |engine, outcome| {
        assert_eq!(notes(&outcome), [0, 21], "{engine}");
        let stranded = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Stranded, .. });
        let events = outcome.history.events().iter();
        assert_eq!(events.filter(|event| stranded(&event.what)).count(), 1, "{engine}");
    });
}
