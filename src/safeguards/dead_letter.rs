//! Dead letters: a call that failed for good is escalated to a person, with everything needed to finish it.
//!
//! An error must not vanish with the agent that gives up on it. The dead letter says what was wanted, which
//! operation it was, what went wrong and when; its sender is the agent that gives up. It is sent until the
//! person on call has recorded it, and only then does the agent let go ("dead letter channel", Hohpe and
//! Woolf 2003, "Enterprise Integration Patterns").

use crate::agent::{Agent, Delivery, Message, OpId, Operation, ToolError};
use crate::config::{Entry, Problem};
use crate::protocols::{ResendTiming, request_until_answered};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};

/// How long an agent waits for the acknowledgement of a dead letter before it sends it again.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct DeadLetter;

impl Safeguard for DeadLetter {
    const NAME: &'static str = "dead-letter";
    const ABOUT: &'static str = "calls that cannot be completed are escalated to the person on call";
    const EXAMPLE: &'static str = "dead-letter = true";
    const WITHOUT: &'static str = "a call that failed for good is given up, and no person is told";
    const PROTECTS: &'static [&'static str] = &["all-or-compensated", "every-call-accounted"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A call that failed, with all that a person needs to finish it by hand.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FailedCall {
    /// What was wanted: tool, operation, arguments and what for.
    pub operation: Operation,
    /// The id of the last try.
    pub op: OpId,
    /// What went wrong at that try.
    pub error: ToolError,
    /// When it was given up, by the wall clock of the agent that sends the letter.
    pub at: SimTime,
}

/// Messages between an agent and the person on call.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub enum DeadLetterMessage {
    /// A failed call, for the person.
    Escalated(FailedCall),
    /// The person has recorded it.
    Recorded,
}

impl Message for DeadLetterMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Escalated(_) => "dead letter",
            Self::Recorded => "recorded",
        }
    }
}

/// Escalates a failed call to `person`, and returns once the person has recorded it. If the agent crashes
/// before that, nothing is lost, as long as it records the failure only afterwards.
pub async fn escalate(agent: &Agent, person: Name, operation: &Operation, op: OpId, error: ToolError) {
    let call = FailedCall { operation: operation.clone(), op, error, at: agent.now() };
    let timing = ResendTiming { timeout: PATIENCE, pause: PATIENCE };
    let waits_for = (person, "acknowledgement of a dead letter");
    let is_recorded =
        |mail: &Delivery| matches!(mail.open(), Some(DeadLetterMessage::Recorded)).then_some(());
    request_until_answered(
        agent,
        waits_for,
        operation.intent,
        DeadLetterMessage::Escalated(call),
        timing,
        is_recorded,
    )
    .await;
}
