//! Determinism: a run depends on its case, engine, seed and plan only, not on the thread, earlier runs on it,
//! the number of threads, or how the plan is written.

mod audit;

use crate::cases;
use perfidy::agent::Agents;
use perfidy::explore::{Campaign, Collect, Run, Watchdog, first_difference};
use perfidy::scenario::Case;
use perfidy_sim::{Engine, Interrupt, Plan, RunOutcome, Seed};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::thread;

/// The seeds that are tried for every case.
const SAMPLE: std::ops::Range<u64> = 0..5;

/// How many seeds a short campaign has.
const A_FEW: u64 = 8;

/// More seeds than a campaign runs in one batch.
const MORE_THAN_A_BATCH: u64 = 600;

fn engines() -> impl Iterator<Item = Engine> {
    Engine::ALL.into_iter().filter(|engine| engine.available().is_ok())
}

fn run(case: &Case, engine: Engine, seed: u64) -> RunOutcome<Agents> {
    Run::fuzzed(case, engine, Seed(seed)).outcome
}

/// Panics at the first event in which two runs that must be equal differ.
fn assert_same(case: &Case, engine: Engine, seed: u64, one: &RunOutcome<Agents>, other: &RunOutcome<Agents>) {
    if let Some(difference) = first_difference(one, other) {
        panic!("{case}, seed {seed}, {engine} engine: the two runs part\n{difference}");
    }
    assert_eq!(one.digest(), other.digest(), "{case}, seed {seed}, {engine} engine");
    assert_eq!(one.injected, other.injected, "{case}, seed {seed}, {engine} engine");
}

#[test]
fn a_seed_makes_the_same_history_on_a_fresh_thread_and_on_one_that_has_run_others() {
    let cases = cases::all();
    for engine in engines() {
        for case in cases {
            // This thread has run other cases, and comes to the seeds from the other end.
            let (fresh, used) = thread::scope(|scope| {
                let fresh = scope.spawn(|| SAMPLE.map(|seed| run(case, engine, seed)).collect::<Vec<_>>());
                let used = SAMPLE.rev().map(|seed| run(case, engine, seed)).collect::<Vec<_>>();
                (fresh.join().unwrap(), used)
            });
            for (seed, (one, other)) in SAMPLE.zip(fresh.iter().zip(used.iter().rev())) {
                assert_same(case, engine, seed, one, other);
            }
        }
    }
}

#[test]
fn the_injected_faults_given_back_as_a_list_make_the_same_history() {
    let cases = cases::all();
    let each: Vec<_> = cases.iter().flat_map(|case| engines().map(move |engine| (case, engine))).collect();
    each.into_par_iter().for_each(|(case, engine)| {
        for seed in SAMPLE {
            let fuzzed = run(case, engine, seed);
            let plan = Plan::Explicit(fuzzed.injected.as_slice().into());
            let replayed = Run::planned(case, engine, Seed(seed), &plan).outcome;
            assert_same(case, engine, seed, &fuzzed, &replayed);
            let missed = replayed.pinned.iter().find(|pinned| !pinned.reached);
            assert_eq!(missed, None, "{case}, seed {seed}, {engine} engine");
        }
    });
}

/// Panics if the report of a campaign depends on the number of its threads.
fn assert_same_from_one_thread_and_from_four(case: &Case, seeds: u64) {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let (interrupted, watchdog) = (&interrupted, &watchdog);
    let [one, four] = [1, 4].map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: Seed(7),
            seeds,
            collect: Collect { digests: true, ..Collect::NONE },
            interrupted,
            watchdog,
        };
        let report = pool.install(|| campaign.run(case));
        (
            report.seeds,
            report.events,
            report.digest.unwrap(),
            report.tallies,
            report.injected,
            report.findings,
        )
    });
    assert_eq!(one.0, seeds);
    assert_eq!(one, four, "{case}");
}

#[test]
fn a_campaign_reports_the_same_from_one_thread_and_from_four() {
    for case in cases::all() {
        assert_same_from_one_thread_and_from_four(case, A_FEW);
    }
}

#[test]
fn a_campaign_of_several_batches_reports_the_same_too() {
    // Batches do not depend on the case, so a few are enough.
    let mut workflows = BTreeSet::new();
    let one_of_each = cases::all().iter().filter(|case| workflows.insert(case.scenario.workflow.name));
    for case in one_of_each.step_by(4) {
        assert_same_from_one_thread_and_from_four(case, MORE_THAN_A_BATCH);
    }
}

#[test]
fn two_seeds_make_two_histories() {
    for engine in engines() {
        cases::all().par_iter().for_each(|case| {
            let mut digests: Vec<_> = SAMPLE.map(|seed| run(case, engine, seed).digest()).collect();
            digests.sort_unstable();
            digests.dedup();
            assert_eq!(digests.len() as u64, SAMPLE.end, "{case}, {engine} engine");
        });
    }
}
