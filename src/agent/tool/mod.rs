//! Tools: services with effects and answers, a ledger of what really happened, and acknowledgements that may
//! lie.
//!
//! A call names the *intent* it serves (what the task wants) and carries an operation id. If the caller also
//! hands over the operation id as an idempotency key, a tool that deduplicates recognises a repetition.
//!
//! The ledger is the sequence of
//! [`ToolEvent::Effect`](crate::agent::ToolEvent::Effect)s in the history. An answer
//! is only what somebody was told, and its error says which of two kinds it is: [`Definite`] (it did not
//! happen) or [`Indefinite`] (nobody knows).
//!
//! A tool that deduplicates can also be asked to call an operation off. Whether it is called off or done is
//! decided there, by which of the two comes first, and stays so: the only place where a race between them has
//! a winner.
//!
//! A tool can also be read, without changing anything: what it has is versioned and changes as time goes by,
//! and a [`Reading`] says of when it is.
//!
//! What can go wrong inside a tool is asked of the plan at the site `tool, operation` (or `tool, read of item`, or
//! `tool, look-up of operation`), when the request has been worked on and is about to be answered.

mod error;
mod items;
mod reading;
mod service;
mod trouble;
mod wire;

pub use error::{Definite, Indefinite, ToolError};
pub use reading::{Content, Query, Reading};
pub use service::ToolService;
pub use wire::Request;
pub(crate) use wire::{Wire, call_kind, call_off_of, look_up_of, read_of, reply_kind};

use crate::agent::Headers;
use perfidy_sim::{Name, Words};
use serde::{Serialize, Serializer};
use std::fmt;

/// The identity of one attempt to get something done. A repetition under the same id means the same wish.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

impl OpId {
    /// The id of the nth attempt to undo this operation: the same for everybody who knows the operation, so
    /// that nobody has to remember it across a crash.
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

    /// The id that is a digest of a call: what it wants, in the words in which it is put.
    pub fn of_call(wish: Wish, wording: u32) -> Self {
        Self(Words::digest(|words| words.hash(&(wish, wording))))
    }
}

/// As sixteen hexadecimal digits: not every reader of JSON has numbers of 64 bits.
impl Serialize for OpId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {:04x}", self.0 >> 48)
    }
}

/// An effect that somebody wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Wish {
    /// Through which tool.
    pub tool: Name,
    /// By which operation.
    pub operation: Name,
    /// What for.
    pub intent: Name,
}

/// A call to a tool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct ToolCall {
    /// What the caller wants.
    pub wish: Wish,
    /// Which attempt this is.
    pub op: OpId,
    /// Under which headers. With the operation id as the idempotency key, a tool that deduplicates recognises
    /// a repetition.
    pub headers: Headers,
}

impl ToolCall {
    /// A call that hands its operation id over as an idempotency key.
    pub fn keyed(wish: Wish, op: OpId) -> Self {
        Self { wish, op, headers: Headers { idempotency_key: Some(op), ..Headers::NONE } }
    }

    /// A call whose repetition no tool can recognise.
    pub fn unkeyed(wish: Wish, op: OpId) -> Self {
        Self { wish, op, headers: Headers::NONE }
    }
}

/// A tool's word that an operation is done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Receipt(pub u64);

/// What became of an operation that was to be called off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallOff {
    /// It is not going to happen, whoever asks for it under the same id.
    CalledOff,
    /// It had happened before.
    DoneAlready(Receipt),
}
