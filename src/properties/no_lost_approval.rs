//! A person who has approved a call is not asked about it again once the call was begun, as long as the
//! approval counts.
//!
//! Judged on the decisions in the person's record, on the calls as they left their agents, and on the requests
//! that agents sent: each carries the operation id of its call as its idempotency key. An incarnation is held
//! to what it did itself and to what its agent had done before it started: what another incarnation does
//! beside it, it cannot know. A decision against the call takes an approval back. An agent whose clock is fast
//! takes an approval for expired that is not, and is held to the time of the world.

use crate::agent::{AgentEvent, OpId, PersonEvent, Purpose, TeamEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Lookup, Name, SimTime};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "no-lost-approval",
        "a person who has approved a call is not asked again once it was begun, while the approval counts",
        judge,
    )
    .needs(kinds::MUST_APPROVE.and(kinds::DECIDED).and(kinds::CALLED))
}

/// A call: what for, and its operation id.
type Call = (Name, OpId);

/// An approval that no later decision took back.
#[derive(Clone, Copy)]
struct Approval<'a> {
    event: &'a Event<TeamEvent>,
    expires_at: SimTime,
}

/// A call that an agent has begun under an approval.
#[derive(Clone, Copy)]
struct Begun<'a> {
    event: &'a Event<TeamEvent>,
    approval: Approval<'a>,
}

/// What a history shows of approvals up to an event.
#[derive(Default)]
struct Approvals<'a> {
    /// The nodes that must be asked.
    people: Vec<Name>,
    valid: Lookup<Call, Approval<'a>>,
    begun: Lookup<(Name, Call), Vec<Begun<'a>>>,
    /// Where each incarnation starts.
    starts: Lookup<(Name, u32), EventId>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let of_calls = kinds::MUST_APPROVE.and(kinds::DECIDED).and(kinds::CALLED);
    let mut approvals = Approvals::default();
    for event in history.events_of(of_calls.and(EventKinds::SENT).and(EventKinds::STARTED)) {
        if let Some((lost, call)) = approvals.loss(event) {
            let Begun { event: begun, approval } = lost;
            let ((about, op), until) = (call, approval.expires_at);
            let message = format!(
                "{} asks again about {about} ({op}), which was approved until {until} and begun",
                event.node
            );
            return Verdict::violated(&[approval.event, begun, event], message);
        }
        approvals.take_in(event);
    }
    if approvals.begun.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

impl<'a> Approvals<'a> {
    fn take_in(&mut self, event: &'a Event<TeamEvent>) {
        match &event.what {
            EventKind::Started { .. } => {
                self.starts.insert((event.node, event.incarnation), event.id);
            }
            EventKind::App(TeamEvent::Person(PersonEvent::MustApprove { .. })) => {
                self.people.push(event.node);
            }
            EventKind::App(TeamEvent::Person(PersonEvent::Decided {
                operation,
                op,
                is_approved,
                expires_at,
            })) => {
                let call = (operation.intent, *op);
                if *is_approved {
                    self.valid.insert(call, Approval { event, expires_at: *expires_at });
                } else {
                    self.valid.remove(call);
                }
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { intent, op, .. })) => {
                let call = (*intent, *op);
                if let Some(approval) = self.valid.get(call).copied() {
                    let begun = self.begun.get_or_insert_with((event.node, call), Vec::new);
                    begun.push(Begun { event, approval });
                }
            }
            _ => {}
        }
    }

    /// The call about which this event asks again, if it does, although its agent began it under an approval
    /// that still counts.
    fn loss(&self, event: &Event<TeamEvent>) -> Option<(Begun<'a>, Call)> {
        let EventKind::Sent { to, about, content, .. } = &event.what else { return None };
        let headers = content.headers();
        if headers.purpose != Some(Purpose::Ask) || !self.people.contains(to) {
            return None;
        }
        let call = (*about, headers.idempotency_key?);
        let approval = self.valid.get(call)?;
        if event.at >= approval.expires_at {
            return None;
        }
        let begun = self.begun.get((event.node, call))?;
        let of_it = |begun: &&Begun<'_>| begun.approval.event.id == approval.event.id;
        let mut of_it = begun.iter().filter(of_it);
        of_it.find(|begun| self.knows(event, begun.event)).map(|begun| (*begun, call))
    }

    /// Whether the incarnation that acts in one event can know of an earlier event of its agent.
    fn knows(&self, later: &Event<TeamEvent>, earlier: &Event<TeamEvent>) -> bool {
        let start = self.starts.get((later.node, later.incarnation));
        later.incarnation == earlier.incarnation || start.is_some_and(|start| earlier.id < *start)
    }
}

#[cfg(test)]
mod tests {
    use super::super::approvals::testing::{calls, decides, guarded};
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, violation};

    const CALL: (&str, u64) = ("task-1/file", 1 << 48);

    /// The assistant asks the person about a call.
    fn asks(story: Story, call: (&str, u64)) -> Story {
        asks_as("assistant", story, call)
    }

    fn asks_as(who: &str, story: Story, (about, op): (&str, u64)) -> Story {
        let headers = Headers { idempotency_key: Some(OpId(op)), ..Headers::of(Purpose::Ask) };
        story.sends((who, "approver"), about, headers)
    }

    fn approved() -> Story {
        decides(asks(guarded(), CALL), CALL, true, 900)
    }

    #[test]
    fn one_request_and_one_call_keep_the_approval_and_so_do_requests_before_the_call() {
        assert_eq!(calls(approved(), CALL).judged_by(&property()), Verdict::Holds);
        assert_eq!(calls(asks(approved(), CALL), CALL).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_request_about_a_call_that_was_approved_and_begun_loses_the_approval() {
        let (events, message) = violation(asks(calls(approved(), CALL), CALL).judged_by(&property()));
        assert_eq!(events, [3, 4, 5]);
        assert_eq!(
            message,
            "assistant asks again about task-1/file (op 0001), which was approved until 15m and begun"
        );
    }

    #[test]
    fn a_request_about_another_call_and_one_after_the_approval_has_expired_are_new_questions() {
        for other in [("task-2/file", 1 << 48), ("task-1/file", 2 << 48)] {
            assert_eq!(asks(calls(approved(), CALL), other).judged_by(&property()), Verdict::Holds);
        }
        let expired = calls(decides(guarded(), CALL, true, 0), CALL);
        assert_eq!(asks(expired, CALL).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_that_was_begun_under_an_earlier_approval_does_not_use_a_later_one() {
        let expired = calls(decides(guarded(), CALL, true, 3), CALL);
        let again = decides(asks(expired, CALL), CALL, true, 900);
        assert_eq!(asks(again.clone(), CALL).judged_by(&property()), Verdict::Holds);
        assert!(asks(calls(again, CALL), CALL).judged_by(&property()).is_violated());
    }

    #[test]
    fn a_request_after_the_person_has_decided_against_it_is_a_new_question() {
        let contradicted = decides(calls(approved(), CALL), CALL, false, 900);
        assert_eq!(asks(contradicted, CALL).judged_by(&property()), Verdict::Holds);
    }

    /// The next incarnation of the assistant starts.
    fn starts_again(story: Story) -> Story {
        story.event("assistant#1", EventKind::Started { incarnation: 1 })
    }

    #[test]
    fn the_next_incarnation_is_held_to_what_was_begun_before_it_started_and_to_nothing_later() {
        let asks = |story| asks_as("assistant#1", story, CALL).judged_by(&property());
        assert!(asks(starts_again(calls(approved(), CALL))).is_violated());
        assert_eq!(asks(calls(starts_again(approved()), CALL)), Verdict::Holds);
    }

    #[test]
    fn where_no_approved_call_is_begun_there_is_nothing_to_judge() {
        assert_eq!(approved().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(calls(Story::default(), CALL).judged_by(&property()), Verdict::Vacuous);
    }
}
