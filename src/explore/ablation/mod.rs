//! Ablation: what breaks without each safeguard of a scenario.
//!
//! The scenario is run as written, then without each of its safeguards alone, without each pair if that is
//! asked for, and without all of them, every time over the same seeds. What comes of it is a [`Matrix`]: a
//! row for what was removed, a column for each property, and in a [`Cell`] how many runs broke the property
//! and after how many seeds it first did.
//!
//! A `[[without]]` case of the file claims such a cell. A cell that no case claims is [news](Claim::News):
//! the safeguard does more than the file says. What breaks with nothing removed shows nothing of a safeguard,
//! and what breaks without one safeguard is no news of a pair that it belongs to.
//!
//! As in a `[[without]]` case, only what breaks by faults that the file names counts: the delays of PCT can
//! break a team whose file does not claim to be safe from them.

mod matrix;
mod removals;

pub use matrix::{Cell, Claim, Matrix, Row};
pub use removals::Removals;

use crate::explore::strategy::{Bounds, Choice, Start};
use crate::explore::{Campaign, TrialsProgress};
use crate::scenario::{Case, Scenario};
use perfidy_sim::Abandoned;
use std::sync::Arc;

/// How scenarios are run without their safeguards.
///
/// ```
/// use perfidy::explore::strategy::Choice;
/// use perfidy::explore::{Ablation, Campaign, Claim, Collect, Removals, Watchdog};
/// use perfidy::prelude::*;
/// use perfidy::sim::Interrupt;
///
/// let (suite, name) = (Suite::shipped(), "conductor/lost-ack");
/// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
/// let scenario = Scenario::parse(&suite, name, &text).unwrap();
/// let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
/// let (engine, first_seed) = (Engine::Native, Seed(0));
/// let campaign = Campaign { engine, first_seed, seeds: 100, collect: Collect::NONE, interrupted, watchdog };
/// let strategy = Choice::find(&suite, "random").unwrap();
/// let ablation = Ablation { campaign, strategy: &strategy, removals: Removals::default() };
/// let matrix = ablation.run(&scenario);
///
/// assert!(matrix.rows[0].removed.is_empty() && matrix.rows[0].cells.is_empty());
/// let row = matrix.rows.iter().find(|row| row.removed == ["idempotency-keys"]).unwrap();
/// assert_eq!(row.cells["no-duplicate-effects"].claim, Claim::Claimed);
/// ```
pub struct Ablation<'a> {
    /// The engine, the seeds of each row, and what ends it early.
    pub campaign: Campaign<'a>,
    /// What is tried. Shares of runs of different rows can be compared if every seed is the same trial in
    /// all of them, as with `random`.
    pub strategy: &'a Choice,
    /// What is removed.
    pub removals: Removals,
}

impl Ablation<'_> {
    /// Runs a scenario without its safeguards. The matrix is the same for any number of threads.
    ///
    /// # Panics
    /// If the removals name a safeguard that the scenario does not have on.
    pub fn run(&self, scenario: &Arc<Scenario>) -> Matrix {
        let mut matrix = Matrix {
            scenario: Arc::clone(scenario),
            engine: self.campaign.engine,
            strategy: self.strategy.name(),
            first_seed: self.campaign.first_seed,
            rows: Vec::new(),
            interrupted: false,
        };
        for removed in self.removals.of(scenario) {
            let Ok(row) = self.row(scenario, removed) else {
                matrix.interrupted = true;
                break;
            };
            matrix.push(row);
        }
        matrix
    }

    /// Runs the scenario without these. A row that is cut short would show too little, and is none.
    fn row(&self, scenario: &Arc<Scenario>, removed: Vec<&'static str>) -> Result<Row, Abandoned> {
        let case = match removed.as_slice() {
            [] => Case::as_written(scenario),
            removed => Case::removing(scenario, removed),
        };
        let mut row = Row::new(removed, case.without_effect());
        let Campaign { engine, first_seed, interrupted, watchdog, .. } = self.campaign;
        let start = Start { case: &case, engine, first_seed, bounds: Bounds::default() };
        let start = || watchdog.watch(&case, first_seed, || self.strategy.start(&start));
        let mut strategy = match interrupted.within(start)? {
            Ok(strategy) => strategy,
            Err(refused) => {
                row.not_run = Some(refused.to_string());
                return Ok(row);
            }
        };
        let mut trials = self.campaign.start(&case, &mut *strategy);
        loop {
            match trials.go_on(u64::MAX) {
                TrialsProgress::Ran(runs) => runs.iter().for_each(|run| row.take_in(run)),
                TrialsProgress::Over => return Ok(row),
                TrialsProgress::Interrupted => return Err(Abandoned),
            }
        }
    }
}

impl Matrix {
    /// The case of a row.
    pub fn case_of(&self, row: &Row) -> Case {
        match row.removed.as_slice() {
            [] => Case::as_written(&self.scenario),
            removed => Case::removing(&self.scenario, removed),
        }
    }
}
