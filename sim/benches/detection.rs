//! Detection speed of each strategy: for every `[[without]]` case of the shipped scenarios, after how many
//! runs the violation is first seen, and how long that takes on one thread, including the start of the
//! strategy. Prints Markdown tables of medians over campaigns that begin at different seeds; `>` marks a
//! median beyond the last run of a campaign, or beyond all trials of a strategy; `refused` means that a
//! strategy does not support the case.
//!
//! These cases are designed to be caught soon. The other tables use the same cases with every chance divided
//! by twenty and by two hundred: there, most runs have no fault at all.
//!
//! ```text
//! cargo bench --bench detection                    # 20 campaigns of at most 1500 runs
//! cargo bench --bench detection -- 5 300           # 5 campaigns of at most 300 runs
//! cargo bench --bench detection -- mix random      # only these strategies
//! cargo test --bench detection                     # one campaign of very few, to see that it works
//! ```

use perfidy::explore::strategy::{self, Bounds, Kind, Start, StrategyRefused};
use perfidy::explore::{Campaign, Collect, Watchdog};
use perfidy::scenario::{self, Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::env;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The distance of the first seeds of two campaigns: more than either uses.
const APART: u64 = 1_000_000;

/// When and after how many runs a violation was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Detection {
    runs: u64,
    took: Duration,
}

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not; the remaining arguments are the two numbers and
    // names.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let usual = if is_measured { (20, 1_500) } else { (1, 3) };
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (campaigns, runs) = (numbers.next().unwrap_or(usual.0).max(1), numbers.next().unwrap_or(usual.1));
    let is_named = |kind: &&&Kind| env::args().any(|argument| argument == kind.name);
    let named: Vec<&Kind> = strategy::ALL.iter().filter(is_named).copied().collect();
    let kinds = if named.is_empty() { strategy::ALL } else { &named };
    let scenarios = scenario::read_all(&Suite::shipped(), &["scenarios".into()]).unwrap_or_else(|bad| {
        panic!("{}", bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread can be started");
    pool.install(|| {
        for (title, by) in [("as they are", 1.0), ("chances / 20", 20.0), ("chances / 200", 200.0)] {
            let rarer: Vec<_> = scenarios.iter().map(|scenario| rarer(scenario, by)).collect();
            table(title, (&rarer, kinds), campaigns, runs);
        }
    });
}

fn table(title: &str, (scenarios, kinds): (&[Arc<Scenario>], &[&Kind]), campaigns: u64, runs: u64) {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    println!("\n| {title} | {} |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    for case in scenarios.iter().flat_map(Case::all).filter(|case| case.without().is_some()) {
        let median = |kind| median(&case, kind, campaigns, runs).unwrap_or_else(|_| "refused".to_owned());
        let medians = kinds.iter().map(|kind| median(kind));
        println!("| {case} | {} |", medians.collect::<Vec<_>>().join(" | "));
    }
}

/// The scenario with chances divided. Timed faults stay as they are.
fn rarer(scenario: &Arc<Scenario>, by: f64) -> Arc<Scenario> {
    let mut parts = scenario.text.split('%').peekable();
    let mut text = String::new();
    while let Some(part) = parts.next() {
        let number = part.len() - part.chars().rev().take_while(|c| c.is_ascii_digit() || *c == '.').count();
        match part[number..].parse::<f64>() {
            Ok(chance) if parts.peek().is_some() => {
                text.push_str(&part[..number]);
                let chance = chance / by;
                write!(text, "{chance:.4}%").expect("a text takes any text");
            }
            _ => text += part,
        }
    }
    Scenario::parse(&Suite::shipped(), scenario.name.as_str(), &text)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn median(case: &Case, kind: &Kind, campaigns: u64, runs: u64) -> Result<String, StrategyRefused> {
    let first_seeds = (0..campaigns).map(|campaign| Seed(campaign * APART));
    let found: Result<Vec<Option<Detection>>, StrategyRefused> =
        first_seeds.map(|seed| detection(case, kind, seed, runs)).collect();
    let mut found = found?;
    found.sort_unstable_by_key(|found| found.map_or((u64::MAX, Duration::MAX), |it| (it.runs, it.took)));
    let runs_to_detection = found[found.len() / 2].map(|found| found.runs);
    found.sort_unstable_by_key(|found| found.map_or(Duration::MAX, |it| it.took));
    let took = found[found.len() / 2].map(|found| found.took);
    Ok(match (runs_to_detection, took) {
        (Some(runs), Some(took)) => format!("{runs} ({:.1} ms)", took.as_secs_f64() * 1e3),
        _ => format!("> {runs}"),
    })
}

/// Campaigns are extended until they detect; then one campaign that ends there is timed.
#[expect(clippy::disallowed_methods, reason = "detection takes real time")]
fn detection(
    case: &Case,
    kind: &Kind,
    first_seed: Seed,
    runs: u64,
) -> Result<Option<Detection>, StrategyRefused> {
    for length in [runs.min(50), runs.min(250), runs] {
        let Some(runs) = runs_to_detection(case, kind, first_seed, length)? else { continue };
        let began = Instant::now();
        let again = runs_to_detection(case, kind, first_seed, runs)?;
        let took = began.elapsed();
        assert_eq!(again, Some(runs), "{case}, {}: a longer campaign begins like a shorter one", kind.name);
        return Ok(Some(Detection { runs, took }));
    }
    Ok(None)
}

fn runs_to_detection(
    case: &Case,
    kind: &Kind,
    first_seed: Seed,
    runs: u64,
) -> Result<Option<u64>, StrategyRefused> {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let engine = Engine::Native;
    let campaign = Campaign {
        engine,
        first_seed,
        seeds: runs,
        collect: Collect::NONE,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let start = Start { case, engine, first_seed, bounds: Bounds::default() };
    let mut strategy = (kind.start)(&start)?;
    let report = campaign.run_with(case, &mut *strategy);
    let finding = case.without().and_then(|without| report.finding(without.violates[0]));
    Ok(finding.map(|finding| finding.after_seeds))
}
