//! No deadlock: agents never wait for each other in a cycle.
//!
//! An agent waits for another when it has sent it a question or an order and no final answer has come. The
//! wait also ends if the agent continues without it (it calls a tool for the work on whose behalf it asked),
//! if it crashes, or if the run ends. A cycle that is broken in time is no deadlock; one that exists at the
//! end of the run, while its task has not ended, is. Only waits about the same task form a cycle: an agent
//! that waits for a colleague over one task can still work for it on another.

use crate::agent::{Purpose, TeamEvent, UserEvent, kinds};
use crate::properties::waits::Waits;
use crate::properties::wire::sent_for;
use crate::properties::{Property, TeamHistory, Verdict, cut_short};
use std::collections::BTreeSet;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-deadlock", "no agents wait for each other in a cycle", judge)
        .needs(kinds::purpose(Purpose::Ask))
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut asked = history.events_of(kinds::purpose(Purpose::Ask));
    if !asked.any(|event| sent_for(Purpose::Ask, event).is_some()) {
        return Verdict::Vacuous;
    }
    if let Some(too_soon) = cut_short(history) {
        return too_soon;
    }
    let mut given: BTreeSet<&str> = BTreeSet::new();
    let mut informed: BTreeSet<&str> = BTreeSet::new();
    for (_, note) in history.app_events_of(kinds::TASK_GIVEN.and(kinds::INFORMED)) {
        match note {
            TeamEvent::User(UserEvent::TaskGiven { task }) => given.insert(task.as_str()),
            TeamEvent::User(UserEvent::Informed { report, .. }) => informed.insert(report.task.as_str()),
            _ => false,
        };
    }
    if given.is_subset(&informed) && !given.is_empty() {
        return Verdict::Holds;
    }
    for (task, waits) in Waits::of_open_requests(history).by_task() {
        if let Some(circle) = waits.circle().filter(|_| !informed.contains(task)) {
            let because: Vec<_> = waits.in_cycle(&circle).collect();
            return Verdict::violated(&because, format!("{task} waits in a circle: {circle}"));
        }
    }
    Verdict::Holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Outcome};
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::{Name, RunEnd};

    fn asks(story: Story, who: &str, whom: &str, about: &str) -> Story {
        story.sends((who, whom), about, Headers::of(Purpose::Ask))
    }

    /// Two agents that wait for each other: the coder works on its code and needs the plan, and the planner
    /// works on the plan and needs the code.
    fn circle() -> Story {
        let for_the_sake_of =
            |step: &str| Headers { correlation: Some(Name::new(step)), ..Headers::of(Purpose::Ask) };
        let story =
            Story::default().sends(("coder", "planner"), "task-1/plan", for_the_sake_of("task-1/code"));
        story.sends(("planner", "coder"), "task-1/code", for_the_sake_of("task-1/plan"))
    }

    const ANSWER: Headers = Headers::of(Purpose::Answer);

    #[test]
    fn two_that_wait_for_each_other_when_the_run_ends_are_a_circle() {
        for stop in [RunEnd::Finished, RunEnd::Quiescent, RunEnd::Deadline] {
            let (events, message) = violation(circle().ended(stop).judged_by(&property()));
            assert_eq!(events, [1, 2]);
            assert_eq!(message, "task-1 waits in a circle: coder -> planner -> coder");
        }
    }

    #[test]
    fn a_wait_that_came_to_an_end_is_no_deadlock() {
        let story = asks(Story::default(), "coder", "planner", "task-1/plan");
        let story = story.tells(("planner", "coder"), "task-1/plan", ANSWER).ended(RunEnd::Finished);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_answer_of_any_kind_ends_a_wait_and_word_that_it_is_not_there_yet_does_not() {
        let told = |purpose| {
            let story = circle().tells(("planner", "coder"), "task-1/plan", Headers::of(purpose));
            story.ended(RunEnd::Deadline).judged_by(&property())
        };
        for purpose in [Purpose::Answer, Purpose::Done, Purpose::Failed, Purpose::Refused, Purpose::Rejection]
        {
            assert_eq!(told(purpose), Verdict::Holds, "{purpose:?}");
        }
        for purpose in [Purpose::Pending, Purpose::Cancel, Purpose::Handoff, Purpose::Claim] {
            assert_eq!(violation(told(purpose)).0, [1, 2], "{purpose:?}");
        }
    }

    #[test]
    fn only_the_answer_that_is_waited_for_ends_a_wait_and_only_if_it_arrives() {
        let not_there = circle().sends(("planner", "coder"), "task-1/plan", ANSWER);
        let about_another = circle().tells(("planner", "coder"), "task-1/docs", ANSWER);
        let of_another = circle().tells(("docs", "coder"), "task-1/plan", ANSWER);
        let to_another = circle().tells(("planner", "docs"), "task-1/plan", ANSWER);
        let without_headers = circle().tells(("planner", "coder"), "task-1/plan", Headers::NONE);
        for story in [not_there, about_another, of_another, to_another, without_headers] {
            assert_eq!(violation(story.ended(RunEnd::Deadline).judged_by(&property())).0, [1, 2]);
        }
    }

    #[test]
    fn to_ask_again_is_the_same_wait_and_to_ask_again_after_the_answer_is_another() {
        let again = asks(circle(), "coder", "planner", "task-1/plan");
        assert_eq!(violation(again.clone().judged_by(&property())).0, [1, 2], "the first asking is shown");
        let answered = again.tells(("planner", "coder"), "task-1/plan", ANSWER);
        assert_eq!(answered.clone().judged_by(&property()), Verdict::Holds);
        let anew = asks(answered, "coder", "planner", "task-1/plan");
        assert_eq!(violation(anew.judged_by(&property())).0, [2, 6]);
    }

    #[test]
    fn an_agent_that_calls_a_tool_for_its_own_step_has_gone_on_without_what_it_asked_for() {
        let goes_on = |who: &str, intent: &str| circle().called(who, intent).judged_by(&property());
        assert_eq!(goes_on("coder", "task-1/code"), Verdict::Holds);
        assert_eq!(goes_on("planner", "task-1/plan"), Verdict::Holds);
        assert_eq!(violation(goes_on("coder", "task-1/tests")).0, [1, 2], "it does something else meanwhile");
        assert_eq!(violation(goes_on("coder", "task-1/plan")).0, [1, 2], "it is about its colleague's step");
        assert_eq!(violation(goes_on("docs", "task-1/code")).0, [1, 2], "another does it");
    }

    #[test]
    fn a_call_ends_no_wait_that_is_not_on_behalf_of_what_it_is_for() {
        let story = asks(Story::default(), "coder", "planner", "task-1/plan");
        let story = asks(story, "planner", "coder", "task-1/code").called("coder", "task-1/code");
        assert_eq!(violation(story.judged_by(&property())).0, [1, 2], "they do not say what they ask for");
    }

    #[test]
    fn an_agent_that_died_waits_no_more_until_it_asks_again() {
        assert_eq!(circle().dies("coder").judged_by(&property()), Verdict::Holds);
        assert!(circle().dies("docs").judged_by(&property()).is_violated(), "it is not one of them");
        let again = asks(circle().dies("coder"), "coder#1", "planner", "task-1/plan");
        assert_eq!(violation(again.judged_by(&property())).0, [2, 4]);
    }

    #[test]
    fn an_agent_that_ordered_something_waits_for_it_as_well() {
        let story = || asks(Story::default(), "coder", "planner", "task-1/plan");
        for purpose in [Purpose::Order, Purpose::Undo] {
            let ordered = story().sends(("planner", "coder"), "task-1/code", Headers::of(purpose));
            assert_eq!(violation(ordered.judged_by(&property())).0, [1, 2]);
        }
        for purpose in [Purpose::Cancel, Purpose::Handoff, Purpose::Pending, Purpose::Claim, Purpose::Done] {
            let said = story().sends(("planner", "coder"), "task-1/code", Headers::of(purpose));
            assert_eq!(said.judged_by(&property()), Verdict::Holds, "{purpose:?}");
        }
    }

    #[test]
    fn a_chain_of_waits_is_no_deadlock() {
        let story = asks(Story::default(), "coder", "planner", "task-1/plan");
        let story = asks(story, "planner", "tester", "task-1/tests").ended(RunEnd::Deadline);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_circle_of_waits_is_one_and_all_that_are_in_it_are_named() {
        let mut story =
            Story::default().sends(("chair", "planner"), "task-1/plan", Headers::of(Purpose::Order));
        for (node, on, about) in [
            ("coder", "planner", "task-1/plan"),
            ("planner", "docs", "task-1/docs"),
            ("docs", "coder", "task-1/code"),
        ] {
            story = asks(story, node, on, about);
        }
        let (events, message) = violation(story.ended(RunEnd::Deadline).judged_by(&property()));
        assert_eq!(events, [2, 3, 4], "the chair waits, but no agent waits for it");
        assert_eq!(message, "task-1 waits in a circle: coder -> planner -> docs -> coder");
    }

    #[test]
    fn two_that_wait_for_each_other_over_different_tasks_do_not_block_each_other() {
        let story = asks(Story::default(), "coder", "planner", "task-1/plan");
        let story = asks(story, "planner", "coder", "task-2/code").ended(RunEnd::Deadline);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_circle_that_did_not_keep_the_task_from_ending_is_none() {
        for outcome in [Outcome::Done, Outcome::Failed, Outcome::Cancelled] {
            let story = circle().told("task-1", outcome).ended(RunEnd::Finished);
            assert_eq!(story.judged_by(&property()), Verdict::Holds);
        }
        assert!(circle().told("task-2", Outcome::Done).judged_by(&property()).is_violated());
    }

    #[test]
    fn where_no_agent_asked_another_for_anything_there_is_nothing_to_judge() {
        let story = Story::default().given("task-1");
        let story = story.sends(("chair", "coder"), "task-1/code", Headers::of(Purpose::Order));
        assert_eq!(story.ended(RunEnd::Finished).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_leaves_it_unknown() {
        for story in circle().cut_short() {
            assert_eq!(story.judged_by(&property()).word(), "unknown");
        }
    }

    #[test]
    fn a_circle_in_one_task_stands_whatever_became_of_another() {
        let mut story = Story::default().told("task-1", Outcome::Done);
        for (node, on, about) in [
            ("coder", "docs", "task-1/docs"),
            ("docs", "coder", "task-1/code"),
            ("coder", "docs", "task-2/docs"),
            ("docs", "coder", "task-2/code"),
        ] {
            story = asks(story, node, on, about);
        }
        let (events, message) = violation(story.ended(RunEnd::Deadline).judged_by(&property()));
        assert_eq!(events, [4, 5], "what they wait for over task-1 is none of it");
        assert_eq!(message, "task-2 waits in a circle: coder -> docs -> coder");
    }

    #[test]
    fn an_agent_that_waits_for_itself_is_a_circle_of_one() {
        let (events, message) =
            violation(asks(Story::default(), "coder", "coder", "task-1/code").judged_by(&property()));
        assert_eq!(events, [1]);
        assert_eq!(message, "task-1 waits in a circle: coder -> coder");
    }

    #[test]
    fn a_way_that_leads_nowhere_does_not_hide_the_circle_beside_it() {
        let mut story = Story::default();
        for (node, on) in
            [("coder", "archivist"), ("coder", "planner"), ("archivist", "user"), ("planner", "coder")]
        {
            story = asks(story, node, on, "task-1/code");
        }
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "task-1 waits in a circle: coder -> planner -> coder");
    }

    #[test]
    fn an_agent_that_waits_for_a_circle_is_not_in_it() {
        let mut story = Story::default();
        for (node, on) in [("a", "b"), ("b", "c"), ("c", "b")] {
            story = asks(story, node, on, "task-1/code");
        }
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "task-1 waits in a circle: b -> c -> b");
    }
}
