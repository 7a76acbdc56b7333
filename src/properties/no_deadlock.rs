//! Agents never wait for each other in a circle.
//!
//! A circle that somebody breaks in time is no deadlock; one that stands when the run is over and its task has not ended
//! is. Only waits about one and the same task make a circle: who waits for a colleague over one task can still work
//! for them on another.

use crate::agent::{Claim, Note};
use crate::properties::waits::{Waits, task_of};
use crate::properties::{Property, TeamHistory, Verdict, cut_short};
use std::collections::BTreeSet;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-deadlock",
    promise: "agents do not wait for each other in a circle",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    if let Some(too_soon) = cut_short(history) {
        return too_soon;
    }
    let informed: BTreeSet<&str> = history
        .notes()
        .filter_map(|(_, note)| match note {
            Note::Informed { report, .. } => Some(report.task.as_str()),
            _ => None,
        })
        .collect();
    for (task, waits) in Waits::at_the_end_of(history).by_task() {
        if let Some(circle) = waits.circle().filter(|_| !informed.contains(task)) {
            let began = history.notes().filter_map(|(event, note)| match note {
                Note::Claimed(Claim::Awaits { intent, on }) => Some((event, *on, *intent)),
                _ => None,
            });
            let of_circle = |(event, on, intent): (_, _, _)| {
                (circle.contains(event, on) && task_of(intent) == task).then_some(event)
            };
            let because: Vec<_> = began.filter_map(of_circle).chain(waits.in_circle(&circle)).collect();
            return Verdict::violated(&because, format!("{task} waits in a circle: {circle}"));
        }
    }
    let waited = history.notes().any(|(_, note)| matches!(note, Note::Claimed(Claim::Awaits { .. })));
    if waited { Verdict::Holds } else { Verdict::Vacuous }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Outcome;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::{Name, Stop, What};

    fn awaited() -> Story {
        let (intent, on) = (Name::new("task-1/code"), Name::new("planner"));
        Story::default().claim("coder", Claim::Awaits { intent, on })
    }

    fn waits(story: Story, node: &str, on: &str, about: &str) -> Story {
        let (on, why, about) = (Name::new(on), Name::new("their piece"), Name::new(about));
        story.event(node, What::Waiting { on, why, about })
    }

    #[test]
    fn a_wait_that_came_to_an_end_is_no_deadlock() {
        let story = awaited().event("world", What::Ended(Stop::Finished));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_chain_of_waits_is_no_deadlock() {
        let story = waits(awaited(), "coder", "planner", "task-1/code");
        let story =
            waits(story, "planner", "tester", "task-1/plan").event("world", What::Ended(Stop::Deadline));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_circle_of_waits_is_one_and_everybody_in_it_is_named() {
        let mut story = waits(awaited(), "chair", "planner", "task-1");
        for (node, on, about) in [
            ("coder", "planner", "task-1/code"),
            ("planner", "docs", "task-1/plan"),
            ("docs", "coder", "task-1/docs"),
        ] {
            story = waits(story, node, on, about);
        }
        let (events, message) =
            violation(story.event("world", What::Ended(Stop::Deadline)).judged_by(&PROPERTY));
        assert_eq!(events, [1, 3, 4, 5], "the chair waits, but nobody waits for it");
        assert_eq!(message, "task-1 waits in a circle: coder -> planner -> docs -> coder");
    }

    #[test]
    fn two_who_wait_for_each_other_over_different_tasks_do_not_block_each_other() {
        let story = waits(awaited(), "coder", "planner", "task-1/code");
        let story =
            waits(story, "planner", "coder", "task-2/plan").event("world", What::Ended(Stop::Deadline));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_circle_that_did_not_keep_the_task_from_ending_is_none() {
        let story = awaited().told("task-1", Outcome::Done);
        let story = waits(waits(story, "coder", "docs", "task-1/code"), "docs", "coder", "task-1/docs");
        assert_eq!(story.event("world", What::Ended(Stop::Finished)).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn where_nobody_waited_for_a_colleague_there_is_nothing_to_judge() {
        let story = Story::default().given("task-1").event("world", What::Ended(Stop::Finished));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_leaves_it_unknown() {
        for story in awaited().cut_short() {
            assert_eq!(story.judged_by(&PROPERTY).word(), "unknown");
        }
    }

    #[test]
    fn a_circle_in_one_task_stands_whatever_became_of_another() {
        let story = awaited().told("task-1", Outcome::Done);
        let (intent, on) = (Name::new("task-2/code"), Name::new("docs"));
        let mut story = story.claim("coder", Claim::Awaits { intent, on });
        for (node, on, about) in [
            ("coder", "docs", "task-1/code"),
            ("docs", "coder", "task-1/docs"),
            ("coder", "docs", "task-2/code"),
            ("docs", "coder", "task-2/docs"),
        ] {
            story = waits(story, node, on, about);
        }
        let (events, message) = violation(story.ended(Stop::Deadline).judged_by(&PROPERTY));
        assert_eq!(events, [3, 6, 7], "what they wait for over task-1 is none of it");
        assert_eq!(message, "task-2 waits in a circle: coder -> docs -> coder");
    }

    #[test]
    fn who_waits_for_itself_is_a_circle_of_one() {
        let story = waits(awaited(), "coder", "coder", "task-1/code");
        let (_, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(message, "task-1 waits in a circle: coder -> coder");
    }

    #[test]
    fn a_way_that_leads_nowhere_does_not_hide_the_circle_beside_it() {
        let mut story = awaited();
        for (node, on) in
            [("coder", "archivist"), ("coder", "planner"), ("archivist", "user"), ("planner", "coder")]
        {
            story = waits(story, node, on, "task-1/code");
        }
        let (_, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(message, "task-1 waits in a circle: coder -> planner -> coder");
    }

    #[test]
    fn one_who_waits_for_a_circle_is_not_in_it() {
        let mut story = awaited();
        for (node, on) in [("a", "b"), ("b", "c"), ("c", "b")] {
            story = waits(story, node, on, "task-1/code");
        }
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [3, 4]);
        assert_eq!(message, "task-1 waits in a circle: b -> c -> b");
    }
}
