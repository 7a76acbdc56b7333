//! The API of an agent: messages, tools, its model, its journal, leases and a shared store.
//!
//! The shipped workflows use only this, and yours need no more: [`Agent`] is the whole interface between an
//! agent and its world. Every action of an agent leaves a [`TeamEvent`] in the history, which the agent
//! cannot read.

mod alter;
mod artifact;
mod body;
mod chat;
mod clock;
mod content;
mod contract;
mod event;
mod fact;
mod guardrail;
mod handle;
mod handler;
mod headers;
mod journal;
mod journal_epoch;
mod json;
pub mod kinds;
mod lease;
mod model;
mod model_step;
mod nested;
mod own_fault;
mod person;
mod report;
mod send;
mod store;
mod tool;
mod trigger;
mod write_order;

pub use alter::Alteration;
pub(crate) use alter::{instructs, into_next_version};
pub use artifact::{Artifact, ArtifactId};
pub use body::{Body, Message};
pub use chat::{
    CHAT, CHAT_FAULTS, CONTEXT_OVERFLOW, CallRequest, ChatLimits, ChatMessage, FALSE_COMPLETION, Finish,
    IGNORED_VETO, INVALID_ARGUMENTS, InvalidTranscript, MODEL_ERROR, MODEL_RATE_LIMIT, MODEL_REFUSAL,
    MODEL_TIMEOUT, ModelError, OBEYED_INSTRUCTION, REPEATED_CALL, Reply, RequestedStep, TRUNCATED_REPLY,
    TaskRequest, ToolResult, Transcript, UNKNOWN_TOOL, VERBOSE_REPLY,
};
pub use clock::{HybridClock, Stamp};
pub use content::{Content, TypeMismatch};
pub use contract::{Breach, Contract, Handover};
pub(crate) use event::StateMachine;
pub use event::{
    AgentEvent, CallOutcome, GuardrailEvent, InitialState, LeaseEvent, PersonEvent, StoreEvent, TeamEvent,
    ToolEvent, UserEvent,
};
pub use fact::{Fact, Origin};
pub use guardrail::{CHECK, GUARDRAIL, LATE_VERDICT};
pub use handle::{Agent, Delivery, STEPS};
pub use handler::{AgentFailures, HANDLER, HANDLER_ERROR, REPLY, SHUTDOWN, STRANDED_REPLY, WORK};
pub use headers::{Headers, Purpose};
pub use json::Brief;
pub use lease::{Lease, LeaseError, LeaseService, Token};
pub(crate) use model::Model;
pub use model::{
    ANSWER, COMPLETION, Completion, FIRST_TOKEN, HANDOFF, ModelFault, ModelFaults, Prompt, ROLE, Route,
    SLOW_FIRST_TOKEN, SUMMARY, Structured, UNKNOWN_AGENT, UNKNOWN_TARGET,
};
pub use model_step::{ReplyTiming, StatedConfidence};
pub use own_fault::{Altered, OwnFault, OwnFaults};
pub use person::{
    APPROVAL, APPROVAL_ABSENT, APPROVAL_CONTRADICTED, APPROVAL_LATE, APPROVAL_OUTDATED, APPROVAL_TWICE,
    APPROVER,
};
pub use report::{AnswerPart, Outcome, Report};
pub use send::{SendAgent, SendFuture};
pub use store::{
    Access, Change, Commit, Consistency, Entries, Freshness, ItemEntry, ItemStamp, Refusal, Snapshot, Store,
    StoreError, StoreOutcome, StoreService, Version,
};
pub use tool::{
    CallError, Cancelled, Capability, Confirmation, Definite, Indefinite, OpId, Operation, ReadResult,
    Receipt, Refused, Request, ToolCall, ToolChange, ToolError, ToolRequest,
};
pub(crate) use tool::{Wire, call_kind, cancel_of, look_up_of, reply_kind, reply_operation};
pub use trigger::{DUPLICATE_TRIGGER, LATE_TRIGGER, TRIGGER, TRIGGER_BURST, TRIGGER_FAULTS};

use perfidy_sim::Domain;

/// The capability to write a [`TeamEvent`] into the history. The harness has it, agents do not.
pub struct Author(());

impl Author {
    pub(crate) const HARNESS: Self = Self(());
}

/// The domain of the simulated world: agents.
pub struct Agents;

impl Domain for Agents {
    type Payload = Body;
    type AppEvent = TeamEvent;
    type Author = Author;
}
