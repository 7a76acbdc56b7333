//! Small histories of calls, tries and dead letters.

use super::*;
use crate::agent::{Indefinite, PersonEvent};
use crate::properties::testing::{Story, answered, called, saga, violation};

const LOST: CallOutcome = CallOutcome::Unknown(Indefinite::TimedOut);
const REFUSED: CallOutcome = CallOutcome::Not(Definite::Refused);

fn on_call() -> Story {
    saga().record_event("on-call", TeamEvent::Person(PersonEvent::IsOnCall))
}

fn failed(story: Story) -> Story {
    story.told("task-1", Outcome::Failed)
}

fn done(story: Story) -> Story {
    story.told("task-1", Outcome::Done)
}

fn call(story: Story, told: CallOutcome) -> Story {
    story.called("executor-1", "task-1/file").answered("executor-1", "task-1/file", told)
}

#[test]
fn a_call_that_was_answered_or_tried_again_until_it_was_is_accounted_for() {
    assert_eq!(done(call(on_call(), CallOutcome::Done)).judged_by(&property()), Verdict::Holds);
    assert_eq!(done(call(call(on_call(), LOST), CallOutcome::Done)).judged_by(&property()), Verdict::Holds);
    let unanswered = on_call().called("executor-1", "task-1/file");
    assert_eq!(done(call(unanswered, CallOutcome::Done)).judged_by(&property()), Verdict::Holds);
}

#[test]
fn a_call_that_was_looked_up_and_found_is_too() {
    let look_up = |found| {
        let (operation, intent) = (look_up_of(Name::new("create")), Name::new("task-1/file"));
        let told = CallOutcome::Found(found);
        let note = TeamEvent::Agent(answered([Name::new("ticketing"), operation, intent], told));
        done(call(on_call(), LOST).record_event("executor-1", note))
    };
    assert_eq!(look_up(true).judged_by(&property()), Verdict::Holds);
    assert!(look_up(false).judged_by(&property()).is_violated());
}

#[test]
fn an_unclear_answer_without_a_follow_up_is_a_lost_call() {
    for ended in [done, failed] {
        let (events, message) = violation(ended(call(on_call(), LOST)).judged_by(&property()));
        assert_eq!(events, [6, 7, 8]);
        assert_eq!(
            message,
            "executor-1 called ticketing.create for task-1/file, was told \"no answer in time\", and left it at \
             that: the call is lost"
        );
    }
}

#[test]
fn a_call_whose_caller_died_and_that_was_not_tried_again_is_lost() {
    let story = failed(on_call().called("executor-1", "task-1/file"));
    assert!(violation(story.judged_by(&property())).1.contains("heard nothing"));
}

#[test]
fn a_refusal_is_accounted_for_once_the_user_hears_of_the_failure() {
    assert_eq!(failed(call(on_call(), REFUSED)).judged_by(&property()), Verdict::Holds);
    assert!(done(call(on_call(), REFUSED)).judged_by(&property()).is_violated());
}

#[test]
fn a_refusal_says_nothing_about_an_earlier_try_unless_it_is_for_good() {
    let after_an_unclear_try = |told| failed(call(call(on_call(), LOST), told)).judged_by(&property());
    assert!(after_an_unclear_try(REFUSED).is_violated());
    assert_eq!(after_an_unclear_try(CallOutcome::Not(Definite::Declined)), Verdict::Holds);
}

#[test]
fn an_undoing_that_was_refused_is_not_accounted_for_by_a_failure() {
    let undoing = |told| {
        let (tool, operation) = (Name::new("ticketing"), Name::new("withdraw"));
        let (intent, op) = (Name::new("task-1/file"), OpId(9));
        let story = call(on_call(), CallOutcome::Done);
        let story = story.record_event("executor-1", TeamEvent::Agent(called([tool, operation, intent], op)));
        story.record_event("executor-1", TeamEvent::Agent(answered([tool, operation, intent], told)))
    };
    assert!(failed(undoing(REFUSED)).judged_by(&property()).is_violated());
    assert_eq!(failed(undoing(CallOutcome::Done)).judged_by(&property()), Verdict::Holds);
    let dead_lettered = failed(undoing(REFUSED).dead_lettered("task-1/file"));
    assert!(dead_lettered.judged_by(&property()).is_violated(), "what was recorded is another call");
}

#[test]
fn a_call_that_was_recorded_is_accounted_for() {
    let story = failed(call(on_call(), LOST).dead_lettered("task-1/file"));
    assert_eq!(story.judged_by(&property()), Verdict::Holds);
}

#[test]
fn a_call_that_is_made_after_it_was_recorded_is_too_and_one_under_another_id_is_not() {
    let recorded = || on_call().dead_lettered("task-1/file");
    assert_eq!(failed(call(recorded(), LOST)).judged_by(&property()), Verdict::Holds);
    let under_another = called(["ticketing", "create", "task-1/file"].map(Name::new), OpId(2));
    let another = recorded().record_event("executor-1", TeamEvent::Agent(under_another));
    assert!(failed(another).judged_by(&property()).is_violated());
}

#[test]
fn calls_of_a_task_that_has_not_ended_may_still_be_tried_again() {
    assert_eq!(call(on_call(), LOST).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn without_a_person_on_call_or_without_calls_there_is_nothing_to_judge() {
    assert_eq!(failed(call(saga(), LOST)).judged_by(&property()), Verdict::Vacuous);
    assert_eq!(done(on_call()).judged_by(&property()), Verdict::Vacuous);
}

const DECLINED: CallOutcome = CallOutcome::Not(Definite::Declined);

fn cancelled(story: Story) -> Story {
    story.told("task-1", Outcome::Cancelled)
}

/// A try by an agent under some id.
fn tries(story: Story, who: &str, op: u64) -> Story {
    let call = ["ticketing", "create", "task-1/file"].map(Name::new);
    story.record_event(who, TeamEvent::Agent(called(call, OpId(op))))
}

fn hears(story: Story, who: &str, told: CallOutcome) -> Story {
    story.answered(who, "task-1/file", told)
}

/// An agent gets the outcome of a request to cancel the operation.
fn cancels(story: Story, operation: &str, told: CallOutcome) -> Story {
    let [tool, intent] = ["ticketing", "task-1/file"].map(Name::new);
    let operation = cancel_of(Name::new(operation));
    story.record_event("executor-1", TeamEvent::Agent(answered([tool, operation, intent], told)))
}

#[test]
fn a_refusal_is_accounted_for_once_the_user_hears_of_the_cancel() {
    assert_eq!(cancelled(call(on_call(), REFUSED)).judged_by(&property()), Verdict::Holds);
    assert!(cancelled(call(on_call(), LOST)).judged_by(&property()).is_violated());
}

#[test]
fn a_call_that_was_cancelled_is_as_clear_as_one_that_was_turned_down_for_good() {
    let of_cancelled = || cancels(call(on_call(), LOST), "create", CallOutcome::Cancelled);
    assert_eq!(failed(of_cancelled()).judged_by(&property()), Verdict::Holds);
    assert_eq!(cancelled(of_cancelled()).judged_by(&property()), Verdict::Holds);
    assert!(done(of_cancelled()).judged_by(&property()).is_violated());
    let done_already = cancels(call(on_call(), LOST), "create", CallOutcome::Done);
    assert_eq!(done(done_already).judged_by(&property()), Verdict::Holds);
    let of_another = hears(tries(on_call(), "executor-2", 1), "executor-1", CallOutcome::Done);
    assert_eq!(done(of_another).judged_by(&property()), Verdict::Holds, "it is done, by any agent");
    let of_another = cancels(tries(on_call(), "executor-2", 1), "create", CallOutcome::Cancelled);
    assert!(failed(of_another).judged_by(&property()).is_violated(), "which id was cancelled is not known");
    let unclear = cancels(call(on_call(), LOST), "create", LOST);
    assert!(failed(unclear).judged_by(&property()).is_violated());
    let another = cancels(call(on_call(), LOST), "withdraw", CallOutcome::Cancelled);
    assert!(failed(another).judged_by(&property()).is_violated());
}

#[test]
fn what_is_turned_down_for_good_is_one_id_and_not_the_wish() {
    let declined = || hears(tries(on_call(), "executor-1", 1), "executor-1", DECLINED);
    let again_under_it = tries(declined(), "executor-2", 1);
    assert_eq!(failed(again_under_it).judged_by(&property()), Verdict::Holds);
    let under_another = tries(declined(), "executor-1", 2);
    assert!(failed(under_another).judged_by(&property()).is_violated());
    let before = hears(tries(tries(on_call(), "executor-1", 1), "executor-1", 2), "executor-1", DECLINED);
    assert!(failed(before).judged_by(&property()).is_violated());
}

#[test]
fn a_refusal_is_of_the_try_of_its_receiver() {
    let two = || tries(tries(on_call(), "executor-1", 1), "executor-2", 2);
    assert!(failed(hears(two(), "executor-1", REFUSED)).judged_by(&property()).is_violated());
    assert!(failed(hears(two(), "executor-1", DECLINED)).judged_by(&property()).is_violated());
    let both = hears(hears(two(), "executor-1", REFUSED), "executor-2", REFUSED);
    assert_eq!(failed(both).judged_by(&property()), Verdict::Holds);
    let once_each = tries(tries(on_call(), "executor-1", 1), "executor-1", 1);
    assert!(failed(hears(once_each, "executor-1", REFUSED)).judged_by(&property()).is_violated());
}

#[test]
fn the_last_to_try_and_the_last_word_are_shown() {
    let story = hears(tries(on_call(), "executor-1", 1), "executor-1", REFUSED);
    let story = failed(hears(tries(story, "executor-2", 2), "executor-2", LOST));
    let (events, message) = violation(story.judged_by(&property()));
    assert_eq!(events, [8, 9, 10]);
    assert!(message.starts_with("executor-2 called"), "{message}");
}

#[test]
fn what_was_found_is_that_call_and_no_other() {
    for (tool, operation, intent) in [
        ("calendar", "create", "task-1/file"),
        ("ticketing", "withdraw", "task-1/file"),
        ("ticketing", "create", "task-1/bill"),
    ] {
        let [tool, operation, intent] = [tool, operation, intent].map(Name::new);
        for (operation, told) in [
            (look_up_of(operation), CallOutcome::Found(true)),
            (operation, CallOutcome::Done),
            (cancel_of(operation), CallOutcome::Done),
        ] {
            let note = TeamEvent::Agent(answered([tool, operation, intent], told));
            let story = done(call(on_call(), LOST).record_event("executor-1", note));
            assert!(story.judged_by(&property()).is_violated(), "{tool}.{operation} for {intent}");
        }
    }
}

#[test]
fn every_call_of_every_task_that_ended_counts() {
    let other = |story: Story| story.called("executor-1", "task-1/bill");
    assert!(done(other(call(on_call(), CallOutcome::Done))).judged_by(&property()).is_violated());
    let story = call(on_call(), CallOutcome::Done).given("task-2").called("executor-1", "task-2/file");
    assert_eq!(done(story.clone()).judged_by(&property()), Verdict::Holds, "task-2 has not ended");
    let story = done(story).told("task-2", Outcome::Done);
    assert!(story.judged_by(&property()).is_violated());
}

#[test]
fn that_another_task_failed_says_nothing_about_this_one() {
    let story = call(on_call(), REFUSED).told("task-2", Outcome::Failed);
    assert!(done(story).judged_by(&property()).is_violated());
}

#[test]
fn a_call_that_was_escalated_stays_so_however_often_it_is_tried_later() {
    let escalated = call(on_call(), LOST).dead_lettered("task-1/file");
    let tried = (0..3).fold(escalated, |story, _| {
        let story = story.called("executor-1", "task-1/file");
        assert_eq!(failed(story.clone()).judged_by(&property()), Verdict::Holds);
        story
    });
    assert_eq!(failed(tried).judged_by(&property()), Verdict::Holds);
}
