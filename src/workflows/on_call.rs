//! The person on call: an escalation queue that records each call which agents could not complete.
//!
//! In a team with a person on call, no failed call may vanish; the property `every-call-accounted` checks
//! this.

use crate::agent::{Agent, OpId, Operation, PersonEvent, TeamEvent};
use crate::safeguards::dead_letter::{DeadLetterMessage, FailedCall};
use crate::workflows::TeamContext;
use perfidy_sim::Name;
use std::collections::BTreeSet;

/// The name of the person on call.
pub const ON_CALL: &str = "on-call";

/// Records the dead letters of each operation id once, as those of the agent that sends them, and
/// acknowledges every copy of it.
///
/// # Panics
/// If the agent is not the node of that name.
pub async fn on_call(agent: Agent, _: TeamContext) {
    assert_eq!(agent.name().as_str(), ON_CALL, "only the node of that name is the person on call");
    agent.record_event(TeamEvent::Person(PersonEvent::IsOnCall));
    let mut known: BTreeSet<(Name, Name, Name, OpId)> = BTreeSet::new();
    loop {
        let mail = agent.receive().await;
        let Some(DeadLetterMessage::Escalated(call)) = mail.open() else { continue };
        let FailedCall { operation: Operation { tool, name: operation, intent, .. }, op, error, at } = *call;
        if known.insert((tool, operation, intent, op)) {
            agent.record_event(TeamEvent::Person(PersonEvent::DeadLetterRecorded {
                tool,
                operation,
                intent,
                op,
                told: error.into(),
                at,
                by: mail.from(),
            }));
        }
        agent.reply(&mail, DeadLetterMessage::Recorded);
    }
}
