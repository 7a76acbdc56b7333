//! What travels between an agent and a tool.

use crate::agent::{Definite, Headers, Message, Query, Reading, Receipt, ToolCall, Wish};
use perfidy_sim::Name;
use serde::Serialize;
use std::fmt;

/// The kinds of requests that a tool handles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Request {
    /// Do something.
    Call,
    /// Say what something is.
    Read,
    /// Say whether something was done.
    LookUp,
    /// Never do it.
    CallOff,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "call a tool",
            Self::Read => "read from a tool",
            Self::LookUp => "look a call up",
            Self::CallOff => "call one off",
        })
    }
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Call, Self::Read, Self::LookUp, Self::CallOff];

    /// What a tool is asked that gets such a request about an operation, as the second part of the site
    /// `tool, what`.
    pub(crate) fn of(self, operation: Name) -> Name {
        match self {
            Self::Call => operation,
            Self::Read => read_of(operation),
            Self::LookUp => look_up_of(operation),
            Self::CallOff => call_off_of(operation),
        }
    }

    /// The operation that a tool is asked about at the site `tool, what`.
    pub(crate) fn operation_at(what: &str) -> Name {
        let about = [READ_OF, LOOK_UP_OF, CALL_OFF_OF].into_iter().find_map(|form| what.strip_prefix(form));
        Name::new(about.map_or(what, str::trim_start))
    }

    /// What kind of request it is that a tool handles at the site `tool, what`.
    pub fn at(what: &str) -> Self {
        if what.starts_with(READ_OF) {
            Self::Read
        } else if what.starts_with(LOOK_UP_OF) {
            Self::LookUp
        } else if what.starts_with(CALL_OFF_OF) {
            Self::CallOff
        } else {
            Self::Call
        }
    }
}

#[derive(Clone, Copy, Hash, Debug, Serialize)]
pub(crate) enum Wire {
    Call(ToolCall),
    LookUp(Wish),
    CallOff(ToolCall),
    Done(Receipt),
    Found(Option<Receipt>),
    Failed,
    Refused(Definite),
    Read(Query),
    Reading(Reading),
    Malformed,
}

impl Message for Wire {
    fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::LookUp(_) => "look-up",
            Self::CallOff(_) => "call-off",
            Self::Read(_) => "read",
            Self::Done(_)
            | Self::Found(_)
            | Self::Reading(_)
            | Self::Failed
            | Self::Refused(_)
            | Self::Malformed => "reply",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Call(call) | Self::CallOff(call) => call.headers,
            _ => Headers::NONE,
        }
    }
}

const READ_OF: &str = "read of";
const LOOK_UP_OF: &str = "look-up of";
const CALL_OFF_OF: &str = "call-off of";

/// The kind of a message that carries a request, such as `call create`.
pub(crate) fn call_kind(what: Name) -> Name {
    Name::joined(Name::literal("call"), " ", what)
}

pub(crate) fn reply_kind(what: Name) -> Name {
    Name::joined(Name::literal("reply to"), " ", what)
}

/// A look-up's operation, for its messages and addresses.
pub(crate) fn look_up_of(operation: Name) -> Name {
    Name::joined(Name::literal(LOOK_UP_OF), " ", operation)
}

/// A call-off's operation, for its messages and addresses.
pub(crate) fn call_off_of(operation: Name) -> Name {
    Name::joined(Name::literal(CALL_OFF_OF), " ", operation)
}

/// A read's operation, for its messages and addresses.
pub(crate) fn read_of(item: Name) -> Name {
    Name::joined(Name::literal(READ_OF), " ", item)
}
