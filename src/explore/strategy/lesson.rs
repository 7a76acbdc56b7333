//! What a strategy can learn from a run.

use crate::explore::Run;
use crate::properties::Verdict;
use crate::scenario::Case;
use perfidy_sim::Fault;

/// What a strategy wants to know of a trial; what nobody asks for is not computed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// Whether every promise was kept.
    Verdict,
}

/// What a run taught.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Whether every promise that the scenario asks for was kept, for certain.
    pub holds: bool,
    /// The faults that struck.
    pub fired: Vec<Fault>,
}

impl Lesson {
    /// What is wanted of a run of this case.
    pub(crate) fn of(case: &Case, wants: Wants, run: &Run) -> Option<Self> {
        if wants == Wants::Nothing {
            return None;
        }
        let holds = run.verdicts.iter().all(|(property, verdict)| {
            let is_waived = case.scenario.waived.contains_key(property.name);
            is_waived || matches!(verdict, Verdict::Holds | Verdict::Vacuous)
        });
        Some(Self { holds, fired: run.outcome.fired.clone() })
    }
}
