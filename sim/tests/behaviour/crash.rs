//! A crash loses everything that was not synced, and nothing that was.

use crate::{events_at, last_thing, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{EventKind, RunEnd, SimSpan, World};

fn worker(world: &mut World<crate::Numbers>) {
    world.process(name("worker"), |context| async move {
        let ticking = context.clone();
        context.spawn(async move {
            loop {
                ticking.sleep(ms(10)).await;
                ticking.record_event((), u64::from(ticking.incarnation()));
            }
        });
        context.record_event((), 100 + context.records().len() as u64);
        context.write(1).unwrap();
        context.sync().await;
        context.write(2).unwrap();
        context.after(name("write"), name("log")).await;
        context.sleep(ms(22)).await;
        context.finish_after(SimSpan::ZERO);
    });
}

#[test]
fn a_crash_drops_tasks_and_unsynced_writes_and_the_next_life_begins_with_what_was_synced() {
    let config = with_faults(&[("worker, after write, log, try 1", "crash, back after 1s")]);
    on_every_engine(&config, worker, |engine, outcome| {
        let events = events_at(&outcome, "worker");
        assert!(events.contains(&EventKind::Crashed { lost_writes: 1 }), "{engine}: {events:?}");
        assert!(events.contains(&EventKind::Started { incarnation: 1 }), "{engine}");
        assert_eq!(notes(&outcome), [100, 101, 1, 1], "{engine}: the old ticker is gone");
        assert_eq!(outcome.stop, RunEnd::Finished, "{engine}");
        assert!(outcome.pinned.iter().all(|pinned| pinned.reached), "{engine}");
    });
}

#[test]
fn a_crash_for_good_is_for_good() {
    let config = with_faults(&[("worker, after write, log, try 1", "crash for good")]);
    on_every_engine(&config, worker, |engine, outcome| {
        assert_eq!(*last_thing(&outcome), EventKind::Crashed { lost_writes: 1 }, "{engine}");
        assert_eq!(outcome.stop, RunEnd::Quiescent, "{engine}");
    });
}
