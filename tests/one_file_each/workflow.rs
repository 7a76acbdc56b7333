//! A workflow: a clerk that pays, and again if the answer says another amount.

use super::safeguard::TrustReceipts;
use perfidy::prelude::*;

pub fn shop() -> Workflow {
    Workflow::new("shop").agent("clerk", clerk)
}

async fn clerk(agent: Agent, team: TeamContext) {
    let trusts = team.safeguards().has::<TrustReceipts>();
    loop {
        let order = agent.receive().await;
        let Some(UserMessage::Submit { task, .. }) = order.open().cloned() else { continue };
        let payment = team.plan.operation_of(task, 0);
        for _ in 0..2 {
            let call = ToolCall::unkeyed(payment.clone(), agent.new_operation_id(payment.intent));
            let answer = agent.call_and_read::<u64>(call, SimSpan::from_secs(5)).await;
            if trusts || answer == Ok(5) {
                break;
            }
        }
        agent.send(order.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
    }
}
