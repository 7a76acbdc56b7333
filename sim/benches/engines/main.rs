//! A comparison of simulation engines: how many runs per second each manages on one small workload.
//!
//! `cargo bench -p perfidy-sim --bench engines` measures all engines at both sizes and ends with a Markdown
//! table.

mod floor;
#[cfg(madsim)]
mod madsim_endpoint;
mod native;
mod table;
mod turmoil;
mod workload;

use criterion::{BenchmarkId, Criterion};
use std::time::Duration;
use workload::{Ran, SIZES, Size};

const GROUP: &str = "engines";

struct Engine {
    name: &'static str,
    run: fn(Size, u64) -> Ran,
}

/// The rivals, in the order of the table.
const RIVALS: &[Engine] = &[
    Engine { name: "floor", run: |size, seed| floor::run(size, seed).ran() },
    Engine { name: "turmoil", run: |size, seed| turmoil::run(size, seed).ran() },
    #[cfg(madsim)]
    Engine { name: "madsim_endpoint", run: |size, seed| madsim_endpoint::run(size, seed).ran() },
    #[cfg(madsim)]
    Engine {
        name: "madsim_endpoint_same_thread",
        run: |size, seed| madsim_endpoint::run_on_this_thread(size, seed).ran(),
    },
];

/// perfidy-sim's own engine.
const OURS: &[Engine] = &[Engine { name: "native", run: native::run }];

fn main() {
    let results = table::results_folder();
    let mut criterion = Criterion::default()
        .output_directory(&results)
        .without_plots()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    for size in SIZES {
        for engine in OURS.iter().chain(RIVALS) {
            measure(&mut criterion, engine, size);
        }
    }
    criterion.final_summary();

    if is_measuring() {
        let names: Vec<_> = OURS.iter().chain(RIVALS).map(|engine| engine.name).collect();
        println!("{}", table::markdown(&results, GROUP, &names));
    }
    if cfg!(not(madsim)) {
        eprintln!("madsim was left out: it needs RUSTFLAGS='--cfg madsim'.");
    }
}

/// Whether this is neither a smoke test nor a listing, by the rules criterion applies to its arguments.
fn is_measuring() -> bool {
    let is_given = |flag: &str| std::env::args().any(|argument| argument == flag);
    is_given("--bench") && !is_given("--test") && !is_given("--list")
}

/// Measures runs of `engine`, each with a seed of its own.
fn measure(criterion: &mut Criterion, engine: &Engine, size: Size) {
    let run = |seed| {
        let ran = (engine.run)(size, seed);
        assert!(ran.is_complete, "{} left requests of seed {seed} unanswered", engine.name);
        ran.digest
    };
    assert_eq!(run(0), run(0), "{} does not repeat itself", engine.name);
    assert_ne!(run(0), run(1), "{} ignores its seed", engine.name);

    let mut seeds = 0..;
    let id = BenchmarkId::new(engine.name, size.nodes());
    criterion
        .benchmark_group(GROUP)
        .bench_function(id, |bencher| bencher.iter(|| run(seeds.next().expect("seeds do not run out"))));
}
