//! Wrong clocks, and their effect on a node.

use crate::{Numbers, at, events_at, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{Event, EventKind, RunOutcome, SimSpan, World};

/// Records every ten seconds what its clocks show, in milliseconds: the wall clock, then the monotonic one.
fn watcher(world: &mut World<Numbers>) {
    world.process(name("watcher"), |context| async move {
        for _ in 0..4 {
            context.sleep(SimSpan::from_secs(10)).await;
            for time in [context.now(), context.monotonic()] {
                context.record_event((), time.as_nanos() / 1_000_000);
            }
        }
    });
}

fn noted_at(outcome: &RunOutcome<Numbers>) -> Vec<u64> {
    let times = outcome.history.app_events().map(|(event, _)| event.at.as_nanos() / 1_000_000);
    times.step_by(2).collect()
}

#[test]
fn a_node_whose_clocks_are_right_reads_the_true_time() {
    on_every_engine(&with_faults(&[]), watcher, |engine, outcome| {
        let shown = [10_000, 10_000, 20_000, 20_000, 30_000, 30_000, 40_000, 40_000];
        assert_eq!(notes(&outcome), shown, "{engine}");
    });
}

#[test]
fn a_step_or_a_skew_moves_the_wall_clock_until_it_is_set_right_and_no_sleep() {
    for (action, shown) in [
        ("step watcher at 15s for 20s, 8s back", [10_000, 12_000, 22_000, 40_000]),
        ("step watcher at 15s for 20s, 1h forward", [10_000, 3_620_000, 3_630_000, 40_000]),
        ("skew watcher at 5s for 10s, 1m behind", [0, 20_000, 30_000, 40_000]),
    ] {
        on_every_engine(&with_faults(&[("clock, a, try 1", action)]), watcher, |engine, outcome| {
            let wall: Vec<u64> = notes(&outcome).into_iter().step_by(2).collect();
            assert_eq!(wall, shown, "{engine}: {action}");
            let monotonic: Vec<u64> = notes(&outcome).into_iter().skip(1).step_by(2).collect();
            assert_eq!(monotonic, [10_000, 20_000, 30_000, 40_000], "{engine}: {action}");
            assert_eq!(noted_at(&outcome), monotonic, "{engine}: {action}");
        });
    }
}

#[test]
fn drift_stretches_sleeps_and_moves_both_clocks_but_only_one_is_set_right() {
    let config = with_faults(&[("clock, a, try 1", "drift watcher at 5s for 29s, 200000ppm slow")]);
    on_every_engine(&config, watcher, |engine, outcome| {
        // A sleep keeps the rate at which it began: the second and the third are stretched.
        let [a, b, c, d] = noted_at(&outcome)[..] else { panic!("{engine}") };
        assert_eq!(a, 10_000, "{engine}");
        assert!(
            [(b, 22_500), (c, 35_000), (d, 45_000)].iter().all(|(is, was)| is.abs_diff(*was) <= 1),
            "{engine}: {b} {c} {d}"
        );
        let shown = notes(&outcome);
        let close = |place: usize, to: u64| shown[place].abs_diff(to) <= 1;
        assert!(close(2, 19_000) && close(3, 19_000), "{engine}: {shown:?}");
        assert!(close(6, 45_000) && close(7, 39_200), "{engine}: {shown:?}");
    });
}

#[test]
fn two_nodes_do_not_share_a_clock_and_a_service_has_one_too() {
    struct Clock;
    impl perfidy_sim::Service<Numbers> for Clock {
        fn on_message(
            &mut self,
            desk: &mut perfidy_sim::ServiceContext<'_, Numbers>,
            _: perfidy_sim::IncomingMessage<u64>,
        ) {
            let now = desk.now().as_nanos() / 1_000_000_000;
            desk.record_event((), now);
        }
    }
    let config = with_faults(&[
        ("clock, a, try 1", "skew left at 1s for 1h, 10s ahead"),
        ("clock, b, try 1", "skew clock at 1s for 1h, 20s ahead"),
    ]);
    on_every_engine(
        &config,
        |world| {
            world.service(name("clock"), Clock);
            for node in ["left", "right"] {
                world.process(name(node), move |context| async move {
                    context.sleep(SimSpan::from_secs(2)).await;
                    context.record_event((), context.now().as_nanos() / 1_000_000_000);
                    context.send(name("clock"), name("what time"), name(node), 0);
                });
            }
        },
        |engine, outcome| {
            let mut shown = notes(&outcome);
            shown.sort_unstable();
            assert_eq!(shown, [2, 12, 22, 22], "{engine}");
        },
    );
}

/// Holds a lease of ten seconds, checks it, and writes.
fn holder_and_store(world: &mut World<Numbers>) {
    world.process(name("holder"), |context| async move {
        let lease_ends = context.now() + SimSpan::from_secs(10);
        context.send(name("store"), name("write"), name("early"), 1);
        context.before(name("look"), name("lease")).await;
        let believes = context.now() < lease_ends;
        context.record_event((), 100 + u64::from(believes));
        context.sleep(SimSpan::from_secs(60)).await;
        context.record_event((), 200 + u64::from(context.now() < lease_ends));
    });
    world.process(name("store"), |context| async move {
        loop {
            let number = context.receive().await.payload;
            context.record_event((), number);
        }
    });
}

#[test]
fn a_zombie_believes_in_its_lease_and_what_it_had_sent_comes_late() {
    let place = "holder, before look, lease, try 1";
    on_every_engine(&with_faults(&[(place, "pause 30s")]), holder_and_store, |engine, outcome| {
        assert_eq!(notes(&outcome), [1, 100, 200], "{engine}: after a mere pause it looks and knows");
    });
    on_every_engine(&with_faults(&[(place, "zombie 30s")]), holder_and_store, |engine, outcome| {
        let delivered = |event: &&Event<u64>| matches!(event.what, EventKind::Delivered { .. });
        let early = outcome.history.events().iter().find(delivered).expect("it comes");
        assert!((at(30_000)..at(30_010)).contains(&early.at), "{engine}: {}", early.at);
        let mut said = notes(&outcome);
        said.sort_unstable();
        assert_eq!(said, [1, 101, 200], "{engine}: a minute later its clock is right again");
        let events = events_at(&outcome, "holder");
        assert!(events.contains(&EventKind::Paused { span: SimSpan::from_secs(30) }), "{engine}");
        assert!(events.contains(&EventKind::Recovered { from: name("zombie") }), "{engine}");
    });
}

#[test]
fn a_zombie_that_dies_is_frozen_no_more() {
    let config = with_faults(&[
        ("zombie, a, try 1", "zombie watcher at 5s for 1h"),
        ("crash, a, try 1", "crash watcher at 8s, back after 1s"),
    ]);
    on_every_engine(&config, watcher, |engine, outcome| {
        assert_eq!(noted_at(&outcome), [19_000, 29_000, 39_000, 49_000], "{engine}");
        let wall: Vec<u64> = notes(&outcome).into_iter().step_by(2).collect();
        assert_eq!(wall, noted_at(&outcome), "{engine}");
        assert!(outcome.ended < at(0) + SimSpan::from_secs(4_000) + ms(0), "{engine}");
    });
}
