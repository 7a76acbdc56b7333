//! Small histories of orders, reports and restarts.

use super::*;
use crate::agent::Headers;
use crate::properties::testing::{Story, answered, completed, number, violation};
use perfidy_sim::Fault;

const STEP: &str = "task-1/file";

fn of_attempt(purpose: Purpose, attempt: u32) -> Headers {
    Headers { attempt: Some(attempt), ..Headers::of(purpose) }
}

/// An agent orders the step.
fn order(story: Story, who: &str, attempt: u32) -> Story {
    story.sends((who, "executor-1"), STEP, of_attempt(Purpose::Order, attempt))
}

/// An agent receives a report that the step is done, two events in all: sent and delivered.
fn hear(story: Story, who: &str, attempt: u32) -> Story {
    story.tells(("executor-1", who), STEP, of_attempt(Purpose::Done, attempt))
}

/// The last event leads an agent to send something.
fn go_on(story: Story, who: &str) -> Story {
    let last = story.last();
    story.sends_because_of(Some(last), (who, "verifier"), "task-1", Headers::of(Purpose::Ask))
}

/// An agent receives a report that the step is done and continues, three events in all.
fn complete(story: Story, who: &str, attempt: u32) -> Story {
    go_on(hear(story, who, attempt), who)
}

fn reject(story: Story, who: &str, about: &str) -> Story {
    story.tells(("verifier", who), about, Headers::of(Purpose::Rejection))
}

fn ordered() -> Story {
    order(Story::default(), "c", 1)
}

#[test]
fn a_report_that_an_error_in_its_handler_has_swallowed_was_not_heard() {
    let heard = hear(ordered(), "c", 1);
    let fault = Fault {
        at: "c, handler, task-1/file, try 1".parse().unwrap(),
        action: "handler-error".parse().unwrap(),
    };
    let report = Some(heard.last());
    let swallowed = heard.clone().event_because_of(report, "c", EventKind::Injected(Box::new(fault)));
    let again = |story: Story| order(go_on(story, "c"), "c", 1);
    assert!(again(heard).judged_by(&property()).is_violated());
    assert!(!again(swallowed).judged_by(&property()).is_violated());
}

#[test]
fn ordering_again_before_it_is_complete_is_a_retry() {
    let story = complete(order(ordered(), "c", 1), "c", 1);
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn ordering_again_after_it_is_complete_is_a_rerun() {
    for attempt in [1, 2] {
        let story = order(complete(ordered(), "c", 1), "c", attempt);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [3, 5]);
        assert_eq!(message, "c ordered task-1/file of executor-1 after it had heard that it was complete");
    }
}

#[test]
fn ordering_again_from_another_agent_is_a_rerun_too() {
    let elsewhere = of_attempt(Purpose::Order, 2);
    let story = complete(ordered(), "c", 1).sends(("c", "executor-2"), STEP, elsewhere);
    let (events, message) = violation(story.judged_by(&property()));
    assert_eq!(events, [3, 5]);
    assert_eq!(message, "c ordered task-1/file of executor-2 after it had heard that it was complete");
}

#[test]
fn what_was_undone_may_be_ordered_again() {
    let undone = complete(ordered(), "c", 1).tells(("executor-1", "c"), STEP, Headers::of(Purpose::Undone));
    assert_eq!(order(undone, "c", 1).judged_by(&property()), Verdict::Holds);
}

#[test]
fn what_a_verifier_rejects_may_be_ordered_again() {
    for about in [STEP, "task-1"] {
        let story = order(reject(complete(ordered(), "c", 1), "c", about), "c", 2);
        assert_eq!(story.judged_by(&property()), Verdict::Holds, "{about}");
    }
}

#[test]
fn what_is_rejected_of_other_work_or_to_another_agent_is_still_complete() {
    for about in ["task-1/mail", "task-2", "task-10"] {
        let story = order(reject(complete(ordered(), "c", 1), "c", about), "c", 2);
        assert_eq!(violation(story.judged_by(&property())).0, [3, 7], "{about}");
    }
    let to_another = order(reject(complete(ordered(), "c", 1), "d", STEP), "c", 2);
    assert_eq!(violation(to_another.judged_by(&property())).0, [3, 7]);
    let approval = Headers::of(Purpose::Approval);
    let approved = complete(ordered(), "c", 1).tells(("verifier", "c"), "task-1", approval);
    assert_eq!(violation(order(approved, "c", 2).judged_by(&property())).0, [3, 7]);
    let not_arrived = complete(ordered(), "c", 1);
    let not_arrived = not_arrived.sends(("verifier", "c"), "task-1", Headers::of(Purpose::Rejection));
    assert_eq!(violation(order(not_arrived, "c", 2).judged_by(&property())).0, [3, 6]);
}

/// An agent looks an operation of the step up, and it is not there.
fn misses(story: Story, who: &str, tool: &str, operation: &str) -> Story {
    let [tool, operation, intent] = [tool, operation, STEP].map(Name::new);
    let (operation, told) = (look_up_of(operation), CallOutcome::Found(false));
    story.record_event(who, TeamEvent::Agent(answered([tool, operation, intent], told)))
}

#[test]
fn what_the_tool_of_the_step_does_not_have_may_be_ordered_again_and_no_other_tool_can_say_so() {
    let known = || complete(order(Story::default().given("task-1"), "c", 1), "c", 1);
    let missed = order(misses(known(), "c", "ticketing", "create"), "c", 2);
    assert_eq!(missed.judged_by(&property()), Verdict::Holds);
    for (tool, operation) in [("billing", "create"), ("ticketing", "close")] {
        let elsewhere = order(misses(known(), "c", tool, operation), "c", 2);
        assert_eq!(violation(elsewhere.judged_by(&property())).0, [5, 8], "{tool}.{operation}");
    }
    let not_wanted = order(misses(complete(ordered(), "c", 1), "c", "billing", "create"), "c", 2);
    assert_eq!(not_wanted.judged_by(&property()), Verdict::Holds, "no other operation is known");
}

#[test]
fn an_agent_cannot_reject_or_undo_for_itself_what_it_was_told_is_complete() {
    for purpose in [Purpose::Rejection, Purpose::Undone] {
        let by_itself = complete(ordered(), "c", 1).tells(("c", "c"), STEP, Headers::of(purpose));
        assert_eq!(violation(order(by_itself, "c", 2).judged_by(&property())).0, [3, 7], "{purpose:?}");
    }
}

#[test]
fn what_was_rejected_and_done_again_is_complete_again() {
    let again = order(reject(complete(ordered(), "c", 1), "c", "task-1"), "c", 2);
    let again = complete(again, "c", 2);
    assert_eq!(again.clone().judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(order(again, "c", 3).judged_by(&property())).0, [9, 11]);
}

#[test]
fn another_agent_does_not_know() {
    let story = order(complete(ordered(), "c", 1), "d", 1);
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_has_not_ordered_a_step_is_told_nothing_by_word_that_it_is_done() {
    let story = order(complete(ordered(), "d", 1), "d", 1);
    assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn nothing_complete_is_nothing_to_judge() {
    assert_eq!(Story::default().judged_by(&property()), Verdict::Vacuous);
    assert_eq!(order(ordered(), "c", 2).judged_by(&property()), Verdict::Vacuous);
    for purpose in [Purpose::Failed, Purpose::Pending, Purpose::Approval] {
        let story = go_on(ordered().tells(("executor-1", "c"), STEP, of_attempt(purpose, 1)), "c");
        assert_eq!(order(story, "c", 2).judged_by(&property()), Verdict::Vacuous, "{purpose:?}");
    }
}

#[test]
fn each_step_is_counted_by_itself() {
    let other = of_attempt(Purpose::Order, 1);
    let story = complete(ordered(), "c", 1).sends(("c", "executor-1"), "task-1/mail", other);
    let story = story.sends(("c", "executor-1"), "task-2/file", other);
    assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(order(story, "c", 2).judged_by(&property())).0, [3, 7]);
}

#[test]
fn an_agent_that_comes_back_or_is_there_twice_is_still_the_same() {
    let started = EventKind::Started { incarnation: 1 };
    let twice = complete(ordered(), "c", 1).event("c#1", started.clone());
    assert_eq!(violation(order(twice, "c#1", 1).judged_by(&property())).0, [3, 6]);
    let back = complete(ordered(), "c", 1).dies("c").event("c#1", started);
    assert_eq!(violation(order(back, "c#1", 1).judged_by(&property())).0, [3, 7]);
}

#[test]
fn word_that_an_agent_has_not_gone_on_from_does_not_count() {
    let heard = hear(ordered(), "c", 1);
    assert_eq!(order(heard.clone(), "c", 1).judged_by(&property()), Verdict::Vacuous);
    let back = heard.dies("c").event("c#1", EventKind::Started { incarnation: 1 });
    assert_eq!(order(back, "c#1", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn word_on_its_way_or_lost_does_not_count() {
    let story = go_on(ordered().sends(("executor-1", "c"), STEP, of_attempt(Purpose::Done, 1)), "c");
    assert_eq!(order(story, "c", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn an_order_that_the_word_itself_leads_to_is_a_rerun() {
    let again = of_attempt(Purpose::Order, 2);
    let story = hear(ordered(), "c", 1).sends_because_of(Some(3), ("c", "executor-1"), STEP, again);
    assert_eq!(violation(story.judged_by(&property())).0, [3, 4]);
}

#[test]
fn an_agent_goes_on_from_the_word_by_way_of_what_it_does_itself() {
    let thought = TeamEvent::Agent(completed(Name::new("task-1")));
    let story = hear(ordered(), "c", 1).event_because_of(Some(3), "c", EventKind::App(thought.clone()));
    let story = story.event_because_of(Some(4), "c", EventKind::App(thought));
    assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
    let story = order(go_on(story, "c"), "c", 2);
    assert_eq!(violation(story.judged_by(&property())).0, [3, 7]);
}

#[test]
fn what_other_agents_are_led_to_is_no_going_on_from_the_word() {
    let heard = hear(ordered(), "c", 1);
    let by_another_agent = go_on(heard.clone(), "d");
    assert_eq!(order(by_another_agent, "c", 1).judged_by(&property()), Verdict::Vacuous);
    let by_way_of_another_agent = heard.event_because_of(Some(3), "d", EventKind::Resumed);
    assert_eq!(order(go_on(by_way_of_another_agent, "c"), "c", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn an_agent_that_has_read_a_later_message_has_read_the_report() {
    let later = |story: Story| story.tells(("planner", "c"), "task-1", Headers::NONE);
    let read = go_on(later(hear(ordered(), "c", 1)), "c");
    assert_eq!(violation(order(read.clone(), "c", 1).judged_by(&property())).0, [3, 7]);
    let by_the_order = later(hear(ordered(), "c", 1));
    let last = by_the_order.last();
    let again = of_attempt(Purpose::Order, 2);
    let by_the_order = by_the_order.sends_because_of(Some(last), ("c", "executor-1"), STEP, again);
    assert_eq!(violation(by_the_order.judged_by(&property())).0, [3, 6]);
    let rejected = order(reject(read.clone(), "c", STEP), "c", 2);
    assert_eq!(rejected.judged_by(&property()), Verdict::Vacuous);
    let back = read.dies("c").event("c#1", EventKind::Started { incarnation: 1 });
    assert_eq!(order(back, "c#1", 1).judged_by(&property()), Verdict::Vacuous, "it may have lost it");
}

/// The last event leads an agent to write a record, and the agent then reads another message.
fn record(story: Story, who: &str) -> Story {
    let last = story.last();
    let wrote = EventKind::Wrote { content: number(1) };
    story.event_because_of(Some(last), who, wrote)
}

fn sync(story: Story, who: &str, records: u32) -> Story {
    story.event(who, EventKind::Synced { records })
}

fn read_on(story: Story, who: &str) -> Story {
    go_on(story.tells(("planner", who), "task-1", Headers::NONE), who)
}

/// An agent crashes, and its next incarnation starts.
fn restart(story: Story, who: &str, lost_writes: u32) -> Story {
    story
        .event(who, EventKind::Crashed { lost_writes })
        .event(&format!("{who}#1"), EventKind::Started { incarnation: 1 })
}

#[test]
fn a_report_that_led_to_a_durable_record_is_known_after_a_crash() {
    let recorded = sync(record(hear(ordered(), "c", 1), "c"), "c", 1);
    let again = order(restart(read_on(recorded.clone(), "c"), "c", 0), "c#1", 1);
    assert_eq!(violation(again.judged_by(&property())).0, [3, 11]);
    let rejected = reject(restart(read_on(recorded.clone(), "c"), "c", 0), "c#1", STEP);
    assert_eq!(order(rejected, "c#1", 2).judged_by(&property()), Verdict::Vacuous);
    let by_another = order(restart(read_on(recorded, "c"), "c", 0), "d#1", 1);
    assert_eq!(by_another.judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn a_report_whose_record_may_not_be_there_is_not_known_after_a_crash() {
    let heard = || hear(ordered(), "c", 1);
    let is_judged = |story: Story, lost_writes| {
        let again = order(restart(story, "c", lost_writes), "c#1", 1);
        again.judged_by(&property())
    };
    let unwritten = read_on(heard(), "c");
    let unsynced = read_on(record(heard(), "c"), "c");
    let of_another_message = sync(record(read_on(heard(), "c"), "c"), "c", 1);
    let cut_short = sync(record(heard(), "c"), "c", 1);
    let earlier = sync(record(ordered(), "c"), "c", 1);
    let of_an_earlier_record = read_on(record(hear(earlier, "c", 1), "c"), "c");
    for (story, lost_writes) in
        [(unwritten, 0), (unsynced, 1), (of_another_message, 0), (cut_short, 0), (of_an_earlier_record, 1)]
    {
        assert_eq!(is_judged(story, lost_writes), Verdict::Vacuous);
    }
}

#[test]
fn a_report_whose_record_the_disk_hides_is_not_known_after_a_crash() {
    let recorded = read_on(sync(record(hear(ordered(), "c", 1), "c"), "c", 1), "c");
    let at = "c's disk, recovery, try 1".parse().expect("an address");
    let hidden =
        |records| EventKind::Injected(Box::new(Fault { at, action: Action::StaleJournal { records } }));
    let stale = order(restart(recorded.clone(), "c", 0).event("c", hidden(1)), "c#1", 1);
    assert_eq!(stale.judged_by(&property()), Verdict::Vacuous);
    let nothing = order(restart(recorded, "c", 0).event("c", hidden(0)), "c#1", 1);
    assert!(nothing.judged_by(&property()).is_violated());
}

#[test]
fn an_incarnation_that_was_there_before_does_not_know_what_another_has_recorded() {
    let twins = ordered().event("c#1", EventKind::Started { incarnation: 1 });
    let recorded = read_on(sync(record(hear(twins, "c", 1), "c"), "c", 1), "c");
    assert_eq!(order(recorded, "c#1", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn an_agent_that_has_read_an_earlier_message_or_an_answer_may_not_have_read_the_report() {
    let earlier = ordered().tells(("planner", "c"), "task-1", Headers::NONE);
    let message = earlier.last();
    let heard = hear(earlier, "c", 1);
    let from_the_earlier = heard.sends_because_of(Some(message), ("c", "verifier"), "task-1", Headers::NONE);
    assert_eq!(order(from_the_earlier, "c", 1).judged_by(&property()), Verdict::Vacuous);
    let answered = hear(ordered(), "c", 1).replies(("planner", "c"), "task-1", Headers::NONE);
    assert_eq!(order(go_on(answered, "c"), "c", 1).judged_by(&property()), Verdict::Vacuous);
    let by_a_reply = ordered().replies(("executor-1", "c"), STEP, of_attempt(Purpose::Done, 1));
    let later = go_on(by_a_reply.tells(("planner", "c"), "task-1", Headers::NONE), "c");
    assert_eq!(order(later, "c", 1).judged_by(&property()), Verdict::Vacuous);
    let of_another_incarnation = hear(ordered(), "c", 1).tells(("planner", "c#1"), "task-1", Headers::NONE);
    let last = of_another_incarnation.last();
    let read = of_another_incarnation.sends_because_of(Some(last), ("c#1", "x"), "task-1", Headers::NONE);
    assert_eq!(order(read, "c", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn a_report_of_what_another_incarnation_ordered_beside_it_tells_an_agent_nothing() {
    let twins = Story::default().event("c#1", EventKind::Started { incarnation: 1 });
    let older_ordered = order(twins, "c", 1);
    let to_the_younger = hear(older_ordered, "c#1", 1).tells(("planner", "c#1"), "task-1", Headers::NONE);
    assert_eq!(order(go_on(to_the_younger, "c#1"), "c#1", 1).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn what_such_a_report_led_to_tells_a_later_incarnation_nothing_either() {
    let starts = |story: Story, incarnation| {
        story.event(&format!("c#{incarnation}"), EventKind::Started { incarnation })
    };
    let heard_by_the_younger = |story| {
        let recorded = sync(record(hear(story, "c#1", 1), "c#1"), "c#1", 1);
        order(starts(read_on(recorded, "c#1"), 2), "c#2", 1)
    };
    let beside_it = heard_by_the_younger(order(starts(Story::default(), 1), "c", 1));
    assert_eq!(beside_it.judged_by(&property()), Verdict::Vacuous);
    let before_it = heard_by_the_younger(starts(order(Story::default(), "c", 1), 1));
    assert!(before_it.judged_by(&property()).is_violated());
}

#[test]
fn a_report_that_was_read_counts_for_its_own_attempt_and_later_reports() {
    let later = |story: Story| go_on(story.tells(("planner", "c"), "task-1", Headers::NONE), "c");
    let stale = later(hear(order(ordered(), "c", 2), "c", 1));
    assert_eq!(order(stale, "c", 2).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn word_of_an_earlier_attempt_does_not_count() {
    let story = order(complete(order(ordered(), "c", 2), "c", 1), "c", 2);
    assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
    let story = order(complete(story, "c", 2), "c", 2);
    assert_eq!(violation(story.judged_by(&property())).0, [8, 10]);
}

#[test]
fn where_attempts_have_no_numbers_any_word_counts() {
    let story = Story::default().sends(("c", "executor-1"), STEP, Headers::of(Purpose::Order));
    let story = go_on(story.tells(("executor-1", "c"), STEP, Headers::of(Purpose::Done)), "c");
    assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
    let story = story.sends(("c", "executor-1"), STEP, Headers::of(Purpose::Order));
    assert_eq!(violation(story.judged_by(&property())).0, [3, 5]);
}

#[test]
fn the_first_word_is_told_of_if_it_comes_more_than_once() {
    let story = order(complete(complete(ordered(), "c", 1), "c", 1), "c", 2);
    assert_eq!(violation(story.judged_by(&property())).0, [3, 8]);
}
