//! Typed events of a team's history, beyond messages and faults, grouped by author.
//!
//! Each kind of event has one author: the user's node, the person on call, a guardrail, a tool, the lock
//! service, the store, or the handle of an agent, which records the agent's actions. An agent cannot write
//! any of them ([`Author`](crate::agent::Author)). What an agent says about itself is an
//! [announcement](TeamEvent::Announced), and no shipped verdict depends on one.

mod agent;
mod guardrail;
mod people;
mod services;

pub use agent::{AgentEvent, CallOutcome};
pub use guardrail::GuardrailEvent;
pub use people::{PersonEvent, UserEvent};
pub(crate) use services::StateMachine;
pub use services::{InitialState, LeaseEvent, StoreEvent, ToolEvent};

use crate::agent::Body;
use perfidy_sim::{EventKinds, Name, Words};
use std::fmt;

/// One event of a team's history, by its author.
///
/// Only perfidy's code can make one, so no code can forge the event of another author:
///
/// ```compile_fail,E0639
/// use perfidy::agent::{TeamEvent, OpId, ToolEvent};
/// use perfidy_sim::Name;
///
/// let [operation, intent] = ["create", "task-1/file"].map(Name::new);
/// let forged = TeamEvent::Tool(ToolEvent::Effect { operation, intent, op: OpId(1), receipt: 1 });
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TeamEvent {
    /// The user's node: wanted effects and received reports.
    User(UserEvent),
    /// The person on call.
    Person(PersonEvent),
    /// A tool: its effects and its answers.
    Tool(ToolEvent),
    /// The lock service.
    Lease(LeaseEvent),
    /// The store.
    Store(StoreEvent),
    /// The handle of an agent: the agent's actions and the answers to it.
    Agent(AgentEvent),
    /// An announcement of an agent about itself or its work, for stories and for your own properties. No
    /// shipped verdict depends on it.
    Announced {
        /// What it is about.
        about: Name,
        /// Its content.
        content: Body,
    },
    /// A guardrail: what it must check, and its verdicts.
    Guardrail(GuardrailEvent),
}

impl perfidy_sim::AppEvent for TeamEvent {
    type Payload = Body;

    fn fold(&self, words: &mut Words) {
        words.hash(self);
    }

    fn kinds(&self) -> EventKinds {
        TeamEvent::kinds(self)
    }
}

impl fmt::Display for TeamEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(event) => event.fmt(f),
            Self::Person(event) => event.fmt(f),
            Self::Tool(event) => event.fmt(f),
            Self::Lease(event) => event.fmt(f),
            Self::Store(event) => event.fmt(f),
            Self::Agent(event) => event.fmt(f),
            Self::Announced { about, content } => write!(f, "says of {about}: {content}"),
            Self::Guardrail(event) => event.fmt(f),
        }
    }
}

impl TeamEvent {
    /// The task, intent or shared item it is about, if any.
    pub fn intent(&self) -> Option<Name> {
        match self {
            Self::User(event) => event.about(),
            Self::Person(event) => event.about(),
            Self::Tool(event) => event.about(),
            Self::Lease(event) => Some(event.about()),
            Self::Store(event) => Some(event.about()),
            Self::Agent(event) => event.about(),
            Self::Announced { about, .. } => Some(*about),
            Self::Guardrail(event) => event.about(),
        }
    }
}
