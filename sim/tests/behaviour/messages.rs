//! Faults of messages in flight.

use crate::{Numbers, at, last_thing, name, notes, on_every_engine, with_faults};
use perfidy_sim::{Event, EventKind, Loss, RunOutcome, SimSpan, World};

fn two_letters(world: &mut World<Numbers>) {
    world.process(name("sender"), |context| async move {
        for (number, about) in [(1, "first"), (2, "second")] {
            context.send(name("reader"), name("letter"), name(about), number);
            context.sleep(SimSpan::from_millis(100)).await;
        }
    });
    world.process(name("reader"), |context| async move {
        loop {
            let number = context.receive().await.payload;
            context.record_event((), number);
        }
    });
}

fn first_note(outcome: &RunOutcome<Numbers>) -> &Event<u64> {
    outcome.history.app_events().next().expect("something was read").0
}

#[test]
fn a_calm_network_carries_everything_in_its_time() {
    on_every_engine(&with_faults(&[]), two_letters, |engine, outcome| {
        assert_eq!(notes(&outcome), [1, 2], "{engine}");
        let read = first_note(&outcome);
        assert!((at(1)..at(11)).contains(&read.at), "{engine}: {}", read.at);
        let kinds: Vec<_> = outcome.history.causes(read.id).map(|event| &event.what).collect();
        assert!(
            matches!(kinds[..], [EventKind::Delivered { .. }, EventKind::Sent { .. }]),
            "{engine}: {kinds:?}"
        );
        assert!(outcome.injected.is_empty(), "{engine}");
    });
}

#[test]
fn a_dropped_message_is_lost() {
    let config = with_faults(&[("sender > reader, letter, first, try 1", "drop")]);
    on_every_engine(&config, two_letters, |engine, outcome| {
        assert_eq!(notes(&outcome), [2], "{engine}");
        let lost = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Dropped, .. });
        assert_eq!(outcome.history.events().iter().filter(|event| lost(&event.what)).count(), 1, "{engine}");
        assert_eq!(outcome.injected, [outcome.pinned[0].fault], "{engine}");
    });
}

#[test]
fn a_delayed_or_reordered_message_is_overtaken() {
    for action in ["delay 3s", "reorder 3s"] {
        let config = with_faults(&[("sender > reader, letter, first, try 1", action)]);
        on_every_engine(&config, two_letters, |engine, outcome| {
            assert_eq!(notes(&outcome), [2, 1], "{engine}");
            assert!(outcome.ended > at(3_000), "{engine}");
        });
    }
}

#[test]
fn a_duplicate_comes_after_its_span_even_behind_later_messages() {
    let config = with_faults(&[("sender > reader, letter, first, try 1", "duplicate after 500ms")]);
    on_every_engine(&config, two_letters, |engine, outcome| {
        assert_eq!(notes(&outcome), [1, 2, 1], "{engine}");
    });
}

#[test]
fn a_message_to_an_unknown_node_is_lost() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.process(name("sender"), |context| async move {
                context.send(name("nobody"), name("letter"), name("first"), 1);
            });
        },
        |engine, outcome| {
            let last = last_thing(&outcome);
            assert!(matches!(last, EventKind::Lost { why: Loss::NoSuchNode, .. }), "{engine}: {last:?}");
        },
    );
}
