//! The tool client of an agent: calls, reads and their outcomes. The tools themselves, with their faults, are
//! in [`tools`](crate::tools).
//!
//! A call requests an [`Operation`] under an operation id; a read requests one too, without an effect. The
//! outcome is only what the caller was told, and its error is one of two kinds: [`Definite`] (it did not
//! happen) or [`Indefinite`] (it may have happened).
//!
//! A tool that deduplicates can also be asked to cancel an operation. The tool decides the race: the
//! operation is either cancelled or done, by which request comes first, and stays so.

mod capability;
mod client;
mod connections;
mod error;
mod request;
mod wire;

pub use capability::{Capability, ToolChange};
pub(super) use connections::Connections;
pub use error::{CallError, Definite, Indefinite, ToolError};
pub use request::ToolRequest;
pub use wire::{Confirmation, Refused, Request};
pub(crate) use wire::{Wire, call_kind, cancel_of, look_up_of, read_of, reply_kind, reply_operation};

use crate::agent::{Content, Headers, TypeMismatch, json};
use perfidy_sim::{Name, SimTime, Words};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The identity of one attempt at an operation. A repetition under the same id means the same request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

impl OpId {
    /// The id that a text stands for, such as the key that a client sends: its digest.
    ///
    /// ```
    /// use perfidy::agent::OpId;
    /// assert_eq!(OpId::of_text("order-17"), OpId::of_text("order-17"));
    /// assert_ne!(OpId::of_text("order-17"), OpId::of_text("order-18"));
    /// ```
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(Words::digest(|words| {
            words.text(text);
        }))
    }

    /// The id of the nth attempt to undo this operation. It is the same for every agent that knows the
    /// operation, so no agent has to remember it across a crash.
    ///
    /// ```
    /// use perfidy::agent::OpId;
    /// assert_eq!(OpId(7).of_undo(1), OpId(7).of_undo(1));
    /// assert_ne!(OpId(7).of_undo(1), OpId(7).of_undo(2));
    /// ```
    #[must_use]
    pub fn of_undo(self, attempt: u32) -> Self {
        Self(Words::digest(|words| {
            words.put(self.0).text("undo").put(attempt.into());
        }))
    }

    /// The id that is a digest of a call: its operation and wording.
    pub fn of_call(operation: &Operation, wording: u32) -> Self {
        Self(Words::digest(|words| words.hash(&(operation, wording))))
    }
}

/// As sixteen hexadecimal digits: not every JSON reader has 64-bit numbers.
impl Serialize for OpId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for OpId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {:04x}", self.0 >> 48)
    }
}

/// An operation of a tool: an effect or a read.
///
/// ```
/// use perfidy::agent::Operation;
/// use perfidy::tools::AccountsCall;
/// use perfidy_sim::Name;
/// use serde_json::json;
///
/// let call = AccountsCall::Balance { account: "alice".to_owned() };
/// let operation = Operation::calling(Name::new("bank"), Name::new("task-1/check"), &call);
/// assert_eq!(operation.name, Name::new("balance"));
/// assert_eq!(operation.arguments.json(), json!({ "account": "alice" }));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// The tool.
    pub tool: Name,
    /// The name of the operation.
    pub name: Name,
    /// The intent.
    pub intent: Name,
    /// The arguments.
    #[serde(default, skip_serializing_if = "Content::is_nothing")]
    pub arguments: Content,
}

impl Operation {
    /// An operation without arguments.
    pub fn new(tool: Name, name: Name, intent: Name) -> Self {
        Self { tool, name, intent, arguments: Content::NOTHING }
    }

    /// The same with these arguments.
    #[must_use]
    pub fn with(self, arguments: Content) -> Self {
        Self { arguments, ..self }
    }

    /// The operation of a typed call: the name of its variant, and its fields as arguments.
    ///
    /// # Panics
    /// If the call is not an enum variant in serde's default representation.
    pub fn calling(tool: Name, intent: Name, call: &impl Serialize) -> Self {
        match json::of(call) {
            serde_json::Value::String(name) => Self::new(tool, Name::new(&name), intent),
            serde_json::Value::Object(table) if table.len() == 1 => {
                let (name, arguments) = table.into_iter().next().expect("one");
                Self::new(tool, Name::new(&name), intent).with(Content::of_json(arguments))
            }
            other => panic!("a call is a variant of an enum, and not {other}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tool, name, intent, arguments } = self;
        write!(f, "{tool}.{name} for {intent}")?;
        if arguments.is_nothing() { Ok(()) } else { write!(f, ": {arguments}") }
    }
}

/// A call to a tool.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the caller wants.
    pub operation: Operation,
    /// Which attempt this is.
    pub op: OpId,
    /// Its headers. With the operation id as the idempotency key, a tool that deduplicates recognises a
    /// repetition.
    pub headers: Headers,
    /// What the caller states that it knows of the tool.
    #[serde(default, skip_serializing_if = "Capability::is_unstated")]
    pub capability: Capability,
}

impl ToolCall {
    /// The same without the headers by which it can be traced to its task.
    pub(crate) fn untraced(&self) -> Self {
        let headers = Headers { correlation: None, provenance: None, ..self.headers };
        Self { headers, ..self.clone() }
    }

    /// A call with its operation id as the idempotency key.
    pub fn keyed(operation: Operation, op: OpId) -> Self {
        let headers = Headers { idempotency_key: Some(op), ..Headers::NONE };
        Self { headers, ..Self::unkeyed(operation, op) }
    }

    /// A call without a key, whose repetition no tool can recognise.
    pub fn unkeyed(operation: Operation, op: OpId) -> Self {
        Self { operation, op, headers: Headers::NONE, capability: Capability::default() }
    }
}

/// The answer of a tool to a read.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ReadResult {
    /// As of when, by the clock of the tool.
    pub as_of: SimTime,
    /// The content.
    pub content: Content,
}

impl ReadResult {
    /// The content as a value of this type.
    ///
    /// # Errors
    /// [`TypeMismatch`] if it is not one.
    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T, TypeMismatch> {
        self.content.read()
    }
}

/// A tool's confirmation that an operation is done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Receipt(pub u64);

impl Receipt {
    /// That of an agent that says that something is done and has no receipt for it. Tools count from one.
    pub const NONE: Self = Self(0);
}

/// The outcome of a request to cancel an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cancelled {
    /// It will never happen under this id.
    NeverHappens,
    /// It had happened before.
    DoneAlready(Receipt),
}
