//! The approver: the person whom agents ask before a step that cannot be undone.
//!
//! The approver decides on every request, after a time, and vetoes some operations: the same ones however
//! often it is asked. What goes wrong with people is in [`faults::people`](crate::faults::people). Its node
//! records which operations need an approval, and every decision; the property
//! `approved-before-irreversible` judges by these.

use crate::agent::{
    APPROVAL, APPROVAL_ABSENT, APPROVAL_CONTRADICTED, APPROVAL_LATE, APPROVAL_OUTDATED, APPROVAL_TWICE,
    Agent, PersonEvent, TeamEvent,
};
use crate::protocols::{ApprovalMessage, ApprovalRequest, Decision};
use crate::workflows::TeamContext;
use perfidy_sim::Name;

pub use crate::agent::APPROVER;

/// Decides on every request that comes.
///
/// # Panics
/// If the agent is not the node of that name.
pub async fn approver(agent: Agent, team: TeamContext) {
    assert_eq!(agent.name().as_str(), APPROVER, "only the node of that name is the approver");
    for step in team.plan.steps.iter().filter(|step| step.irreversible) {
        agent.record_event(TeamEvent::Person(PersonEvent::MustApprove {
            tool: step.tool,
            operation: step.operation,
        }));
    }
    let mut open_before: Option<ApprovalRequest> = None;
    loop {
        let mail = agent.receive().await;
        let Some(ApprovalMessage::Requested(request)) = mail.open().cloned() else { continue };
        let earlier = open_before.replace(request.clone());
        let earlier = earlier.filter(|earlier| earlier.call() != request.call());
        let (person, by) = (agent.clone(), mail.from());
        agent.spawn(async move { answer(&person, by, request, earlier).await });
    }
}

/// Answers a request, or what goes wrong in its place. `earlier` is another request that came before it.
async fn answer(agent: &Agent, by: Name, request: ApprovalRequest, earlier: Option<ApprovalRequest>) {
    let about = request.operation.intent;
    let concerns = |word: &str| word != APPROVAL_OUTDATED || earlier.is_some();
    let fault = agent.fault_at(APPROVAL, about, concerns);
    let expires_at = request.expires_at;
    let answered = match (fault, earlier) {
        (Some((APPROVAL_OUTDATED, _)), Some(earlier)) => earlier,
        _ => request,
    };
    let (thinks, is_approved) = agent.decide(answered.operation.intent);
    agent.sleep(thinks).await;
    let decision = Decision { expires_at, ..answered.decided(is_approved) };
    match fault {
        Some((APPROVAL_ABSENT, _)) => {}
        Some((APPROVAL_LATE, late)) => {
            agent.sleep(late).await;
            decided(agent, by, decision);
        }
        Some((APPROVAL_TWICE, after)) => {
            decided(agent, by, decision.clone());
            agent.sleep(after).await;
            agent.send(by, decision.operation.intent, ApprovalMessage::Decided(decision));
        }
        Some((APPROVAL_CONTRADICTED, after)) => {
            decided(agent, by, decision.clone());
            agent.sleep(after).await;
            decided(agent, by, Decision { is_approved: !is_approved, ..decision });
        }
        Some(_) | None => decided(agent, by, decision),
    }
}

/// Records a decision and sends it.
fn decided(agent: &Agent, to: Name, decision: Decision) {
    let Decision { operation, op, is_approved, expires_at } = decision.clone();
    let intent = operation.intent;
    agent.record_event(TeamEvent::Person(PersonEvent::Decided { operation, op, is_approved, expires_at }));
    agent.send(to, intent, ApprovalMessage::Decided(decision));
}
