//! Asking a guardrail whether work may be done: the messages.

use crate::agent::{Headers, Message, Operation, Purpose};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a guardrail says of an operation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct GuardrailVerdict {
    /// The operation, with its arguments.
    pub operation: Operation,
    /// Whether it may be done.
    pub is_allowed: bool,
}

/// Messages between an agent and a guardrail.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum GuardrailMessage {
    /// The agent asks whether operations may be done.
    Check {
        /// The operations of the request that the agent works on.
        requested: Arc<[Operation]>,
        /// What the agent, or its model, wants to do.
        operations: Arc<[Operation]>,
    },
    /// The answer, about each.
    Checked(Arc<[GuardrailVerdict]>),
}

impl Message for GuardrailMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Check { .. } => "check",
            Self::Checked(verdicts) if verdicts.iter().all(|verdict| verdict.is_allowed) => "allowed",
            Self::Checked(_) => "forbidden",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Check { .. } => Headers::of(Purpose::Ask),
            Self::Checked(_) => Headers::of(Purpose::Answer),
        }
    }
}
