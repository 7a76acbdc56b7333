//! Whole runs of a shipped scenario, including faults, safeguards, history and verdicts.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use perfidy::explore::{Campaign, Collect, Run, Watchdog};
use perfidy::scenario::{self, Case};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const CAMPAIGN: u64 = 512;

fn case() -> Case {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/conductor/lost-ack.toml");
    let scenarios = scenario::read_all(&Suite::shipped(), &[path.into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{path} cannot be read: {}", bad[0]));
    Case::as_written(&scenarios[0])
}

fn whole_runs(criterion: &mut Criterion) {
    let case = case();
    let mut group = criterion.benchmark_group("lost-ack");

    let mut seeds = (0..).map(Seed);
    group.throughput(Throughput::Elements(1));
    group.bench_function("run", |bencher| {
        bencher.iter(|| Run::fuzzed(&case, Engine::Native, seeds.next().expect("seeds do not run out")));
    });

    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: CAMPAIGN,
        collect: Collect::NONE,
        interrupted: &Interrupt::default(),
        watchdog: &Watchdog::new(),
    };
    group.throughput(Throughput::Elements(CAMPAIGN));
    group.sample_size(10);
    group.bench_function("campaign_on_all_cores", |bencher| bencher.iter(|| campaign.run(&case)));
    group.finish();
}

criterion_group!(benches, whole_runs);
criterion_main!(benches);
