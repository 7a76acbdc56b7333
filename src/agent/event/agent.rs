//! Events of agents, written by their handles: actions and answers.

use crate::agent::{
    Access, ArtifactId, Content, Definite, Indefinite, ModelError, OpId, Reply, ReplyTiming, StoreOutcome,
    ToolError, ToolRequest, Transcript,
};
use perfidy_sim::{EventId, Name, SimTime};
use std::fmt;
use std::sync::Arc;

/// The outcome of a call as its caller knows it. What really happened is in the tool's ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallOutcome {
    /// It is done.
    Done,
    /// It was looked up: whether the tool has it on record.
    Found(bool),
    /// It did not happen.
    Not(Definite),
    /// It was cancelled, and is not going to happen.
    Cancelled,
    /// It may have happened.
    Unknown(Indefinite),
    /// The answer to a read, as of this time.
    AsOf(SimTime),
}

impl From<ToolError> for CallOutcome {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Definite(error) => Self::Not(error),
            ToolError::Indefinite(error) => Self::Unknown(error),
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Found(true) => f.write_str("it is there"),
            Self::Found(false) => f.write_str("it is not there"),
            Self::Not(error) => write!(f, "refused: {error}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Unknown(error) => write!(f, "{error}"),
            Self::AsOf(time) => write!(f, "as of {time}"),
        }
    }
}

/// An event that an agent's handle writes as the agent acts.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AgentEvent {
    /// An agent calls a tool, with this request. It stands here also if the message is lost on its way.
    #[non_exhaustive]
    Called { tool: Name, operation: Name, intent: Name, op: OpId, request: ToolRequest },
    /// An agent was told how its call went, with the content of the answer: a result, a reading, or why the
    /// tool refused.
    #[non_exhaustive]
    Answered { tool: Name, operation: Name, intent: Name, told: CallOutcome, content: Content },
    /// An agent's model completed a prompt, with the nth of the completions that it had to choose from.
    #[non_exhaustive]
    Completed {
        about: Name,
        choice: u32,
        prompt: Content,
        completion: Content,
        tokens_in: u32,
        tokens_out: u32,
    },
    /// An agent's model got this transcript, in a turn of work on a task, and replied, or did not.
    #[non_exhaustive]
    Chatted {
        task: Name,
        turn: Name,
        transcript: Transcript,
        reply: Result<Reply, ModelError>,
        timing: ReplyTiming,
    },
    /// An agent asks something of the store.
    #[non_exhaustive]
    Asked { item: Name, access: Access },
    /// An agent got the outcome of its request to the store.
    #[non_exhaustive]
    StoreOutcome { item: Name, asked: EventId, heard: StoreOutcome },
    /// An agent made an artifact, from another or from nothing.
    #[non_exhaustive]
    Produced { intent: Name, artifact: ArtifactId, from: Option<ArtifactId> },
    /// An agent restarted and recovered these records of its journal: the index and the digest of each.
    #[non_exhaustive]
    Recovered { taken: Arc<[(u32, u64)]> },
    /// An agent reached a [probe](crate::probe) in its code.
    #[non_exhaustive]
    Reached { probe: Name },
}

impl fmt::Display for AgentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called { tool, operation, intent, request, .. } => {
                write!(f, "calls {tool}.{operation} for {intent}{}{request}", request.key_in_words())
            }
            Self::Answered { tool, operation, intent, told, content } => {
                write!(f, "is told by {tool}.{operation} about {intent}: {told}")?;
                if content.is_nothing() { Ok(()) } else { write!(f, ", {content}") }
            }
            Self::Completed { about, prompt, completion, tokens_in, tokens_out, .. } => {
                write!(f, "asks its model about {about}: {prompt}, which completes {completion} ")?;
                write!(f, "({tokens_in} tokens in, {tokens_out} out)")
            }
            Self::Chatted { turn, transcript, reply: Ok(reply), .. } => {
                write!(f, "has its model reply in {turn} ({transcript}): {reply}")
            }
            Self::Chatted { turn, transcript, reply: Err(error), .. } => {
                write!(f, "gets no reply from its model in {turn} ({transcript}): {error}")
            }
            Self::Produced { intent, artifact, from: None } => write!(f, "makes {artifact} for {intent}"),
            Self::Produced { intent, artifact, from: Some(from) } => {
                write!(f, "makes {artifact} for {intent} from {from}")
            }
            Self::Asked { item, access: Access::Read } => write!(f, "reads {item}"),
            Self::Asked { item, access: Access::Change(op) } => write!(f, "changes {item} ({op})"),
            Self::Asked { item, access: Access::ChangeAt(version, op) } => {
                write!(f, "changes {item} if it is at {version} ({op})")
            }
            Self::StoreOutcome { item, heard, .. } => write!(f, "is told by the store about {item}: {heard}"),
            Self::Recovered { taken } => write!(f, "goes on from {} records", taken.len()),
            Self::Reached { probe } => write!(f, "reaches the probe {probe}"),
        }
    }
}

impl AgentEvent {
    /// The task, intent or item it is about, if any.
    pub fn about(&self) -> Option<Name> {
        match *self {
            Self::Called { intent, .. } | Self::Answered { intent, .. } | Self::Produced { intent, .. } => {
                Some(intent)
            }
            Self::Completed { about, .. } => Some(about),
            Self::Chatted { turn, .. } => Some(turn),
            Self::Asked { item, .. } | Self::StoreOutcome { item, .. } => Some(item),
            Self::Recovered { .. } | Self::Reached { .. } => None,
        }
    }
}
