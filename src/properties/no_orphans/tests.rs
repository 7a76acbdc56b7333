//! Small histories of directors, managers and workers.

use super::*;
use crate::agent::{Headers, Outcome, UserEvent};
use crate::properties::testing::{Story, completed, message, violation};

const TASK: &str = "task-1";
const STEP: &str = "task-1/file";

/// A user with a task, and a bound of three seconds.
fn bounded() -> Story {
    let property = Name::new(property().name);
    let bound = TeamEvent::User(UserEvent::Bound { property, at_most: 3_000_000_000 });
    Story::default().record_event("user", bound).given(TASK)
}

/// A task that the director has handed to manager-1, and that one to worker-1.
fn handed() -> Story {
    order(order(bounded(), "director", TASK, "manager-1"), "manager-1", STEP, "worker-1")
}

fn order(story: Story, by: &str, intent: &str, to: &str) -> Story {
    story.tells((by, to), intent, Headers::of(Purpose::Order))
}

fn thinks(story: Story, who: &str) -> Story {
    story.record_event(who, TeamEvent::Agent(completed(Name::new(STEP))))
}

fn cancel(story: Story, by: &str, about: &str) -> Story {
    story.sends((by, "manager-1"), about, Headers::of(Purpose::Cancel))
}

fn cancelled(story: Story) -> Story {
    cancel(story, "director", TASK)
}

/// So many seconds without relevant events.
fn later(story: Story, seconds: u32) -> Story {
    (0..seconds).fold(story, |story, _| story.event("elsewhere", EventKind::Resumed))
}

#[test]
fn an_agent_that_stops_in_time_is_no_orphan() {
    let story = later(thinks(handed().dies("manager-1"), "worker-1"), 9);
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_goes_on_for_a_dead_parent_is_one() {
    let story = thinks(later(handed().dies("manager-1"), 3), "worker-1");
    let (events, message) = violation(story.judged_by(&property()));
    assert_eq!(events, [7, 8, 12]);
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-1 had died");
}

#[test]
fn an_agent_whose_loop_goes_on_for_a_dead_parent_is_one() {
    let story = later(handed().dies("manager-1"), 3).chats_as("worker-1", STEP, &[]);
    let (_, message) = violation(story.judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-1 had died");
}

#[test]
fn it_makes_no_difference_how_far_above_an_agent_died() {
    let story = later(handed().dies("director"), 3).called("worker-1", STEP);
    let (_, message) = violation(story.judged_by(&property()));
    assert_eq!(message, "worker-1 calls a tool for task-1/file, 4s after director had died");
}

#[test]
fn a_parent_that_is_back_can_be_worked_for() {
    let story = later(handed().dies("manager-1"), 3);
    let story = story.event("manager-1", EventKind::Started { incarnation: 1 });
    assert_eq!(thinks(story, "worker-1").judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_goes_on_with_what_another_was_given_is_one() {
    let story = later(order(handed(), "director", TASK, "manager-2"), 3);
    for (who, given) in [("worker-1", "manager-2"), ("manager-1", "manager-2")] {
        let story = later(order(handed(), "director", TASK, "manager-2"), 3);
        let (_, message) = violation(thinks(story, who).judged_by(&property()));
        assert_eq!(message, format!("{who} thinks for task-1/file, 4s after {given} was given it"));
    }
    let again = order(story, "manager-2", STEP, "worker-1");
    assert_eq!(thinks(again, "worker-1").judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_goes_on_with_what_was_cancelled_or_has_ended_is_one() {
    let (events, message) =
        violation(thinks(later(cancelled(handed()), 3), "worker-1").judged_by(&property()));
    assert_eq!(events, [7, 8, 12]);
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 was cancelled");
    let ended = handed().told(TASK, Outcome::Done);
    let (_, message) = violation(thinks(later(ended, 3), "worker-1").judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 had ended");
}

#[test]
fn taking_back_is_not_going_on() {
    let (intent, tool) = (Name::new(STEP), Name::new("ticketing"));
    let undone_by = TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation: Name::new("create") });
    let story = later(cancelled(handed().record_event("user", undone_by)), 3).called("worker-1", STEP);
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_was_stopped_could_not_know() {
    let story = later(cancelled(handed()), 3).event("worker-1", EventKind::Resumed);
    assert_eq!(thinks(story, "worker-1").judged_by(&property()), Verdict::Holds);
    let story = later(cancelled(handed()), 3).event("worker-1", EventKind::Resumed);
    assert!(thinks(later(story, 3), "worker-1").judged_by(&property()).is_violated());
}

#[test]
fn where_no_agent_lost_anything_there_is_nothing_to_judge() {
    assert_eq!(thinks(handed(), "worker-1").judged_by(&property()), Verdict::Vacuous);
    let done = cancelled(handed().effect(STEP, 1).dies("manager-1"));
    assert_eq!(done.judged_by(&property()), Verdict::Holds, "the manager had it in hand");
    let elsewhere = handed().dies("manager-2");
    assert_eq!(elsewhere.judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn where_the_user_does_not_ask_for_it_nothing_is_promised() {
    let story = order(Story::default().given(TASK), "manager-1", STEP, "worker-1");
    let story = thinks(later(story.dies("manager-1"), 9), "worker-1");
    assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn a_run_that_was_cut_short_leaves_it_unknown() {
    for story in handed().dies("manager-1").cut_short() {
        assert_eq!(story.judged_by(&property()).word(), "unknown");
    }
}

/// A task that the director has handed to manager-1, which has not passed it on.
fn handed_to_one() -> Story {
    order(bounded(), "director", TASK, "manager-1")
}

#[test]
fn the_bound_is_the_last_moment_at_which_an_agent_may_go_on() {
    let worked_after = |seconds: u32| thinks(later(handed().dies("manager-1"), seconds - 1), "worker-1");
    assert_eq!(worked_after(3).judged_by(&property()), Verdict::Holds);
    assert!(worked_after(4).judged_by(&property()).is_violated());
}

#[test]
fn an_agent_that_was_handed_nothing_is_no_orphan() {
    let story = thinks(later(handed().dies("manager-1"), 9), "passer-by");
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn every_way_to_end_is_an_end_and_the_first_one_counts() {
    for outcome in [Outcome::Done, Outcome::Failed, Outcome::Cancelled] {
        let story = thinks(later(handed().told(TASK, outcome), 3), "worker-1");
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [7, 8, 12]);
        assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 had ended");
    }
    let twice = later(cancelled(handed()), 3).told(TASK, Outcome::Cancelled);
    let (_, message) = violation(thinks(twice, "worker-1").judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 5s after task-1 was cancelled");
    let other = cancel(handed(), "director", "task-2");
    assert_eq!(thinks(later(other, 3), "worker-1").judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn to_be_handed_the_same_again_takes_nothing_away() {
    let story = later(order(handed(), "manager-1", STEP, "worker-1"), 9);
    assert_eq!(thinks(story, "worker-1").judged_by(&property()), Verdict::Vacuous);
    let there_and_back = order(order(handed(), "manager-1", STEP, "worker-2"), "manager-1", STEP, "worker-1");
    let story = later(there_and_back, 9);
    assert_eq!(thinks(story.clone(), "worker-1").judged_by(&property()), Verdict::Holds);
    assert!(thinks(story, "worker-2").judged_by(&property()).is_violated());
}

#[test]
fn an_agent_that_was_dead_could_not_know_and_one_that_had_been_before_could() {
    let wakes = |story: Story| story.event("worker-1", EventKind::Started { incarnation: 1 });
    let woken_after = wakes(later(cancelled(handed()).dies("worker-1"), 3));
    assert_eq!(thinks(woken_after, "worker-1#1").judged_by(&property()), Verdict::Holds);
    let woken_before = later(cancelled(wakes(handed().dies("worker-1"))), 3);
    assert!(thinks(woken_before, "worker-1#1").judged_by(&property()).is_violated());
    let another_woken = later(cancelled(handed()), 3).event("worker-2", EventKind::Resumed);
    assert!(thinks(another_woken, "worker-1").judged_by(&property()).is_violated());
}

#[test]
fn only_an_agent_that_has_something_in_hand_and_undone_can_lose_it() {
    assert_eq!(handed_to_one().dies("director").judged_by(&property()), Verdict::Holds);
    assert_eq!(handed().dies("manager-1").judged_by(&property()), Verdict::Holds);
    assert_eq!(handed().effect(STEP, 1).dies("manager-1").judged_by(&property()), Verdict::Vacuous);
    let undone = handed().record_event("user", undone_by_withdrawing()).effect(STEP, 1).undo(STEP, 2);
    assert_eq!(undone.dies("manager-1").judged_by(&property()), Verdict::Holds);
    let passed_on = order(handed_to_one(), "manager-1", TASK, "manager-2");
    assert_eq!(passed_on.clone().judged_by(&property()), Verdict::Vacuous, "it gave it away itself");
    assert_eq!(
        passed_on.dies("director").judged_by(&property()),
        Verdict::Vacuous,
        "manager-1 has it no more"
    );
    let taken = order(handed_to_one(), "director", TASK, "manager-2");
    assert_eq!(taken.judged_by(&property()), Verdict::Holds);
    let another_task = order(handed_to_one(), "director", "task-2", "manager-2");
    assert_eq!(another_task.judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn to_cancel_a_task_takes_it_and_its_steps_from_those_who_have_them() {
    assert_eq!(cancelled(handed_to_one()).judged_by(&property()), Verdict::Holds);
    let only_a_step = order(bounded(), "manager-1", STEP, "worker-1");
    assert_eq!(cancelled(only_a_step).judged_by(&property()), Verdict::Holds);
    let by_the_holder = cancel(handed_to_one(), "manager-1", TASK);
    assert_eq!(by_the_holder.judged_by(&property()), Verdict::Vacuous);
    let another = cancel(handed_to_one(), "director", "task-2");
    assert_eq!(another.judged_by(&property()), Verdict::Vacuous);
}

/// A task that the user has ordered of the director.
fn ordered_by_the_user() -> Story {
    order(bounded(), "user", TASK, "director")
}

#[test]
fn what_the_user_orders_has_no_parent() {
    let again = order(ordered_by_the_user(), "user", TASK, "director-2");
    for story in [ordered_by_the_user().dies("user"), again] {
        assert_eq!(thinks(later(story, 9), "director").judged_by(&property()), Verdict::Vacuous);
    }
    // The same orders by an agent that has given no task of its own.
    let by_an_agent = || order(handed(), "clerk", TASK, "director");
    for story in [by_an_agent().dies("clerk"), order(by_an_agent(), "clerk", TASK, "director-2")] {
        assert!(thinks(later(story, 9), "director").judged_by(&property()).is_violated());
    }
}

#[test]
fn what_the_user_no_longer_wants_is_over_once_the_team_cancels_it() {
    let story = order(ordered_by_the_user(), "director", TASK, "manager-1");
    let story = cancel(
        story.record_event("user", TeamEvent::User(UserEvent::Withdrawn { task: Name::new(TASK) })),
        "user",
        TASK,
    );
    let going_on = thinks(later(story.clone(), 9), "manager-1");
    assert_eq!(going_on.judged_by(&property()), Verdict::Vacuous, "the director may not know yet");
    let story = thinks(later(cancel(later(story, 9), "director", TASK), 3), "manager-1");
    let (events, message) = violation(story.judged_by(&property()));
    assert_eq!(events, [7, 19, 23]);
    assert_eq!(message, "manager-1 thinks for task-1/file, 4s after task-1 was cancelled");
}

#[test]
fn the_order_of_another_orderer_takes_nothing_away() {
    let twice = || order(handed(), "auditor", STEP, "worker-2");
    for who in ["worker-1", "worker-2"] {
        assert!(!thinks(later(twice(), 9), who).judged_by(&property()).is_violated(), "{who}");
    }
    let taken = thinks(later(order(twice(), "manager-1", STEP, "worker-3"), 3), "worker-1");
    let (events, message) = violation(taken.judged_by(&property()));
    assert_eq!(events, [7, 11, 15]);
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after worker-3 was given it");
    let of_the_other = thinks(later(order(twice(), "manager-1", STEP, "worker-3"), 3), "worker-2");
    assert!(!of_the_other.judged_by(&property()).is_violated(), "it works for the auditor");
}

#[test]
fn the_order_that_came_last_says_whom_an_agent_works_for() {
    let story = || order(handed(), "manager-2", STEP, "worker-1");
    let going_on = |dead: &str| thinks(later(story().dies(dead), 3), "worker-1").judged_by(&property());
    assert!(!going_on("manager-1").is_violated());
    let (events, message) = violation(going_on("manager-2"));
    assert_eq!(events, [9, 10, 14]);
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-2 had died");
}

#[test]
fn only_an_order_hands_work_on_and_only_a_cancel_ends_it() {
    for purpose in [Purpose::Ask, Purpose::Handoff, Purpose::Undo, Purpose::Done, Purpose::Cancelled] {
        let says = |to: &str, about: &str| {
            let story = handed().sends(("director", to), about, Headers::of(purpose));
            thinks(later(story, 9), "worker-1").judged_by(&property())
        };
        assert_eq!(says("manager-2", TASK), Verdict::Vacuous, "{purpose:?}");
        assert_eq!(says("manager-1", STEP), Verdict::Vacuous, "{purpose:?}");
    }
}

/// Another incarnation of an agent starts beside the first one.
fn twin(story: Story, who: &str) -> Story {
    story.event(&format!("{who}#1"), EventKind::Started { incarnation: 1 })
}

#[test]
fn an_order_that_does_not_arrive_takes_nothing_and_hands_nothing_on() {
    let lost = handed().sends(("director", "manager-2"), TASK, Headers::of(Purpose::Order));
    assert_eq!(thinks(later(lost, 9), "worker-1").judged_by(&property()), Verdict::Vacuous);
    let never_arrived = handed_to_one().sends(("manager-1", "worker-1"), STEP, Headers::of(Purpose::Order));
    let story = thinks(later(never_arrived.dies("manager-1"), 9), "worker-1");
    assert!(!story.judged_by(&property()).is_violated(), "it does not work for manager-1");
}

#[test]
fn a_copy_of_an_order_that_comes_after_the_work_was_given_to_another_hands_nothing_back() {
    let given = order(handed(), "manager-1", STEP, "worker-2");
    let [from, kind, about] = ["manager-1", "word", STEP].map(Name::new);
    let content = message(Headers::of(Purpose::Order));
    let copy = EventKind::Delivered { from, kind, about, is_reply: false, content };
    let story = later(given.event_because_of(Some(6), "worker-1", copy), 3);
    assert!(!thinks(story.clone(), "worker-2").judged_by(&property()).is_violated());
    let (_, message) = violation(thinks(story, "worker-1").judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 5s after worker-2 was given it");
}

#[test]
fn an_agent_that_is_ordered_to_do_lost_work_again_is_no_orphan_until_another_gets_it() {
    let lost = |story: Story| story.sends(("manager-1", "worker-1"), STEP, Headers::of(Purpose::Order));
    let taken = || later(order(handed(), "manager-1", STEP, "worker-2"), 9);
    assert!(thinks(taken(), "worker-1").judged_by(&property()).is_violated());
    let again = later(lost(taken()), 9);
    assert_eq!(thinks(again.clone(), "worker-1").judged_by(&property()), Verdict::Holds);
    let taken_again = later(order(again, "manager-1", STEP, "worker-2"), 3);
    assert_eq!(thinks(taken_again.clone(), "worker-2").judged_by(&property()), Verdict::Holds);
    let (_, message) = violation(thinks(taken_again, "worker-1").judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after worker-2 was given it");
}

#[test]
fn a_late_copy_of_an_order_counts_if_its_sender_orders_the_work_again() {
    let [from, kind, about] = ["manager-1", "word", STEP].map(Name::new);
    let content = message(Headers::of(Purpose::Order));
    let copy = EventKind::Delivered { from, kind, about, is_reply: false, content };
    let given = order(handed(), "manager-1", STEP, "worker-2");
    let wanted_again = given.sends(("manager-1", "worker-1"), STEP, Headers::of(Purpose::Order));
    let story = later(wanted_again.event_because_of(Some(6), "worker-1", copy), 9);
    assert!(!thinks(story, "worker-1").judged_by(&property()).is_violated());
}

#[test]
fn a_second_incarnation_gives_the_first_one_no_more_time() {
    let story = twin(later(cancelled(handed()), 3), "worker-1");
    assert!(thinks(story.clone(), "worker-1").judged_by(&property()).is_violated());
    assert_eq!(thinks(story, "worker-1#1").judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_is_dead_when_none_of_its_incarnations_is_alive() {
    let one_is_left = twin(handed(), "manager-1").dies("manager-1");
    assert_eq!(thinks(later(one_is_left.clone(), 9), "worker-1").judged_by(&property()), Verdict::Vacuous);
    let (_, message) =
        violation(thinks(later(one_is_left.dies("manager-1#1"), 3), "worker-1").judged_by(&property()));
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-1 had died");
}

#[test]
fn what_one_incarnation_orders_takes_nothing_from_what_another_has_ordered_unless_that_one_is_dead() {
    let given = |story: Story| later(order(story, "manager-1#1", STEP, "worker-2"), 3);
    let both_live = given(twin(handed(), "manager-1"));
    assert!(!thinks(both_live, "worker-1").judged_by(&property()).is_violated());
    let (_, message) = violation(
        thinks(given(twin(handed().dies("manager-1"), "manager-1")), "worker-1").judged_by(&property()),
    );
    assert_eq!(message, "worker-1 thinks for task-1/file, 4s after worker-2 was given it");
}

fn undone_by_withdrawing() -> TeamEvent {
    let [intent, tool, operation] = [STEP, "ticketing", "withdraw"].map(Name::new);
    TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation })
}

#[test]
fn an_order_of_one_incarnation_ends_no_work_that_another_one_wants_again() {
    let taken = order(twin(handed(), "manager-1"), "manager-1", STEP, "worker-2");
    let wanted_again = order(taken, "manager-1#1", STEP, "worker-1");
    let repeated = |who| later(order(later(wanted_again.clone(), 1), who, STEP, "worker-2"), 9);
    assert_eq!(thinks(repeated("manager-1"), "worker-1").judged_by(&property()), Verdict::Holds);
    assert!(thinks(repeated("manager-1#1"), "worker-1").judged_by(&property()).is_violated());
}

#[test]
fn an_order_that_comes_late_takes_nothing_from_an_agent_of_which_the_work_was_ordered_since() {
    let [from, kind, about] = ["manager-1", "word", STEP].map(Name::new);
    let content = message(Headers::of(Purpose::Order));
    let copy = EventKind::Delivered { from, kind, about, is_reply: false, content };
    let sends = |story: Story, to| story.sends(("manager-1", to), STEP, Headers::of(Purpose::Order));
    let there_and_back = order(order(handed(), "manager-1", STEP, "worker-2"), "manager-1", STEP, "worker-1");
    for given in [handed(), there_and_back] {
        let under_way = sends(given, "worker-2");
        let sending = Some(under_way.last());
        let comes_late = |story: Story| later(story.event_because_of(sending, "worker-2", copy.clone()), 9);
        let arrived = comes_late(order(under_way.clone(), "manager-1", STEP, "worker-1"));
        assert!(!thinks(arrived, "worker-1").judged_by(&property()).is_violated());
        let also_under_way = comes_late(sends(under_way.clone(), "worker-1"));
        assert!(!thinks(also_under_way, "worker-1").judged_by(&property()).is_violated());
        assert!(thinks(comes_late(under_way), "worker-1").judged_by(&property()).is_violated());
    }
}
