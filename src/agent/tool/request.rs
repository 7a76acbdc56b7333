//! A request as it reached the tool.

use crate::agent::{AgentEvent, Body, Capability, Headers, OpId, Operation, Request, TeamEvent, Wire};
use perfidy_sim::{Event, EventKind, Name, SimTime};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A request to a tool: from whom, when, for what, and under which headers. It is the message itself, and not
/// what its sender says of it: as it left the agent, or as the network delivered it to the tool.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolRequest {
    /// Who sent it.
    pub by: Name,
    /// When it was made, by the clock of the agent; when it was worked on, by that of the tool.
    pub at: SimTime,
    body: Body,
}

impl ToolRequest {
    /// A request in a message.
    pub(crate) fn new(by: Name, at: SimTime, body: Body) -> Self {
        Self { by, at, body }
    }

    /// The request that an event is about: that an agent makes it, sends it, or that a tool gets it or works
    /// on it. A request stands in the history as its agent sends it, also if it is lost on its way.
    ///
    /// ```
    /// use perfidy::agent::ToolRequest;
    /// use perfidy::properties::TeamHistory;
    ///
    /// /// How much was asked for, counted where it was sent.
    /// fn asked_for(history: &TeamHistory) -> u64 {
    ///     let requests = history.events_of(perfidy_sim::EventKinds::SENT).filter_map(ToolRequest::of);
    ///     requests.filter_map(|request| request.operation().arguments.json()["amount"].as_u64()).sum()
    /// }
    /// ```
    pub fn of(event: &Event<TeamEvent>) -> Option<Self> {
        let (by, body) = match &event.what {
            EventKind::Sent { content, .. } => (event.node, content),
            EventKind::Delivered { from, content, .. } => (*from, content),
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { request, .. })) => {
                return Some(request.clone());
            }
            EventKind::App(TeamEvent::Tool(event)) => return event.request().cloned(),
            _ => return None,
        };
        body.open().and_then(Wire::request)?;
        Some(Self { by, at: event.at, body: body.clone() })
    }

    /// Which kind of request it is.
    ///
    /// # Panics
    /// Never: only a request is made one.
    pub fn kind(&self) -> Request {
        self.parts().0
    }

    /// What it asks for.
    ///
    /// # Panics
    /// Never: it is only made from a request.
    pub fn operation(&self) -> &Operation {
        self.parts().1
    }

    fn parts(&self) -> (Request, &Operation) {
        self.body.open().and_then(Wire::request).expect("the message is a request")
    }

    /// Its operation id, if it is a call or to cancel one.
    pub fn op(&self) -> Option<OpId> {
        match self.body.open() {
            Some(Wire::Call(call) | Wire::Cancel(call)) => Some(call.op),
            _ => None,
        }
    }

    /// The same as it comes through a gateway that drops the headers by which it can be traced.
    pub(crate) fn untraced(&self) -> Self {
        let body = match self.body.open() {
            Some(Wire::Call(call)) => {
                Body::new(Wire::Call(Box::new(call.untraced()))).stamped(self.body.stamp())
            }
            _ => self.body.clone(),
        };
        Self { body, ..self.clone() }
    }

    /// Its headers.
    pub fn headers(&self) -> Headers {
        self.body.headers()
    }

    /// What its caller states that it knows of the tool; nothing unless it is a call.
    pub fn capability(&self) -> Capability {
        match self.body.open() {
            Some(Wire::Call(call)) => call.capability,
            _ => Capability::default(),
        }
    }

    /// Its idempotency key and its stamp, for a story; nothing if it was sent without.
    pub(crate) fn key_in_words(&self) -> String {
        let Headers { idempotency_key, stamp, .. } = self.headers();
        match (idempotency_key, stamp) {
            (Some(key), Some(stamp)) => format!(" ({key}, {stamp})"),
            (Some(key), None) => format!(" ({key})"),
            (None, Some(stamp)) => format!(" ({stamp})"),
            (None, None) => String::new(),
        }
    }
}

impl Hash for ToolRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.by.hash(state);
        self.body.hash(state);
    }
}

impl fmt::Debug for ToolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} asks {:?}", self.by, self.body)
    }
}

/// The data of a request that the event does not show: the arguments, and the headers if there are any.
impl fmt::Display for ToolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = &self.operation().arguments;
        if arguments.is_nothing() { Ok(()) } else { write!(f, ": {arguments}") }
    }
}
