//! No effect happens in a tool that the team does not know of.
//!
//! A caller can give a call up while the tool goes on with it. If the task is then reported as failed or
//! cancelled, the effect is there, and no agent knows: it was never told that the call is done, none looked
//! it up, nothing undid it, and no person was told of the call. Judged on the ledgers, on what agents were
//! answered, and on the reports to the user, at the end of the run.
//!
//! A team may report a task as failed of which it knows that some steps are done, so it is a matter of what
//! was answered, and not only of the ledger. It is judged only in cases that ask for it.

use super::ledger::Ledger;
use crate::agent::{AgentEvent, CallOutcome, Outcome, PersonEvent, TeamEvent, UserEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{EventKinds, Lookup, Name};
use std::collections::BTreeSet;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "no-orphan-effects",
        "no effect of a task that was reported failed or cancelled is unknown to all agents",
        Bound::of("effects", AtMost::Count(0)),
        judge,
    )
    .needs(kinds::INFORMED.and(kinds::EFFECT))
}

/// The kinds of events that it reads.
const READS: EventKinds =
    Ledger::READS.and(kinds::WANTED).and(kinds::INFORMED).and(kinds::ANSWERED).and(kinds::DEAD_LETTERED);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let (mut wanted, mut ledger) = (Vec::new(), Ledger::default());
    let mut given_up = Lookup::default();
    let mut known: BTreeSet<Name> = BTreeSet::new();
    for (event, note) in history.app_events_of(READS) {
        ledger.take_in(event, note);
        match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => wanted.push((*task, *intent)),
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome != Outcome::Done => {
                given_up.get_or_insert_with(report.task, || event);
            }
            TeamEvent::Agent(AgentEvent::Answered {
                intent,
                told: CallOutcome::Done | CallOutcome::Found(true),
                ..
            })
            | TeamEvent::Person(PersonEvent::DeadLetterRecorded { intent, .. }) => {
                known.insert(*intent);
            }
            _ => {}
        }
    }
    let mut orphans = 0;
    for (task, intent) in wanted.into_iter().filter(|(_, intent)| !known.contains(intent)) {
        let Some(report) = given_up.get(task) else { continue };
        let Some(effect) = ledger.remaining(intent).last() else { continue };
        orphans += 1;
        if orphans > at_most {
            if let Some(too_soon) = cut_short(history) {
                return too_soon;
            }
            let message = format!(
                "{task} was reported as given up, but {intent} happened, and no agent was ever told that it did"
            );
            return Verdict::violated(&[*report, effect], message);
        }
    }
    Verdict::Holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Indefinite;
    use crate::properties::testing::{Story, saga, violation};

    fn asked(story: Story) -> Story {
        story.bounded(property().name, 0)
    }

    fn given() -> Story {
        asked(Story::default().given("task-1"))
    }

    #[test]
    fn an_effect_of_a_task_that_was_given_up_and_of_which_no_agent_knows_is_an_orphan() {
        for outcome in [Outcome::Failed, Outcome::Cancelled] {
            let before = given().effect("task-1/file", 1).told("task-1", outcome);
            let (events, message) = violation(before.judged_by(&property()));
            assert_eq!(events, [4, 5]);
            let why = "task-1 was reported as given up, but task-1/file happened, and no agent was ever told that it did";
            assert_eq!(message, why);
            let after = given().told("task-1", outcome).effect("task-1/file", 1);
            assert_eq!(violation(after.judged_by(&property())).0, [4, 5]);
        }
    }

    #[test]
    fn an_error_that_says_nothing_is_no_knowledge() {
        let unclear = CallOutcome::Unknown(Indefinite::TimedOut);
        let story = given().effect("task-1/file", 1).answered("a", "task-1/file", unclear);
        assert!(story.told("task-1", Outcome::Failed).judged_by(&property()).is_violated());
    }

    #[test]
    fn an_effect_that_an_agent_or_a_person_knows_of_is_accounted_for() {
        for told in [CallOutcome::Done, CallOutcome::Found(true)] {
            let story = given().effect("task-1/file", 1).answered("a", "task-1/file", told);
            assert_eq!(story.told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Holds);
        }
        let story = given().effect("task-1/file", 1).dead_lettered("task-1/file");
        assert_eq!(story.told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_effect_that_was_undone_or_whose_task_is_done_is_no_orphan() {
        let undone = asked(saga()).effect("task-1/file", 1).undo("task-1/file", 2);
        assert_eq!(undone.told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Holds);
        let done = given().effect("task-1/file", 1).told("task-1", Outcome::Done);
        assert_eq!(done.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn it_is_judged_only_where_it_is_asked_for() {
        let story = Story::default().given("task-1").effect("task-1/file", 1).told("task-1", Outcome::Failed);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
        assert_eq!(given().told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn as_many_orphans_as_are_allowed_may_be_left_behind() {
        let story = Story::default().given("task-1").given("task-2").bounded(property().name, 1);
        let story = story.effect("task-1/file", 1).told("task-1", Outcome::Failed);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let story = story.effect("task-2/file", 2).told("task-2", Outcome::Failed);
        assert_eq!(violation(story.judged_by(&property())).0, [8, 9]);
    }
}
