//! What the history of a team says, beyond messages and faults: typed events, by their author.
//!
//! Each kind of event has one author: the user's node, the person on call, a tool, the lock service, the
//! store, or the handle through which an agent acts, which writes down by itself what the agent does. An
//! agent has no way to write any of them ([`Author`](crate::agent::Author)). What it says of itself is an
//! [announcement](Note::Announced), and no shipped verdict rests on that.

mod agent;
mod people;
mod services;

pub use agent::{AgentEvent, Told};
pub use people::{PersonEvent, UserEvent};
pub use services::{InitialState, LeaseEvent, StoreEvent, ToolEvent};

use crate::agent::Body;
use perfidy_sim::{EventKinds, Name, Words};
use std::fmt;

/// One event of a team's history, by its author.
///
/// No code outside of perfidy can make one, and so none can write what another author would have written:
///
/// ```compile_fail,E0639
/// use perfidy::agent::{Note, OpId, ToolEvent};
/// use perfidy_sim::Name;
///
/// let [operation, intent] = ["create", "task-1/file"].map(Name::new);
/// let forged = Note::Tool(ToolEvent::Effect { operation, intent, op: OpId(1), receipt: 1 });
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// The user's node: what was wanted, and what was reported.
    User(UserEvent),
    /// The person on call.
    Person(PersonEvent),
    /// A tool: what took effect, and what it said.
    Tool(ToolEvent),
    /// The lock service.
    Lease(LeaseEvent),
    /// The store.
    Store(StoreEvent),
    /// The handle of an agent: what the agent did and was answered.
    Agent(AgentEvent),
    /// An agent said something of itself or its work. It is for stories and for properties of its author's
    /// own: no shipped verdict rests on it.
    Announced {
        /// What it is about.
        about: Name,
        /// What the agent said.
        content: Body,
    },
}

impl perfidy_sim::Note for Note {
    type Payload = Body;

    fn fold(&self, words: &mut Words) {
        words.hash(self);
    }

    fn kinds(&self) -> EventKinds {
        Note::kinds(self)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(event) => event.fmt(f),
            Self::Person(event) => event.fmt(f),
            Self::Tool(event) => event.fmt(f),
            Self::Lease(event) => event.fmt(f),
            Self::Store(event) => event.fmt(f),
            Self::Agent(event) => event.fmt(f),
            Self::Announced { about, content } => write!(f, "says of {about}: {content}"),
        }
    }
}

impl Note {
    /// The task, the intent or the shared thing it is about, if it is about one.
    pub fn intent(&self) -> Option<Name> {
        match self {
            Self::User(event) => event.about(),
            Self::Person(event) => event.about(),
            Self::Tool(event) => event.about(),
            Self::Lease(event) => Some(event.about()),
            Self::Store(event) => Some(event.about()),
            Self::Agent(event) => event.about(),
            Self::Announced { about, .. } => Some(*about),
        }
    }
}
