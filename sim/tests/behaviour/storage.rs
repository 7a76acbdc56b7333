//! Storage faults: write errors, stale journals, torn writes and slow syncs, all recorded in the history.

use crate::{Numbers, at, events_at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{EventKind, RunOutcome, SimSpan, World, WriteError};

/// Writes 1, 2 and 3, each synced before the next, then 4 and 5 without a sync; records at each start what it
/// reads.
fn clerk(world: &mut World<Numbers>) {
    world.process(name("clerk"), |context| async move {
        for record in context.records() {
            context.record_event((), record);
        }
        context.record_event((), 1_000 + u64::from(context.incarnation()));
        if context.incarnation() > 0 {
            return;
        }
        for record in 1..=5 {
            if context.write(record) == Err(WriteError) {
                context.record_event((), 100 + record);
            }
            if record <= 3 {
                context.sync().await;
            }
        }
        context.after(name("work"), name("day")).await;
        context.sleep(SimSpan::from_secs(5)).await;
    });
}

const CRASH: (&str, &str) = ("clerk, after work, day, try 1", "crash, back after 1s");

fn all_met(outcome: &RunOutcome<Numbers>) -> bool {
    outcome.pinned.iter().all(|pinned| pinned.reached) && outcome.injected.len() == outcome.pinned.len()
}

#[test]
fn a_torn_record_is_the_first_that_was_not_durable_and_its_reader_gets_garbage() {
    let config = with_faults(&[CRASH, ("clerk's disk, crash, journal, try 1", "tear")]);
    on_every_engine(&config, clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 1, 2, 3, !4, 1_001], "{engine}");
        assert!(events_at(&outcome, "clerk").contains(&EventKind::Crashed { lost_writes: 2 }), "{engine}");
        assert!(all_met(&outcome), "{engine}");
    });
}

#[test]
fn a_crash_in_the_middle_of_a_sync_takes_or_tears_what_was_being_written() {
    let crash = ("clerk's disk, sync, journal, try 2", "crash, back after 1s");
    on_every_engine(&with_faults(&[crash]), clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 1, 1_001], "{engine}");
        assert!(all_met(&outcome), "{engine}");
    });
    let config = with_faults(&[crash, ("clerk's disk, crash, journal, try 1", "tear")]);
    on_every_engine(&config, clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 1, !2, 1_001], "{engine}");
        assert!(all_met(&outcome), "{engine}");
    });
}

#[test]
fn nothing_is_torn_where_everything_was_durable() {
    let crash = ("clerk, after work, day, try 1", "crash, back after 1s");
    let refused = [4, 5].map(|nth| (format!("clerk's disk, write, record, try {nth}"), "refuse"));
    let [four, five] = &refused;
    let config = with_faults(&[
        crash,
        (&four.0, four.1),
        (&five.0, five.1),
        ("clerk's disk, crash, journal, try 1", "tear"),
    ]);
    on_every_engine(&config, clerk, |engine, outcome| {
        let reached: Vec<bool> = outcome.pinned.iter().map(|pinned| pinned.reached).collect();
        assert_eq!(reached, [true, true, true, false], "{engine}");
        assert_eq!(notes(&outcome), [1_000, 104, 105, 1, 2, 3, 1_001], "{engine}");
    });
}

#[test]
fn a_stale_recovery_misses_what_was_durable_for_one_life() {
    let config = with_faults(&[
        CRASH,
        ("clerk's disk, recovery, journal, try 1", "stale by 2 records"),
        ("crash, a, try 1", "crash clerk at 3s, back after 1s"),
    ]);
    on_every_engine(&config, clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 1, 1_001, 1, 2, 3, 1_002], "{engine}");
        assert!(all_met(&outcome), "{engine}");
    });
}

#[test]
fn a_refused_write_is_not_written_and_its_writer_is_told() {
    let config = with_faults(&[CRASH, ("clerk's disk, write, record, try 2", "refuse")]);
    on_every_engine(&config, clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 102, 1, 3, 1_001], "{engine}");
        let wrote = |what: &EventKind<u64>| matches!(what, EventKind::Wrote { .. });
        assert_eq!(events_at(&outcome, "clerk").iter().filter(|what| wrote(what)).count(), 4, "{engine}");
        assert!(all_met(&outcome), "{engine}");
    });
}

#[test]
fn a_slow_sync_is_late_and_a_crash_meanwhile_takes_the_record() {
    let slow = ("clerk's disk, sync, journal, try 2", "slow by 3s");
    on_every_engine(&with_faults(&[slow]), clerk, |engine, outcome| {
        let synced = |event: &&perfidy_sim::Event<u64>| event.what == EventKind::Synced { records: 2 };
        let second = outcome.history.events().iter().find(synced).expect("it comes in the end");
        assert!((at(3_001)..at(3_020)).contains(&second.at), "{engine}: {}", second.at);
    });
    let config = with_faults(&[slow, ("crash, a, try 1", "crash clerk at 2s, back after 1s")]);
    on_every_engine(&config, clerk, |engine, outcome| {
        assert_eq!(notes(&outcome), [1_000, 1, 1_001], "{engine}");
    });
}

#[test]
fn a_slow_node_works_and_syncs_slowly_and_its_timeouts_do_not_wait() {
    let config = with_faults(&[("slow, a, try 1", "slow clerk at 1s for 1m, 10 times")]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("clerk"), |context| async move {
                context.sleep(ms(2_000)).await;
                context.work(ms(500)).await;
                context.record_event((), 1);
                let slept = context.clone();
                assert!(context.within(ms(900), name("work"), slept.work(ms(500))).await.is_err());
                context.sleep(SimSpan::from_secs(60)).await;
                context.work(ms(500)).await;
                context.record_event((), 2);
            });
        },
        |engine, outcome| {
            let times: Vec<_> = outcome.history.app_events().map(|(event, _)| event.at).collect();
            let [first, second] = times[..] else { panic!("{engine}: {times:?}") };
            assert!((at(7_000)..at(7_010)).contains(&first), "{engine}: {first}");
            assert!((at(68_400)..at(68_420)).contains(&second), "{engine}: {second}");
            let recovered = EventKind::Recovered { from: name("slow-node") };
            assert!(events_at(&outcome, "clerk").contains(&recovered), "{engine}");
        },
    );
}
