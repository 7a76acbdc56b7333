//! No call begins that a person has vetoed, once the agent has heard of the veto.
//!
//! What counts is the last decision about the intent of the call that had reached its agent: a person can
//! think better of a veto, and a new call for the same intent does not undo one. A call that has begun before
//! is not judged, since it cannot be held back any more.
//!
//! A message tells of a decision if the person sent it because of that decision, and it arrives as it was
//! sent; what it says itself, and what others say of a decision, makes no difference.

use super::approvals::{Guarded, Step, steps};
use super::wire::sending_of;
use crate::agent::{PersonEvent, TeamEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name, Payload};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-effect-after-veto", "no call begins after its agent was told of a veto", judge)
        .needs(kinds::MUST_APPROVE.and(EventKinds::DELIVERED))
}

fn judge(history: &TeamHistory) -> Verdict {
    let person = history.app_events_of(kinds::MUST_APPROVE).next().map(|(event, _)| event.node);
    let mut told = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for step in steps(history, EventKinds::DELIVERED) {
        match step {
            Step::Other(event) => {
                let EventKind::Delivered { from, .. } = event.what else { continue };
                if Some(from) == person
                    && let Some((intent, is_approved)) = decision_in(history, event)
                {
                    verdict = Verdict::Holds;
                    told.insert((event.node, intent), (event, is_approved));
                }
            }
            Step::Begun(Guarded { event, operation, op }) => {
                let intent = operation.intent;
                if let Some((veto, false)) = told.get((event.node, intent)) {
                    let message =
                        format!("{} called {op} for {intent} after it was told of a veto", event.node);
                    return Verdict::violated(&[veto, event], message);
                }
            }
            Step::Decided(_) => {}
        }
    }
    verdict
}

/// The intent on which the person has decided, and how, if a message tells of a decision.
fn decision_in(history: &TeamHistory, delivered: &Event<TeamEvent>) -> Option<(Name, bool)> {
    let sending = sending_of(history, delivered)?;
    let is_done_with = |cause: &Event<TeamEvent>| {
        cause.node != sending.node || matches!(cause.what, EventKind::Delivered { .. })
    };
    let mut causes = history.causes(sending.id).take_while(|cause| !is_done_with(cause));
    let decision = causes.find_map(|cause| match cause.app_event() {
        Some(TeamEvent::Person(PersonEvent::Decided { operation, is_approved, .. })) => {
            Some((operation.intent, *is_approved))
        }
        _ => None,
    })?;
    match (&sending.what, &delivered.what) {
        (EventKind::Sent { content: said, .. }, EventKind::Delivered { content: heard, .. }) => {
            (said.digest() == heard.digest()).then_some(decision)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::approvals::testing::{calls, decides, guarded};
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, number, violation};

    const CALL: (&str, u64) = ("task-1/file", 1 << 48);

    /// A decision on a call reaches the assistant, three events in all.
    fn told(story: Story, call: (&str, u64), is_approved: bool) -> Story {
        let decided = decides(story, call, is_approved, 99);
        let decision = Some(decided.last());
        decided.tells_because_of(decision, ("approver", "assistant"), call.0, Headers::NONE)
    }

    #[test]
    fn a_call_after_its_approval_is_what_was_promised() {
        let story = calls(told(guarded(), CALL, true), CALL);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_that_begins_after_its_veto_is_shown_with_it() {
        let story = calls(told(told(guarded(), CALL, true), CALL, false), CALL);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [7, 8]);
        assert_eq!(message, "assistant called op 0001 for task-1/file after it was told of a veto");
    }

    #[test]
    fn the_last_decision_counts_and_only_for_its_own_call() {
        let changed = calls(told(told(guarded(), CALL, false), CALL, true), CALL);
        assert_eq!(changed.judged_by(&property()), Verdict::Holds);
        let other = calls(told(guarded(), ("task-2/file", 2), false), CALL);
        assert_eq!(other.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_that_had_begun_is_not_held_back_by_a_veto() {
        let story = calls(told(calls(guarded(), CALL), CALL, false), CALL);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn only_the_person_tells_of_a_decision_and_only_the_agent_that_was_told_knows() {
        let decided = decides(guarded(), CALL, false, 99);
        let decision = Some(decided.last());
        let by_another =
            decided.clone().tells_because_of(decision, ("rival", "assistant"), CALL.0, Headers::NONE);
        let to_another =
            decided.clone().tells_because_of(decision, ("approver", "rival"), CALL.0, Headers::NONE);
        let of_nothing = decided.clone().tells(("approver", "assistant"), CALL.0, Headers::NONE);
        for story in [decided, by_another, to_another, of_nothing] {
            assert!(!calls(story, CALL).judged_by(&property()).is_violated());
        }
    }

    #[test]
    fn a_veto_that_does_not_arrive_as_it_was_sent_was_not_told() {
        let decided = decides(guarded(), CALL, false, 99);
        let decision = Some(decided.last());
        let sent = decided.sends_because_of(decision, ("approver", "assistant"), CALL.0, Headers::NONE);
        let ([from, kind, about], sending) = (["approver", "word", CALL.0].map(Name::new), Some(sent.last()));
        let altered = EventKind::Delivered { from, kind, about, is_reply: false, content: number(1) };
        let story = calls(sent.event_because_of(sending, "assistant", altered), CALL);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn without_a_decision_there_is_nothing_to_judge() {
        assert_eq!(calls(guarded(), CALL).judged_by(&property()), Verdict::Vacuous);
    }
}
