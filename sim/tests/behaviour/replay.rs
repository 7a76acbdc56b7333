//! A fuzzed run is a list of faults, and the list makes the same run.

use crate::{Numbers, chaos, name, on_every_engine, run, with_faults};
use perfidy_sim::{Engine, Fault, Hook, Plan, RunEnd, RunOutcome, World, WorldConfig};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::mem::discriminant;
use std::sync::Arc;
use std::thread;

/// Replays the faults of a run as a list.
fn replay(
    engine: Engine,
    config: &WorldConfig,
    faults: &[Fault],
    build: impl Fn(&mut World<Numbers>) + Sync,
) -> RunOutcome<Numbers> {
    run(engine, &WorldConfig { plan: Plan::Explicit(faults.into()), ..config.clone() }, build)
}

fn assert_same(engine: Engine, left: &RunOutcome<Numbers>, right: &RunOutcome<Numbers>) {
    if let Some((one, other)) = left.history.first_difference(&right.history) {
        panic!("{engine}: {one:#?} is not {other:#?}");
    }
    assert_eq!((left.digest(), left.stop, left.ended), (right.digest(), right.stop, right.ended), "{engine}");
    assert_eq!(left.injected, right.injected, "{engine}");
}

fn replays_itself(seed: u64, per_million: u32, short: bool, build: impl Fn(&mut World<Numbers>) + Sync) {
    let config = chaos::config(seed, per_million, short);
    on_every_engine(&config, &build, |engine, fuzzed| {
        let replayed = replay(engine, &config, &fuzzed.injected, &build);
        assert_same(engine, &fuzzed, &replayed);
        assert!(replayed.pinned.iter().all(|pinned| pinned.reached), "{engine}");
    });
}

/// The same cases in every run of the tests.
fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 150,
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_faults_of_a_fuzzed_run_make_the_same_run(
        seed in any::<u64>(),
        per_million in prop_oneof![Just(0), 0..50_000_u32, 50_000..400_000_u32],
        short in any::<bool>(),
    ) {
        replays_itself(seed, per_million, short, chaos::workload);
    }

    #[cfg(madsim)]
    #[test]
    fn the_faults_of_a_fuzzed_run_of_tokio_code_make_the_same_run(
        seed in any::<u64>(),
        per_million in 0..100_000_u32,
        short in any::<bool>(),
    ) {
        let config = chaos::config(seed, per_million, short);
        let fuzzed = run(Engine::Madsim, &config, crate::tokio_code::mixed);
        let replayed = replay(Engine::Madsim, &config, &fuzzed.injected, crate::tokio_code::mixed);
        assert_same(Engine::Madsim, &fuzzed, &replayed);
    }
}

#[test]
fn every_kind_of_fault_is_injected() {
    for engine in Engine::ALL.into_iter().filter(|engine| engine.available().is_ok()) {
        let mut kinds = Vec::new();
        for seed in 0..60 {
            let outcome = run(engine, &chaos::config(seed, 60_000, false), chaos::workload);
            for action in outcome.injected.iter().map(|fault| fault.action) {
                let kind = (discriminant(&action), action.kind());
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        assert_eq!(kinds.len(), 27, "{engine}: {kinds:?}");
    }
}

#[test]
fn a_seed_gives_the_same_history_on_any_thread() {
    for seed in 0..20 {
        let config = chaos::config(seed, 30_000, false);
        on_every_engine(&config, chaos::workload, |engine, here| {
            let there = thread::scope(|scope| {
                scope
                    .spawn(|| run(engine, &config, chaos::workload))
                    .join()
                    .expect("it runs there as it does here")
            });
            assert_same(engine, &here, &there);
            assert_eq!(here.visited, there.visited, "{engine}");
        });
    }
}

#[test]
fn another_seed_gives_another_history() {
    on_every_engine(&chaos::config(1, 30_000, false), chaos::workload, |engine, one| {
        let other = run(engine, &chaos::config(2, 30_000, false), chaos::workload);
        assert_ne!(one.digest(), other.digest(), "{engine}");
    });
}

/// Eight clients, each with one letter for the post office and one fault.
fn clients(world: &mut World<Numbers>) {
    for (number, client) in (0..).zip(CLIENTS) {
        world.process(name(client), move |context| async move {
            context.send(name("office"), name("letter"), name(client), number);
        });
    }
    world.process(name("office"), |context| async move {
        loop {
            let letter = context.receive().await;
            context.record_event((), letter.payload);
        }
    });
}

const CLIENTS: [&str; 8] = ["ann", "bob", "cid", "dot", "eve", "fay", "gus", "hal"];

#[test]
fn a_fault_taken_out_leaves_the_others_where_they_were() {
    // A client that crashed writes its letter again, and that one has other faults: these are not left out
    // with it.
    let mut config = chaos::config(3, 300_000, false);
    if let Plan::Fuzz(chaos) = &mut config.plan {
        Arc::make_mut(chaos).rules.retain(|rule| rule.hook == Hook::Message);
    }
    on_every_engine(&config, clients, |engine, fuzzed| {
        let letters: Vec<Fault> =
            fuzzed.injected.into_iter().filter(|f| f.action.moment().is_none()).collect();
        assert!(letters.len() >= 3, "{engine}: {letters:?}");
        for left_out in 0..letters.len() {
            let mut rest = letters.clone();
            let gone = rest.remove(left_out);
            let replayed = replay(engine, &chaos::config(3, 0, false), &rest, clients);
            assert!(replayed.pinned.iter().all(|pinned| pinned.reached), "{engine}: without {gone}");
            let is_injected = |fault: &Fault| replayed.injected.contains(fault);
            assert!(
                rest.iter().all(is_injected) && !is_injected(&gone),
                "{engine}: without {gone}: {:?}",
                replayed.injected
            );
        }
    });
}

#[test]
fn a_fault_is_met_only_if_its_place_came_up() {
    let config = with_faults(&[
        ("ann > office, letter, ann, try 1", "drop"),
        ("ann > office, letter, ann, try 2", "drop"),
        ("ann > office, parcel, ann, try 1", "drop"),
        ("bob > office, letter, bob, try 1", "pause 1s"),
        ("crash, a, try 1", "crash cid at 1s for good"),
        ("crash, b, try 1", "crash nobody at 1s for good"),
        ("crash, c, try 1", "crash cid at 2h for good"),
    ]);
    on_every_engine(&config, clients, |engine, outcome| {
        let reached: Vec<bool> = outcome.pinned.iter().map(|pinned| pinned.reached).collect();
        assert_eq!(reached, [true, false, false, false, true, false, false], "{engine}");
        assert_eq!(outcome.injected.len(), 2, "{engine}: {:?}", outcome.injected);
        assert_eq!(outcome.stop, RunEnd::Quiescent, "{engine}");
    });
}
