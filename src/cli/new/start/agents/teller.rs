//! An agent: a teller that does with the bank what its user asks for.

use perfidy::prelude::*;
use perfidy::safeguards::idempotency::IdempotencyKeys;

/// How long the teller waits for an answer of the bank, and before it asks again.
const TIMEOUT: SimSpan = SimSpan::from_secs(5);
const BACKOFF: SimSpan = SimSpan::from_secs(1);

/// Runs from when the teller starts, and again after each of its crashes.
pub async fn teller(agent: Agent, team: TeamContext) {
    let has_keys = team.safeguards().has::<IdempotencyKeys>();
    loop {
        let order = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = order.open().cloned() else {
            continue;
        };
        // What the first step of the scenario asks of its tool, for this task.
        let transfer = team.plan.operation_of(task, 0);
        let call = if has_keys {
            ToolCall::keyed(transfer, ops[0])
        } else {
            ToolCall::unkeyed(transfer, ops[0])
        };
        let outcome = loop {
            match agent.call(call.clone(), TIMEOUT).await {
                Ok(_) => break Outcome::Done,
                Err(ToolError::Definite(_)) => break Outcome::Failed,
                // It may have happened or not: the same call again, under the same key.
                Err(ToolError::Indefinite(_)) => agent.sleep(BACKOFF).await,
            }
        };
        agent.send(
            order.from(),
            task,
            UserMessage::Report(Report::of(task, outcome)),
        );
    }
}
