//! What a strategy can learn from a run.

use super::chances::{self, Detail};
use super::{Feedback, Outline, Trial, WantedFeedback, behaviour};
use crate::explore::Run;
use crate::properties::Verdict;
use crate::scenario::Case;
use perfidy_sim::{Engine, Plan, Seed};
use std::sync::Arc;

impl WantedFeedback {
    /// Runs a trial so that this can be told.
    pub(crate) fn run(&self, case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Run {
        match self {
            Self::Nothing | Self::Verdict => Run::planned(case, engine, seed, plan),
            Self::Chances | Self::Coverage(_) => Run::marked(case, engine, seed, plan),
        }
    }
}

impl Feedback {
    /// What is wanted of a run of this case; none if there is nothing new in it.
    pub(crate) fn of(case: &Case, trial: &Trial, run: &Run) -> Option<Self> {
        if trial.wants == WantedFeedback::Nothing {
            return None;
        }
        let holds = run.verdicts.iter().all(|(property, verdict)| {
            let may_break = case.scenario.may_break(property);
            may_break || matches!(verdict, Verdict::Holds | Verdict::Vacuous)
        });
        let coverage = match &trial.wants {
            WantedFeedback::Coverage(known) => not_among(known, behaviour::of(&run.outcome.history)),
            _ => Vec::new(),
        };
        let chances = match &trial.wants {
            WantedFeedback::Nothing | WantedFeedback::Verdict => Vec::new(),
            WantedFeedback::Chances => chances::of(&case.scenario, &run.outcome, Detail::Full),
            WantedFeedback::Coverage(_) if coverage.is_empty() => return None,
            WantedFeedback::Coverage(_) => chances::of(&case.scenario, &run.outcome, Detail::Coarse),
        };
        let outline =
            (trial.wants == WantedFeedback::Chances).then(|| Arc::new(Outline::of(&run.outcome, &chances)));
        Some(Self { holds, injected: run.outcome.injected.clone(), chances, coverage, outline })
    }
}

/// What of one sorted list is not in another.
fn not_among(known: &[u64], mut these: Vec<u64>) -> Vec<u64> {
    let mut rest = known.iter().peekable();
    these.retain(|this| {
        while rest.next_if(|known| *known < this).is_some() {}
        rest.peek() != Some(&this)
    });
    these
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_what_is_not_known() {
        assert_eq!(not_among(&[2, 4, 6], vec![1, 2, 5, 6, 7]), [1, 5, 7]);
        assert_eq!(not_among(&[], vec![1, 2]), [1, 2]);
        assert!(not_among(&[1, 2, 3], vec![2]).is_empty());
    }
}
