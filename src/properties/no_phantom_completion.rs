//! When a task is reported to its user as done, all its effects are in the ledger and none is undone.

use super::ledger::Ledger;
use crate::agent::{Outcome, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-phantom-completion", "a task reported done has all its effects in the ledger", judge)
        .needs(kinds::INFORMED_DONE)
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut ledger = Ledger::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(Ledger::READS.and(kinds::WANTED).and(kinds::INFORMED)) {
        ledger.take_in(event, note);
        match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                wanted.entry(*task).or_default().push((event, *intent));
            }
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Done => {
                let task = report.task;
                verdict = Verdict::Holds;
                let missing = wanted.get(&task).into_iter().flatten();
                let missing = missing.clone().find(|(_, intent)| !ledger.stands(*intent));
                if let Some((asked, intent)) = missing {
                    let what =
                        if ledger.undone(*intent).is_some() { "was undone" } else { "has not happened" };
                    let message = format!("{task} was reported done, but {intent} {what}");
                    return Verdict::violated(&[asked, event], message);
                }
            }
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{self, Story, violation};

    fn done(story: Story) -> Story {
        story.told("task-1", Outcome::Done)
    }

    #[test]
    fn done_after_its_effect_is_true() {
        let story = done(Story::default().given("task-1").effect("task-1/file", 1));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn done_without_its_effect_is_a_lie_even_if_it_comes_later() {
        let story = done(Story::default().given("task-1")).effect("task-1/file", 1);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "task-1 was reported done, but task-1/file has not happened");
    }

    #[test]
    fn done_after_another_operation_for_its_intent_is_a_lie() {
        let story = done(Story::default().given("task-1").undo("task-1/file", 1));
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "task-1 was reported done, but task-1/file has not happened");
    }

    #[test]
    fn done_after_its_effect_was_undone_is_a_lie() {
        let saga = || testing::saga().effect("task-1/bill", 1).effect("task-1/file", 2);
        assert_eq!(done(saga()).judged_by(&property()), Verdict::Holds);
        let (_, message) = violation(done(saga().undo("task-1/file", 3)).judged_by(&property()));
        assert_eq!(message, "task-1 was reported done, but task-1/file was undone");
    }

    #[test]
    fn another_tasks_effect_does_not_count() {
        let story = done(Story::default().given("task-1").effect("task-2/file", 1));
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn a_task_that_failed_or_never_ended_promises_nothing() {
        let story = Story::default().given("task-1").told("task-1", Outcome::Failed);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn done_again_after_it_was_undone_is_done() {
        let story = testing::saga().effect("task-1/bill", 1).effect("task-1/file", 2).undo("task-1/file", 3);
        assert_eq!(done(story.effect("task-1/file", 4)).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_is_undone_after_the_report_was_there_by_then() {
        let story = done(testing::saga().effect("task-1/bill", 1).effect("task-1/file", 2));
        assert_eq!(story.undo("task-1/file", 3).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn every_effect_must_be_there_and_every_report_true() {
        let (events, message) =
            violation(done(testing::saga().effect("task-1/file", 1)).judged_by(&property()));
        assert_eq!(events, [3, 6]);
        assert_eq!(message, "task-1 was reported done, but task-1/bill has not happened");
        let story = Story::default().given("task-1").given("task-2").effect("task-2/file", 1);
        assert!(done(story.told("task-2", Outcome::Done)).judged_by(&property()).is_violated());
    }
}
