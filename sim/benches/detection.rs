//! How soon each strategy finds what it should: for every `[[without]]` case of the scenarios that come with perfidy,
//! after how many runs its promise is first seen to break. Prints a Markdown table of medians over campaigns that
//! begin at different seeds; `>` marks a median that lies beyond the last run of a campaign.
//!
//! ```text
//! cargo bench --bench detection                    # 20 campaigns of at most 1000 runs
//! cargo bench --bench detection -- 5 300           # 5 campaigns of at most 300 runs
//! ```

use perfidy::explore::strategy::{self, Bounds, Start};
use perfidy::explore::{Campaign, Watchdog};
use perfidy::scenario::{self, Case};
use perfidy_sim::{Engine, Seed};
use std::env;
use std::sync::atomic::AtomicBool;

/// The distance of the first seeds of two campaigns: more than either uses.
const APART: u64 = 1_000_000;

fn main() {
    // Cargo says `--bench`; what is left are the two numbers.
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (campaigns, runs) = (numbers.next().unwrap_or(20).max(1), numbers.next().unwrap_or(1_000));
    let scenarios = scenario::read_all(&["scenarios".into()]).unwrap_or_else(|bad| {
        panic!("{}", bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    let names: Vec<&str> = strategy::ALL.iter().map(|kind| kind.name).collect();
    println!("| case | {} |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    for case in scenarios.iter().flat_map(Case::all).filter(|case| case.without().is_some()) {
        let medians = strategy::ALL.iter().map(|kind| median(&case, kind, campaigns, runs));
        println!("| {case} | {} |", medians.collect::<Vec<_>>().join(" | "));
    }
}

fn median(case: &Case, kind: &strategy::Kind, campaigns: u64, runs: u64) -> String {
    let first_seeds = (0..campaigns).map(|campaign| Seed(campaign * APART));
    let mut found: Vec<u64> =
        first_seeds.map(|seed| runs_to_detection(case, kind, seed, runs).unwrap_or(u64::MAX)).collect();
    found.sort_unstable();
    match found[found.len() / 2] {
        u64::MAX => format!("> {runs}"),
        median => median.to_string(),
    }
}

fn runs_to_detection(case: &Case, kind: &strategy::Kind, first_seed: Seed, runs: u64) -> Option<u64> {
    let (interrupted, watchdog) = (AtomicBool::new(false), Watchdog::new());
    let engine = Engine::Native;
    let campaign =
        Campaign { engine, first_seed, seeds: runs, interrupted: &interrupted, watchdog: &watchdog };
    let start = Start { case, engine, first_seed, bounds: Bounds::default() };
    let mut strategy = (kind.start)(&start).unwrap_or_else(|refused| panic!("{refused}"));
    let report = campaign.run_with(case, &mut *strategy);
    Some(report.finding(case.without()?.violates)?.after_seeds)
}
