//! Messages between an agent and a tool.

use crate::agent::{Content, Definite, Headers, Message, Operation, ReadResult, Receipt, ToolCall, json};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The kinds of requests that a tool handles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Request {
    /// Carry out an operation.
    Call,
    /// Read something.
    Read,
    /// Look up whether an operation was done.
    LookUp,
    /// Cancel an operation.
    Cancel,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "call a tool",
            Self::Read => "read from a tool",
            Self::LookUp => "look a call up",
            Self::Cancel => "cancel one",
        })
    }
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Call, Self::Read, Self::LookUp, Self::Cancel];

    /// The second part of the site `tool, what` for such a request about an operation.
    pub(crate) fn of(self, operation: Name) -> Name {
        match self {
            Self::Call => operation,
            Self::Read => read_of(operation),
            Self::LookUp => look_up_of(operation),
            Self::Cancel => cancel_of(operation),
        }
    }

    /// The operation that a tool is asked about at the site `tool, what`.
    pub(crate) fn operation_at(what: &str) -> Name {
        let about = [READ_OF, LOOK_UP_OF, CANCEL_OF].into_iter().find_map(|form| what.strip_prefix(form));
        Name::new(about.map_or(what, str::trim_start))
    }

    /// What kind of request it is that a tool handles at the site `tool, what`.
    pub fn at(what: &str) -> Self {
        if what.starts_with(READ_OF) {
            Self::Read
        } else if what.starts_with(LOOK_UP_OF) {
            Self::LookUp
        } else if what.starts_with(CANCEL_OF) {
            Self::Cancel
        } else {
            Self::Call
        }
    }
}

/// The answer of a tool to a call that took effect, as its caller reads it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Confirmation {
    /// The number of the effect in the ledger of the tool.
    pub receipt: Receipt,
    /// The tool's own content, such as a balance.
    #[serde(default, skip_serializing_if = "Content::is_nothing")]
    pub result: Content,
}

/// Why a tool refused a request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The error for the caller.
    pub error: Definite,
    /// The tool's own explanation.
    #[serde(default, skip_serializing_if = "Content::is_nothing")]
    pub why: Content,
}

impl Refused {
    /// A refusal without an explanation.
    pub(crate) fn of(error: Definite) -> Self {
        Self { error, why: Content::NOTHING }
    }
}

/// Calls are boxed: their headers are several times as large as an answer, and answers are moved more often.
#[derive(Clone, PartialEq, Hash, Debug, Serialize, Deserialize)]
pub(crate) enum Wire {
    Call(Box<ToolCall>),
    LookUp(Operation),
    Cancel(Box<ToolCall>),
    Read(Operation),
    Done(Confirmation),
    Found(Option<Confirmation>),
    Failed,
    Refused(Refused),
    ReadResult(ReadResult),
    /// An answer whose JSON a fault has altered.
    Altered(Value),
    Malformed,
    /// The same where the result of a call is none that the tool can give. A client that knows the schema of
    /// the tool's results finds that out; the wrapper of the tool does it for the client, since it knows the
    /// type.
    Mistyped(Value),
}

impl Wire {
    /// The kind of request and its operation; `None` if it is an answer.
    pub fn request(&self) -> Option<(Request, &Operation)> {
        match self {
            Self::Call(call) => Some((Request::Call, &call.operation)),
            Self::LookUp(operation) => Some((Request::LookUp, operation)),
            Self::Cancel(call) => Some((Request::Cancel, &call.operation)),
            Self::Read(operation) => Some((Request::Read, operation)),
            Self::Done(_)
            | Self::Found(_)
            | Self::Failed
            | Self::Refused(_)
            | Self::ReadResult(_)
            | Self::Altered(_)
            | Self::Malformed
            | Self::Mistyped(_) => None,
        }
    }

    /// The JSON of an answer with content, and the name of the field that holds the tool's content.
    pub fn said(&self) -> Option<(Value, &'static str)> {
        match self {
            Self::Done(done) => {
                let mut json = json::of(done);
                // Where there is no result, that is said too.
                json[RESULT] = done.result.json();
                Some((json, RESULT))
            }
            Self::ReadResult(reading) => Some((json::of(reading), "content")),
            _ => None,
        }
    }

    /// The answer to a call as the caller reads it: an altered answer is parsed from its JSON, if its result
    /// fits the schema of the tool.
    pub fn done(&self) -> Option<Confirmation> {
        match self {
            Self::Done(done) => Some(done.clone()),
            Self::Altered(json) => {
                json.get(RESULT)?;
                serde_json::from_value(json.clone()).ok()
            }
            _ => None,
        }
    }

    /// The answer to a read as the reader reads it.
    pub fn reading(&self) -> Option<ReadResult> {
        match self {
            Self::ReadResult(reading) => Some(reading.clone()),
            Self::Altered(json) => serde_json::from_value(json.clone()).ok(),
            _ => None,
        }
    }
}

impl Message for Wire {
    fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::LookUp(_) => "look-up",
            Self::Cancel(_) => "cancel",
            Self::Read(_) => "read",
            Self::Done(_)
            | Self::Found(_)
            | Self::ReadResult(_)
            | Self::Failed
            | Self::Refused(_)
            | Self::Altered(_)
            | Self::Malformed
            | Self::Mistyped(_) => "reply",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Call(call) | Self::Cancel(call) => call.headers,
            _ => Headers::NONE,
        }
    }
}

/// The field of a confirmation that holds the tool's content.
const RESULT: &str = "result";

const READ_OF: &str = "read of";
const LOOK_UP_OF: &str = "look-up of";
const CANCEL_OF: &str = "cancel of";

/// The kind of a message that carries a request, such as `call create`.
pub(crate) fn call_kind(what: Name) -> Name {
    Name::joined(Name::literal("call"), " ", what)
}

pub(crate) fn reply_kind(what: Name) -> Name {
    Name::joined(Name::literal("reply to"), " ", what)
}

/// The operation of a request, from the kind of the reply to it.
pub(crate) fn reply_operation(kind: Name) -> Option<&'static str> {
    kind.as_str().strip_prefix("reply to ")
}

/// A look-up's operation, for its messages and addresses.
pub(crate) fn look_up_of(operation: Name) -> Name {
    Name::joined(Name::literal(LOOK_UP_OF), " ", operation)
}

/// A cancellation's operation, for its messages and addresses.
pub(crate) fn cancel_of(operation: Name) -> Name {
    Name::joined(Name::literal(CANCEL_OF), " ", operation)
}

/// A read's operation, for its messages and addresses.
pub(crate) fn read_of(item: Name) -> Name {
    Name::joined(Name::literal(READ_OF), " ", item)
}
