//! What a strategy can learn from a run.

use super::{Trial, behaviour, chances};
use crate::explore::Run;
use crate::properties::Verdict;
use crate::scenario::Case;
use perfidy_sim::{Engine, Fault};

/// What a strategy wants to know of a trial; what nobody asks for is not computed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// Whether every promise was kept.
    Verdict,
    /// That, and which faults could have struck.
    Chances,
    /// All that, and what the run did.
    Behaviours,
}

/// What a run taught.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Whether every promise that the scenario asks for was kept, for certain.
    pub holds: bool,
    /// The faults that struck.
    pub fired: Vec<Fault>,
    /// The single faults that could have struck as well, sorted.
    pub chances: Vec<Fault>,
    /// What the run did, without when and to whom; sorted.
    pub behaviours: Vec<u64>,
}

impl Lesson {
    /// What is wanted of a run of this case.
    pub(crate) fn of(case: &Case, engine: Engine, trial: &Trial, run: &Run) -> Option<Self> {
        if trial.wants == Wants::Nothing {
            return None;
        }
        let holds = run.verdicts.iter().all(|(property, verdict)| {
            let is_waived = case.scenario.waived.contains_key(property.name);
            is_waived || matches!(verdict, Verdict::Holds | Verdict::Vacuous)
        });
        let [wants_chances, wants_behaviours] =
            [Wants::Chances, Wants::Behaviours].map(|least| trial.wants >= least);
        let chances = || chances::of(case, engine, trial, &run.outcome);
        let behaviours = || behaviour::of(&run.outcome.history);
        Some(Self {
            holds,
            fired: run.outcome.fired.clone(),
            chances: wants_chances.then(chances).unwrap_or_default(),
            behaviours: wants_behaviours.then(behaviours).unwrap_or_default(),
        })
    }
}
