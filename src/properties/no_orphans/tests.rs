//! Small histories of directors, managers and workers.

use super::*;
use crate::agent::Outcome;
use crate::properties::testing::{Story, violation};

const TASK: &str = "task-1";
const STEP: &str = "task-1/file";

/// A task that the director has handed to manager-1, and that one to worker-1; the bound is three seconds.
fn handed() -> Story {
    let bound = Note::Bound { property: Name::new(PROPERTY.name), at_most: 3_000_000_000 };
    let story = Story::default().note("user", bound).given(TASK);
    order(order(story, "director", TASK, "manager-1"), "manager-1", STEP, "worker-1")
}

fn order(story: Story, by: &str, intent: &str, to: &str) -> Story {
    story.claim(by, Claim::Ordered { intent: Name::new(intent), to: Name::new(to) })
}

fn thinks(story: Story, who: &str) -> Story {
    story.note(who, Note::Thought { about: Name::new(STEP), choice: 0, tokens_in: 1, tokens_out: 1 })
}

fn called_off(story: Story) -> Story {
    story.claim("director", Claim::CallsOff { task: Name::new(TASK) })
}

/// As many seconds in which nothing of interest happens.
fn later(story: Story, seconds: u32) -> Story {
    (0..seconds).fold(story, |story, _| story.event("elsewhere", What::Resumed))
}

#[test]
fn who_stops_in_time_is_no_orphan() {
    let story = later(thinks(handed().dies("manager-1"), "worker-1"), 9);
    assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
}

#[test]
fn who_goes_on_for_a_dead_parent_is_one() {
    let story = thinks(later(handed().dies("manager-1"), 3), "worker-1");
    let (events, message) = violation(story.judged_by(&PROPERTY));
    assert_eq!(events, [5, 6, 10]);
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-1 had died");
}

#[test]
fn it_makes_no_difference_how_far_above_somebody_died() {
    let story = later(handed().dies("director"), 3).called("worker-1", STEP);
    let (_, message) = violation(story.judged_by(&PROPERTY));
    assert_eq!(message, "worker-1 calls a tool for task-1/file, 4s after director had died");
}

#[test]
fn a_parent_that_is_back_can_be_worked_for() {
    let story = later(handed().dies("manager-1"), 3);
    let story = story.event("manager-1", What::Started { incarnation: 1 });
    assert_eq!(thinks(story, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
}

#[test]
fn who_goes_on_with_what_another_was_given_is_one() {
    let story = later(order(handed(), "director", TASK, "manager-2"), 3);
    for (who, given) in [("worker-1", "manager-2"), ("manager-1", "manager-2")] {
        let story = later(order(handed(), "director", TASK, "manager-2"), 3);
        let (_, message) = violation(thinks(story, who).judged_by(&PROPERTY));
        assert_eq!(message, format!("{who} thinks for task-1/file, 4s after {given} was given it"));
    }
    let again = order(story, "manager-2", STEP, "worker-1");
    assert_eq!(thinks(again, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
}

#[test]
fn who_goes_on_with_what_was_called_off_or_has_ended_is_one() {
    let (_, message) = violation(thinks(later(called_off(handed()), 3), "worker-1").judged_by(&PROPERTY));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 was called off");
    let ended = handed().told(TASK, Outcome::Done);
    let (_, message) = violation(thinks(later(ended, 3), "worker-1").judged_by(&PROPERTY));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 had ended");
}

#[test]
fn taking_back_is_not_going_on() {
    let (intent, tool) = (Name::new(STEP), Name::new("ticketing"));
    let undone_by = Note::UndoneBy { intent, tool, operation: Name::new("create") };
    let story = later(called_off(handed().note("user", undone_by)), 3).called("worker-1", STEP);
    assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
}

#[test]
fn an_agent_that_was_stopped_could_not_know() {
    let story = later(called_off(handed()), 3).event("worker-1", What::Resumed);
    assert_eq!(thinks(story, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
    let story = later(called_off(handed()), 3).event("worker-1", What::Resumed);
    assert!(thinks(later(story, 3), "worker-1").judged_by(&PROPERTY).is_violated());
}

#[test]
fn who_waits_at_the_end_for_somebody_who_is_gone_is_one() {
    let (on, why, about) = (Name::new("manager-1"), Name::new("a word"), Name::new(STEP));
    let story = later(handed().dies("manager-1"), 3);
    let (_, message) =
        violation(story.event("worker-1", What::Waiting { on, why, about }).judged_by(&PROPERTY));
    assert_eq!(message, "worker-1 waits for task-1/file, 4s after manager-1 had died");
}

#[test]
fn who_is_stopped_when_the_run_ends_waits_as_it_did_when_it_was_stopped() {
    let (on, why, about) = (Name::new("manager-1"), Name::new("a word"), Name::new(STEP));
    let waits = |story: Story| story.event("worker-1", What::Waiting { on, why, about }).judged_by(&PROPERTY);
    let stops = |story: Story| story.event("worker-1", What::Paused { span: SimSpan::from_secs(600) });
    assert_eq!(waits(later(stops(handed().dies("manager-1")), 9)), Verdict::Holds);
    assert!(waits(stops(later(handed().dies("manager-1"), 9))).is_violated());
    let back = stops(handed().dies("manager-1")).event("worker-1", What::Resumed);
    assert!(waits(later(back, 9)).is_violated());
}

#[test]
fn where_nobody_lost_anything_there_is_nothing_to_judge() {
    assert_eq!(thinks(handed(), "worker-1").judged_by(&PROPERTY), Verdict::Vacuous);
    let done = called_off(handed().effect(STEP, 1).dies("manager-1"));
    assert_eq!(done.judged_by(&PROPERTY), Verdict::Holds, "the manager had it in hand");
    let elsewhere = handed().dies("manager-2");
    assert_eq!(elsewhere.judged_by(&PROPERTY), Verdict::Vacuous);
}

#[test]
fn where_nobody_asks_for_it_nothing_is_promised() {
    let story = order(Story::default().given(TASK), "manager-1", STEP, "worker-1");
    let story = thinks(later(story.dies("manager-1"), 9), "worker-1");
    assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
}

#[test]
fn a_run_that_was_cut_short_leaves_it_unknown() {
    for story in handed().dies("manager-1").cut_short() {
        assert_eq!(story.judged_by(&PROPERTY).word(), "unknown");
    }
}

/// A task that the director has handed to manager-1, which has not passed it on.
fn handed_to_one() -> Story {
    let bound = Note::Bound { property: Name::new(PROPERTY.name), at_most: 3_000_000_000 };
    order(Story::default().note("user", bound).given(TASK), "director", TASK, "manager-1")
}

#[test]
fn the_bound_is_the_last_moment_at_which_somebody_may_go_on() {
    let worked_after = |seconds: u32| thinks(later(handed().dies("manager-1"), seconds - 1), "worker-1");
    assert_eq!(worked_after(3).judged_by(&PROPERTY), Verdict::Holds);
    assert!(worked_after(4).judged_by(&PROPERTY).is_violated());
}

#[test]
fn who_was_handed_nothing_is_nobodys_orphan() {
    let story = thinks(later(handed().dies("manager-1"), 9), "passer-by");
    assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
}

#[test]
fn every_way_to_end_is_an_end_and_the_first_one_counts() {
    for outcome in [Outcome::Done, Outcome::Failed, Outcome::Cancelled] {
        let story = thinks(later(handed().told(TASK, outcome), 3), "worker-1");
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [5, 6, 10]);
        assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 had ended");
    }
    let twice = later(called_off(handed()), 3).told(TASK, Outcome::Cancelled);
    let (_, message) = violation(thinks(twice, "worker-1").judged_by(&PROPERTY));
    assert_eq!(message, "worker-1 thinks for task-1/file, 5s after task-1 was called off");
    let other = handed().claim("director", Claim::CallsOff { task: Name::new("task-2") });
    assert_eq!(thinks(later(other, 3), "worker-1").judged_by(&PROPERTY), Verdict::Vacuous);
}

#[test]
fn to_be_handed_the_same_again_takes_nothing_away() {
    let story = later(order(handed(), "manager-1", STEP, "worker-1"), 9);
    assert_eq!(thinks(story, "worker-1").judged_by(&PROPERTY), Verdict::Vacuous);
    let there_and_back = order(order(handed(), "manager-1", STEP, "worker-2"), "manager-1", STEP, "worker-1");
    let story = later(there_and_back, 9);
    assert_eq!(thinks(story.clone(), "worker-1").judged_by(&PROPERTY), Verdict::Holds);
    assert!(thinks(story, "worker-2").judged_by(&PROPERTY).is_violated());
}

#[test]
fn an_agent_that_was_dead_could_not_know_and_one_that_had_been_before_could() {
    let wakes = |story: Story| story.event("worker-1", What::Started { incarnation: 1 });
    let woken_after = wakes(later(called_off(handed()).dies("worker-1"), 3));
    assert_eq!(thinks(woken_after, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
    let woken_before = later(called_off(wakes(handed().dies("worker-1"))), 3);
    assert!(thinks(woken_before, "worker-1").judged_by(&PROPERTY).is_violated());
    let another_woken = later(called_off(handed()), 3).event("worker-2", What::Resumed);
    assert!(thinks(another_woken, "worker-1").judged_by(&PROPERTY).is_violated());
}

#[test]
fn only_who_has_something_in_hand_and_undone_can_lose_it() {
    assert_eq!(handed_to_one().dies("director").judged_by(&PROPERTY), Verdict::Holds);
    assert_eq!(handed().dies("manager-1").judged_by(&PROPERTY), Verdict::Holds);
    assert_eq!(handed().effect(STEP, 1).dies("manager-1").judged_by(&PROPERTY), Verdict::Vacuous);
    let undone = handed().note("user", undone_by_withdrawing()).effect(STEP, 1).undo(STEP, 2);
    assert_eq!(undone.dies("manager-1").judged_by(&PROPERTY), Verdict::Holds);
    let passed_on = order(handed_to_one(), "manager-1", TASK, "manager-2");
    assert_eq!(passed_on.clone().judged_by(&PROPERTY), Verdict::Vacuous, "it gave it away itself");
    assert_eq!(passed_on.dies("director").judged_by(&PROPERTY), Verdict::Vacuous, "manager-1 has it no more");
    let taken = order(handed_to_one(), "director", TASK, "manager-2");
    assert_eq!(taken.judged_by(&PROPERTY), Verdict::Holds);
    let another_task = order(handed_to_one(), "director", "task-2", "manager-2");
    assert_eq!(another_task.judged_by(&PROPERTY), Verdict::Vacuous);
}

#[test]
fn to_call_off_a_task_takes_it_and_its_steps_from_those_who_have_them() {
    assert_eq!(called_off(handed_to_one()).judged_by(&PROPERTY), Verdict::Holds);
    let bound = Note::Bound { property: Name::new(PROPERTY.name), at_most: 3_000_000_000 };
    let only_a_step = order(Story::default().note("user", bound).given(TASK), "manager-1", STEP, "worker-1");
    assert_eq!(called_off(only_a_step).judged_by(&PROPERTY), Verdict::Holds);
    let by_the_holder = handed_to_one().claim("manager-1", Claim::CallsOff { task: Name::new(TASK) });
    assert_eq!(by_the_holder.judged_by(&PROPERTY), Verdict::Vacuous);
    let another = handed_to_one().claim("director", Claim::CallsOff { task: Name::new("task-2") });
    assert_eq!(another.judged_by(&PROPERTY), Verdict::Vacuous);
}

fn undone_by_withdrawing() -> Note {
    let [intent, tool, operation] = [STEP, "ticketing", "withdraw"].map(Name::new);
    Note::UndoneBy { intent, tool, operation }
}
