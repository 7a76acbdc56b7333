//! How small shrunk failures are, and how long shrinking takes on one core: the first twenty failures of
//! every shipped `[[without]]` case. `cargo test --bench shrinking` shrinks one failure of each, with little
//! effort, as a smoke test.

use perfidy::explore::{Run, shrink};
use perfidy::scenario::{self, Case};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Seed};
use std::env;
use std::time::{Duration, Instant};

/// How many failures of a case are looked for, among how many seeds.
#[derive(Clone, Copy)]
struct Extent {
    failures: usize,
    seeds: u64,
}

/// One failure, before and after.
struct Sample {
    before: usize,
    after: usize,
    took: Duration,
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn samples(case: &Case, property: &str, extent: Extent) -> Vec<Sample> {
    let sample = |seed| {
        let run = Run::fuzzed(case, Engine::Native, seed);
        run.violation(property)?;
        let faults = &run.outcome.injected;
        let started = Instant::now();
        let minimal = shrink(case, Engine::Native, seed, property, faults)?;
        Some(Sample { before: faults.len(), after: minimal.faults.len(), took: started.elapsed() })
    };
    (0..extent.seeds).map(Seed).filter_map(sample).take(extent.failures).collect()
}

fn median<T: Ord + Copy>(samples: &[Sample], of: impl Fn(&Sample) -> T) -> Option<T> {
    let mut all: Vec<T> = samples.iter().map(of).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn row(name: &str, samples: &[Sample]) {
    let Some(before) = median(samples, |sample| sample.before) else { return };
    let after = median(samples, |sample| sample.after).unwrap_or_default();
    let most = samples.iter().map(|sample| sample.after).max().unwrap_or_default();
    let took = median(samples, |sample| sample.took).unwrap_or_default();
    let longest = samples.iter().map(|sample| sample.took).max().unwrap_or_default();
    println!(
        "| {name} | {} | {before} | {after} | {most} | {:.1} ms | {:.1} ms |",
        samples.len(),
        took.as_secs_f64() * 1e3,
        longest.as_secs_f64() * 1e3
    );
}

fn main() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let scenarios = scenario::read_all(&Suite::shipped(), &[folder.into()])
        .unwrap_or_else(|bad| panic!("{folder} cannot be read: {}", bad[0]));
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let extent =
        if is_measured { Extent { failures: 20, seeds: 20_000 } } else { Extent { failures: 1, seeds: 20 } };
    println!("| case | failures | faults before | after | at most | median time | longest |");
    println!("|---|---|---|---|---|---|---|");
    let mut all = Vec::new();
    for case in scenarios.iter().flat_map(Case::all) {
        let Some(without) = case.without() else { continue };
        let samples = samples(&case, without.violates[0], extent);
        row(&case.to_string(), &samples);
        all.extend(samples);
    }
    row("all of them", &all);
}
