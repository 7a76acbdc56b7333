//! Detection speed of each strategy on the suite of hard bugs (`tests/hard_bugs`): bugs of real teams that
//! take two to four faults together, or an exact order, and that most runs do not meet. For each bug and
//! strategy the table has the number of faults of the smallest known plan, the median number of runs to the
//! first violation over campaigns that begin at different seeds, the quartiles, and the median time on one
//! thread. `>` marks what lies beyond the last run of a campaign.
//!
//! ```text
//! cargo bench --bench hard_bugs                           # 20 campaigns of at most 30,000 runs
//! cargo bench --bench hard_bugs -- 5 2000                 # 5 campaigns of at most 2,000 runs
//! cargo bench --bench hard_bugs -- half-a-record mix random   # this bug, with these strategies
//! cargo bench --bench hard_bugs -- pin half-a-record      # looks for the smallest plan that breaks it
//! cargo test --bench hard_bugs                            # one campaign of very few, to see that it works
//! ```

#[path = "../../tests/hard_bugs/suite.rs"]
mod suite;

use perfidy::explore::strategy::{self, Bounds, Choice, Kind, Start};
use perfidy::explore::{Campaign, Collect, Detection, Watchdog, seeds_to_detection};
use perfidy_sim::{Engine, Fault, Interrupt, Seed};
use std::env;
use std::time::{Duration, Instant};
use suite::{HardBug, Pinned};

/// The distance of the first seeds of two campaigns: more than either uses.
const APART: u64 = 1_000_000;

/// In how many campaigns the smallest plan is looked for.
const PINS: u64 = 8;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not; the others are two numbers and names.
    let is_measured = env::args().any(|argument| argument == "--bench");
    let usual = if is_measured { (20, 30_000) } else { (1, 3) };
    let mut numbers = env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (campaigns, runs) = (numbers.next().unwrap_or(usual.0).max(1), numbers.next().unwrap_or(usual.1));
    let is_named = |name: &str| env::args().skip(1).any(|argument| argument == name);
    let mut bugs = suite::all();
    if bugs.iter().any(|bug| is_named(&bug.name)) {
        bugs.retain(|bug| is_named(&bug.name));
    }
    if is_named("pin") {
        return bugs.iter().for_each(|bug| pin(bug, runs));
    }
    let are_chosen = strategy::ALL.iter().any(|kind| is_named(kind.name));
    let is_wanted = |kind: &&Kind| !kind.ends && (!are_chosen || is_named(kind.name));
    let kinds: Vec<&'static Kind> = strategy::ALL.iter().copied().filter(is_wanted).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread can be started");
    pool.install(|| table(&bugs, &kinds, campaigns, runs));
}

fn table(bugs: &[HardBug], kinds: &[&'static Kind], campaigns: u64, runs: u64) {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    println!("| bug | faults | {} |", names.join(" | "));
    println!("|---|--:|{}", "--:|".repeat(names.len()));
    let random = kinds.iter().position(|kind| kind.name == "random");
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    for bug in bugs {
        let Pinned { seed, faults } = &bug.pinned;
        assert!(bug.breaks(*seed, faults), "{}: its smallest known plan breaks it", bug.name);
        let found: Vec<Found> = kinds.iter().map(|kind| Found::by(bug, kind, campaigns, runs)).collect();
        for (ratios, found_by) in ratios.iter_mut().zip(&found) {
            ratios.extend(random.map(|random| found[random].median() / found_by.median()));
        }
        let cells: Vec<String> = found.iter().map(|found| found.in_words(runs)).collect();
        println!("| {} | {} | {} |", bug.name, faults.len(), cells.join(" | "));
    }
    if random.is_none() {
        return;
    }
    let medians = ratios.into_iter().map(|mut ratios| {
        ratios.sort_unstable_by(f64::total_cmp);
        format!("{:.1} ({:.1} to {:.1})", middle(&ratios), ratios[0], ratios[ratios.len() - 1])
    });
    println!(
        "| times as soon as random: median (least to most) | | {} |",
        medians.collect::<Vec<_>>().join(" | ")
    );
}

/// What the campaigns of a strategy found: after how many runs, sorted, and after what time.
struct Found {
    runs: Vec<f64>,
    took: Duration,
}

impl Found {
    fn by(bug: &HardBug, kind: &'static Kind, campaigns: u64, most: u64) -> Self {
        let each = (0..campaigns).map(|campaign| detection(bug, kind, Seed(campaign * APART), most));
        let (mut runs, mut took): (Vec<f64>, Vec<Duration>) = each.unzip();
        runs.sort_unstable_by(f64::total_cmp);
        took.sort_unstable();
        Self { runs, took: took[took.len() / 2] }
    }

    fn median(&self) -> f64 {
        middle(&self.runs)
    }

    fn in_words(&self, most: u64) -> String {
        let runs = |runs: f64| if runs > most as f64 { format!("> {most}") } else { format!("{runs:.0}") };
        let quarter = self.runs.len() / 4;
        let (low, high) = (self.runs[quarter], self.runs[self.runs.len() - 1 - quarter]);
        let took = self.took.as_secs_f64();
        format!("{} ({} to {}), {took:.1} s", runs(self.median()), runs(low), runs(high))
    }
}

/// The middle of sorted figures.
fn middle(figures: &[f64]) -> f64 {
    let half = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[half] } else { f64::midpoint(figures[half - 1], figures[half]) }
}

/// After how many runs and what time a campaign sees the bug; one more than it has if it does not.
#[expect(clippy::disallowed_methods, reason = "detection takes real time")]
fn detection(bug: &HardBug, kind: &'static Kind, first_seed: Seed, seeds: u64) -> (f64, Duration) {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed,
        seeds,
        collect: Collect::NONE,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let began = Instant::now();
    let found = seeds_to_detection(&campaign, &bug.case, &bug.property, &Choice::Shipped(kind));
    let found = found.expect("no campaign is interrupted").unwrap_or_else(|refused| panic!("{refused}"));
    let runs = match found {
        Detection::After(runs) => runs,
        Detection::NotWithin(runs) => runs + 1,
    };
    (runs as f64, began.elapsed())
}

/// Prints the smallest plan among those of several campaigns, each made as small as it gets.
fn pin(bug: &HardBug, most: u64) {
    let violations = (0..PINS).filter_map(|campaign| violation(bug, Seed(campaign * APART), most));
    let smallest = violations.map(|(seed, faults)| (seed, smallest(bug, seed, faults)));
    let Some((seed, faults)) = smallest.min_by_key(|(_, faults)| faults.len()) else {
        return println!("# {}: no violation in {PINS} campaigns of {most} runs", bug.name);
    };
    println!("# {}\n[pinned]\nseed = {}\nfaults = [", bug.name, seed.0);
    for Fault { at, action } in faults {
        println!("    {{ at = \"{at}\", do = \"{action}\" }},");
    }
    println!("]");
}

/// The first violation of a campaign of the strategy that finds most.
fn violation(bug: &HardBug, first_seed: Seed, most: u64) -> Option<(Seed, Vec<Fault>)> {
    let kind = strategy::find("storm").expect("it is a strategy");
    let (runs, _) = detection(bug, kind, first_seed, most);
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let engine = Engine::Native;
    let campaign = Campaign {
        engine,
        first_seed,
        seeds: runs as u64,
        collect: Collect::NONE,
        interrupted: &interrupted,
        watchdog: &watchdog,
    };
    let start = Start { case: &bug.case, engine, first_seed, bounds: Bounds::default() };
    let mut strategy = (kind.start)(&start).unwrap_or_else(|refused| panic!("{refused}"));
    let finding = campaign.run_with(&bug.case, &mut *strategy).finding(&bug.property)?;
    Some((finding.seed, finding.faults))
}

/// The faults without those that it does not take: larger parts first, then one after the other.
fn smallest(bug: &HardBug, seed: Seed, mut faults: Vec<Fault>) -> Vec<Fault> {
    let mut part = faults.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        let before = faults.len();
        while from < faults.len() {
            let to = (from + part).min(faults.len());
            let rest: Vec<Fault> = faults[..from].iter().chain(&faults[to..]).copied().collect();
            if bug.breaks(seed, &rest) {
                faults = rest;
            } else {
                from = to;
            }
        }
        if part > 1 || faults.len() == before {
            part /= 2;
        }
    }
    faults
}
