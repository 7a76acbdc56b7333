//! Calls that need a person's approval, and the approvals, as the harness saw them.
//!
//! Which operations need one, the person's node says, and what it decided. A call of such an operation begins
//! with the first request under its operation id; what follows under that id is the same call.

use crate::agent::{AgentEvent, OpId, Operation, PersonEvent, TeamEvent, kinds};
use crate::properties::TeamHistory;
use perfidy_sim::{Event, EventKinds, Lookup, Name, SimTime};

/// A call that needs an approval begins.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'a> {
    pub event: &'a Event<TeamEvent>,
    /// What is called, with its arguments.
    pub operation: &'a Operation,
    pub op: OpId,
}

/// A decision of a person.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    pub event: &'a Event<TeamEvent>,
    /// The call that it is about.
    pub operation: &'a Operation,
    pub op: OpId,
    pub is_approved: bool,
    pub expires_at: SimTime,
}

/// What happens around approvals.
pub(super) enum Step<'a> {
    Decided(Decided<'a>),
    Begun(Guarded<'a>),
    Other(&'a Event<TeamEvent>),
}

/// The decisions and the beginnings of calls that need one, in order, and the events of these other kinds.
pub(super) fn steps(history: &TeamHistory, others: EventKinds) -> impl Iterator<Item = Step<'_>> {
    let read = kinds::MUST_APPROVE.and(kinds::DECIDED).and(kinds::CALLED).and(others);
    let mut guarded: Lookup<(Name, Name), ()> = Lookup::default();
    let mut begun: Lookup<(Name, OpId), ()> = Lookup::default();
    history.events_of(read).filter_map(move |event| match event.app_event() {
        Some(TeamEvent::Person(PersonEvent::MustApprove { tool, operation })) => {
            guarded.insert((*tool, *operation), ());
            None
        }
        Some(TeamEvent::Person(PersonEvent::Decided { operation, op, is_approved, expires_at })) => {
            let (op, is_approved, expires_at) = (*op, *is_approved, *expires_at);
            Some(Step::Decided(Decided { event, operation, op, is_approved, expires_at }))
        }
        Some(TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, op, request })) => {
            let is_first =
                guarded.contains((*tool, *operation)) && begun.insert((*intent, *op), ()).is_none();
            is_first.then(|| Step::Begun(Guarded { event, operation: request.operation(), op: *op }))
        }
        _ => Some(Step::Other(event)),
    })
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::agent::{Body, ToolCall, ToolRequest, Wire};
    use crate::properties::testing::Story;

    pub fn operation(intent: &str) -> Operation {
        let [tool, create, intent] = ["ticketing", "create", intent].map(Name::new);
        Operation::new(tool, create, intent)
    }

    /// A history in which `ticketing.create` needs an approval.
    pub fn guarded() -> Story {
        let [tool, operation] = ["ticketing", "create"].map(Name::new);
        Story::default()
            .record_event("approver", TeamEvent::Person(PersonEvent::MustApprove { tool, operation }))
    }

    /// A person decides on the call of an intent under an operation id; the decision expires at this second.
    pub fn decides(story: Story, (intent, op): (&str, u64), is_approved: bool, expires_at: u64) -> Story {
        let (operation, op) = (operation(intent), OpId(op));
        let expires_at = SimTime::ZERO + perfidy_sim::SimSpan::from_secs(expires_at);
        story.record_event(
            "approver",
            TeamEvent::Person(PersonEvent::Decided { operation, op, is_approved, expires_at }),
        )
    }

    /// An agent calls a tool for an intent under an operation id.
    pub fn calls(story: Story, (intent, op): (&str, u64)) -> Story {
        begins(story, operation(intent), op)
    }

    /// An agent calls this operation under an operation id.
    pub fn begins(story: Story, operation: Operation, op: u64) -> Story {
        let (tool, name, intent) = (operation.tool, operation.name, operation.intent);
        let call = ToolCall::unkeyed(operation, OpId(op));
        let request =
            ToolRequest::new(Name::new("assistant"), SimTime::ZERO, Body::new(Wire::Call(Box::new(call))));
        let called = AgentEvent::Called { tool, operation: name, intent, op: OpId(op), request };
        story.record_event("assistant", TeamEvent::Agent(called))
    }
}
