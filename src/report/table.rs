//! The table of a campaign: a row for each case.

use crate::explore::{Broke, CaseReport, CaseRounds, CaseVerdict, ENOUGH, Standing};
use crate::inert;
use crate::scenario::Case;
use comfy_table::{CellAlignment, Table, presets};
use std::time::Duration;

/// The cases with what became of them, and under them how often each fault struck, for a terminal.
pub fn table(rows: &[(CaseReport, Duration)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SCENARIO", "CASE", "SEEDS", "RUNS/S", "VERDICT"]);
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
    format!("{}\n\n{}", trimmed(&table), trimmed(&struck(rows)))
}

/// The cases of a long campaign with what became of them so far.
pub fn rounds_table<'a>(rows: impl IntoIterator<Item = (&'a CaseRounds, &'a Case)>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SCENARIO", "CASE", "RUNS", "RUNS/S", "FAILURES", "VERDICT"]);
    for column in [2, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut last = None;
    for (rounds, case) in rows {
        let shown = if last == Some(rounds.scenario) { "" } else { rounds.scenario.as_str() };
        last = Some(rounds.scenario);
        let is_capped = rounds.broke.values().any(|broke| broke.failures.len() >= ENOUGH);
        table.add_row([
            inert::line(shown).into_owned(),
            inert::line(&rounds.label).into_owned(),
            rounds.runs.to_string(),
            format!("{:.0}", rate_of(rounds)),
            format!("{}{}", rounds.failures(), if is_capped { " or more" } else { "" }),
            inert::line(&standing_in_words(rounds.standing(case))).into_owned(),
        ]);
    }
    trimmed(&table)
}

/// Runs a second of real time, without what it took to make failures small.
pub(super) fn rate_of(rounds: &CaseRounds) -> f64 {
    rounds.runs as f64 * 1e9 / (rounds.took.as_nanos() as f64).max(1.0)
}

/// A standing in words.
pub(super) fn standing_in_words(standing: Standing<'_>) -> String {
    let in_runs =
        |broke: &Broke| if broke.runs == 1 { "1 run".to_owned() } else { format!("{} runs", broke.runs) };
    match standing {
        Standing::NothingBroke => "nothing broke".to_owned(),
        Standing::Broken(all) => {
            let one = |(property, broke): (&String, &Broke)| {
                format!("{property} in {}, first at seed {}", in_runs(broke), broke.first_seed)
            };
            format!("BROKEN: {}", all.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        Standing::Caught(property, broke) => {
            format!("caught: {property} broke in {}, first at seed {}", in_runs(broke), broke.first_seed)
        }
        Standing::NotCaught(property) => format!("NOT CAUGHT: {property} should have broken by now"),
        Standing::NotYetCaught(property) => format!("{property} has not broken yet"),
    }
}

/// How often each fault struck in the cases as written, or in whatever was run of a scenario.
fn struck(rows: &[(CaseReport, Duration)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SCENARIO", "FAULTS THAT STRUCK"]);
    for (report, _) in rows.iter().filter(|(report, _)| report.case.without().is_none()) {
        let row =
            [report.case.scenario.name.as_str(), &fired(report)].map(|cell| inert::line(cell).into_owned());
        table.add_row(row);
    }
    table
}

/// A table without the blanks that fill its last column.
fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Runs a second of wall time.
pub(super) fn runs_per_second(report: &CaseReport, took: Duration) -> f64 {
    report.seeds as f64 / took.as_secs_f64().max(1e-9)
}

fn fired(report: &CaseReport) -> String {
    if report.fired.is_empty() {
        return "none".to_owned();
    }
    report.fired.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
}

/// A verdict with what the strategy says it has shown.
fn with_closing(verdict: &str, report: &CaseReport) -> String {
    report.closing.as_ref().map_or_else(|| verdict.to_owned(), |closing| format!("{verdict}: {closing}"))
}

/// A verdict in words.
pub(super) fn verdict(report: &CaseReport) -> String {
    match report.verdict() {
        CaseVerdict::Holds => with_closing("holds", report),
        CaseVerdict::Caught(finding) => {
            let broke = report.tallies[finding.property].violated;
            let after = match finding.after_seeds {
                1 => "at the first seed".to_owned(),
                seeds => format!("after {seeds} seeds"),
            };
            format!("caught: {} broke {after} ({broke} in all)", finding.property)
        }
        CaseVerdict::Broken(findings) => {
            let broken: Vec<_> =
                findings.iter().map(|f| format!("{} (seed {})", f.property, f.seed)).collect();
            format!("BROKEN: {}", broken.join(", "))
        }
        CaseVerdict::NotCaught { property, within_seeds } => {
            with_closing(&format!("NOT CAUGHT: {property} should break within {within_seeds} seeds"), report)
        }
        CaseVerdict::NotYetCaught { property, seeds, within_seeds } => {
            let tried =
                format!("not yet caught: {property} has not broken in {seeds} of {within_seeds} seeds");
            with_closing(&tried, report)
        }
        CaseVerdict::Vacuous { what } => format!("VACUOUS: {what}"),
        CaseVerdict::Unknown { property, doubt } => {
            format!("UNKNOWN: {property} could not be judged (seed {}): {}", doubt.seed, doubt.reason)
        }
        CaseVerdict::Interrupted => "interrupted".to_owned(),
    }
}
