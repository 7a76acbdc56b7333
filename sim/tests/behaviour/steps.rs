//! Every action of a node is a place where it can crash or pause, without calls in its code.

use crate::{at, events_at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{
    Action, Chance, Chaos, Context, EventKind, Hook, Name, Plan, Rule, RunEnd, Seed, Selector, SimSpan,
    World, WorldConfig,
};
use std::sync::Arc;

/// A node that does every possible action and reports its progress, with two others: one sends it a number,
/// and one answers its requests.
fn everything(world: &mut World<crate::Numbers>) {
    world.process(name("a"), |context: Context<crate::Numbers>| async move {
        let about = name("it");
        context.receive().await;
        context.record_event((), 1);
        context.send(name("b"), name("hint"), about, 0);
        context.record_event((), 2);
        context.write(7).unwrap();
        context.record_event((), 3);
        context.sync().await;
        context.record_event((), 4);
        context.request(name("b"), name("question"), about, 5, ms(500)).await.unwrap();
        context.record_event((), 5);
        context.finish_after(SimSpan::ZERO);
    });
    world.process(name("b"), |context| async move {
        context.send(name("a"), name("start"), name("it"), 0);
        loop {
            let message = context.receive().await;
            if message.kind == name("question") {
                context.reply(&message, name("answer"), 6);
            }
        }
    });
}

/// The places of `a`, in the order in which it reaches them, with its progress by then.
const PLACES: [(&str, usize); 10] = [
    ("a, after receive start, it, try 1", 0),
    ("a, before send hint, it, try 1", 1),
    ("a, after send hint, it, try 1", 1),
    ("a, before write record, journal, try 1", 2),
    ("a, after write record, journal, try 1", 2),
    ("a, before sync, journal, try 1", 3),
    ("a, after sync, journal, try 1", 3),
    ("a, before send question, it, try 1", 4),
    ("a, after send question, it, try 1", 4),
    ("a, after receive answer, it, try 1", 4),
];

#[test]
fn a_node_that_crashes_at_any_of_its_actions_does_nothing_more() {
    for (place, said) in PLACES {
        on_every_engine(&with_faults(&[(place, "crash for good")]), everything, |engine, outcome| {
            assert!(outcome.pinned[0].reached, "{engine}: {place}");
            assert_eq!(notes(&outcome).len(), said, "{engine}: {place}");
            let events = events_at(&outcome, "a");
            let crash = events.iter().position(|event| matches!(event, EventKind::Crashed { .. })).unwrap();
            let rest = &events[crash + 1..];
            assert!(
                rest.iter().all(|event| matches!(event, EventKind::Lost { .. })),
                "{engine}: {place}: {rest:?}"
            );
            assert_eq!(outcome.stop, RunEnd::Quiescent, "{engine}: {place}");
        });
    }
}

#[test]
fn what_an_action_did_is_there_after_it_and_not_before() {
    let sent_and_written = |place: &str| {
        let mut found = Vec::new();
        on_every_engine(&with_faults(&[(place, "crash for good")]), everything, |_, outcome| {
            let events = events_at(&outcome, "a");
            let any = |is: fn(&EventKind<u64>) -> bool| events.iter().any(is);
            let sent = any(|event| matches!(event, EventKind::Sent { .. }));
            found.push((
                sent,
                any(|event| matches!(event, EventKind::Wrote { .. })),
                any(|event| matches!(event, EventKind::Synced { .. })),
            ));
        });
        found.dedup();
        let [found] = found.as_slice() else { panic!("the engines do not agree: {found:?}") };
        *found
    };
    let [received, before_send, after_send, before_write, after_write, before_sync, after_sync, ..] =
        PLACES.map(|(place, _)| sent_and_written(place));
    assert_eq!([received, before_send], [(false, false, false); 2]);
    assert_eq!([after_send, before_write], [(true, false, false); 2]);
    assert_eq!([after_write, before_sync], [(true, true, false); 2]);
    assert_eq!(after_sync, (true, true, true));
}

#[test]
fn what_a_node_sends_that_was_stopped_leaves_when_it_goes_on() {
    for (place, arrives) in
        [("a, before send hint, it, try 1", true), ("a, after send hint, it, try 1", false)]
    {
        on_every_engine(&with_faults(&[(place, "pause 10s")]), everything, |engine, outcome| {
            let hint = outcome.history.events().iter().find(
                |event| matches!(event.what, EventKind::Delivered { kind, .. } if kind == name("hint")),
            );
            assert_eq!(hint.unwrap().at > at(10_000), arrives, "{engine}: {place}");
            assert_eq!(notes(&outcome), [1, 2, 3, 4, 5], "{engine}: {place}");
        });
    }
}

#[test]
fn a_message_is_not_lost_when_its_receiver_stops_and_gives_up() {
    let config = with_faults(&[("a, after receive start, it, try 1", "pause 10s")]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("a"), |context| async move {
                let _ = context.within(ms(5_000), name("mail"), context.receive()).await;
                let message = context.within(ms(5_000), name("mail"), context.receive()).await;
                context.record_event((), message.map_or(0, |message| message.payload));
            });
            world.process(name("b"), |context| async move {
                context.send(name("a"), name("start"), name("it"), 1);
                context.sleep(ms(11_000)).await;
                context.send(name("a"), name("start"), name("it"), 2);
            });
        },
        |engine, outcome| assert_eq!(notes(&outcome), [2], "{engine}"),
    );
}

#[test]
fn code_that_begins_with_an_action_can_crash_there_again_and_again() {
    let config = with_faults(&[
        ("a, before send hint, it, try 1", "crash, back after 1s"),
        ("a, before send hint, it, try 2", "crash, back after 1s"),
    ]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("a"), |context| {
                // Before there is any task.
                context.send(name("b"), name("hint"), name("it"), 1);
                async move {
                    context.record_event((), u64::from(context.incarnation()));
                }
            });
        },
        |engine, outcome| {
            assert_eq!(notes(&outcome), [2], "{engine}");
            assert_eq!(outcome.stop, RunEnd::Quiescent, "{engine}");
        },
    );
}

/// The count of a place does not depend on how its fault is injected, or on what else is counted.
#[test]
fn the_faults_of_a_fuzzed_run_are_met_as_a_list() {
    let rule = |hook: Hook, per_million: u32, action| Rule {
        kind: name("crash"),
        hook,
        from: Selector::only(name("a")),
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(per_million).unwrap(),
        action,
        span: Some(ms(1)..=ms(2_000)),
    };
    let chaos = Chaos {
        rules: vec![
            rule(Hook::Before, 100_000, Action::Crash(Some(ms(0)))),
            rule(Hook::After, 100_000, Action::Pause(ms(0))),
        ],
        until: at(600_000),
        ..Chaos::default()
    };
    let chaos = Arc::new(chaos);
    let mut injected = 0;
    for seed in (0..40).map(Seed) {
        let config = |plan| WorldConfig { plan, ..WorldConfig::fault_free(seed) };
        on_every_engine(&config(Plan::Fuzz(Arc::clone(&chaos))), everything, |engine, fuzzed| {
            let list = Plan::Explicit(fuzzed.injected.as_slice().into());
            let listed = crate::run(engine, &config(list), everything);
            assert_eq!(fuzzed.digest(), listed.digest(), "{engine}, seed {seed}");
            injected += fuzzed.injected.len();
        });
    }
    assert!(injected > 40, "{injected}");
}

#[test]
fn only_what_the_plan_concerns_is_counted_unless_more_is_asked_for() {
    let config = with_faults(&[("a, before send hint, it, try 9", "crash for good")]);
    let sites = |world_is_asked: bool| {
        let mut sites: Vec<Name> = Vec::new();
        on_every_engine(
            &config,
            |world| {
                everything(world);
                if world_is_asked {
                    world.notice(&Rule::of_all_steps());
                }
            },
            |_, outcome| {
                let steps = outcome.visited.iter().map(|place| place.site);
                sites = steps.filter(|site| site.as_str().starts_with("a, ")).collect();
            },
        );
        sites
    };
    assert_eq!(sites(false), [name("a, before send hint")]);
    let all: Vec<Name> = PLACES.map(|(place, _)| name(place.rsplitn(3, ", ").last().unwrap())).to_vec();
    assert_eq!(sites(true), all);
}
