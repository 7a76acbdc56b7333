//! Properties: judged on the history of a run and on nothing else. One file each.
//!
//! Every property of a suite is judged on every history; most are vacuous on it. A new shipped property is
//! one file and one line in [`shipped`]; one of your own is a [`Property`] that you add to your
//! [`Suite`](crate::suite::Suite).

mod accepted_within_lease;
mod acts_on_current_version;
mod agreement;
mod all_or_compensated;
mod approvals;
mod approved_before_irreversible;
mod atomic_agreement;
mod bounded_failures;
mod bounded_handoffs;
mod bounded_staleness;
mod bounded_tokens;
mod bounded_turns;
mod calls_within_budget;
mod causal_order;
mod completed_work_not_rerun;
mod contracts_hold;
mod decisions_are_authorised;
mod decisions_cite_artifacts;
mod effects_as_wanted;
mod effects_traceable;
mod end_to_end_goal_met;
mod eventual_termination;
mod every_call_accounted;
mod failures_surface;
mod flood;
mod handovers;
pub(crate) mod headway;
mod leases;
mod ledger;
mod lost_edits;
mod no_circular_provenance;
mod no_deadlock;
mod no_double_spend;
mod no_duplicate_effects;
mod no_effect_after_cancel;
mod no_effect_after_veto;
mod no_forbidden_effects;
mod no_lost_approval;
mod no_lost_update;
mod no_orphan_effects;
mod no_orphans;
mod no_phantom_completion;
mod no_reverted_file;
mod no_silent_partial;
mod no_split_brain;
mod no_tainted_effects;
mod one_firing_per_tick;
mod one_owner_per_task;
mod plan_agreement;
mod property;
mod queues_bounded;
mod reads_keep_declared_consistency;
mod recovered_state_is_a_prefix;
mod recovery_calls_no_model;
mod replies_match_requests;
mod reports_match_effects;
mod required_facts_survive;
mod results_paired;
mod states;
mod taint_contained;
mod tasks_do_not_leak;
mod verdict;
mod waits;
mod well_behaved;
mod wire;
mod within_context_budget;
mod within_deadline;

pub(crate) use bounded_tokens::tokens_of;
pub use property::{AtMost, Bound, Property};
pub use states::{States, StatesOverTime};
pub use verdict::{Verdict, Violation};

use crate::agent::TeamEvent;
use perfidy_sim::History;
use verdict::cut_short;

/// The history of a team.
pub type TeamHistory = History<TeamEvent>;

/// The shipped properties, by name.
pub fn shipped() -> Vec<Property> {
    vec![
        accepted_within_lease::property(),
        acts_on_current_version::property(),
        agreement::property(),
        all_or_compensated::property(),
        approved_before_irreversible::property(),
        atomic_agreement::property(),
        bounded_failures::property(),
        bounded_handoffs::property(),
        bounded_staleness::property(),
        bounded_tokens::property(),
        bounded_turns::property(),
        calls_within_budget::property(),
        causal_order::property(),
        completed_work_not_rerun::property(),
        contracts_hold::property(),
        decisions_are_authorised::property(),
        decisions_cite_artifacts::property(),
        effects_as_wanted::property(),
        effects_traceable::property(),
        end_to_end_goal_met::property(),
        eventual_termination::property(),
        every_call_accounted::property(),
        failures_surface::property(),
        no_circular_provenance::property(),
        no_deadlock::property(),
        no_double_spend::property(),
        no_duplicate_effects::property(),
        no_effect_after_cancel::property(),
        no_effect_after_veto::property(),
        no_forbidden_effects::property(),
        no_lost_approval::property(),
        no_lost_update::property(),
        no_orphan_effects::property(),
        no_orphans::property(),
        no_phantom_completion::property(),
        no_reverted_file::property(),
        no_silent_partial::property(),
        no_split_brain::property(),
        no_tainted_effects::property(),
        one_firing_per_tick::property(),
        one_owner_per_task::property(),
        plan_agreement::property(),
        queues_bounded::property(),
        reads_keep_declared_consistency::property(),
        recovered_state_is_a_prefix::property(),
        recovery_calls_no_model::property(),
        replies_match_requests::property(),
        reports_match_effects::property(),
        required_facts_survive::property(),
        results_paired::property(),
        taint_contained::property(),
        tasks_do_not_leak::property(),
        well_behaved::property(),
        within_context_budget::property(),
        within_deadline::property(),
    ]
}

/// The name of the property that every task ends.
pub const EVENTUAL_TERMINATION: &str = "eventual-termination";

/// The name of the property about agents of any workflow: no panic, no endless loop, no flood.
pub const WELL_BEHAVED: &str = "well-behaved";

/// The name of the property of sagas. The files of such a workflow say how each step is undone.
pub const ALL_OR_COMPENSATED: &str = "all-or-compensated";

/// The name of the property of teams whose tasks can be cancelled. Their files say how each step is undone,
/// and may limit the time of a task or let the user cancel some.
pub const NO_EFFECT_AFTER_CANCEL: &str = "no-effect-after-cancel";

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::kinds;
    use crate::explore::Run;
    use crate::scenario::{self, Case};
    use crate::suite::Suite;
    use perfidy_sim::{Engine, EventKinds, Seed};

    #[test]
    fn what_a_property_needs_can_be_said_in_words() {
        for property in Suite::shipped().properties() {
            let words = kinds::in_words(property.needed());
            let is_any = property.needed() == EventKinds::NONE;
            assert_eq!(is_any, words.is_empty(), "{}", property.name);
        }
    }

    #[test]
    fn what_a_property_needs_it_really_needs_in_every_shipped_scenario() {
        let suite = Suite::shipped();
        let scenarios =
            scenario::read_all(&suite, &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
        let (mut asked, mut spared) = (0, 0);
        for case in scenarios.iter().flat_map(Case::all) {
            for seed in 0..3 {
                let history = Run::fuzzed(&case, Engine::Native, Seed(seed)).outcome.history;
                for property in suite.properties() {
                    if history.kinds().contains(property.needs) {
                        asked += 1;
                        continue;
                    }
                    spared += 1;
                    let verdict = (property.judge)(&history);
                    assert_eq!(verdict, Verdict::Vacuous, "{}: {case:?}, seed {seed}", property.name);
                }
            }
        }
        assert!(spared > asked, "{spared} of {} verdicts were spared", asked + spared);
    }
}
