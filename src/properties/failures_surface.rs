//! Every failure of a call surfaces: it is made good, or its task is not reported as done.
//!
//! An error that an agent swallows is worse than one that ends its task: no person hears of it. Judged on
//! what the agents were answered: of each step of a task that was reported as done, some agent was told that
//! a call succeeded, or found the effect at its tool, if any call for it had failed. Whether the effect
//! happened all the same makes no difference: the team did not know. It is judged only in cases that ask for
//! it.

use crate::agent::{AgentEvent, CallOutcome, Outcome, TeamEvent, UserEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{EventKinds, Lookup, Name};
use std::collections::BTreeSet;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "failures-surface",
        "a call that failed is made good, or its task is not reported as done",
        Bound::of("failures", AtMost::Count(0)),
        judge,
    )
    .needs(kinds::ANSWERED)
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::WANTED.and(kinds::INFORMED_DONE).and(kinds::ANSWERED);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let (mut wanted, mut done) = (Vec::new(), Lookup::default());
    let mut failed = Lookup::default();
    let mut good: BTreeSet<Name> = BTreeSet::new();
    for (event, note) in history.app_events_of(READS) {
        match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => wanted.push((*task, *intent)),
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Done => {
                done.get_or_insert_with(report.task, || event);
            }
            TeamEvent::Agent(AgentEvent::Answered { intent, told, .. }) => match told {
                CallOutcome::Done | CallOutcome::Found(true) | CallOutcome::AsOf(_) => {
                    good.insert(*intent);
                }
                CallOutcome::Not(_)
                | CallOutcome::Unknown(_)
                | CallOutcome::Cancelled
                | CallOutcome::Found(false) => {
                    failed.insert(*intent, event);
                }
            },
            _ => {}
        }
    }
    let mut silent = 0;
    for (task, intent) in wanted.into_iter().filter(|(_, intent)| !good.contains(intent)) {
        let (Some(report), Some(failure)) = (done.get(task), failed.get(intent)) else { continue };
        silent += 1;
        if silent > at_most {
            let message = format!("{task} was reported done, but every call for {intent} had failed");
            return Verdict::violated(&[*failure, *report], message);
        }
    }
    Verdict::Holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Definite, Indefinite};
    use crate::properties::testing::{Story, violation};

    fn given() -> Story {
        Story::default().given("task-1").bounded(property().name, 0)
    }

    const FAILURES: [CallOutcome; 2] =
        [CallOutcome::Unknown(Indefinite::TimedOut), CallOutcome::Not(Definite::Unavailable)];

    #[test]
    fn a_failure_that_nothing_makes_good_and_that_is_reported_as_done_was_swallowed() {
        for told in FAILURES {
            let story = given().answered("a", "task-1/file", told).told("task-1", Outcome::Done);
            let (events, message) = violation(story.judged_by(&property()));
            assert_eq!(events, [4, 5]);
            assert_eq!(message, "task-1 was reported done, but every call for task-1/file had failed");
        }
    }

    #[test]
    fn an_effect_that_happened_all_the_same_makes_no_difference() {
        let story = given().answered("a", "task-1/file", FAILURES[0]).effect("task-1/file", 1);
        assert!(story.told("task-1", Outcome::Done).judged_by(&property()).is_violated());
    }

    #[test]
    fn a_failure_that_another_call_or_a_look_up_makes_good_has_surfaced() {
        for good in [CallOutcome::Done, CallOutcome::Found(true)] {
            let story = given().answered("a", "task-1/file", FAILURES[0]).answered("b", "task-1/file", good);
            assert_eq!(story.told("task-1", Outcome::Done).judged_by(&property()), Verdict::Holds);
        }
    }

    #[test]
    fn a_failure_of_a_task_that_failed_or_is_open_has_surfaced() {
        let failed = given().answered("a", "task-1/file", FAILURES[1]);
        assert_eq!(failed.clone().judged_by(&property()), Verdict::Holds);
        assert_eq!(failed.told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn it_is_judged_only_where_it_is_asked_for() {
        let story = Story::default().given("task-1").answered("a", "task-1/file", FAILURES[1]);
        assert_eq!(story.told("task-1", Outcome::Done).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn as_many_failures_as_are_allowed_may_be_swallowed() {
        let story = Story::default().given("task-1").given("task-2").bounded(property().name, 1);
        let story = story.answered("a", "task-1/file", FAILURES[0]).told("task-1", Outcome::Done);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let story = story.answered("a", "task-2/file", FAILURES[0]).told("task-2", Outcome::Done);
        assert_eq!(violation(story.judged_by(&property())).0, [8, 9]);
    }
}
