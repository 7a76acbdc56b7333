//! A request as the tool saw it.

use crate::agent::{Body, Headers, Operation, Wire};
use perfidy_sim::{Name, SimTime};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A request that reached a tool: from whom, when it was worked on, for what, and under which headers. It is
/// the message itself, as the network delivered it, and not what its sender says of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolRequest {
    /// Who sent it.
    pub by: Name,
    /// When it was worked on, by the clock of the tool.
    pub at: SimTime,
    body: Body,
}

impl ToolRequest {
    /// A request in a message.
    pub(crate) fn new(by: Name, at: SimTime, body: Body) -> Self {
        Self { by, at, body }
    }

    /// What it asks for.
    ///
    /// # Panics
    /// Never: only a request is made one.
    pub fn operation(&self) -> &Operation {
        let request = self.body.open().and_then(Wire::request);
        request.expect("the message is a request").1
    }

    /// Its headers.
    pub fn headers(&self) -> Headers {
        self.body.headers()
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

/// What a person wants to know of it beside what the event says: the arguments, and the headers where there
/// are any.
impl fmt::Display for ToolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = &self.operation().arguments;
        if arguments.is_nothing() { Ok(()) } else { write!(f, ": {arguments}") }
    }
}
