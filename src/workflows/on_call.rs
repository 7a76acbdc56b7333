//! The person on call: an escalation queue that records each call which agents could not complete.
//!
//! In a team with a person on call, no failed call may vanish; the property `every-call-accounted` checks
//! this.

use crate::agent::{Agent, Note, PersonEvent};
use crate::safeguards::dead_letter::{DeadLetterMessage, FailedCall};
use crate::workflows::Briefing;
use perfidy_sim::Name;
use std::collections::BTreeSet;

/// The name of the person on call.
pub const ON_CALL: &str = "on-call";

/// Records each dead letter once, and acknowledges every copy of it.
///
/// # Panics
/// If the agent is not the node of that name.
pub async fn on_call(agent: Agent, _: Briefing) {
    assert_eq!(agent.name().as_str(), ON_CALL, "only the node of that name is the person on call");
    agent.note(Note::Person(PersonEvent::IsOnCall));
    let mut known: BTreeSet<(Name, Name, Name)> = BTreeSet::new();
    loop {
        let mail = agent.receive().await;
        let Some(DeadLetterMessage::Escalated(call)) = mail.open() else { continue };
        let FailedCall { operation: ref wish, op, error, at, agent: by } = *call;
        if known.insert((wish.tool, wish.name, wish.intent)) {
            let (tool, operation, intent) = (wish.tool, wish.name, wish.intent);
            agent.note(Note::Person(PersonEvent::TookDown {
                tool,
                operation,
                intent,
                op,
                told: error.into(),
                at,
                by,
            }));
        }
        agent.reply(&mail, DeadLetterMessage::Recorded);
    }
}
