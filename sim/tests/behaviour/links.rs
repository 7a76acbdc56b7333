//! Flapping links, slow links and receivers, corrupted messages, and partitions whose sides are determined
//! when they begin.

use crate::{Numbers, at, events_at, name, notes, on_every_engine, run, with_faults};
use perfidy_sim::{
    Action, Chaos, Engine, EventKind, Fault, IncomingMessage, Loss, Name, Plan, RunOutcome, Seed, Service,
    ServiceContext, SimSpan, SimTime, TimedEffect, TimedFault, World, WorldConfig,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `left` sends `right` a number every tenth of a second, fifty times.
fn counting(world: &mut World<Numbers>) {
    world.process(name("left"), |context| async move {
        for number in 0..50 {
            context.send(name("right"), name("count"), name("number"), number);
            context.sleep(SimSpan::from_millis(100)).await;
        }
    });
    world.process(name("right"), |context| async move {
        loop {
            let number = context.receive().await.payload;
            context.record_event((), number);
        }
    });
}

fn when_heard(outcome: &RunOutcome<Numbers>) -> Vec<SimTime> {
    outcome.history.app_events().map(|(event, _)| event.at).collect()
}

#[test]
fn a_garbled_message_arrives_as_something_else() {
    let config = with_faults(&[("left > right, count, number, try 3", "corrupt")]);
    on_every_engine(&config, counting, |engine, outcome| {
        let expected: Vec<u64> = (0..50).map(|number| if number == 2 { !2 } else { number }).collect();
        let mut heard = notes(&outcome);
        heard.sort_unstable_by_key(|number| if *number == !2 { 2 } else { *number });
        assert_eq!(heard, expected, "{engine}");
    });
}

#[test]
fn a_flapping_link_loses_messages_in_turns_and_is_whole_afterwards() {
    let config = with_faults(&[("flap, a, try 1", "flap left from right at 950ms for 2500ms, every 1s")]);
    on_every_engine(&config, counting, |engine, outcome| {
        // Down from 950 ms to 1950 ms, up, down from 2950 ms to 3450 ms, when it is over.
        let expected: Vec<u64> =
            (0..50).filter(|n| !(10..=19).contains(n) && !(30..=34).contains(n)).collect();
        let mut heard = notes(&outcome);
        heard.sort_unstable();
        let missing = |n: &u64| !heard.contains(n);
        // Messages in flight when the link fails are lost too, so the border may be one message wide.
        let lost: BTreeSet<u64> = (0..50).filter(missing).collect();
        let must: BTreeSet<u64> = (0..50).filter(|n| !expected.contains(n)).collect();
        assert!(must.is_subset(&lost) && lost.len() <= must.len() + 2, "{engine}: {lost:?}");
        let lost_here = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Partition, .. });
        assert_eq!(
            outcome.history.events().iter().filter(|e| lost_here(&e.what)).count(),
            lost.len(),
            "{engine}"
        );
    });
}

#[test]
fn a_slow_link_adds_to_every_message_that_is_sent_meanwhile() {
    let config = with_faults(&[("lag, a, try 1", "lag left from right at 1s for 1s, by 3s")]);
    on_every_engine(&config, counting, |engine, outcome| {
        let when = |number: u64| {
            outcome.history.app_events().find(|(_, note)| **note == number).expect("nothing is lost").0.at
        };
        assert!((at(4_500)..at(4_520)).contains(&when(15)), "{engine}: {}", when(15));
        assert!((at(500)..at(520)).contains(&when(5)), "{engine}");
        assert!((at(2_500)..at(2_520)).contains(&when(25)), "{engine}");
        assert!(
            events_at(&outcome, "left").contains(&EventKind::Recovered { from: name("slow-link") }),
            "{engine}"
        );
    });
}

#[test]
fn a_slow_receiver_takes_its_messages_in_one_by_one_and_in_order_and_loses_none() {
    let config = with_faults(&[("choke, a, try 1", "choke right at 1s for 1s, 500ms a message")]);
    on_every_engine(&config, counting, |engine, outcome| {
        let heard = notes(&outcome);
        assert_eq!(heard.len(), 50, "{engine}");
        let times = when_heard(&outcome);
        let choked: Vec<SimTime> = heard
            .iter()
            .zip(&times)
            .filter(|(number, _)| (10..20).contains(*number))
            .map(|(_, at)| *at)
            .collect();
        let apart = |pair: &[SimTime]| pair[1].since(pair[0]) >= SimSpan::from_millis(499);
        assert!(choked.windows(2).all(apart), "{engine}: {choked:?}");
        let order: Vec<u64> = heard.iter().copied().filter(|number| (10..20).contains(number)).collect();
        assert!(order.is_sorted(), "{engine}: {order:?}");
        let usual = heard.iter().zip(&times).find(|(number, _)| **number == 30).unwrap();
        assert!((at(3_000)..at(3_020)).contains(usual.1), "{engine}: it is quick again");
    });
}

/// Marks the sender of each request.
struct Register;

impl Service<Numbers> for Register {
    fn on_message(&mut self, desk: &mut ServiceContext<'_, Numbers>, envelope: IncomingMessage<u64>) {
        desk.mark(envelope.from);
    }
}

const TEAM: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Each node of the team is marked for a second, and sends it to all the others.
fn elected(world: &mut World<Numbers>) {
    world.service(name("register"), Register);
    for (turn, node) in (0..).zip(TEAM) {
        world.process(name(node), move |context| async move {
            context.sleep(SimSpan::from_secs(turn)).await;
            context.send(name("register"), name("mark me"), name(node), 0);
            context.sleep(SimSpan::from_secs(10)).await;
        });
    }
}

fn windows_of(disturbance: TimedEffect) -> WorldConfig {
    let second = SimSpan::from_secs(1);
    let window = TimedFault {
        kind: name("partition"),
        site: name("partition"),
        disturbance,
        every: second.split(2)..=second.split(2),
        lasting: second.split(2)..=second.split(2),
    };
    let chaos =
        Chaos { windows: vec![window], until: SimTime::ZERO + SimSpan::from_secs(6), ..Chaos::default() };
    WorldConfig { plan: Plan::Fuzz(Arc::new(chaos)), ..WorldConfig::fault_free(Seed(3)) }
}

fn sides(fault: &Fault) -> (Vec<&'static str>, Vec<&'static str>) {
    let Action::Partition { left, right, .. } = fault.action else { panic!("{fault}") };
    (left.as_str().split('+').collect(), right.as_str().split('+').collect())
}

fn team() -> Vec<Name> {
    TEAM.map(name).to_vec()
}

#[test]
fn a_cut_around_the_marked_node_finds_it_when_it_begins() {
    let config = windows_of(TimedEffect::PartitionLeader {
        otherwise: team()[3..].to_vec(),
        right: team(),
        one_way: false,
    });
    on_every_engine(&config, elected, |engine, outcome| {
        let cut_off: Vec<&str> = outcome.injected.iter().map(|fault| sides(fault).0[0]).collect();
        assert_eq!(cut_off, ["a", "b", "c", "d", "e", "e"], "{engine}");
        assert!(
            outcome.injected.iter().all(|fault| !sides(fault).1.contains(&sides(fault).0[0])),
            "{engine}"
        );
        let plan = Plan::Explicit(outcome.injected.clone().into());
        let replayed = run(engine, &WorldConfig { plan, ..config.clone() }, elected);
        assert_eq!(outcome.digest(), replayed.digest(), "{engine}");
    });
}

#[test]
fn without_a_partition_leader_another_node_is_cut_off() {
    let config = windows_of(TimedEffect::PartitionLeader {
        otherwise: team()[3..].to_vec(),
        right: team(),
        one_way: true,
    });
    let outcome = run(Engine::Native, &config, |world| {
        for node in TEAM {
            world.process(name(node), |context| async move { context.sleep(SimSpan::from_secs(9)).await });
        }
    });
    let cut_off: BTreeSet<&str> = outcome.injected.iter().map(|fault| sides(fault).0[0]).collect();
    assert!(!cut_off.is_empty() && cut_off.is_subset(&BTreeSet::from(["d", "e"])), "{cut_off:?}");
}

#[test]
fn a_split_is_drawn_anew_for_every_window_and_a_minority_is_one() {
    for minority in [true, false] {
        let config = windows_of(TimedEffect::Split { among: team(), minority });
        let mut seen = BTreeSet::new();
        for seed in 0..20 {
            let config = WorldConfig { seed: Seed(seed), ..config.clone() };
            for fault in &run(Engine::Native, &config, elected).injected {
                let (left, right) = sides(fault);
                assert_eq!(left.len() + right.len(), 5, "{fault}");
                assert!(left.iter().all(|node| !right.contains(node)), "{fault}");
                assert!(!minority || left.len() < right.len(), "{fault}");
                seen.insert(left);
            }
        }
        // There are 5 + 10 minorities of five, and 30 splits.
        assert!(seen.len() > if minority { 12 } else { 22 }, "{}", seen.len());
    }
}
