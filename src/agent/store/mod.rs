//! The shared store: versioned items that a team writes together, with replicas that lag.
//!
//! An item is a list of named entries ([`ItemEntry`]). Every change of an item makes a new [`Version`] of it,
//! and has a place in the order of all changes of the store, its [`Commit`]. Writes go to the primary. A read
//! is served by some replica, which may lack the latest changes, or have a later change before an earlier
//! one, unless the reader asks for more ([`Freshness`]).
//!
//! The store's own events in the history say what really happened to an item: which agent made which version,
//! based on which, and which entries it added and removed. What an agent was told is a separate event.
//!
//! A change carries the id of its operation, by which the store recognises a repetition: a retry after an
//! unclear outcome is safe.

mod client;
mod entries;
mod service;

pub use client::Store;
pub(crate) use client::StoreSession;
pub use entries::Entries;
pub use service::StoreService;

use crate::agent::{Body, Headers, Indefinite, Message, OpId, Token};
use perfidy_sim::{Name, Payload};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};

/// How often an item has changed; zero if it never has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.0)
    }
}

/// The place of a change in the order of all changes of the store, from one; zero is before them all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Commit(pub u64);

/// The change that made the data which an agent has read or written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
pub struct ItemStamp {
    /// Of the item.
    pub version: Version,
    /// Of the store.
    pub commit: Commit,
}

/// A named part of an item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ItemEntry {
    /// Its name, in stories and for comparison.
    pub id: Name,
    /// Its content.
    pub body: Body,
}

impl ItemEntry {
    /// An entry with this content.
    pub fn new(id: Name, body: impl Message) -> Self {
        Self { id, body: Body::new(body) }
    }
}

impl Hash for ItemEntry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        state.write_u64(self.body.digest());
    }
}

/// An item as a reader got it.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The change that made it.
    pub stamp: ItemStamp,
    /// Its entries.
    pub entries: Entries,
}

impl Snapshot {
    /// Whether it has an entry of that name.
    pub fn has(&self, id: Name) -> bool {
        self.entries.has(id)
    }

    /// Its entries with one more.
    pub fn and(&self, entry: ItemEntry) -> Entries {
        self.entries.and(entry)
    }
}

/// The consistency that a reader asks for. A replica that cannot give it forwards the read to the primary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Freshness {
    /// The state of any replica.
    Any,
    /// This version of the item or a later one.
    Version(Version),
    /// Everything up to this change of the store, at least.
    Commit(Commit),
    /// The current state of the primary.
    Latest,
}

/// A change of an item.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub enum Change {
    /// Replaces all entries, even if the item has changed since `based_on`.
    Replace {
        /// The version the writer had read. The store records it and does not check it.
        based_on: Version,
        /// The entries.
        entries: Entries,
    },
    /// Replaces all entries, but only if the item is still at this version (compare-and-set).
    ReplaceAt {
        /// The version the writer had read.
        version: Version,
        /// The entries.
        entries: Entries,
    },
    /// One more entry after the existing ones.
    Append(ItemEntry),
}

/// A change that did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// The item is not at the version that the writer had read, but at the version of this change.
    Moved(ItemStamp),
    /// The item has seen this higher token.
    Fenced(Token),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved(now) => write!(f, "it is at {} now", now.version),
            Self::Fenced(token) => write!(f, "a writer with token {token} came first"),
        }
    }
}

/// Why a read or a change did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StoreError {
    /// It did not happen.
    Definite(Refusal),
    /// It may have happened.
    Indefinite(Indefinite),
}

/// A request of an agent to the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// To read an item.
    Read,
    /// To change it, at any version.
    Change(OpId),
    /// To change it if it is at that version.
    ChangeAt(Version, OpId),
}

/// The outcome of a request as the agent knows it. What really happened is in the store's events.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StoreOutcome {
    /// It read that version.
    Saw(Version),
    /// Its change made that version.
    Made(Version),
    /// Its change did not happen, because the item was already at that version.
    Moved(Version),
    /// It was refused, because the item has seen that higher token.
    Fenced(Token),
    /// It may have happened.
    Unknown(Indefinite),
}

impl fmt::Display for StoreOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saw(version) => write!(f, "it is at {version}"),
            Self::Made(version) => write!(f, "done, {version}"),
            Self::Moved(version) => write!(f, "not done, it has moved on to {version}"),
            Self::Fenced(token) => write!(f, "refused, a writer with token {token} came first"),
            Self::Unknown(error) => error.fmt(f),
        }
    }
}

/// The consistency model that a team relies on (Viotti and Vukolić 2016, "Consistency in non-transactional
/// distributed storage systems").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Consistency {
    /// Each operation takes effect at one moment between its request and its response.
    Linearizable,
    /// There is one order of all operations that is consistent with the order of each reader and writer.
    Sequential,
    /// No reader sees an item go back to an earlier version.
    Monotonic,
    /// Every value that is read was written before.
    Eventual,
}

impl Consistency {
    /// Every model, the strongest first.
    pub const ALL: &[Self] = &[Self::Linearizable, Self::Sequential, Self::Monotonic, Self::Eventual];

    /// Its name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Sequential => "sequential",
            Self::Monotonic => "monotonic",
            Self::Eventual => "eventual",
        }
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Messages between an agent and the store.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub(crate) enum StoreWire {
    Read { item: Name, asks: Freshness, fence: Option<Token> },
    Commit { item: Name, change: Change, op: OpId, fence: Option<Token> },
    Snapshot(Snapshot),
    Committed(ItemStamp),
    Refused(Refusal),
}

impl Message for StoreWire {
    fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Commit { .. } => "commit",
            Self::Snapshot(_) => "snapshot",
            Self::Committed(_) => "committed",
            Self::Refused(_) => "refused",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Read { fence, .. } => Headers { authority: fence, ..Headers::NONE },
            Self::Commit { ref change, op, fence, .. } => Headers {
                authority: fence,
                idempotency_key: Some(op),
                precondition: match *change {
                    Change::ReplaceAt { version, .. } => Some(version),
                    Change::Replace { .. } | Change::Append(_) => None,
                },
                ..Headers::NONE
            },
            Self::Snapshot(_) | Self::Committed(_) | Self::Refused(_) => Headers::NONE,
        }
    }
}
