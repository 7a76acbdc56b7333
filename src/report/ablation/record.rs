//! Ablations as JSON: an object for each scenario, and one for all of them.

use super::AblationSummary;
use crate::explore::{Claim, Matrix, Row};
use perfidy_sim::{Engine, Name, Seed};
use serde::Serialize;
use std::collections::BTreeMap;

/// One scenario of `perfidy ablate --format json`.
#[derive(Serialize)]
pub struct AblationRecord<'a> {
    /// The version of this format.
    schema: u32,
    scenario: Name,
    engine: Engine,
    strategy: &'static str,
    first_seed: Seed,
    rows: Vec<RowRecord<'a>>,
    /// The properties that broke in some row.
    broken: Vec<&'static str>,
    /// How many others had something to judge, and held in every row.
    held: usize,
    /// The safeguards that made no difference.
    no_difference: Vec<&'static str>,
    /// How many cells no `[[without]]` case of the file claims.
    news: usize,
    /// What `[[without]]` cases claim and these runs did not show.
    not_shown: Vec<NotShownRecord>,
    interrupted: bool,
}

#[derive(Serialize)]
struct RowRecord<'a> {
    removed: &'a [&'static str],
    /// Those that are on and have no effect without what was removed.
    without_effect: &'a [&'static str],
    seeds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_run: Option<&'a str>,
    broke: BTreeMap<&'static str, CellRecord<'a>>,
}

#[derive(Serialize)]
struct CellRecord<'a> {
    runs: u64,
    first_seed: Seed,
    after_seeds: u64,
    /// `claimed`, `follows`, `as-written`, `waived` or `news`.
    claim: &'static str,
    /// How it first broke, in words.
    message: &'a str,
}

#[derive(Serialize)]
struct NotShownRecord {
    removed: Vec<&'static str>,
    property: &'static str,
    within_seeds: u32,
}

impl<'a> AblationRecord<'a> {
    /// The record of a matrix.
    pub fn new(matrix: &'a Matrix) -> Self {
        let not_shown = matrix.not_shown().into_iter();
        let not_shown = not_shown.map(|(removed, property, within_seeds)| NotShownRecord {
            removed,
            property,
            within_seeds,
        });
        Self {
            schema: 1,
            scenario: matrix.scenario.name,
            engine: matrix.engine,
            strategy: matrix.strategy,
            first_seed: matrix.first_seed,
            rows: matrix.rows.iter().map(RowRecord::new).collect(),
            broken: matrix.broken(),
            held: matrix.held(),
            no_difference: matrix.no_difference(),
            news: matrix.news().count(),
            not_shown: not_shown.collect(),
            interrupted: matrix.interrupted,
        }
    }
}

impl<'a> RowRecord<'a> {
    fn new(row: &'a Row) -> Self {
        let cells = row.cells.iter().map(|(property, cell)| {
            let record = CellRecord {
                runs: cell.runs,
                first_seed: cell.first.seed,
                after_seeds: cell.first.after_seeds,
                claim: match cell.claim {
                    Claim::Claimed => "claimed",
                    Claim::Follows => "follows",
                    Claim::AsWritten => "as-written",
                    Claim::Waived => "waived",
                    Claim::News => "news",
                },
                message: &cell.first.message,
            };
            (*property, record)
        });
        Self {
            removed: &row.removed,
            without_effect: &row.without_effect,
            seeds: row.seeds,
            not_run: row.not_run.as_deref(),
            broke: cells.collect(),
        }
    }
}

/// What all scenarios of `perfidy ablate --format json` come to; the last line, if there are several.
#[derive(Serialize)]
pub struct AblationSummaryRecord<'a> {
    schema: u32,
    scenarios: usize,
    /// The scenarios with cells that are news, and how many.
    news: BTreeMap<Name, usize>,
    /// The safeguards that made no difference anywhere, and in how many scenarios they were removed.
    no_difference: &'a BTreeMap<&'static str, usize>,
}

impl<'a> AblationSummaryRecord<'a> {
    /// The record of a summary.
    pub fn new(summary: &'a AblationSummary) -> Self {
        let AblationSummary { files, news, no_difference } = summary;
        Self { schema: 1, scenarios: *files, news: news.iter().copied().collect(), no_difference }
    }
}
