//! Nobody approves work that they had a hand in.
//!
//! Who had a hand in a task: whoever was handed one of its steps, and whoever called a tool for one. Judged is the
//! approval that somebody acted on, whoever else may have said what.

use crate::agent::{Claim, Note};
use crate::properties::waits::task_of;
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "decisions-are-authorised",
    promise: "nobody approves work that they had a hand in",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut hands: BTreeMap<(&str, Name), &Event<Note>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        match note {
            Note::Claimed(Claim::Ordered { intent, to }) => {
                hands.entry((task_of(*intent), *to)).or_insert(event);
            }
            Note::Called { intent, .. } => {
                hands.entry((task_of(*intent), event.node)).or_insert(event);
            }
            Note::Claimed(Claim::Approved { task, by }) => {
                verdict = Verdict::Holds;
                if let Some(work) = hands.get(&(task.as_str(), *by)) {
                    let message = format!("{by} approved {task}, in which it had a hand itself");
                    return Verdict::violated(&[work, event], message);
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
    use crate::agent::OpId;
    use crate::properties::testing::{Story, violation};

    fn handed(story: Story, to: &str) -> Story {
        story.claim("coordinator", Claim::Ordered { intent: Name::new("task-1/file"), to: Name::new(to) })
    }

    fn approved(story: Story, by: &str) -> Story {
        story.claim("coordinator", Claim::Approved { task: Name::new("task-1"), by: Name::new(by) })
    }

    #[test]
    fn somebody_else_may_approve() {
        let story = approved(handed(Story::default(), "executor-1"), "verifier");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn whoever_was_handed_a_step_may_not() {
        let story = approved(handed(Story::default(), "executor-1"), "executor-1");
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert_eq!(message, "executor-1 approved task-1, in which it had a hand itself");
    }

    #[test]
    fn whoever_called_a_tool_for_it_may_not_even_if_nobody_asked_them_to() {
        let [tool, operation, intent] = ["ticketing", "create", "task-1/file"].map(Name::new);
        let story = Story::default().note("passer-by", Note::Called { tool, operation, intent, op: OpId(1) });
        assert!(approved(story, "passer-by").judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn without_an_approval_there_is_nothing_to_judge() {
        assert_eq!(handed(Story::default(), "executor-1").judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn a_hand_in_another_task_or_only_later_is_none_in_this_one() {
        let [tool, operation, intent] = ["ticketing", "create", "task-10/file"].map(Name::new);
        let story = Story::default().note("b", Note::Called { tool, operation, intent, op: OpId(1) });
        assert_eq!(approved(story, "b").judged_by(&PROPERTY), Verdict::Holds);
        let story = handed(approved(Story::default(), "b"), "b");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn whoever_was_handed_the_whole_task_had_a_hand_in_it_from_then_on() {
        let order = Claim::Ordered { intent: Name::new("task-1"), to: Name::new("b") };
        let story = handed(Story::default().claim("coordinator", order), "b");
        assert_eq!(violation(approved(story, "b").judged_by(&PROPERTY)).0, [1, 3]);
    }

    #[test]
    fn an_approval_counts_by_who_gave_it_and_not_by_who_takes_it() {
        let story = handed(Story::default(), "coordinator");
        assert_eq!(approved(story, "verifier").judged_by(&PROPERTY), Verdict::Holds);
    }
}
