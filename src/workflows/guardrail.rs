//! The guardrail: a model of its own that judges what an agent is asked for, or what its model asks for.
//!
//! It gives a verdict on each operation that it is asked about, after a time. It forbids what no user has
//! asked for, and of the rest some operations: the same ones however often it is asked. Its node records
//! which operations it must check, and every verdict; the property `no-forbidden-effects` judges by these.

use crate::agent::{Agent, CHECK, GUARDRAIL, GuardrailEvent, Operation, TeamEvent, operation_digest};
use crate::protocols::{GuardrailMessage, GuardrailVerdict};
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Gives a verdict on whatever it is asked about.
///
/// # Panics
/// If the agent is not the node of that name.
pub async fn guardrail(agent: Agent, team: TeamContext) {
    assert_eq!(agent.name().as_str(), GUARDRAIL, "only the node of that name is the guardrail");
    let mut wanted = BTreeSet::new();
    for (number, step) in team.plan.steps.iter().enumerate().filter(|(_, step)| step.guarded) {
        let (tool, operation) = (step.tool, step.operation);
        agent.note(TeamEvent::Guardrail(GuardrailEvent::MustCheck { tool, operation }));
        wanted.extend(team.plan.tasks.iter().map(|task| team.plan.intent(*task, number)));
    }
    let wanted = Rc::new(wanted);
    loop {
        let mail = agent.receive().await;
        let Some(GuardrailMessage::Check(operations)) = mail.open().cloned() else { continue };
        let (checker, wanted, by) = (agent.clone(), Rc::clone(&wanted), (mail.from(), mail.about()));
        agent.spawn(async move { check(&checker, &wanted, by, &operations).await });
    }
}

/// Records a verdict on each operation, in its time, and sends them.
async fn check(agent: &Agent, wanted: &BTreeSet<Name>, (by, about): (Name, Name), asked: &[Operation]) {
    let late = agent.fault_at(CHECK, about, |_| true).map_or(SimSpan::ZERO, |(_, by)| by);
    agent.sleep(agent.time_to_check(about) + late).await;
    let judged = |operation: &Operation| {
        let (digest, intent) = (operation_digest(operation), operation.intent);
        let is_allowed = wanted.contains(&intent) && !agent.forbids(operation);
        agent.note(TeamEvent::Guardrail(GuardrailEvent::Judged { intent, digest, is_allowed }));
        GuardrailVerdict { digest, is_allowed }
    };
    let verdicts = asked.iter().map(judged).collect();
    agent.send(by, about, GuardrailMessage::Checked(verdicts));
}
