//! Tools: state machines that agents call, and the wrapper around them that injects their faults.
//!
//! A [`Tool`] says what it can be asked, what it answers, and how a call changes it; nothing else. It has
//! never heard of latency, repeated calls, lost answers or faults. The wrapper, [`ToolService`], is what runs
//! in the world: it takes its time, recognises idempotency keys, looks calls up, cancels operations, has
//! outages, and does with the request and the answer whatever a fault says ([`ToolFault`]). So every fault
//! concerns every tool, also yours.
//!
//! ```text
//!   agent --request--> latency, outage, fault, keys --call--> Tool
//!         <--answer--- fault (alters the JSON), latency <--result or refusal--'
//!                      '--> one event of the tool for each request that it handles
//! ```
//!
//! A call names the *intent* it serves (what the task wants) and carries an operation id. If the caller also
//! hands over the operation id as an idempotency key, a tool that deduplicates recognises a repetition.
//!
//! **The ledger** is the sequence of [`ToolEvent::Effect`](crate::agent::ToolEvent::Effect)s in the history.
//! An answer is only what a caller was told, and its error says which of two kinds it is:
//! [`Definite`](crate::agent::Definite) (it did not happen) or [`Indefinite`](crate::agent::Indefinite) (it
//! is not known).
//!
//! **States over time** ([`states`](crate::properties::States)) follow from the ledger: a tool is a
//! deterministic state machine, so the calls that took effect, applied again to its initial state, give every
//! state that it had (state machine replication, Schneider 1990). A run copies no state for that: a property
//! that reads states pays. A stale read is answered in the same way, when it is injected.
//!
//! **A kind** ([`ToolKind`]) is what `kind = "..."` in a file's `[tools.NAME]` names: how it reads its table
//! and which tool that gives. A new kind is one file and one line in the list of shipped kinds; one of your
//! own goes into your [suite](crate::suite::Suite::tool).
//!
//! ```
//! use perfidy::tools::{Caller, ToolContext, Tool};
//! use serde::{Deserialize, Serialize};
//!
//! /// A counter that does not go above ten.
//! #[derive(Clone, Hash, Debug, Serialize)]
//! struct Counter(u32);
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "kebab-case")]
//! enum Call { Add { by: u32 }, Total }
//!
//! impl Tool for Counter {
//!     type Call = Call;
//!     type Reply = u32;
//!     type Refusal = &'static str;
//!
//!     fn apply(&mut self, call: Call, _: &Caller) -> Result<u32, &'static str> {
//!         match call {
//!             Call::Add { by } if self.0 + by <= 10 => self.0 += by,
//!             Call::Add { .. } => return Err("that is too much"),
//!             Call::Total => {}
//!         }
//!         Ok(self.0)
//!     }
//!
//!     fn read(&self, call: Call, _: &ToolContext<'_>) -> Result<u32, &'static str> {
//!         match call {
//!             Call::Total => Ok(self.0),
//!             Call::Add { .. } => Err("this is no question"),
//!         }
//!     }
//! }
//! ```

mod accounts;
mod config;
mod fault;
mod files;
mod keys;
mod kind;
mod outage;
mod own;
mod prototype;
mod records;
mod registers;
mod service;
mod sources;

pub use accounts::{Accounts, AccountsCall, Declined};
pub use config::ToolConfig;
pub use fault::{CallFault, LookUpFault, Outage, ReadFault, ToolFault};
pub use files::{FileCall, FileEdit, FileRefusal, FileReply, Files, Stored};
pub use kind::ToolKind;
pub(crate) use kind::shipped;
pub use own::ToolFaults;
pub use prototype::Prototype;
pub use records::Records;
pub use registers::{Register, RegisterCall, Registers};
pub use service::ToolService;
pub use sources::{Document, Sources};

use crate::agent::{Agents, Content, Headers, ToolRequest};
use perfidy_sim::{DrawSite, Name, ServiceContext, SimTime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::hash::Hash;

/// Something that agents call: a deterministic state machine.
///
/// Its state is what [`Clone`] copies: a clone shares nothing with the original that either of them changes.
pub trait Tool: Clone + Send + Sync + 'static {
    /// What it can be asked: for most an enum with a variant for each operation and the arguments as its
    /// fields, named as files name them (`#[serde(rename_all = "kebab-case")]`).
    type Call: DeserializeOwned;
    /// What it answers. Its type is the schema that callers know: an altered result that it cannot read is
    /// one that the caller cannot read either.
    type Reply: Serialize + DeserializeOwned + Hash + Send + Sync + 'static;
    /// Why it declines a call. It has changed nothing then.
    type Refusal: Serialize + Hash + Send + Sync + 'static;

    /// Whether it orders calls by the stamps of their callers. The clients of such a tool stamp each call.
    const ORDERS_BY_STAMP: bool = false;

    /// Carries out a call. The same call on the same state always has the same outcome.
    ///
    /// # Errors
    /// The reason for which it declines the call.
    fn apply(&mut self, call: Self::Call, asked: &Caller) -> Result<Self::Reply, Self::Refusal>;

    /// Answers a question, and changes nothing.
    ///
    /// # Errors
    /// The reason for which it does not answer.
    fn read(&self, call: Self::Call, moment: &ToolContext<'_>) -> Result<Self::Reply, Self::Refusal>;

    /// Makes out what a request says. As it is unless you say otherwise, the operation is the name of a
    /// variant of [`Tool::Call`] and the arguments are its fields.
    ///
    /// # Errors
    /// What is wrong with the request, in words.
    fn parse(operation: Name, arguments: &Content) -> Result<Self::Call, String> {
        variant(operation, arguments)
    }
}

/// Who asks for a call, when, and under which headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Who sent the request.
    pub by: Name,
    /// When it is carried out, by the clock of the tool.
    pub at: SimTime,
    /// The headers of the request. A precondition is for the tool to check.
    pub headers: Headers,
}

impl Caller {
    fn by(request: &ToolRequest) -> Self {
        Self { by: request.by, at: request.at, headers: request.headers() }
    }
}

/// When a question is answered, and what the world outside is like.
pub struct ToolContext<'a> {
    /// The time as of which the answer is: now, unless the tool is behind.
    pub as_of: SimTime,
    service: &'a ServiceContext<'a, Agents>,
}

impl ToolContext<'_> {
    /// The name of the tool.
    pub fn tool(&self) -> Name {
        self.service.name()
    }

    /// Draws something about the world outside: the nth thing (from one) about `about`, the same whenever it
    /// is asked for.
    pub fn draw<T>(
        &self,
        what: &'static str,
        about: Name,
        nth: u32,
        draw: impl FnOnce(DrawSite<'_>) -> T,
    ) -> T {
        draw(self.service.draw_site_at(Name::joined(self.service.name(), what, about), about, nth))
    }
}

/// A call as the variant of an enum: the operation is its name, the arguments are its fields.
fn variant<C: DeserializeOwned>(operation: Name, arguments: &Content) -> Result<C, String> {
    let name = operation.as_str();
    let unit = || serde_json::from_value(Value::String(name.to_owned()));
    if arguments.is_nothing()
        && let Ok(call) = unit()
    {
        return Ok(call);
    }
    let arguments = if arguments.is_nothing() { Value::Object(Map::new()) } else { arguments.json() };
    let table = Map::from_iter([(name.to_owned(), arguments)]);
    serde_json::from_value(Value::Object(table)).map_err(|error| error.to_string())
}
