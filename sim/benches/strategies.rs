//! The cost of a strategy: its runs per second on one thread, relative to `random`. The strategies take turns
//! in short campaigns, so that other load on the machine affects all of them, and the result is the median
//! over the rounds. Faults make runs longer: the second figure is the number of events per run, also
//! relative. Prints a Markdown table.
//!
//! ```text
//! cargo bench --bench strategies                   # 30 rounds of 2000 runs each
//! cargo bench --bench strategies -- 5 500          # 5 rounds of 500 runs each
//! cargo bench --bench strategies -- storm          # only storm, and random, which it is compared with
//! cargo test --bench strategies                    # one short round, to see that it works
//! ```

use perfidy::explore::strategy::{self, Bounds, Kind, Start};
use perfidy::explore::{Campaign, Collect, Watchdog};
use perfidy::scenario::{self, Case};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::env;
use std::time::Instant;

const SCENARIOS: [&str; 2] = ["conductor/lost-ack", "standby/all-faults"];

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not; the remaining arguments are the two numbers and
    // names.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let usual = if is_measured { (30, 2_000) } else { (1, 20) };
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (rounds, runs) = (numbers.next().unwrap_or(usual.0).max(1), numbers.next().unwrap_or(usual.1).max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread can be started");
    let chosen: Vec<&Kind> = env::args().filter_map(|argument| strategy::find(&argument)).collect();
    let is_wanted = |kind: &&Kind| {
        !kind.ends
            && (chosen.is_empty()
                || kind.name == "random"
                || chosen.iter().any(|wanted| wanted.name == kind.name))
    };
    let kinds: Vec<&Kind> = strategy::ALL.iter().copied().filter(is_wanted).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    println!("| case | {} | runs/s of random |", names.join(" | "));
    println!("|---|{}--:|", "--:|".repeat(names.len()));
    for name in SCENARIOS {
        let case = case(name);
        let measure = |round: u64| -> Vec<Speed> {
            let first_seed = Seed(round * runs);
            kinds.iter().map(|kind| pool.install(|| speed(&case, kind, first_seed, runs))).collect()
        };
        let rounds: Vec<Vec<Speed>> = (0..rounds).map(measure).collect();
        let random = kinds.iter().position(|kind| kind.name == "random").expect("random is a strategy");
        let share = |which: usize, figure: fn(&Speed) -> f64| {
            100.0 * median(rounds.iter().map(|round| figure(&round[which]) / figure(&round[random])))
        };
        let shares = (0..kinds.len())
            .map(|which| format!("{:.0}% ({:.0}%)", share(which, |s| s.runs), share(which, |s| s.events)));
        let of_random = median(rounds.iter().map(|round| round[random].runs));
        println!("| {name} | {} | {of_random:.0} |", shares.collect::<Vec<_>>().join(" | "));
    }
}

/// The result of a short campaign.
struct Speed {
    /// Runs per second.
    runs: f64,
    /// Events per run.
    events: f64,
}

#[expect(clippy::disallowed_methods, reason = "runs a second are counted in real time")]
fn speed(case: &Case, kind: &Kind, first_seed: Seed, seeds: u64) -> Speed {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let engine = Engine::Native;
    let campaign = Campaign {
        engine,
        first_seed,
        seeds,
        collect: Collect::NONE,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let began = Instant::now();
    let start = Start { case, engine, first_seed, bounds: Bounds::default() };
    let mut strategy = (kind.start)(&start).unwrap_or_else(|refused| panic!("{refused}"));
    let report = campaign.run_with(case, &mut *strategy);
    let runs = report.seeds as f64;
    Speed { runs: runs / began.elapsed().as_secs_f64(), events: report.events as f64 / runs }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn case(name: &str) -> Case {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let scenarios = scenario::read_all(&Suite::shipped(), &[path.as_str().into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{path} cannot be read: {}", bad[0]));
    Case::as_written(&scenarios[0])
}
