//! A person who has approved a call is not asked about it again once the call was begun, as long as the
//! approval counts.
//!
//! Judged on the decisions in the person's record, on their delivery to the agent that asked, on the
//! calls as they left their agents, and on the requests that agents sent: each carries the operation id
//! of its call as its idempotency key. An approval counts for the agent that received it; what a person
//! has told another worker, it cannot know. Nor can an incarnation know what another one does beside it:
//! it is held to what it did itself and to what its agent had done before it started. A decision against
//! the call takes an approval back. An agent whose clock is fast takes an approval for expired that is
//! not, and is held to the time of the world.

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
    .needs(kinds::MUST_APPROVE.and(kinds::DECIDED).and(kinds::CALLED).and(EventKinds::DELIVERED))
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
    /// The last one that each agent has received.
    valid: Lookup<(Name, Call), Approval<'a>>,
    /// The last decision against each call.
    vetoes: Lookup<Call, EventId>,
    begun: Lookup<(Name, Call), Vec<Begun<'a>>>,
    /// Where each incarnation starts.
    starts: Lookup<(Name, u32), EventId>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let of_calls = kinds::MUST_APPROVE.and(kinds::DECIDED).and(kinds::CALLED);
    let of_messages = EventKinds::SENT.and(EventKinds::DELIVERED).and(EventKinds::STARTED);
    let mut approvals = Approvals::default();
    for event in history.events_of(of_calls.and(of_messages)) {
        if let Some((lost, call)) = approvals.loss(event) {
            let Begun { event: begun, approval } = lost;
            let ((about, op), until) = (call, approval.expires_at);
            let message = format!(
                "{} asks again about {about} ({op}), which was approved until {until} and begun",
                event.node
            );
            return Verdict::violated(&[approval.event, begun, event], message);
        }
        approvals.take_in(history, event);
    }
    if approvals.begun.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

impl<'a> Approvals<'a> {
    fn take_in(&mut self, history: &'a TeamHistory, event: &'a Event<TeamEvent>) {
        match &event.what {
            EventKind::Started { .. } => {
                self.starts.insert((event.node, event.incarnation), event.id);
            }
            EventKind::Delivered { .. } => self.receive(history, event),
            EventKind::App(TeamEvent::Person(PersonEvent::MustApprove { .. })) => {
                self.people.push(event.node);
            }
            EventKind::App(TeamEvent::Person(PersonEvent::Decided {
                operation,
                op,
                is_approved: false,
                ..
            })) => {
                self.vetoes.insert((operation.intent, *op), event.id);
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { intent, op, .. })) => {
                let call = (*intent, *op);
                if let Some(approval) = self.approval_of(event.node, call) {
                    let begun = self.begun.get_or_insert_with((event.node, call), Vec::new);
                    begun.push(Begun { event, approval });
                }
            }
            _ => {}
        }
    }

    /// A message arrives: perhaps an approval, as the person sent it.
    fn receive(&mut self, history: &'a TeamHistory, delivered: &Event<TeamEvent>) {
        let EventKind::Delivered { from, content, .. } = &delivered.what else { return };
        if !self.people.contains(from) {
            return;
        }
        let sent = delivered.cause.map(|sent| history.event(sent));
        let Some(decision) = sent.and_then(|sent| sent.cause).map(|decision| history.event(decision)) else {
            return;
        };
        let Some(TeamEvent::Person(PersonEvent::Decided { operation, op, is_approved: true, expires_at })) =
            decision.app_event()
        else {
            return;
        };
        if content.headers().idempotency_key == Some(*op) {
            let approval = Approval { event: decision, expires_at: *expires_at };
            self.valid.insert((delivered.node, (operation.intent, *op)), approval);
        }
    }

    /// The approval of a call that an agent has, unless it was withdrawn.
    fn approval_of(&self, agent: Name, call: Call) -> Option<Approval<'a>> {
        let approval = self.valid.get((agent, call)).copied()?;
        let is_vetoed = self.vetoes.get(call).is_some_and(|veto| *veto > approval.event.id);
        (!is_vetoed).then_some(approval)
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
        let approval = self.approval_of(event.node, call)?;
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
    use super::super::approvals::testing::{calls, decides as decides_only, guarded};
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

    /// The person decides, and the assistant receives it.
    fn decides(story: Story, call: (&str, u64), is_approved: bool, expires_at: u64) -> Story {
        decides_and_tells("assistant", story, call, is_approved, expires_at)
    }

    fn decides_and_tells(
        who: &str,
        story: Story,
        (about, op): (&str, u64),
        is_approved: bool,
        expires_at: u64,
    ) -> Story {
        let decided = decides_only(story, (about, op), is_approved, expires_at);
        let headers = Headers { idempotency_key: Some(OpId(op)), ..Headers::of(Purpose::Answer) };
        let decision = decided.last();
        decided.tells_because_of(Some(decision), ("approver", who), about, headers)
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
        assert_eq!(events, [3, 6, 7]);
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
    fn an_approval_that_was_lost_on_its_way_or_given_to_another_worker_is_not_known() {
        let told = |who| decides_and_tells(who, asks(guarded(), CALL), CALL, true, 900);
        assert_eq!(asks(calls(told("assistant-2"), CALL), CALL).judged_by(&property()), Verdict::Vacuous);
        let unsent = decides_only(asks(guarded(), CALL), CALL, true, 900);
        assert_eq!(asks(calls(unsent, CALL), CALL).judged_by(&property()), Verdict::Vacuous);
        // Its own approval has expired when it asks again; that of the other worker counts still.
        let own = decides(asks(guarded(), CALL), CALL, true, 10);
        let both = decides_and_tells("assistant-2", own, CALL, true, 900);
        assert_eq!(asks(calls(both, CALL).pass(9), CALL).judged_by(&property()), Verdict::Holds);
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

    #[test]
    fn only_a_question_to_a_person_asks_for_an_approval() {
        let headers = |purpose| Headers { idempotency_key: Some(OpId(CALL.1)), ..Headers::of(purpose) };
        for (to, purpose) in [("planner", Purpose::Ask), ("approver", Purpose::Done)] {
            let story = calls(approved(), CALL).sends(("assistant", to), CALL.0, headers(purpose));
            assert_eq!(story.judged_by(&property()), Verdict::Holds, "{purpose:?} to {to}");
        }
    }
}
