//! What the history of a team says, beyond messages and faults.

use crate::agent::{
    Access, ArtifactId, Claim, Consistency, Content, Definite, Heard, Indefinite, OpId, Report, Token,
    ToolError, Version,
};
use perfidy_sim::{EventId, Name, SimTime, Words};
use std::fmt;

/// What a caller was told about its call. Not what happened: that stands in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Told {
    /// It is done.
    Done,
    /// It was looked up: whether the tool knows of it.
    Found(bool),
    /// It did not happen.
    Not(Definite),
    /// It was called off, and is not going to happen.
    CalledOff,
    /// Nobody knows.
    Unknown(Indefinite),
    /// What it asked for, in this version.
    Version(u32),
}

impl From<ToolError> for Told {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Definite(error) => Self::Not(error),
            ToolError::Indefinite(error) => Self::Unknown(error),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Found(true) => f.write_str("it is there"),
            Self::Found(false) => f.write_str("it is not there"),
            Self::Not(error) => write!(f, "refused: {error}"),
            Self::CalledOff => f.write_str("called off"),
            Self::Unknown(error) => write!(f, "{error}"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

/// One thing that an agent, a tool, a lock service or a store did.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// The user asks that a property keeps within a bound: nanoseconds for a span, otherwise a number.
    Bound { property: Name, at_most: u64 },
    /// The user wants a task done.
    TaskGiven { task: Name },
    /// The user wants it done no more.
    Withdrawn { task: Name },
    /// The user was told about a task, in a report from that agent.
    Informed { by: Name, report: Report },
    /// What the task wants to have happened, exactly once.
    Wanted { task: Name, intent: Name },
    /// An agent calls a tool.
    Called { tool: Name, operation: Name, intent: Name, op: OpId },
    /// An agent was told how its call went.
    Answered { tool: Name, operation: Name, intent: Name, told: Told },
    /// A line in the ledger of a tool: this really happened.
    Effect { operation: Name, intent: Name, op: OpId, receipt: u64 },
    /// A tool recognised a call it had carried out before, and did nothing.
    Recognised { operation: Name, intent: Name, op: OpId },
    /// A tool was asked to call an operation off in time, and is not going to carry it out.
    CalledOff { operation: Name, intent: Name, op: OpId },
    /// An agent asked its model.
    Thought { about: Name, choice: u32, tokens_in: u32, tokens_out: u32 },
    /// The lock service granted a lease, or prolonged it.
    Granted { resource: Name, holder: Name, token: Token, until: SimTime },
    /// Its holder gave a lease back.
    GivenBack { resource: Name, holder: Name, token: Token },
    /// The user says what the team's readers of the store rely on.
    Declared { reads: Consistency },
    /// An agent asks something of the store.
    Asked { item: Name, access: Access },
    /// An agent was told what became of what it asked of the store.
    Heard { item: Name, asked: EventId, heard: Heard },
    /// The store has a new version of an item, whose author had read another.
    Stored { item: Name, by: Name, version: Version, based_on: Version },
    /// With that version an entry came.
    Entered { item: Name, entry: Name, version: Version },
    /// With that version an entry went.
    Vanished { item: Name, entry: Name, version: Version },
    /// An agent said something of itself or its work.
    Claimed(Claim),
    /// An agent made a piece of work, from another or from nothing.
    Produced { intent: Name, artifact: ArtifactId, from: Option<ArtifactId> },
    /// What takes the effect of a wish back, should its task fail.
    UndoneBy { intent: Name, tool: Name, operation: Name },
    /// The person on call has learnt of a call that `by` could not bring to a good end.
    TookDown { tool: Name, operation: Name, intent: Name, op: OpId, told: Told, at: SimTime, by: Name },
    /// What the task wants to know.
    Question { task: Name, intent: Name },
    /// A tool gave a version of something to somebody who wanted to know it for that intent.
    Served { item: Name, intent: Name, version: u32, as_of: SimTime, content: Content },
}

impl perfidy_sim::Note for Note {
    fn fold(&self, words: &mut Words) {
        words.hash(self);
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound { property, at_most } => write!(f, "asks for {property}, at most {at_most}"),
            Self::TaskGiven { task } => write!(f, "wants {task} done"),
            Self::Withdrawn { task } => write!(f, "wants {task} no more"),
            Self::Informed { by, report } => write!(f, "is told by {by}: {report}"),
            Self::Wanted { intent, .. } => write!(f, "wants {intent}, once"),
            Self::Called { tool, operation, intent, op } => {
                write!(f, "calls {tool}.{operation} for {intent} ({op})")
            }
            Self::Answered { tool, operation, intent, told } => {
                write!(f, "is told by {tool}.{operation} about {intent}: {told}")
            }
            Self::Effect { operation, intent, op, receipt } => {
                write!(f, "EFFECT {operation} for {intent} ({op}), receipt {receipt}")
            }
            Self::Recognised { operation, intent, op } => {
                write!(f, "recognises {operation} for {intent} ({op}), does nothing")
            }
            Self::CalledOff { operation, intent, op } => {
                write!(f, "calls off {operation} for {intent} ({op})")
            }
            Self::Thought { about, choice, tokens_in, tokens_out } => {
                write!(f, "thinks about {about}: answer {choice} ({tokens_in} tokens in, {tokens_out} out)")
            }
            Self::Produced { intent, artifact, from: None } => write!(f, "makes {artifact} for {intent}"),
            Self::Produced { intent, artifact, from: Some(from) } => {
                write!(f, "makes {artifact} for {intent} from {from}")
            }
            Self::Granted { resource, holder, token, until } => {
                write!(f, "grants {resource} to {holder} until {until}, token {token}")
            }
            Self::GivenBack { resource, holder, token } => {
                write!(f, "has {resource} back from {holder}, token {token}")
            }
            Self::Declared { reads } => write!(f, "relies on {reads} reads"),
            Self::Asked { item, access: Access::Read } => write!(f, "reads {item}"),
            Self::Asked { item, access: Access::Change(op) } => write!(f, "changes {item} ({op})"),
            Self::Asked { item, access: Access::ChangeAt(version, op) } => {
                write!(f, "changes {item} if it is at {version} ({op})")
            }
            Self::Heard { item, heard, .. } => write!(f, "is told by the store about {item}: {heard}"),
            Self::Stored { item, by, version, based_on } => {
                write!(f, "STORES {version} of {item} by {by}, who had read {based_on}")
            }
            Self::Entered { item, entry, version } => write!(f, "{version} of {item} has {entry}"),
            Self::Vanished { item, entry, version } => write!(f, "{version} of {item} has {entry} NO MORE"),
            Self::Claimed(claim) => claim.fmt(f),
            Self::UndoneBy { intent, tool, operation } => {
                write!(f, "would have {intent} undone by {tool}.{operation}")
            }
            Self::TookDown { tool, operation, intent, op, told, at, by } => {
                write!(f, "learns that {by} gave up {tool}.{operation} for {intent} ({op}) at {at}: {told}")
            }
            Self::Question { intent, .. } => write!(f, "wants to know {intent}"),
            Self::Served { item, intent, version, as_of, content } => {
                write!(f, "SAYS {item} for {intent}: version {version}, as of {as_of} ({content})")
            }
        }
    }
}

impl Note {
    /// The task, the intent or the shared thing it is about, if it is about one.
    pub fn intent(&self) -> Option<Name> {
        match *self {
            Self::TaskGiven { task } | Self::Withdrawn { task } => Some(task),
            Self::Wanted { intent, .. }
            | Self::Called { intent, .. }
            | Self::Answered { intent, .. }
            | Self::Effect { intent, .. }
            | Self::Recognised { intent, .. }
            | Self::CalledOff { intent, .. }
            | Self::Produced { intent, .. }
            | Self::UndoneBy { intent, .. }
            | Self::TookDown { intent, .. }
            | Self::Question { intent, .. }
            | Self::Served { intent, .. } => Some(intent),
            Self::Thought { about, .. } => Some(about),
            Self::Asked { item, .. }
            | Self::Heard { item, .. }
            | Self::Stored { item, .. }
            | Self::Entered { item, .. }
            | Self::Vanished { item, .. } => Some(item),
            Self::Granted { resource, .. } | Self::GivenBack { resource, .. } => Some(resource),
            Self::Bound { .. } | Self::Declared { .. } => None,
            Self::Claimed(claim) => claim.about(),
            Self::Informed { ref report, .. } => Some(report.task),
        }
    }
}
