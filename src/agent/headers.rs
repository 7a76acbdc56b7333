//! Headers: metadata of messages and tool calls, as in real protocols.
//!
//! A message type defines its headers in [`Message::headers`](crate::agent::Message::headers); a tool call
//! gets the headers of the work it is part of ([`Agent::under`](crate::agent::Agent::under)). Receivers check
//! headers where a safeguard requires it, and properties judge by them: a header is part of what was really
//! sent and received, unlike an agent's announcement. A property finds nothing to judge if no message has its
//! headers:
//!
//! | property | reads |
//! |---|---|
//! | `accepted-within-lease` | orders with an `authority` |
//! | `acts-on-current-version` | orders with a `precondition` and an `idempotency_key`, and the `precondition` of tool calls |
//! | `atomic-agreement` | [`Purpose::Prepare`], [`Purpose::Commit`] and [`Purpose::Cancel`] |
//! | `causal-order` | the `stamp` of writes to registers |
//! | `bounded-handoffs` | messages that are a [`Purpose::Handoff`] |
//! | `completed-work-not-rerun` | [`Purpose::Order`], [`Purpose::Done`], [`Purpose::Rejection`], and their `attempt` |
//! | `decisions-are-authorised` | [`Purpose::Order`] and [`Purpose::Approval`] |
//! | `decisions-cite-artifacts` | tool calls with a `provenance` |
//! | `effects-traceable` | the `correlation` of tool calls |
//! | `no-deadlock` | [`Purpose::Ask`] with its `correlation`, orders, and what [ends](Purpose::is_final) the wait |
//! | `no-lost-approval` | [`Purpose::Ask`] with the operation id of the call as its `idempotency_key` |
//! | `no-orphans` | [`Purpose::Order`] and [`Purpose::Cancel`] |
//! | `no-split-brain` | orders and tool calls with an `authority`, and the `idempotency_key` of the orders |
//! | `one-owner-per-task` | entries of the store that are a [`Purpose::Claim`], with the work or the job as `correlation` |
//! | `plan-agreement` | orders and tool calls with a `plan` |
//! | `queues-bounded` | [`Purpose::Order`], [`Purpose::Ask`], and what [ends](Purpose::is_final) them |
//! | `recovered-state-is-a-prefix` | records whose `correlation` is the work that they are about |

use crate::agent::{ArtifactId, OpId, Stamp, Token, Version};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};

/// What a message is for. Agent protocols have similar terms (performatives in FIPA ACL, task states in A2A).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// The receiver must do some work.
    Order,
    /// The receiver must undo it.
    Undo,
    /// The work must not be done any more.
    Cancel,
    /// The work belongs to the receiver from now on, and no longer to the sender.
    Handoff,
    /// A question. The sender waits for the answer.
    Ask,
    /// The answer to a question.
    Answer,
    /// The answer is not available yet.
    Pending,
    /// The work is done.
    Done,
    /// The work was tried and failed.
    Failed,
    /// The work is undone completely.
    Undone,
    /// The work is cancelled, as the receiver asked.
    Cancelled,
    /// The sender rejects the order.
    Refused,
    /// The sender has verified the work and accepts it.
    Approval,
    /// The sender has verified the work and rejects it.
    Rejection,
    /// The sender claims the work.
    Claim,
    /// The receiver must promise to do the work once it is told to (two-phase commit).
    Prepare,
    /// The receiver must do what it has promised.
    Commit,
}

impl Purpose {
    /// Whether it is a final answer, which ends the wait of the agent that ordered or asked.
    pub fn is_final(self) -> bool {
        match self {
            Self::Answer
            | Self::Done
            | Self::Failed
            | Self::Undone
            | Self::Cancelled
            | Self::Refused
            | Self::Approval
            | Self::Rejection => true,
            Self::Order
            | Self::Undo
            | Self::Cancel
            | Self::Handoff
            | Self::Ask
            | Self::Pending
            | Self::Claim
            | Self::Prepare
            | Self::Commit => false,
        }
    }
}

/// The headers of a message or of a tool call.
///
/// ```
/// use perfidy::agent::{Headers, Purpose, Token};
///
/// let headers = Headers { authority: Some(Token(3)), ..Headers::of(Purpose::Order) };
/// assert_eq!(headers.purpose, Some(Purpose::Order));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Headers {
    /// What the message is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The task or step on whose behalf it is sent, if that is not what the message is about (correlation
    /// id).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Name>,
    /// The attempt or round of the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The id by which the receiver recognises a repetition (idempotency key).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<OpId>,
    /// The sender's authority for the order (fencing token).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<Token>,
    /// The version of the work or item that the sender has seen (`If-Match` in HTTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precondition: Option<Version>,
    /// The time that is left for the work (`grpc-timeout`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<SimSpan>,
    /// When the message expires, by the sender's wall clock (`absolute-expiry-time` in AMQP 1.0, `exp` in
    /// JWT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<SimTime>,
    /// The plan that the work follows (the id of a workflow run).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<ArtifactId>,
    /// The artifact that it is based on (provenance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<ArtifactId>,
    /// When it was made, by the clock of the sender, for receivers that order by it (`USING TIMESTAMP` in
    /// CQL). A handle adds it where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// A stamp counts only where there is one: few teams have stamps, and the digests of the others are as they
/// were before there were any.
impl Hash for Headers {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { purpose, correlation, attempt, idempotency_key, authority, precondition, .. } = self;
        (purpose, correlation, attempt, idempotency_key, authority, precondition).hash(state);
        let Self { deadline, expiry, plan, provenance, stamp, .. } = self;
        (deadline, expiry, plan, provenance).hash(state);
        if let Some(stamp) = stamp {
            stamp.hash(state);
        }
    }
}

/// Only the headers that are set.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Headers");
        let mut field = |name, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                shown.field(name, value);
            }
        };
        field("purpose", self.purpose.as_ref().map(|it| it as _));
        field("correlation", self.correlation.as_ref().map(|it| it as _));
        field("attempt", self.attempt.as_ref().map(|it| it as _));
        field("idempotency_key", self.idempotency_key.as_ref().map(|it| it as _));
        field("authority", self.authority.as_ref().map(|it| it as _));
        field("precondition", self.precondition.as_ref().map(|it| it as _));
        field("deadline", self.deadline.as_ref().map(|it| it as _));
        field("expiry", self.expiry.as_ref().map(|it| it as _));
        field("plan", self.plan.as_ref().map(|it| it as _));
        field("provenance", self.provenance.as_ref().map(|it| it as _));
        field("stamp", self.stamp.as_ref().map(|it| it as _));
        shown.finish()
    }
}

/// The headers that matter in a story.
impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |id: ArtifactId| format!("{:04x}", id.0 >> 48);
        let parts = [
            self.correlation.map(|of| format!("for {of}")),
            self.attempt.filter(|attempt| *attempt > 0).map(|attempt| format!("attempt {attempt}")),
            self.authority.map(|token| format!("token {token}")),
            self.precondition.map(|version| version.to_string()),
            self.deadline.map(|left| format!("{left} left")),
            self.expiry.map(|expiry| format!("until {expiry}")),
            self.plan.map(|plan| format!("plan {}", short(plan))),
            self.provenance.map(|artifact| format!("from {}", short(artifact))),
            self.stamp.map(|stamp| stamp.to_string()),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl Headers {
    /// Headers with only a purpose.
    pub const fn of(purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..Self::NONE }
    }

    /// No headers.
    pub const NONE: Self = Self {
        purpose: None,
        correlation: None,
        attempt: None,
        idempotency_key: None,
        authority: None,
        precondition: None,
        deadline: None,
        expiry: None,
        plan: None,
        provenance: None,
        stamp: None,
    };

    /// These headers, with those of `outer` where these are not set.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            purpose: self.purpose.or(outer.purpose),
            correlation: self.correlation.or(outer.correlation),
            attempt: self.attempt.or(outer.attempt),
            idempotency_key: self.idempotency_key.or(outer.idempotency_key),
            authority: self.authority.or(outer.authority),
            precondition: self.precondition.or(outer.precondition),
            deadline: self.deadline.or(outer.deadline),
            expiry: self.expiry.or(outer.expiry),
            plan: self.plan.or(outer.plan),
            provenance: self.provenance.or(outer.provenance),
            stamp: self.stamp.or(outer.stamp),
        }
    }
}
