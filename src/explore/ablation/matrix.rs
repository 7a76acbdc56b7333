//! What an ablation shows: rows for what was removed, columns for properties.

use crate::explore::Finding;
use crate::explore::trials::{Judgement, RunSummary};
use crate::scenario::Scenario;
use perfidy_sim::{Engine, Seed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What breaks in a scenario without its safeguards.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The engine.
    pub engine: Engine,
    /// The name of the strategy.
    pub strategy: &'static str,
    /// The first seed; the others follow it.
    pub first_seed: Seed,
    /// What was removed, and what broke. In the first row nothing is removed.
    pub rows: Vec<Row>,
    /// Whether it was interrupted, and rows are missing.
    pub interrupted: bool,
}

/// What breaks without some safeguards.
#[derive(Clone, Debug)]
pub struct Row {
    /// The safeguards that were removed.
    pub removed: Vec<&'static str>,
    /// Those that are on and have no effect, because what they need was removed.
    pub without_effect: Vec<&'static str>,
    /// How many runs there were.
    pub seeds: u64,
    /// Why there were none, if the strategy could not start.
    pub not_run: Option<String>,
    /// The properties that broke.
    pub cells: BTreeMap<&'static str, Cell>,
    /// The properties that had something to judge in some run.
    pub judged: BTreeSet<&'static str>,
}

/// That a property broke without some safeguards.
#[derive(Clone, Debug)]
pub struct Cell {
    /// In how many runs.
    pub runs: u64,
    /// How it first did, and after how many seeds.
    pub first: Finding,
    /// Whether that was known.
    pub claim: Claim,
}

/// Whether it was known that a property breaks without some safeguards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// A `[[without]]` case of the file says so of these safeguards, or of some of them.
    Claimed,
    /// An earlier row with less removed shows it.
    Follows,
    /// It breaks with nothing removed.
    AsWritten,
    /// The file waives the property.
    Waived,
    /// No case of the file says so.
    News,
}

impl Row {
    pub(super) fn new(removed: Vec<&'static str>, without_effect: Vec<&'static str>) -> Self {
        let (cells, judged) = (BTreeMap::new(), BTreeSet::new());
        Self { removed, without_effect, seeds: 0, not_run: None, cells, judged }
    }

    /// Counts a run. What it means is found out when the row is whole.
    pub(super) fn take_in(&mut self, run: &RunSummary) {
        self.seeds += 1;
        let has_judged = |mark: &Judgement| matches!(mark, Judgement::Holds | Judgement::Violated(_));
        let judged = run.verdicts.iter().filter(|(_, mark)| has_judged(mark));
        self.judged.extend(judged.map(|(property, _)| *property));
        for (property, message) in run.violations() {
            let first =
                || Cell { runs: 0, first: run.finding(property, message, self.seeds), claim: Claim::News };
            self.cells.entry(property).or_insert_with(first).runs += 1;
        }
    }

    /// The properties that broke so that it shows something of what was removed.
    fn shows(&self) -> impl Iterator<Item = &'static str> {
        let cells = self.cells.iter().filter(|(_, cell)| cell.claim != Claim::AsWritten);
        cells.map(|(property, _)| *property)
    }

    fn removed_set(&self) -> BTreeSet<&'static str> {
        self.removed.iter().copied().collect()
    }
}

impl Matrix {
    /// Adds a row, with what its breaks mean beside the rows before it.
    pub(super) fn push(&mut self, mut row: Row) {
        let removed = row.removed_set();
        for (property, cell) in &mut row.cells {
            cell.claim = self.claim(&removed, property);
        }
        self.rows.push(row);
    }

    fn claim(&self, removed: &BTreeSet<&'static str>, property: &str) -> Claim {
        let mut claims = self.scenario.without.iter();
        let breaks = |row: &Row| row.cells.contains_key(property);
        if self.scenario.waived.contains_key(property) {
            Claim::Waived
        } else if removed.is_empty() || self.rows.first().is_some_and(breaks) {
            Claim::AsWritten
        } else if claims.any(|claim| claim.violates.contains(&property) && claim.removed().is_subset(removed))
        {
            Claim::Claimed
        } else if self.rows.iter().any(|row| breaks(row) && row.removed_set().is_subset(removed)) {
            Claim::Follows
        } else {
            Claim::News
        }
    }

    /// The properties that broke in some row and are not waived, in the order of the suite.
    pub fn broken(&self) -> Vec<&'static str> {
        let breaks = |name: &&'static str| self.rows.iter().any(|row| row.cells.contains_key(name));
        let names = self.scenario.suite.properties().iter().map(|property| property.name);
        names.filter(|name| breaks(name) && !self.scenario.waived.contains_key(name)).collect()
    }

    /// The waived properties that broke in some row.
    pub fn broken_though_waived(&self) -> Vec<&'static str> {
        let breaks = |name: &&'static str| self.rows.iter().any(|row| row.cells.contains_key(name));
        self.scenario.waived.keys().copied().filter(breaks).collect()
    }

    /// How many properties had something to judge and broke in no row.
    pub fn held(&self) -> usize {
        let judged: BTreeSet<&str> = self.rows.iter().flat_map(|row| row.judged.iter().copied()).collect();
        judged.iter().filter(|name| self.rows.iter().all(|row| !row.cells.contains_key(*name))).count()
    }

    /// Whether a property breaks with nothing removed that the file does not waive.
    pub fn breaks_as_written(&self) -> bool {
        let is_it = |cell: &Cell| cell.claim == Claim::AsWritten;
        self.rows.first().is_some_and(|row| row.cells.values().any(is_it))
    }

    /// The cells that no `[[without]]` case claims, row by row.
    pub fn news(&self) -> impl Iterator<Item = (&Row, &'static str, &Cell)> {
        let cells = self.rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
        cells.filter(|(_, (_, cell))| cell.claim == Claim::News).map(|(row, (name, cell))| (row, *name, cell))
    }

    /// What `[[without]]` cases claim of rows that were run and did not show: the removed safeguards, the
    /// property, and within how many seeds the case says that it breaks.
    pub fn not_shown(&self) -> Vec<(Vec<&'static str>, &'static str, u32)> {
        let claims = self.scenario.without.iter().flat_map(|claim| {
            let rows = self.rows.iter().filter(|row| row.not_run.is_none());
            let rows = rows.filter(|row| row.removed_set() == claim.removed());
            rows.flat_map(|row| {
                let missing = claim.violates.iter().filter(|name| !row.cells.contains_key(*name));
                missing.map(|name| (claim.safeguards.clone(), *name, claim.within_seeds))
            })
        });
        claims.collect()
    }

    /// The safeguards that were removed and made no difference: whatever broke without one of them broke
    /// without the same others while it was there.
    pub fn no_difference(&self) -> Vec<&'static str> {
        let rows = || self.rows.iter().filter(|row| row.not_run.is_none());
        let removed: BTreeSet<&'static str> = rows().flat_map(|row| row.removed.iter().copied()).collect();
        let is_missed = |name: &'static str| {
            rows().filter(|row| row.removed.contains(&name)).any(|row| {
                let mut others = row.removed_set();
                others.remove(name);
                let beside = rows().find(|beside| beside.removed_set() == others);
                beside.is_some_and(|beside| row.shows().any(|broke| !beside.cells.contains_key(broke)))
            })
        };
        let alone = self.compared_alone();
        removed.into_iter().filter(|name| alone.contains(name) && !is_missed(name)).collect()
    }

    /// The safeguards that were removed alone, beside a row with nothing removed.
    pub fn compared_alone(&self) -> Vec<&'static str> {
        let mut rows = self.rows.iter().filter(|row| row.not_run.is_none());
        if !rows.next().is_some_and(|first| first.removed.is_empty()) {
            return Vec::new();
        }
        rows.filter_map(|row| <[&'static str; 1]>::try_from(row.removed.as_slice()).ok()).flatten().collect()
    }

    /// Whether a `[[without]]` case of the file removes just what a row does.
    pub fn is_claimed(&self, row: &Row) -> bool {
        self.scenario.without.iter().any(|claim| claim.removed() == row.removed_set())
    }

    /// The properties that break without some safeguard, and not without all of them together.
    pub fn held_without_all(&self) -> Vec<&'static str> {
        let all = self.rows.iter().find(|row| row.not_run.is_none() && self.removes_all(row));
        let holds = |name: &&'static str| all.is_some_and(|all| !all.cells.contains_key(name));
        self.broken().into_iter().filter(holds).collect()
    }

    /// Whether a row removes all that others remove one by one.
    pub fn removes_all(&self, row: &Row) -> bool {
        let alone: BTreeSet<&'static str> = self.compared_alone().into_iter().collect();
        row.removed.len() > 1 && row.removed_set() == alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;
    use perfidy_sim::Digest;

    const TEXT: &str = "# A ticket.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\ntool = \"desk.file\"\n\
                        [tools.desk]\n[safeguards]\nverify = true\ncheckpoint = true\n\
                        retry = { attempts = 2, backoff = \"1s\" }\n[properties]\n\
                        plan-agreement = { waive = \"one plan\" }\n\
                        [[without]]\nsafeguards = \"retry\"\nviolates = \"eventual-termination\"\n";

    /// A matrix with rows in which these properties broke.
    fn matrix(rows: &[(&[&'static str], &[&'static str])]) -> Matrix {
        let scenario = Scenario::parse(&Suite::shipped(), "own/ticket", TEXT);
        let scenario = scenario.unwrap_or_else(|bad| panic!("{bad}"));
        let (engine, first_seed) = (Engine::Native, Seed(0));
        let mut matrix =
            Matrix { scenario, engine, strategy: "random", first_seed, rows: Vec::new(), interrupted: false };
        for (removed, broke) in rows {
            let mut row = Row::new(removed.to_vec(), Vec::new());
            row.seeds = 10;
            for property in *broke {
                let (faults, message, digest) = (Vec::new(), String::new(), Digest::default());
                let (seed, after_seeds, events) = (Seed(3), 4, 9);
                let first = Finding { property, seed, faults, after_seeds, message, digest, events };
                row.cells.insert(property, Cell { runs: 2, first, claim: Claim::News });
            }
            matrix.push(row);
        }
        matrix
    }

    fn claim(matrix: &Matrix, row: usize, property: &str) -> Claim {
        matrix.rows[row].cells[property].claim
    }

    #[test]
    fn a_cell_that_no_case_claims_is_news() {
        let broke: &[&str] = &["eventual-termination", "no-lost-effects"];
        let matrix = matrix(&[(&[], &[]), (&["retry"], broke)]);
        assert_eq!(claim(&matrix, 1, "eventual-termination"), Claim::Claimed);
        assert_eq!(claim(&matrix, 1, "no-lost-effects"), Claim::News);
        assert_eq!(matrix.news().map(|(_, property, _)| property).collect::<Vec<_>>(), ["no-lost-effects"]);
    }

    #[test]
    fn what_a_part_of_it_breaks_is_no_news_of_a_pair() {
        let matrix = matrix(&[
            (&[], &[]),
            (&["verify"], &["no-phantom-completion"]),
            (&["retry", "verify"], &["eventual-termination", "no-phantom-completion", "no-deadlock"]),
        ]);
        assert_eq!(claim(&matrix, 2, "eventual-termination"), Claim::Claimed);
        assert_eq!(claim(&matrix, 2, "no-phantom-completion"), Claim::Follows);
        assert_eq!(claim(&matrix, 2, "no-deadlock"), Claim::News);
    }

    #[test]
    fn what_breaks_with_nothing_removed_or_is_waived_shows_nothing_of_a_safeguard() {
        let broke: &[&str] = &["no-deadlock", "plan-agreement"];
        let matrix = matrix(&[(&[], broke), (&["retry"], broke)]);
        for row in [0, 1] {
            assert_eq!(claim(&matrix, row, "no-deadlock"), Claim::AsWritten);
            assert_eq!(claim(&matrix, row, "plan-agreement"), Claim::Waived);
        }
        assert!(matrix.breaks_as_written());
        assert_eq!(
            (matrix.broken(), matrix.broken_though_waived()),
            (vec!["no-deadlock"], vec!["plan-agreement"])
        );
    }

    #[test]
    fn what_holds_without_all_of_them_is_known() {
        let alone: [(&[&'static str], &[&'static str]); 4] = [
            (&[], &[]),
            (&["checkpoint"], &["no-deadlock"]),
            (&["retry"], &["no-split-brain"]),
            (&["verify"], &[]),
        ];
        assert_eq!(matrix(&alone).held_without_all(), [""; 0]);
        let all: (&[&'static str], &[&'static str]) =
            (&["checkpoint", "retry", "verify"], &["no-split-brain"]);
        assert_eq!(matrix(&[&alone[..], &[all]].concat()).held_without_all(), ["no-deadlock"]);
    }

    #[test]
    fn a_claim_that_did_not_show_is_named() {
        let matrix = matrix(&[(&[], &[]), (&["retry"], &["no-deadlock"])]);
        assert_eq!(matrix.not_shown(), [(vec!["retry"], "eventual-termination", 300)]);
    }

    #[test]
    fn a_safeguard_that_is_missed_only_beside_another_makes_a_difference() {
        let alone: [(&[&'static str], &[&'static str]); 4] =
            [(&[], &[]), (&["checkpoint"], &[]), (&["retry"], &["no-deadlock"]), (&["verify"], &[])];
        assert_eq!(matrix(&alone).no_difference(), ["checkpoint", "verify"]);
        let pair: (&[&'static str], &[&'static str]) = (&["checkpoint", "verify"], &["plan-agreement"]);
        assert_eq!(matrix(&[&alone[..], &[pair]].concat()).no_difference(), [""; 0]);
    }
}
