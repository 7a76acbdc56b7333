//! Comparisons of two designs, for people and for programs.

mod record;
#[cfg(feature = "cli")]
pub(in crate::report) mod words;

pub use record::ComparisonRecord;
#[cfg(feature = "cli")]
pub use words::{comparison_in_markdown, comparison_in_text};

use crate::explore::{Measure, Measures};

/// What became of all tasks of a design.
struct Tasks {
    given: u64,
    done: u64,
    given_up: u64,
    never_ended: u64,
    cut_short: u64,
}

impl Tasks {
    fn of(runs: &[Measures]) -> Self {
        let sum = |count: fn(&Measures) -> u64| runs.iter().map(count).sum();
        Self {
            given: sum(|run| run.given),
            done: sum(|run| run.done.len() as u64),
            given_up: sum(|run| run.given_up),
            never_ended: sum(Measures::never_ended),
            cut_short: sum(|run| u64::from(run.is_cut_short)),
        }
    }
}

/// What a measure is called in records.
fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Done => "tasks-done",
        Measure::Broken => "runs-broken",
        Measure::Duplicates => "duplicate-effects",
        Measure::WrongAnswers => "wrong-answers",
        Measure::Median => "time-to-done-p50",
        Measure::Slowest => "time-to-done-p99",
        Measure::Messages => "messages",
        Measure::ToolRequests => "tool-requests",
        Measure::ModelCalls => "model-calls",
        Measure::Tokens => "tokens",
    }
}
