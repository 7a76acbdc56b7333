//! The table of a campaign: a row for each case.

use crate::explore::{CaseProgress, CaseReport, FuzzState, MAX_SAVED};
use crate::inert;
use crate::report::words::{rate_of, runs_per_second, status_in_words, verdict};
use crate::scenario::{Case, percent};
use comfy_table::{Cell, CellAlignment, Table, presets};
use std::time::Duration;

/// How many places at which no fault has struck are listed of a case.
const PLACES: usize = 5;

/// The cases with their verdicts, and below them how often each fault was injected, for a terminal.
pub fn table(rows: &[(CaseReport, Duration)]) -> String {
    let mut table = plain(["SCENARIO", "CASE", "SEEDS", "RUNS/S", "VERDICT"]);
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut last = None;
    for (report, took) in rows {
        let scenario = report.case.scenario.name;
        let shown = if last == Some(scenario) { "" } else { scenario.as_str() };
        last = Some(scenario);
        table.add_row([
            inert::line(shown).into_owned(),
            inert::line(&report.case.label()).into_owned(),
            report.seeds.to_string(),
            format!("{:.0}", runs_per_second(report, *took)),
            inert::line(&verdict(report)).into_owned(),
        ]);
    }
    let levels = service_levels(rows).map(|levels| format!("\n\n{levels}")).unwrap_or_default();
    let metrics = metrics_of_tools(rows).map(|metrics| format!("\n\n{metrics}")).unwrap_or_default();
    format!("{}{levels}\n\n{}{metrics}", trimmed(&table), trimmed(&injected_faults(rows)))
}

/// The cases of a long campaign with their results so far.
pub fn fuzz_table(state: &FuzzState, cases: &[Case]) -> String {
    let mut table = plain(["SCENARIO", "CASE", "RUNS", "RUNS/S", "FAILURES", "VERDICT"]);
    for column in [2, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut last = None;
    for (rounds, case) in state.cases.iter().zip(cases) {
        let shown = if last == Some(rounds.scenario) { "" } else { rounds.scenario.as_str() };
        last = Some(rounds.scenario);
        let is_capped = rounds.broke.values().any(|broke| broke.failures.len() >= MAX_SAVED);
        table.add_row([
            inert::line(shown).into_owned(),
            inert::line(&rounds.label).into_owned(),
            rounds.runs.to_string(),
            format!("{:.0}", rate_of(rounds)),
            format!("{}{}", rounds.failures(), if is_capped { " or more" } else { "" }),
            inert::line(&status_in_words(state.status(rounds, case))).into_owned(),
        ]);
    }
    trimmed(&table)
}

/// How many runs of a long campaign reached each probe so far; `None` where there are no probes.
pub fn probes_table<'a>(rows: impl IntoIterator<Item = &'a CaseProgress>) -> Option<String> {
    let mut table = plain(["SCENARIO", "CASE", "PROBE", "REACHED IN"]);
    let each = rows.into_iter().flat_map(|rounds| rounds.probes.iter().map(move |probe| (rounds, probe)));
    for (rounds, (probe, reached)) in each {
        let reached = match reached {
            0 => "no run: vacuous".to_owned(),
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        let row = [rounds.scenario.as_str(), &rounds.label, probe, &reached];
        table.add_row(row.map(|cell| inert::line(cell).into_owned()));
    }
    (table.row_count() > 0).then(|| trimmed(&table))
}

/// What a long campaign knows of each case: how many shapes its runs had, how many of them were new in the
/// last half of the runs, how likely the next run is to have a new one, how many there are at least that none
/// had, and where no fault has struck. `None` before the first run.
pub fn known_table<'a>(rows: impl IntoIterator<Item = &'a CaseProgress>) -> Option<String> {
    let mut table =
        plain(["SCENARIO", "CASE", "SHAPES", "NEW OF LATE", "NEXT IS NEW", "UNSEEN", "PLACES NEVER STRUCK"]);
    for column in [2, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for rounds in rows {
        let known = &rounds.known;
        let Some(next_is_new) = known.next_is_new_per_million() else { continue };
        let never: Vec<&str> = known.places_never_struck().collect();
        let mut listed: Vec<String> = never.iter().take(PLACES).map(|place| (*place).to_owned()).collect();
        if never.len() > PLACES {
            listed.push(format!("and {} more", never.len() - PLACES));
        }
        let places = match never.len() {
            0 => format!("none of {}", known.places()),
            some => format!("{some} of {}: {}", known.places(), listed.join("; ")),
        };
        let row = [
            rounds.scenario.as_str(),
            &rounds.label,
            &known.shapes().to_string(),
            &known.new_shapes().last().copied().unwrap_or_default().to_string(),
            &format!("{}.{:02}%", next_is_new / 10_000, next_is_new % 10_000 / 100),
            &known.unseen_shapes().to_string(),
            &places,
        ];
        table.add_row(row.map(|cell| inert::line(cell).into_owned()));
    }
    (table.row_count() > 0).then(|| trimmed(&table))
}

/// What became of the calls of each tool; `None` where that was not counted.
fn metrics_of_tools(rows: &[(CaseReport, Duration)]) -> Option<String> {
    let mut table =
        plain(["SCENARIO", "CASE", "TOOL", "CALLS", "RETRIES", "EFFECTS", "DEAD LETTERS", "FAILURES"]);
    for (report, _) in rows {
        for (tool, metrics) in report.metrics.iter().flat_map(|metrics| &metrics.0) {
            let failures: Vec<String> =
                metrics.failures.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            let row = [
                report.case.scenario.name.to_string(),
                report.case.label(),
                tool.to_string(),
                metrics.calls.to_string(),
                metrics.retries.to_string(),
                metrics.effects.to_string(),
                metrics.dead_letters.to_string(),
                if failures.is_empty() { "none".to_owned() } else { failures.join(", ") },
            ];
            table.add_row(row.map(|cell| inert::line(&cell).into_owned()));
        }
    }
    (table.row_count() > 0).then(|| trimmed(&table))
}

/// What became of each service level; `None` where there are none.
fn service_levels(rows: &[(CaseReport, Duration)]) -> Option<String> {
    let mut table = plain(["SCENARIO", "SERVICE LEVEL", "KEPT BY", "SHARE OF RUNS", "VERDICT"]);
    for (report, _) in rows {
        for level in &report.levels {
            let (low, high) = level.bounds();
            let verdict = if level.runs == 0 {
                "no run has the chances of the file; --strategy random".to_owned()
            } else {
                level.verdict().word().to_owned()
            };
            let row = [
                report.case.scenario.name.to_string(),
                level.level.to_string(),
                format!("{} of {}", level.kept, level.runs),
                format!("{} to {}", percent(low), percent(high)),
                verdict,
            ];
            table.add_row(row.map(|cell| inert::line(&cell).into_owned()));
        }
    }
    (table.row_count() > 0).then(|| trimmed(&table))
}

/// How often each fault was injected in the cases as written, or in all runs of a scenario.
fn injected_faults(rows: &[(CaseReport, Duration)]) -> Table {
    let mut table = plain(["SCENARIO", "INJECTED FAULTS"]);
    for (report, _) in rows.iter().filter(|(report, _)| report.case.without().is_none()) {
        let row = [report.case.scenario.name.as_str(), &injected(report)]
            .map(|cell| inert::line(cell).into_owned());
        table.add_row(row);
    }
    table
}

/// A table without lines, with these columns.
pub(super) fn plain<T: Into<Cell>>(head: impl IntoIterator<Item = T>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    table
}

/// A table without the blanks that fill its last column.
pub(super) fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn injected(report: &CaseReport) -> String {
    if report.injected.is_empty() {
        return "none".to_owned();
    }
    report.injected.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
}
