//! `select!`, whose first branch the world draws.

use super::*;
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// Which of three channels that are always ready comes first, ten times.
fn choices(seed: u64) -> Vec<u64> {
    let config = WorldConfig::fault_free(Seed(seed));
    let outcome = run_with(&config, |world| {
        world.process(name("agent"), |context| async move {
            let (one, mut ones) = mpsc::unbounded_channel();
            let (two, mut twos) = mpsc::unbounded_channel();
            let (three, mut threes) = mpsc::unbounded_channel();
            for _ in 0..10 {
                one.send(1).unwrap();
                two.send(2).unwrap();
                three.send(3).unwrap();
            }
            for _ in 0..10 {
                let first = tokio::select! {
                    Some(one) = ones.recv() => one,
                    Some(two) = twos.recv() => two,
                    Some(three) = threes.recv() => three,
                    else => 0,
                };
                context.record_event((), first);
            }
        });
    });
    noted(&outcome)
}

#[test]
fn an_unbiased_select_replays() {
    for seed in 0..20 {
        assert_eq!(choices(seed), choices(seed));
    }
}

#[test]
fn an_unbiased_select_favours_no_branch() {
    let all: Vec<Vec<u64>> = (0..20).map(choices).collect();
    assert!(all.iter().collect::<BTreeSet<_>>().len() > 15);
    let times = |branch| all.iter().flatten().filter(|chosen| **chosen == branch).count();
    assert!([1, 2, 3].into_iter().all(|branch| times(branch) > 30), "{all:?}");
}

#[test]
fn a_biased_select_takes_the_first_branch_that_is_ready() {
    let outcome = run(&[], |world| {
        world.process(name("agent"), |context| async move {
            for _ in 0..5 {
                let first = tokio::select! {
                    biased;
                    () = std::future::pending() => 1,
                    two = async { 2 } => two,
                    three = async { 3 }, if true => three,
                };
                context.record_event((), first);
            }
        });
    });
    assert_eq!(noted(&outcome), [2; 5]);
}
