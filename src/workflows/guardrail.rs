//! The guardrail: a model of its own that judges what an agent is asked for, or what its model asks for.
//!
//! It gives a verdict on each operation that it is asked about, after a time. It forbids what was not
//! requested, as far as it is shown, and of the rest some operations: the same ones however often it is
//! asked. Its node records which operations it must check, and every verdict; the property
//! `no-forbidden-effects` judges by these.

use crate::agent::{Agent, CHECK, GUARDRAIL, GuardrailEvent, Operation, TeamEvent};
use crate::protocols::{GuardrailMessage, GuardrailVerdict};
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan};

/// Gives a verdict on whatever it is asked about.
///
/// # Panics
/// If the agent is not the node of that name.
pub async fn guardrail(agent: Agent, team: TeamContext) {
    assert_eq!(agent.name().as_str(), GUARDRAIL, "only the node of that name is the guardrail");
    for step in team.plan.steps.iter().filter(|step| step.guarded) {
        let (tool, operation) = (step.tool, step.operation);
        agent.record_event(TeamEvent::Guardrail(GuardrailEvent::MustCheck { tool, operation }));
    }
    loop {
        let mail = agent.receive().await;
        let Some(GuardrailMessage::Check { requested, operations }) = mail.open().cloned() else { continue };
        let (checker, by) = (agent.clone(), (mail.from(), mail.about()));
        agent.spawn(async move { check(&checker, by, &requested, &operations).await });
    }
}

/// Records a verdict on each operation, in its time, and sends them.
async fn check(agent: &Agent, (by, about): (Name, Name), requested: &[Operation], operations: &[Operation]) {
    let late = agent.fault_at(CHECK, about, |_| true).map_or(SimSpan::ZERO, |(_, by)| by);
    agent.sleep(agent.time_to_check(about) + late).await;
    let judged = |operation: &Operation| {
        let is_requested = requested.iter().any(|wanted| what(wanted) == what(operation));
        let (operation, is_allowed) = (operation.clone(), is_requested && !agent.forbids(operation));
        let judged = GuardrailEvent::Judged { operation: operation.clone(), is_allowed };
        agent.record_event(TeamEvent::Guardrail(judged));
        GuardrailVerdict { operation, is_allowed }
    };
    let verdicts = operations.iter().map(judged).collect();
    agent.send(by, about, GuardrailMessage::Checked(verdicts));
}

/// What is asked of which tool, and for what. Its arguments may be known only later.
fn what(operation: &Operation) -> [Name; 3] {
    [operation.tool, operation.name, operation.intent]
}
