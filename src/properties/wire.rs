//! What went over the network, as the properties see it: messages and tool calls with their headers.

use crate::agent::{AgentEvent, Headers, Note, Purpose};
use crate::properties::TeamHistory;
use perfidy_sim::{Event, Name, What};

/// A message for this purpose that was sent: to whom, and what it is about.
pub(super) fn sent_for(purpose: Purpose, event: &Event<Note>) -> Option<(Name, Name)> {
    match &event.what {
        What::Sent { to, about, content, .. } if content.is_for(purpose) => Some((*to, *about)),
        _ => None,
    }
}

/// A tool call that leaves its caller.
pub(super) struct Call<'a> {
    /// The note of the call.
    pub called: &'a Event<Note>,
    /// What it is for.
    pub intent: Name,
    /// Under which headers.
    pub headers: Headers,
}

/// The tool call that an event is the sending of.
pub(super) fn call<'a>(history: &'a TeamHistory, event: &Event<Note>) -> Option<Call<'a>> {
    let What::Sent { content, .. } = &event.what else { return None };
    let called = history.event(event.cause?);
    match called.note() {
        Some(Note::Agent(AgentEvent::Called { intent, .. })) => {
            Some(Call { called, intent: *intent, headers: content.headers() })
        }
        _ => None,
    }
}

/// The sending of the message that led to what a service or the user wrote down.
pub(super) fn sending_of<'a>(history: &'a TeamHistory, event: &Event<Note>) -> Option<&'a Event<Note>> {
    history.causes(event.id).find(|cause| matches!(cause.what, What::Sent { .. }))
}
