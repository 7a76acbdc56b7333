//! The common part of both kinds of saga: how an action is carried out, and when its agent may finish it.
//!
//! Every action ends in one of three ways: it is done; it is refused for good; or its outcome stays unclear
//! after all tries, and then it is escalated to the person on call (with the `dead-letter` safeguard) before
//! the team acts on the failure.

use crate::agent::{Agent, OpId, ToolError};
use crate::protocols::compose_call;
use crate::safeguards::calls::{CallPolicy, call_until_definite, call_with_retry};
use crate::safeguards::compensate;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::saga_log::SagaAction;
use crate::workflows::TeamContext;
use crate::workflows::on_call::ON_CALL;
use perfidy_sim::Name;

/// Tokens an agent reads to compose the arguments of a call.
const COMPOSING_TOKENS: u32 = 400;

/// Carries out an action for a task, where `op` is the id of the step's operation; returns whether it was
/// done. Another incarnation may have begun it before.
///
/// If a step is rejected for good, nothing has happened, and the saga rolls back. If the outcome of a step
/// stays unclear, or a compensation fails, the saga cannot resolve it by itself.
pub async fn carry_out(
    agent: &Agent,
    team: &TeamContext,
    answers: &ModelAnswers,
    (task, action): (Name, SagaAction),
    op: OpId,
) -> bool {
    let (plan, safeguards) = (&team.plan, team.safeguards());
    let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
    let wanted = match action {
        SagaAction::Do(step) => Some(plan.operation_of(task, step)),
        SagaAction::Undo(step) => plan.undoing(task, step),
    };
    // What nothing undoes comes last, so no saga turns back behind it.
    let wanted = wanted.unwrap_or_else(|| plan.operation_of(task, step));
    let compose = async || compose_call(agent, &wanted, (COMPOSING_TOKENS, 3), |_| true).await;
    let number = u64::from(matches!(action, SagaAction::Undo(_)));
    let call = answers.complete(agent, safeguards, (wanted.intent, number), compose).await;
    let (operation, result) = match action {
        SagaAction::Do(step) => {
            let operation = plan.operation_of(task, step).with(call.arguments);
            let policy = CallPolicy::of(safeguards);
            let result = if Defect::SilenceTakenForRefusal.is_in(safeguards) {
                call_with_retry(agent, &policy, &operation, op, true).await
            } else {
                call_until_definite(agent, &policy, &operation, op).await
            };
            (operation, result.map_err(|error| (op, error)))
        }
        SagaAction::Undo(step) => {
            // Steps without a compensation come last, so the saga never rolls back past them.
            let Some(operation) = plan.undoing(task, step) else { return false };
            let operation = operation.with(call.arguments);
            let result = compensate::undo(agent, safeguards, &operation, op).await;
            (operation, result)
        }
    };
    let Err((op, error)) = result else { return true };
    let was_refused = matches!((action, error), (SagaAction::Do(_), ToolError::Definite(_)))
        || (matches!(action, SagaAction::Do(_)) && Defect::SilenceTakenForRefusal.is_in(safeguards));
    if !was_refused && safeguards.has::<DeadLetter>() {
        escalate(agent, Name::literal(ON_CALL), &operation, op, error).await;
    }
    false
}
