//! Overlapping restarts: a second incarnation of a node begins before the first has ended.

use crate::{Numbers, at, events_at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{Event, EventKind, RunOutcome, SimSpan, World};

/// Two nodes: one ticks every second with its incarnation, one sends a letter every second.
fn clerk(world: &mut World<Numbers>) {
    world.process(name("clerk"), |context| async move {
        context.record_event((), 100 + context.records().len() as u64);
        context.write(1).unwrap();
        let reading = context.clone();
        context.spawn(async move {
            loop {
                let letter = reading.receive().await.payload;
                reading.record_event((), 1_000 + 100 * u64::from(reading.incarnation()) + letter);
            }
        });
        loop {
            context.sleep(SimSpan::from_secs(1)).await;
            context.record_event((), u64::from(context.incarnation()));
        }
    });
    world.process(name("sender"), |context| async move {
        for letter in 0..10 {
            context.send(name("clerk"), name("letter"), name("post"), letter);
            context.sleep(SimSpan::from_secs(1)).await;
        }
        context.finish_after(SimSpan::ZERO);
    });
}

/// The letters that were read, in the thousands, with the incarnation that read each in the hundreds.
fn letters(outcome: &RunOutcome<Numbers>) -> Vec<u64> {
    notes(outcome).into_iter().filter(|note| *note >= 1_000).collect()
}

#[test]
fn each_letter_is_for_one_of_the_two_and_for_the_same_on_every_engine() {
    let config =
        with_faults(&[("overlapping-restart, a, try 1", "overlapping-restart clerk at 500ms for 7s")]);
    let mut on_each = Vec::new();
    on_every_engine(&config, clerk, |_, outcome| on_each.push(letters(&outcome)));
    let by = |life: u64| on_each[0].iter().filter(|note| **note / 100 % 10 == life).count();
    assert!(by(0) > 1 && by(1) > 3, "{on_each:?}");
    assert!(on_each.iter().all(|letters| *letters == on_each[0]), "{on_each:?}");
}

#[test]
fn both_lives_run_share_journal_and_mail_and_in_the_end_the_newer_remains() {
    let config =
        with_faults(&[("overlapping-restart, a, try 1", "overlapping-restart clerk at 2500ms for 4s")]);
    on_every_engine(&config, clerk, |engine, outcome| {
        let ticks = |life: u64, from: u64, to: u64| {
            let within = |event: &Event<u64>| (at(from)..at(to)).contains(&event.at);
            outcome.history.app_events().filter(|(event, note)| **note == life && within(event)).count()
        };
        assert_eq!([ticks(0, 0, 6_500), ticks(0, 6_500, 20_000)], [6, 0], "{engine}");
        assert_eq!([ticks(1, 2_500, 6_500), ticks(1, 6_500, 9_999)], [3, 4], "{engine}");
        let letters: Vec<u64> = letters(&outcome).iter().map(|note| note % 100).collect();
        assert_eq!(letters, (0..10).collect::<Vec<_>>(), "{engine}: each letter once");
        assert!(notes(&outcome).contains(&101), "{engine}: the twin reads what the first wrote");
        let events = events_at(&outcome, "clerk");
        assert!(events.contains(&EventKind::Started { incarnation: 1 }), "{engine}");
        assert!(events.contains(&EventKind::Recovered { from: name("overlapping-restart") }), "{engine}");
    });
}

#[test]
fn both_die_in_a_crash_and_a_node_that_is_down_has_no_twin() {
    let config = with_faults(&[
        ("overlapping-restart, a, try 1", "overlapping-restart clerk at 2500ms for 1h"),
        ("crash, a, try 1", "crash clerk at 4s, back after 2s"),
        ("overlapping-restart, a, try 2", "overlapping-restart clerk at 5s for 1h"),
    ]);
    on_every_engine(&config, clerk, |engine, outcome| {
        let incarnations = events_at(&outcome, "clerk");
        let incarnations: Vec<u32> = incarnations
            .iter()
            .filter_map(
                |what| if let EventKind::Started { incarnation } = what { Some(*incarnation) } else { None },
            )
            .collect();
        assert_eq!(incarnations, [0, 1, 2], "{engine}");
        let late = |note: &&u64| **note < 3;
        let after: Vec<u64> = outcome
            .history
            .app_events()
            .filter(|(event, _)| event.at > at(6_000))
            .map(|(_, note)| *note)
            .filter(|note| late(&note))
            .collect();
        assert!(!after.is_empty() && after.iter().all(|life| *life == 2), "{engine}: {after:?}");
        assert_eq!(outcome.injected.len(), 3, "{engine}");
    });
}

#[test]
fn a_paused_node_resumes_with_all_of_its_lives() {
    let config = with_faults(&[
        ("pause, a, try 1", "pause clerk at 1s for 4s"),
        ("overlapping-restart, a, try 1", "overlapping-restart clerk at 2s for 1s"),
    ]);
    on_every_engine(&config, clerk, |engine, outcome| {
        let ticks =
            outcome.history.app_events().filter(|(event, note)| **note == 1 && event.at > at(5_000) + ms(1));
        assert!(ticks.count() >= 3, "{engine}");
    });
}

#[test]
fn an_incarnation_that_was_replaced_can_end_itself_and_the_later_one_gets_its_messages() {
    let team = |world: &mut World<Numbers>| {
        world.process(name("clerk"), |context| async move {
            context.sleep(SimSpan::from_secs(3)).await;
            context.step_down().await;
            loop {
                let letter = context.receive().await.payload;
                context.record_event((), 100 * u64::from(context.incarnation()) + letter);
            }
        });
        world.process(name("sender"), |context| async move {
            for letter in 0..10 {
                context.send(name("clerk"), name("letter"), name("post"), letter);
                context.sleep(SimSpan::from_secs(1)).await;
            }
            context.finish_after(SimSpan::ZERO);
        });
    };
    let twin = with_faults(&[("twin, a, try 1", "overlapping-restart clerk at 2500ms for 1h")]);
    on_every_engine(&twin, team, |engine, outcome| {
        assert_eq!(notes(&outcome), (100..110).collect::<Vec<_>>(), "{engine}: only the later one reads");
        let from = name("overlapping-restart");
        assert!(events_at(&outcome, "clerk").contains(&EventKind::Recovered { from }), "{engine}");
    });
    on_every_engine(&with_faults(&[]), team, |engine, outcome| {
        assert_eq!(
            notes(&outcome),
            (0..10).collect::<Vec<_>>(),
            "{engine}: one that was not replaced goes on"
        );
    });
}
