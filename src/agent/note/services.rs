//! What tools, the lock service and the store did.

use crate::agent::{Body, Content, OpId, Token, Version};
use perfidy_sim::{Name, SimTime};
use std::fmt;

/// What a tool writes down.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ToolEvent {
    /// A line in the ledger of a tool: this really happened.
    #[non_exhaustive]
    Effect { operation: Name, intent: Name, op: OpId, receipt: u64 },
    /// A tool recognised a call it had carried out before, and did nothing.
    #[non_exhaustive]
    Recognised { operation: Name, intent: Name, op: OpId },
    /// A tool was asked to call an operation off in time, and is not going to carry it out.
    #[non_exhaustive]
    CalledOff { operation: Name, intent: Name, op: OpId },
    /// A tool gave a version of an item to a reader that wanted to know it for that intent.
    #[non_exhaustive]
    Served { item: Name, intent: Name, version: u32, as_of: SimTime, content: Content },
}

impl fmt::Display for ToolEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect { operation, intent, op, receipt } => {
                write!(f, "EFFECT {operation} for {intent} ({op}), receipt {receipt}")
            }
            Self::Recognised { operation, intent, op } => {
                write!(f, "recognises {operation} for {intent} ({op}), does nothing")
            }
            Self::CalledOff { operation, intent, op } => {
                write!(f, "calls off {operation} for {intent} ({op})")
            }
            Self::Served { item, intent, version, as_of, content } => {
                write!(f, "SAYS {item} for {intent}: version {version}, as of {as_of} ({content})")
            }
        }
    }
}

impl ToolEvent {
    /// The intent it is about.
    pub fn about(&self) -> Name {
        let (Self::Effect { intent, .. }
        | Self::Recognised { intent, .. }
        | Self::CalledOff { intent, .. }
        | Self::Served { intent, .. }) = *self;
        intent
    }
}

/// What the lock service writes down.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LeaseEvent {
    /// The lock service granted a lease, or prolonged it.
    #[non_exhaustive]
    Granted { resource: Name, holder: Name, token: Token, until: SimTime },
    /// Its holder gave a lease back.
    #[non_exhaustive]
    GivenBack { resource: Name, holder: Name, token: Token },
}

impl fmt::Display for LeaseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { resource, holder, token, until } => {
                write!(f, "grants {resource} to {holder} until {until}, token {token}")
            }
            Self::GivenBack { resource, holder, token } => {
                write!(f, "has {resource} back from {holder}, token {token}")
            }
        }
    }
}

impl LeaseEvent {
    /// What the lease is for.
    pub fn about(&self) -> Name {
        let (Self::Granted { resource, .. } | Self::GivenBack { resource, .. }) = *self;
        resource
    }
}

/// What the store writes down.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StoreEvent {
    /// The store has a new version of an item, whose author had read another.
    #[non_exhaustive]
    Stored { item: Name, by: Name, version: Version, based_on: Version },
    /// With that version an entry came.
    #[non_exhaustive]
    Entered { item: Name, entry: Name, version: Version, content: Body },
    /// With that version an entry went.
    #[non_exhaustive]
    Vanished { item: Name, entry: Name, version: Version },
}

impl fmt::Display for StoreEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored { item, by, version, based_on } => {
                write!(f, "STORES {version} of {item} by {by}, who had read {based_on}")
            }
            Self::Entered { item, entry, version, content } => {
                write!(f, "{version} of {item} has {entry}: {content}")
            }
            Self::Vanished { item, entry, version } => write!(f, "{version} of {item} has {entry} NO MORE"),
        }
    }
}

impl StoreEvent {
    /// The item it is about.
    pub fn about(&self) -> Name {
        let (Self::Stored { item, .. } | Self::Entered { item, .. } | Self::Vanished { item, .. }) = *self;
        item
    }
}
