//! Events of agents, written by their handles: actions and answers.

use crate::agent::{
    Access, ArtifactId, Body, Content, Definite, Indefinite, ModelError, OpId, Reply, ReplyTiming,
    StatedConfidence, StoreOutcome, ToolError, ToolRequest, Transcript,
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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AgentEvent {
    /// An agent calls a tool, with this request. It stands here also if the message is lost on its way.
    #[non_exhaustive]
    Called {
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The operation id.
        op: OpId,
        /// The request with its headers.
        request: ToolRequest,
    },
    /// An agent was told how its call went, with the content of the answer: a result, a reading, or why the
    /// tool refused.
    #[non_exhaustive]
    Answered {
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The outcome as the agent knows it.
        told: CallOutcome,
        /// The content of the answer.
        content: Content,
    },
    /// An agent's model completed a prompt, with the nth of the completions that it had to choose from.
    #[non_exhaustive]
    Completed {
        /// What the prompt is about.
        about: Name,
        /// Which of the possible completions it is, from zero.
        choice: u32,
        /// The prompt.
        prompt: Content,
        /// The completion.
        completion: Content,
        /// How many tokens the model read.
        tokens_in: u32,
        /// How many tokens it wrote.
        tokens_out: u32,
        /// When the completion began and when it ended.
        timing: ReplyTiming,
        /// How sure of it the model says it is.
        confidence: StatedConfidence,
    },
    /// An agent's model got this transcript, in a turn of work on a task, and replied, or did not.
    #[non_exhaustive]
    Chatted {
        /// The task.
        task: Name,
        /// The turn: a model call about the task.
        turn: Name,
        /// What the model was given.
        transcript: Transcript,
        /// Its reply, or why there is none.
        reply: Result<Reply, ModelError>,
        /// When the reply began and when it ended.
        timing: ReplyTiming,
        /// How sure of its reply the model says it is; `None` if there is no reply.
        confidence: Option<StatedConfidence>,
    },
    /// An agent asks something of the store.
    #[non_exhaustive]
    Asked {
        /// The item of the store.
        item: Name,
        /// What it asks for.
        access: Access,
    },
    /// An agent got the outcome of its request to the store.
    #[non_exhaustive]
    StoreOutcome {
        /// The item of the store.
        item: Name,
        /// The event of the request.
        asked: EventId,
        /// The outcome as the agent knows it.
        heard: StoreOutcome,
    },
    /// An agent made an artifact, from another or from nothing.
    #[non_exhaustive]
    Produced {
        /// What it is for.
        intent: Name,
        /// The artifact.
        artifact: ArtifactId,
        /// The artifact that it was made from.
        from: Option<ArtifactId>,
    },
    /// An agent restarted and recovered these records of its journal, each with its index.
    #[non_exhaustive]
    Recovered {
        /// The records, each with its index in the journal.
        taken: Arc<[(u32, Body)]>,
    },
    /// An agent reached a [probe](crate::probe) in its code.
    #[non_exhaustive]
    Reached {
        /// The name of the probe.
        probe: Name,
    },
}

impl fmt::Display for AgentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called { tool, operation, intent, request, .. } => {
                write!(f, "calls {tool}.{operation} for {intent}{}{request}", request.key_in_words())
            }
            Self::Answered { tool, operation, intent, told, content } => {
                write!(f, "gets the outcome of {tool}.{operation} for {intent}: {told}")?;
                if content.is_nothing() { Ok(()) } else { write!(f, ", {content}") }
            }
            Self::Completed { about, prompt, completion, tokens_in, tokens_out, confidence, .. } => {
                write!(f, "asks its model about {about}: {prompt}, which completes {completion} ")?;
                write!(f, "({tokens_in} tokens in, {tokens_out} out, {confidence} sure)")
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
            Self::StoreOutcome { item, heard, .. } => {
                write!(f, "gets the outcome for {item} from the store: {heard}")
            }
            Self::Recovered { taken } => write!(f, "recovers {} records", taken.len()),
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
