//! Asking a person for an approval: the messages, and what each is about.
//!
//! A request names the operation and the id under which it will be called, and says until when an answer is
//! of use. The answer repeats both, so that it fits no other request.

use crate::agent::{Headers, Message, OpId, Operation, Purpose};
use perfidy_sim::SimTime;
use serde::{Deserialize, Serialize};

/// What a person is asked to approve.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// What will be done.
    pub operation: Operation,
    /// Under which operation id.
    pub op: OpId,
    /// Until when an approval counts, by the clock of the agent that asks.
    pub expires_at: SimTime,
}

impl ApprovalRequest {
    /// What an answer to it is bound to: the operation, with its arguments, and its id.
    pub fn call(&self) -> (&Operation, OpId) {
        (&self.operation, self.op)
    }

    /// The answer to it.
    #[must_use]
    pub fn decided(&self, is_approved: bool) -> Decision {
        let Self { operation, op, expires_at } = self.clone();
        Decision { operation, op, is_approved, expires_at }
    }
}

/// What a person has decided.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// The operation on which it decides.
    pub operation: Operation,
    /// Under which operation id.
    pub op: OpId,
    /// Whether it may be done.
    pub is_approved: bool,
    /// Until when it counts.
    pub expires_at: SimTime,
}

impl Decision {
    /// What it is bound to.
    pub fn call(&self) -> (&Operation, OpId) {
        (&self.operation, self.op)
    }
}

/// Messages between an agent and the person who approves.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ApprovalMessage {
    /// May this be done?
    Requested(ApprovalRequest),
    /// The answer.
    Decided(Decision),
}

impl Message for ApprovalMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Requested(_) => "request approval",
            Self::Decided(Decision { is_approved: true, .. }) => "approved",
            Self::Decided(Decision { is_approved: false, .. }) => "vetoed",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Requested(ApprovalRequest { op, .. }) => {
                Headers { idempotency_key: Some(*op), ..Headers::of(Purpose::Ask) }
            }
            Self::Decided(Decision { op, .. }) => {
                Headers { idempotency_key: Some(*op), ..Headers::of(Purpose::Answer) }
            }
        }
    }
}
