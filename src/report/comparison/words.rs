//! A comparison as a [sheet](crate::report::sheet): a row for each measure.

use super::Tasks;
use crate::config::problem::listed;
use crate::explore::{Comparison, Estimate, Measure, Unit};
use crate::report::sheet::{Label, NOTHING, Note, Sheet};
use crate::report::words::counted;
use perfidy_sim::SimSpan;

/// A comparison for a terminal. The designs are shown by these names of files.
pub fn comparison_in_text(comparison: &Comparison, files: [&str; 2]) -> String {
    sheet(comparison, files).to_text()
}

/// A comparison as Markdown.
pub fn comparison_in_markdown(comparison: &Comparison, files: [&str; 2]) -> String {
    sheet(comparison, files).to_markdown()
}

pub(in crate::report) fn sheet(comparison: &Comparison, [a, b]: [&str; 2]) -> Sheet {
    let runs = counted(comparison.runs[0].len() as u64, "run", "runs");
    let (first, engine) = (comparison.first_seed, comparison.engine);
    let head = ["A", "B", "B - A", "95% INTERVAL", "RESULT"];
    let row = |estimate: &Estimate| (Label::Words(name(estimate.measure).to_owned()), cells(estimate));
    Sheet {
        title: format!("{a} (A) compared with {b} (B)"),
        about: format!("{runs} of each as written, by the same seeds from {first}; {engine} engine."),
        corner: "MEASURE",
        head: head.map(|name| Label::Words(name.to_owned())).into(),
        rows: comparison.estimates.iter().map(row).collect(),
        notes: notes(comparison),
        ..Sheet::default()
    }
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Done => "tasks done",
        Measure::Broken => "runs that broke a property",
        Measure::Duplicates => "duplicate effects per task",
        Measure::WrongAnswers => "wrong answers per task",
        Measure::Median => "time to done, p50",
        Measure::Slowest => "time to done, p99",
        Measure::Messages => "messages per task",
        Measure::ToolRequests => "requests to tools per task",
        Measure::ModelCalls => "model calls per task",
        Measure::Tokens => "tokens per task",
    }
}

fn cells(estimate: &Estimate) -> Vec<String> {
    let unit = estimate.measure.unit();
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let [a, b] = estimate.values.map(|value| or_nothing(value.map(|value| shown(value, unit))));
    let signed = |value: i64| format!("{}{}", if value > 0 { "+" } else { "" }, shown(value, unit));
    let interval = estimate.interval.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
    let result = match (estimate.difference, estimate.interval) {
        (Some(0), Some((0, 0))) => "equal",
        (Some(difference), Some(_)) if !estimate.includes_zero() && difference > 0 => "B more",
        (Some(_), Some(_)) if !estimate.includes_zero() => "B less",
        (Some(_), Some(_)) => "includes zero",
        _ => NOTHING,
    };
    vec![a, b, or_nothing(estimate.difference.map(signed)), or_nothing(interval), result.to_owned()]
}

/// A value in its unit.
fn shown(value: i64, unit: Unit) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    match unit {
        Unit::Share => format!("{sign}{}%", decimal(size * 100)),
        Unit::Count => format!("{sign}{}", decimal(size)),
        Unit::Time => format!("{sign}{}", SimSpan::from_millis((size + 500_000) / 1_000_000)),
    }
}

/// Millionths as a decimal number: two places, or none if the number is large.
fn decimal(millionths: u64) -> String {
    if millionths >= 1_000_000_000 {
        return ((millionths + 500_000) / 1_000_000).to_string();
    }
    let hundredths = (millionths + 5_000) / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn notes(comparison: &Comparison) -> Vec<Note> {
    let mut notes: Vec<String> = Vec::new();
    for (name, runs) in ["A", "B"].into_iter().zip(&comparison.runs) {
        let Tasks { given, done, given_up, never_ended, cut_short } = Tasks::of(runs);
        let tasks = counted(given, "task", "tasks");
        notes.push(format!(
            "{name}: {tasks}, of which {done} were done, {given_up} failed or were cancelled, and {never_ended} \
             never ended."
        ));
        if cut_short > 0 {
            let runs = counted(cut_short, "run", "runs");
            notes.push(format!("{name}: {runs} ended early, by a panic or a bound on the length of runs."));
        }
    }
    let different = comparison.different_world();
    if !different.is_empty() {
        let tables = listed(&different);
        notes.push(format!("The files differ in {tables}, so a difference need not be one of the designs."));
    }
    if comparison.estimates.iter().any(|estimate| estimate.difference != Some(0) && estimate.includes_zero())
    {
        notes.push(
            "Includes zero: other seeds could show the opposite; with more `--seeds` the interval becomes narrower."
                .to_owned(),
        );
    }
    notes.into_iter().map(Note::Text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_their_unit_with_two_places_or_none() {
        assert_eq!(shown(983_333, Unit::Share), "98.33%");
        assert_eq!(shown(-8_000, Unit::Share), "-0.80%");
        assert_eq!(shown(20_499, Unit::Count), "0.02");
        assert_eq!(shown(-1_234_567_890, Unit::Count), "-1235");
        assert_eq!(shown(3_732_400_000, Unit::Time), "3s 732ms");
        assert_eq!(shown(0, Unit::Time), "0s");
    }

    #[test]
    fn a_result_says_which_design_has_more_if_the_interval_shows_it() {
        let result = |difference: i64, interval: (i64, i64)| {
            let (measure, values) = (Measure::Messages, [Some(0), Some(difference)]);
            let estimate =
                Estimate { measure, values, difference: Some(difference), interval: Some(interval) };
            cells(&estimate).pop().unwrap()
        };
        assert_eq!(result(5, (1, 9)), "B more");
        assert_eq!(result(-5, (-9, -1)), "B less");
        assert_eq!(result(5, (-1, 9)), "includes zero");
        assert_eq!(result(0, (0, 0)), "equal");
    }
}
