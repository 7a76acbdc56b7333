//! An agent: a teller that calls the bank for its user.

use perfidy::prelude::*;

/// How long the teller waits for an answer of the bank, and before it calls again.
const TIMEOUT: SimSpan = SimSpan::from_secs(5);
const BACKOFF: SimSpan = SimSpan::from_secs(1);

/// Runs from when the teller starts, and again after each of its crashes.
pub async fn teller(agent: Agent, team: TeamContext) {
    loop {
        let order = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = order.open().cloned() else {
            continue;
        };
        // The first step of the scenario for this task, with an idempotency key.
        let call = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
        let outcome = loop {
            match agent.call(call.clone(), TIMEOUT).await {
                Ok(_) => break Outcome::Done,
                Err(ToolError::Definite(_)) => break Outcome::Failed,
                // It may have happened or not: the same call again, with the same key.
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
