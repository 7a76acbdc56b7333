//! A pause, like a long garbage collection: nothing on the node runs, and afterwards it notices nothing.

use crate::{at, events_at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{EventKind, SimSpan, SimTime};

#[test]
fn a_paused_node_stands_still_while_others_run() {
    let config = with_faults(&[("pause, a, try 1", "pause slow at 1s for 10s")]);
    on_every_engine(
        &config,
        |world| {
            for (node, ticks) in [("slow", 3), ("quick", 13)] {
                world.process(name(node), move |context| async move {
                    for tick in 0..ticks {
                        context.sleep(ms(900)).await;
                        context.record_event((), tick);
                    }
                });
            }
        },
        |engine, outcome| {
            let during = |event: &&perfidy_sim::Event<u64>| (at(1_001)..at(11_000)).contains(&event.at);
            let busy: Vec<_> = outcome.history.app_events().map(|(event, _)| event).filter(during).collect();
            assert_eq!(busy.iter().filter(|event| event.node == name("quick")).count(), 11, "{engine}");
            assert_eq!(busy.iter().filter(|event| event.node == name("slow")).count(), 0, "{engine}");
            let slow = events_at(&outcome, "slow");
            assert!(slow.contains(&EventKind::Paused { span: SimSpan::from_secs(10) }), "{engine}");
            assert!(
                slow.ends_with(&[EventKind::Resumed, EventKind::App(1), EventKind::App(2)]),
                "{engine}: {slow:?}"
            );
        },
    );
}

#[test]
fn a_zombie_goes_on_believing_that_no_time_has_passed() {
    let config = with_faults(&[("holder, before write, lease, try 1", "pause 30s")]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("holder"), |context| async move {
                let lease_ends = context.now() + SimSpan::from_secs(10);
                if context.now() < lease_ends {
                    context.before(name("write"), name("lease")).await;
                    context.send(name("store"), name("write"), name("lease"), 1);
                }
            });
            world.process(name("store"), |context| async move {
                let write = context.receive().await;
                let lease_is_over = context.now() > SimTime::ZERO + SimSpan::from_secs(10);
                context.record_event((), write.payload + u64::from(lease_is_over));
            });
        },
        |engine, outcome| assert_eq!(notes(&outcome), [2], "{engine}"),
    );
}

#[test]
fn what_arrives_during_a_pause_is_there_afterwards_and_a_crash_ends_a_pause() {
    let config = with_faults(&[
        ("pause, a, try 1", "pause sink at 1s for 10s"),
        ("pause, b, try 1", "pause sink at 20s for 1h"),
        ("crash, a, try 1", "crash sink at 25s, back after 1s"),
    ]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("source"), |context| async move {
                for number in 0..30 {
                    context.send(name("sink"), name("count"), name("number"), number);
                    context.sleep(SimSpan::from_secs(1)).await;
                }
                context.finish_after(SimSpan::from_secs(1));
            });
            world.process(name("sink"), |context| async move {
                loop {
                    let number = context.receive().await.payload;
                    context.record_event((), number);
                }
            });
        },
        |engine, outcome| {
            // 21 to 24 were lost with the inbox, 25 arrived at a crashed node.
            let expected: Vec<u64> = (0..=19).chain(26..30).collect();
            let mut seen = notes(&outcome);
            seen.retain(|number| *number != 20);
            assert_eq!(seen, expected, "{engine}");
        },
    );
}
