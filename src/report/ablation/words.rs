//! The matrix of a scenario as a [sheet](crate::report::sheet), with what is to be said of it below.

use super::AblationSummary;
use crate::config::problem::listed;
use crate::explore::{Cell, Claim, Matrix, Row};
use crate::report::sheet::{DARKEST, Label, NOTHING, Note, Sheet};
use crate::report::words::{counted, share};
use crate::scenario::Without;

/// So many cells that are news are shown one by one.
const MOST_NEWS: usize = 12;

/// More names than these are too many for a label.
const MOST_NAMES: usize = 4;

/// The commands that lead on from a matrix.
pub struct Hints<'a> {
    /// The command that shows how a property first broke in a row.
    pub look: &'a dyn Fn(&Row, &Cell) -> String,
    /// The file of the scenario.
    pub file: String,
}

/// A matrix for a terminal. Without hints it only says what there is.
pub fn ablation_in_text(matrix: &Matrix, hints: Option<&Hints<'_>>) -> String {
    sheet(matrix, hints).to_text()
}

/// A matrix as Markdown. Without hints it only says what there is.
pub fn ablation_in_markdown(matrix: &Matrix, hints: Option<&Hints<'_>>) -> String {
    sheet(matrix, hints).to_markdown()
}

/// What several matrices come to together, for a terminal.
pub fn ablations_in_text(summary: &AblationSummary) -> String {
    summary_sheet(summary).to_text()
}

/// The same as Markdown.
pub fn ablations_in_markdown(summary: &AblationSummary) -> String {
    summary_sheet(summary).to_markdown()
}

pub(in crate::report) fn summary_sheet(summary: &AblationSummary) -> Sheet {
    let AblationSummary { files, news, no_difference } = summary;
    let cells: usize = news.iter().map(|(_, count)| count).sum();
    let each = |parts: Vec<String>| parts.join(", ");
    let about = if news.is_empty() {
        "No news: every cell that breaks is claimed by its file.".to_owned()
    } else {
        let cells = counted(cells as u64, "cell is", "cells are");
        format!(
            "{cells} news: {}.",
            each(news.iter().map(|(name, count)| format!("{name} {count}")).collect())
        )
    };
    let idle = no_difference.iter();
    let idle =
        idle.map(|(name, files)| format!("`{name}` ({})", counted(*files as u64, "scenario", "scenarios")));
    let idle = each(idle.collect());
    let notes = match no_difference.len() {
        0 => Vec::new(),
        _ => vec![Note::Text(format!("No difference in any scenario that has it on: {idle}."))],
    };
    Sheet { title: format!("{files} scenarios together"), about, notes, ..Sheet::default() }
}

pub(in crate::report) fn sheet(matrix: &Matrix, hints: Option<&Hints<'_>>) -> Sheet {
    let broken = matrix.broken();
    let cells = |row: &Row| -> Vec<String> {
        if row.not_run.is_some() {
            return vec!["not run".to_owned(); broken.len()];
        }
        let in_words = |name| row.cells.get(name).map_or_else(|| NOTHING.to_owned(), |it| cell(row, it));
        broken.iter().map(in_words).collect()
    };
    let shown = || matrix.rows.iter().filter(|row| is_shown(matrix, row));
    let shades = shown().map(|row| broken.iter().map(|name| shade(row, name)).collect());
    let rows = shown().map(|row| (label(matrix, row), cells(row)));
    let mut sheet = Sheet {
        title: format!("{}: what breaks without each safeguard", matrix.scenario.name),
        about: about(matrix),
        corner: "REMOVED",
        head: broken.iter().map(|name| Label::Names(vec![*name])).collect(),
        rows: rows.collect(),
        notes: Vec::new(),
        shades: shades.collect(),
    };
    sheet.notes.extend(legend(matrix).map(Note::Text));
    sheet.notes.extend(remarks(matrix).into_iter().map(Note::Text));
    sheet.notes.extend(hints.map(|hints| news(matrix, hints)).unwrap_or_default());
    sheet
}

/// Whether a row is shown: the others are told in a sentence. A pair is shown if it breaks what neither of
/// the two breaks alone, or if a case of the file is about it.
fn is_shown(matrix: &Matrix, row: &Row) -> bool {
    match row.removed.as_slice() {
        [] => true,
        [_] => row.not_run.is_some() || !row.cells.is_empty(),
        _ if matrix.removes_all(row) || matrix.compared_alone().is_empty() => true,
        _ => {
            let is_new = |cell: &Cell| cell.claim == Claim::News;
            row.not_run.is_some() || row.cells.values().any(is_new) || matrix.is_claimed(row)
        }
    }
}

fn about(matrix: &Matrix) -> String {
    let seeds = matrix.rows.iter().map(|row| row.seeds).max().unwrap_or_default();
    let (first, strategy, engine) = (matrix.first_seed, matrix.strategy, matrix.engine);
    let runs = counted(seeds, "run", "runs");
    format!("{runs} for each row, from seed {first}; strategy {strategy}, {engine} engine.")
}

/// The safeguards of a row, in words.
fn names_of(matrix: &Matrix, row: &Row) -> String {
    if matrix.removes_all(row) { format!("all {}", row.removed.len()) } else { listed(&row.removed) }
}

fn label(matrix: &Matrix, row: &Row) -> Label {
    match row.removed.as_slice() {
        [] => Label::Words("nothing".to_owned()),
        _ if matrix.removes_all(row) => Label::Words(names_of(matrix, row)),
        many if many.len() > MOST_NAMES => {
            Label::Words(counted(many.len() as u64, "safeguard", "safeguards"))
        }
        some => Label::Names(some.to_vec()),
    }
}

fn cell(row: &Row, cell: &Cell) -> String {
    let news = if cell.claim == Claim::News { " *" } else { "" };
    format!("{} @{}{news}", share(cell.runs, row.seeds), cell.first.after_seeds)
}

/// How dark a cell is on a page: by orders of magnitude, since what breaks in one of a thousand runs breaks.
fn shade(row: &Row, property: &str) -> u8 {
    match row.cells.get(property).map(|cell| cell.runs * 1_000 / row.seeds.max(1)) {
        None => 0,
        Some(0..10) => 1,
        Some(10..100) => 2,
        Some(100..500) => 3,
        Some(_) => DARKEST,
    }
}

/// How a cell is read, by the example of the first.
fn legend(matrix: &Matrix) -> Option<String> {
    let (row, cell) = matrix
        .broken()
        .into_iter()
        .find_map(|name| matrix.rows.iter().find_map(|row| row.cells.get(name).map(|cell| (row, cell))))?;
    let (share, after) = (share(cell.runs, row.seeds), cell.first.after_seeds);
    let first = match after {
        1 => "the first run was one of them".to_owned(),
        after => format!("run {after} was the first of them"),
    };
    let news = if matrix.news().next().is_some() {
        "; *: news, no [[without]] case of the file says so"
    } else {
        ""
    };
    Some(format!("{share} @{after}: {share} of the runs broke the property, {first}; -: none did{news}."))
}

/// What is to be said of the rows and columns, beside the news.
fn remarks(matrix: &Matrix) -> Vec<String> {
    let mut remarks = Vec::new();
    let held = matrix.held() as u64;
    if !matrix.broken().is_empty() {
        remarks.push(format!("{} held in every row.", counted(held, "other property", "other properties")));
    } else if !matrix.rows.is_empty() {
        let properties = counted(held, "property", "properties");
        remarks.push(format!("Nothing broke in any row: {properties} held."));
    }
    if matrix.rows.len() == 1 && !matrix.interrupted {
        remarks.push("The file turns on no safeguard, so there is nothing to remove.".to_owned());
    }
    let waived = matrix.broken_though_waived();
    if !waived.is_empty() {
        remarks.push(format!("The file waives {}, which broke as well.", listed(&waived)));
    }
    remarks.extend(remarks_on_rows(matrix));
    let idle = matrix.no_difference();
    if !idle.is_empty() {
        remarks.push(format!(
            "No difference without {}: the faults of the file do not test {}, or another safeguard keeps the same \
             properties.",
            listed(&idle),
            if idle.len() == 1 { "it" } else { "them" }
        ));
    }
    let mended = matrix.held_without_all();
    if !mended.is_empty() {
        remarks.push(format!(
            "With all of them removed, nothing breaks {}: it takes one of the other safeguards, as it takes retries \
             to make a call twice.",
            listed(&mended)
        ));
    }
    for (removed, property, within) in matrix.not_shown() {
        remarks.push(format!(
            "The file says that `{property}` breaks without {} within {within} seeds; it did not in these runs.",
            listed(&removed)
        ));
    }
    if matrix.interrupted {
        remarks.push("Interrupted: rows are missing.".to_owned());
    }
    remarks
}

/// What is to be said of rows: why they were not run, what has no effect in them, which are not shown.
fn remarks_on_rows(matrix: &Matrix) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in &matrix.rows {
        if let Some(why) = &row.not_run {
            remarks.push(format!("Not run without {}: {why}", listed(&row.removed)));
        }
        if !row.without_effect.is_empty() && row.removed.len() == 1 {
            let (lost, removed) = (listed(&row.without_effect), listed(&row.removed));
            let verb = if row.without_effect.len() == 1 { "has" } else { "have" };
            remarks.push(format!("Without {removed}, {lost} {verb} no effect."));
        }
    }
    let pairs = matrix.rows.iter().filter(|row| row.removed.len() == 2 && !is_shown(matrix, row)).count();
    if pairs > 0 {
        let pairs = counted(pairs as u64, "pair breaks", "pairs break");
        remarks.push(format!("{pairs} nothing that one of the two does not break alone."));
    }
    remarks
}

/// The cells that no case of the file claims, and how to look at them.
fn news(matrix: &Matrix, hints: &Hints<'_>) -> Vec<Note> {
    let all: Vec<_> = matrix.news().collect();
    let Some((row, property, cell)) = all.first() else { return Vec::new() };
    let cells = counted(all.len() as u64, "cell is", "cells are");
    let mut notes = vec![Note::Start(format!(
        "News: {cells} not claimed by any [[without]] case of the file. To see how each breaks:"
    ))];
    for (row, property, cell) in all.iter().take(MOST_NEWS) {
        notes.push(Note::Item(format!("without {}: `{property}`", names_of(matrix, row))));
        notes.push(Note::Code((hints.look)(row, cell)));
    }
    if all.len() > MOST_NEWS {
        notes.push(Note::Text(format!(
            "And {} more; `--format json` has all of them.",
            all.len() - MOST_NEWS
        )));
    }
    let without = Without {
        safeguards: row.removed.clone(),
        violates: vec![property],
        within_seeds: within_seeds(cell.first.after_seeds),
    };
    notes.push(Note::Start(format!("To claim one, add it to {}, such as:", hints.file)));
    notes.push(Note::Code(without.to_toml()));
    notes
}

/// Within how many seeds a property breaks for certain, as it seems, that first broke after so many.
fn within_seeds(after: u64) -> u32 {
    let ample = after.saturating_mul(5).div_ceil(100).saturating_mul(100);
    u32::try_from(ample).unwrap_or(u32::MAX).clamp(Without::USUAL_SEEDS, 100_000)
}
