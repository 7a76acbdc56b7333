//! Memory of long campaigns: nothing grows with the number of runs.
//!
//! Counted are the bytes that are allocated and not freed. Those that the process has from the system say
//! less: an allocator keeps what it may need again. The only test of its file, so that nothing runs beside
//! it.

use peak_alloc::PeakAlloc;
use perfidy::explore::strategy::{Bounds, Choice, Start};
use perfidy::explore::{Campaign, Collect, FuzzState, TrialsProgress, Watchdog};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};

/// Runs before the measurement, until all names are interned and all buffers have the size of the longest
/// run.
const WARM_UP: u64 = 8_000;

/// Runs in which memory must stay constant.
const RUNS: u64 = 16_000;

/// How many bytes may be added: names and buffers for a run that is longer than all before it. Two bytes that
/// each run left behind would be as much.
const MOST_GROWTH_BYTES: usize = 32 << 10;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Continues a campaign until it has had so many runs, as `perfidy fuzz` does.
fn go_on(rounds: &mut FuzzState, cases: &[Case], until: u64) {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    while let Some(turn) = rounds.next(until) {
        let (case, engine, first_seed) = (&cases[turn.case], rounds.engine, turn.first_seed);
        let start = Start { case, engine, first_seed, bounds: Bounds::default() };
        let mut strategy = rounds.choice(&case.scenario.suite).unwrap().start(&start).unwrap();
        let (seeds, interrupted, watchdog) = (turn.seeds, &interrupted, &watchdog);
        let campaign = Campaign { engine, first_seed, seeds, collect: Collect::NONE, interrupted, watchdog };
        let mut trials = campaign.start(case, &mut *strategy);
        trials.skip(turn.done, rounds.informative()).unwrap();
        while let TrialsProgress::Ran(runs) = trials.go_on(turn.until - trials.done()) {
            for run in &runs {
                rounds.take_in(case, run);
            }
            if trials.done() == turn.until {
                break;
            }
        }
    }
}

/// A scenario with a single task, so that many runs take little time.
fn with_one_task(name: &str) -> Case {
    let text = std::fs::read_to_string(format!("scenarios/{name}.toml")).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    table.insert("tasks".to_owned(), toml::Table::from_iter([("count".to_owned(), 1.into())]).into());
    let scenario = Scenario::parse(&Suite::shipped(), name, &format!("# One task.\n{table}"));
    Case::as_written(&scenario.unwrap_or_else(|bad| panic!("{bad}")))
}

#[test]
fn memory_of_a_campaign_is_flat_whatever_the_strategy() {
    let cases = ["conductor/lost-ack", "standby/paused-leader"].map(with_one_task);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for choice in Choice::all(&Suite::shipped()).filter(|choice| !choice.ends()) {
        let mut rounds = FuzzState::new(&cases, Engine::Native, &choice, Seed(0), None);
        pool.install(|| go_on(&mut rounds, &cases, WARM_UP));
        let before = HEAP.current_usage();
        pool.install(|| go_on(&mut rounds, &cases, WARM_UP + RUNS));
        let grown = HEAP.current_usage().saturating_sub(before);
        println!("{}: {RUNS} runs grew by {grown} bytes", choice.name());
        assert!(grown <= MOST_GROWTH_BYTES, "{}: {RUNS} runs grew by {grown} bytes", choice.name());
    }
}
