//! All who act on a plan for a task act on the same one.
//!
//! Drafts may differ, and will if they are made from different evidence; what may not differ is what is followed, by
//! others or by the same agent after a crash.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "plan-agreement",
    promise: "all who act on a plan for a task act on the same one",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut followed = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        let Note::Claimed(Claim::Follows { task, plan }) = *note else { continue };
        let (first, known) = *followed.entry(task).or_insert((event, plan));
        if known != plan {
            let message = format!(
                "{} follows plan {:04x} for {task}, and {} plan {:04x}",
                first.node,
                known >> 48,
                event.node,
                plan >> 48
            );
            return Verdict::violated(&[first, event], message);
        }
        if first.id != event.id {
            verdict = Verdict::Holds;
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Version;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;

    const PLAN: u64 = 0xc1d2 << 48;

    fn follows(story: Story, who: &str, task: &str, plan: u64) -> Story {
        story.claim(who, Claim::Follows { task: Name::new(task), plan })
    }

    #[test]
    fn one_plan_for_each_task_is_agreement() {
        let story = follows(follows(Story::default(), "a", "task-1", PLAN), "b", "task-1", PLAN);
        assert_eq!(follows(story, "b", "task-2", 7).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn two_plans_for_one_task_are_not() {
        let story = follows(follows(Story::default(), "a", "task-1", PLAN), "b", "task-1", PLAN >> 1);
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert_eq!(message, "a follows plan c1d2 for task-1, and b plan 60e9");
    }

    #[test]
    fn an_agent_that_changes_its_mind_disagrees_with_itself() {
        let story = follows(follows(Story::default(), "a", "task-1", PLAN), "a", "task-1", 0);
        assert!(story.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn drafts_may_differ() {
        let drafted = |story: Story, who: &str, plan| {
            story.claim(who, Claim::Drafted { task: Name::new("task-1"), plan, evidence: Version(0) })
        };
        let story = drafted(drafted(Story::default(), "a", PLAN), "b", 0);
        let story = follows(follows(story, "a", "task-1", 0), "b", "task-1", 0);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_plan_that_only_one_has_followed_is_nothing_to_agree_on() {
        assert_eq!(follows(Story::default(), "a", "task-1", PLAN).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn the_first_who_followed_a_plan_is_shown_and_each_task_has_its_own() {
        let story = follows(follows(Story::default(), "a", "task-1", PLAN), "b", "task-1", PLAN);
        let story = follows(story, "b", "task-2", 7);
        assert_eq!(violation(follows(story, "c", "task-1", 0).judged_by(&PROPERTY)).0, [1, 4]);
        let story = follows(follows(Story::default(), "a", "task-1", PLAN), "a", "task-2", PLAN);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous, "there is one follower of each");
    }
}
