//! After faults end, every task ends and its user gets a report.
//!
//! A violation names the tasks that have not ended and the agents that wait for each other; if those waits
//! form a cycle, it is reported as a deadlock.

use crate::agent::{TeamEvent, UserEvent, kinds};
use crate::properties::waits::Waits;
use crate::properties::{EVENTUAL_TERMINATION, Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::RunEnd;
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(EVENTUAL_TERMINATION, "every task ends, and its user is told", judge)
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut open = BTreeMap::new();
    let mut given = false;
    for (event, note) in history.app_events_of(kinds::TASK_GIVEN.and(kinds::INFORMED)) {
        match note {
            TeamEvent::User(UserEvent::TaskGiven { task }) => {
                given = true;
                open.insert(*task, event);
            }
            TeamEvent::User(UserEvent::Informed { report, .. }) => drop(open.remove(&report.task)),
            _ => {}
        }
    }
    let stop = history.ended();
    if let Some(too_soon) = cut_short(history) {
        return too_soon;
    }
    match open.first_key_value() {
        None if given => Verdict::Holds,
        None => Verdict::Vacuous,
        Some((task, given)) => {
            let mut waits = Waits::at_the_end_of(history);
            if waits.circle().is_none() {
                waits.keep_task(*task);
            }
            let because: Vec<_> = [*given].into_iter().chain(waits.events()).collect();
            let others = match open.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            Verdict::violated(&because, format!("{task}{others} never ended: {}", in_words(&waits, stop)))
        }
    }
}

fn in_words(waits: &Waits<'_>, stop: Option<RunEnd>) -> String {
    if let Some(circle) = waits.circle() {
        return format!("deadlock, {circle}");
    }
    match (waits.is_empty(), stop) {
        (false, _) => waits.to_string(),
        (true, Some(RunEnd::Quiescent)) => "every agent is idle, and none says what it waits for".to_owned(),
        (true, _) => "time ran out".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Outcome;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::{EventKind, Name};

    fn informed(story: Story) -> Story {
        story.told("task-1", Outcome::Done)
    }

    fn waits(story: Story, node: &str, on: &str) -> Story {
        let (on, why, about) = (Name::new(on), Name::new("a review"), Name::new("task-1"));
        story.event(node, EventKind::Waiting { on, why, about })
    }

    #[test]
    fn a_task_whose_end_was_heard_of_has_ended() {
        let story =
            informed(Story::default().given("task-1")).event("world", EventKind::Ended(RunEnd::Finished));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_task_without_a_report_has_not_and_the_blocker_is_named() {
        let story = waits(Story::default().given("task-1"), "user", "coordinator")
            .event("world", EventKind::Ended(RunEnd::Deadline));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [1, 3]);
        assert_eq!(message, "task-1 never ended: user waits for coordinator (a review, task-1)");
    }

    #[test]
    fn a_cycle_of_waits_is_shown_as_a_deadlock() {
        let mut story = Story::default().given("task-1");
        for (node, on) in
            [("user", "planner"), ("planner", "coder"), ("coder", "tester"), ("tester", "planner")]
        {
            story = waits(story, node, on);
        }
        let story = story.event("world", EventKind::Ended(RunEnd::Quiescent));
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "task-1 never ended: deadlock, coder -> tester -> planner -> coder");
    }

    #[test]
    fn without_tasks_there_is_nothing_to_judge() {
        assert_eq!(Story::default().effect("task-1/file", 1).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_leaves_it_unknown() {
        for story in Story::default().given("task-1").cut_short() {
            assert_eq!(story.judged_by(&property()).word(), "unknown");
        }
    }

    #[test]
    fn a_task_that_ends_says_nothing_about_the_others() {
        let story = informed(Story::default().given("task-1").given("task-2").given("task-3"));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [3]);
        assert_eq!(message, "task-2 (and 1 more) never ended: time ran out");
    }

    #[test]
    fn only_those_who_wait_about_the_task_are_named_if_there_are_any() {
        let story = waits(Story::default().given("task-1"), "user", "coordinator");
        let (on, why, about) = (Name::new("b"), Name::new("a word"), Name::new("task-10/file"));
        let elsewhere = EventKind::Waiting { on, why, about };
        let (events, message) = violation(story.event("a", elsewhere.clone()).judged_by(&property()));
        assert_eq!(events, [1, 3]);
        assert_eq!(message, "task-1 never ended: user waits for coordinator (a review, task-1)");
        let (events, _) =
            violation(Story::default().given("task-1").event("a", elsewhere).judged_by(&property()));
        assert_eq!(events, [1, 3], "an agent that waits about something else is better than none");
    }

    #[test]
    fn a_circle_is_to_blame_whatever_its_members_wait_about() {
        let mut story = waits(Story::default().given("task-1"), "user", "coordinator");
        for (node, on) in [("coordinator", "coder"), ("coder", "coordinator")] {
            let (on, why, about) = (Name::new(on), Name::new("a word"), Name::new("task-2/code"));
            story = story.event(node, EventKind::Waiting { on, why, about });
        }
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "task-1 never ended: deadlock, coder -> coordinator -> coder");
    }

    #[test]
    fn the_dead_are_named_as_such_and_long_lists_are_cut() {
        let mut story = Story::default().given("task-1").dies("coordinator").dies("back-again");
        story = story.event("back-again", EventKind::Started { incarnation: 1 });
        for node in ["a", "b", "c", "d", "e", "f"] {
            story = waits(story, node, if node == "a" { "back-again" } else { "coordinator" });
        }
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(
            message,
            "task-1 never ended: a waits for back-again (a review, task-1); b waits for coordinator, which is dead (a \
             review, task-1); c waits for coordinator, which is dead (a review, task-1); d waits for coordinator, which \
             is dead (a review, task-1); 2 more wait"
        );
    }

    #[test]
    fn without_declared_waits_the_end_of_the_run_says_why() {
        for (stop, words) in [
            (RunEnd::Quiescent, "every agent is idle, and none says what it waits for"),
            (RunEnd::Deadline, "time ran out"),
        ] {
            let (_, message) = violation(Story::default().given("task-1").ended(stop).judged_by(&property()));
            assert_eq!(message, format!("task-1 never ended: {words}"));
        }
    }
}
