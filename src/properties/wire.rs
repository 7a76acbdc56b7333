//! Network traffic as the properties see it: messages and tool calls with their headers.

use crate::agent::{AgentEvent, HANDLER_ERROR, Headers, Purpose, TeamEvent};
use crate::properties::TeamHistory;
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Lookup, Name};
use std::fmt;

/// One incarnation of an agent. Two of one name can be alive at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Incarnation(pub Name, pub u32);

impl Incarnation {
    /// The author of an event.
    pub fn of(event: &Event<TeamEvent>) -> Self {
        Self(event.node, event.incarnation)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(name, 0) => name.fmt(f),
            Self(name, later) => write!(f, "{name} (incarnation {})", later + 1),
        }
    }
}

/// The receiver and the subject of a message sent for this purpose.
pub(super) fn sent_for(purpose: Purpose, event: &Event<TeamEvent>) -> Option<(Name, Name)> {
    match &event.what {
        EventKind::Sent { to, about, content, .. } if content.is_for(purpose) => Some((*to, *about)),
        _ => None,
    }
}

/// A tool call that leaves its caller.
pub(super) struct Call<'a> {
    /// The record of the call.
    pub called: &'a Event<TeamEvent>,
    /// Its intent.
    pub intent: Name,
    /// Its headers.
    pub headers: Headers,
}

/// The tool call that is sent by an event.
pub(super) fn call<'a>(history: &'a TeamHistory, event: &Event<TeamEvent>) -> Option<Call<'a>> {
    let EventKind::Sent { content, .. } = &event.what else { return None };
    let called = history.event(event.cause?);
    match called.app_event() {
        Some(TeamEvent::Agent(AgentEvent::Called { intent, .. })) => {
            Some(Call { called, intent: *intent, headers: content.headers() })
        }
        _ => None,
    }
}

/// The deliveries whose messages were lost to errors in their handlers: their agents know nothing of them.
pub(super) fn swallowed(history: &TeamHistory) -> Lookup<EventId, ()> {
    let mut swallowed = Lookup::default();
    for event in history.events_of(EventKinds::INJECTED) {
        if let (EventKind::Injected(fault), Some(delivery)) = (&event.what, event.cause)
            && fault.action.kind().as_str() == HANDLER_ERROR
        {
            swallowed.insert(delivery, ());
        }
    }
    swallowed
}

/// The sending of the message that caused an event of a service or of the user.
pub(super) fn sending_of<'a>(
    history: &'a TeamHistory,
    event: &Event<TeamEvent>,
) -> Option<&'a Event<TeamEvent>> {
    history.causes(event.id).find(|cause| matches!(cause.what, EventKind::Sent { .. }))
}
