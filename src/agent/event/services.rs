//! Events of tools, the lock service and the store.

use crate::agent::{Body, Content, OpId, Refused, Token, ToolRequest, Version};
use perfidy_sim::{Name, SimTime};
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An event of a tool: a request or its effect.
///
/// Every request that a tool works on leaves one event, or two if it was handled twice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ToolEvent {
    /// The initial state of a tool, if it has one, before the first request.
    #[non_exhaustive]
    Opened {
        /// The state.
        state: InitialState,
    },
    /// The schema of a tool has a new version from now on.
    #[non_exhaustive]
    SchemaRolled {
        /// Which, counted from one.
        version: u32,
    },
    /// An entry in the ledger of a tool: this effect really happened.
    #[non_exhaustive]
    Effect {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The operation id.
        op: OpId,
        /// The receipt that the tool gives for it.
        receipt: u64,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool recognised a call it had carried out before, and did nothing.
    #[non_exhaustive]
    Recognised {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The operation id.
        op: OpId,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool cancelled an operation in time, and will not carry it out.
    #[non_exhaustive]
    Cancelled {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The operation id.
        op: OpId,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool answered a read for that intent.
    #[non_exhaustive]
    Served {
        /// What was read.
        item: Name,
        /// What the read is for.
        intent: Name,
        /// From when the content is.
        as_of: SimTime,
        /// What was served.
        content: Content,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool answered whether it had carried a call out.
    #[non_exhaustive]
    LookedUp {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// Whether it had.
        found: bool,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool refused a request.
    #[non_exhaustive]
    Refused {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// Why.
        refused: Refused,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// A tool got a request and had no effect, whatever it answered.
    #[non_exhaustive]
    Ignored {
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The request with its headers.
        request: ToolRequest,
    },
}

/// The initial state of a tool. Not part of a digest, since it follows from the scenario.
#[derive(Clone)]
pub struct InitialState(Arc<dyn StateMachine>);

/// A tool whose type is forgotten, to carry out again what is in its ledger.
pub(crate) trait StateMachine: Any + Send + Sync {
    fn copy(&self) -> Box<dyn StateMachine>;

    /// Carries out a call that took effect, and says what its result was.
    fn apply_again(&mut self, request: &ToolRequest) -> Option<Content>;
}

impl InitialState {
    pub(crate) fn new(state: impl StateMachine) -> Self {
        Self(Arc::new(state))
    }

    /// The state, if it is of this type.
    pub fn open<T: 'static>(&self) -> Option<&T> {
        let state: &dyn Any = &*self.0;
        state.downcast_ref()
    }

    /// The tool in this state.
    pub(crate) fn tool(&self) -> Box<dyn StateMachine> {
        self.0.copy()
    }
}

impl PartialEq for InitialState {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for InitialState {}

impl Hash for InitialState {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for InitialState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialState")
    }
}

impl fmt::Display for ToolEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { .. } => f.write_str("is in its first state"),
            Self::SchemaRolled { version } => write!(f, "has version {version} of its schema from now on"),
            Self::Effect { operation, intent, receipt, request, .. } => {
                let key = request.key_in_words();
                write!(f, "EFFECT {operation} for {intent}{key}, receipt {receipt}{request}")
            }
            Self::Recognised { operation, intent, op, .. } => {
                write!(f, "recognises {operation} for {intent} ({op}), does nothing")
            }
            Self::Cancelled { operation, intent, op, .. } => {
                write!(f, "cancels {operation} for {intent} ({op})")
            }
            Self::Served { item, intent, as_of, content, .. } => {
                write!(f, "SAYS {item} for {intent}, as of {as_of}: {content}")
            }
            Self::LookedUp { operation, intent, found: true, .. } => {
                write!(f, "knows of {operation} for {intent}")
            }
            Self::LookedUp { operation, intent, found: false, .. } => {
                write!(f, "knows nothing of {operation} for {intent}")
            }
            Self::Refused { operation, intent, refused: Refused { error, why }, request } => {
                write!(f, "refuses {operation} for {intent}{request}: {error}")?;
                if why.is_nothing() { Ok(()) } else { write!(f, ", {why}") }
            }
            Self::Ignored { operation, intent, .. } => {
                write!(f, "does nothing about {operation} for {intent}")
            }
        }
    }
}

impl ToolEvent {
    /// The intent of the event, if any.
    pub fn about(&self) -> Option<Name> {
        self.request().map(|request| request.operation().intent)
    }

    /// The request of the event, as it reached the tool.
    pub fn request(&self) -> Option<&ToolRequest> {
        match self {
            Self::Opened { .. } | Self::SchemaRolled { .. } => None,
            Self::Effect { request, .. }
            | Self::Recognised { request, .. }
            | Self::Cancelled { request, .. }
            | Self::Served { request, .. }
            | Self::LookedUp { request, .. }
            | Self::Refused { request, .. }
            | Self::Ignored { request, .. } => Some(request),
        }
    }
}

/// An event of the lock service.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LeaseEvent {
    /// The lock service granted or renewed a lease.
    #[non_exhaustive]
    Granted {
        /// What the lease is for.
        resource: Name,
        /// Who holds it.
        holder: Name,
        /// Its fencing token.
        token: Token,
        /// When it ends.
        until: SimTime,
    },
    /// A holder released its lease.
    #[non_exhaustive]
    GivenBack {
        /// What the lease is for.
        resource: Name,
        /// Who holds it.
        holder: Name,
        /// Its fencing token.
        token: Token,
    },
}

impl fmt::Display for LeaseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { resource, holder, token, until } => {
                write!(f, "grants {resource} to {holder} until {until}, token {token}")
            }
            Self::GivenBack { resource, holder, token } => {
                write!(f, "gets {resource} back from {holder}, token {token}")
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

/// An event of the store.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StoreEvent {
    /// The store has a new version of an item, based on the version that its author had read.
    #[non_exhaustive]
    Stored {
        /// The item of the store.
        item: Name,
        /// The author of the version.
        by: Name,
        /// The version.
        version: Version,
        /// The version that its author had read.
        based_on: Version,
    },
    /// That version added an entry.
    #[non_exhaustive]
    Entered {
        /// The item of the store.
        item: Name,
        /// The name of the entry.
        entry: Name,
        /// The version.
        version: Version,
        /// The content of the entry.
        content: Body,
    },
    /// That version removed an entry.
    #[non_exhaustive]
    Vanished {
        /// The item of the store.
        item: Name,
        /// The name of the entry that is gone.
        entry: Name,
        /// The version.
        version: Version,
    },
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
            Self::Vanished { item, entry, version } => write!(f, "{version} of {item} no longer has {entry}"),
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
