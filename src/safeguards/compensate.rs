//! Compensation: when a later step fails for good, the effects of the earlier ones are undone, last first.
//!
//! A saga (Garcia-Molina and Salem 1987, "Sagas") has no transaction to roll back; each step has an operation
//! that undoes it instead. A compensation is an ordinary call, so it may need retries. Its id follows from
//! the id of the operation it undoes ([`OpId::of_undo`]): an agent that restarts a rollback, after a crash or
//! in place of another agent, sends the same operations and changes nothing twice.

use crate::agent::{Agent, Confirmation, OpId, Operation, ToolError};
use crate::config::{Entry, Problem};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::SimSpan;

/// How often a compensation may fail before the agent gives it up.
pub const TRIES: u32 = 3;

/// How long to wait after a failed compensation.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct Compensate;

impl Safeguard for Compensate {
    const NAME: &'static str = "compensate";
    const ABOUT: &'static str = "when a step fails permanently, the steps before it are undone, last first";
    const EXAMPLE: &'static str = "compensate = true";
    const WITHOUT: &'static str = "what was done before a failure or a cancel stays done";
    const NEEDS: &'static str = "steps with `undo`";
    const PROTECTS: &'static [&'static str] = &["all-or-compensated", "no-effect-after-cancel"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs_step(Self::NAME, "undo", |step| step.can_be_undone)
    }
}

/// Carries out an operation that undoes the effect of `op`. A try with an unclear outcome is repeated under
/// the same id, since another agent may have begun before; only after an id was rejected for good does the
/// next try use another.
///
/// # Errors
/// The id and the error of the last try, after [`TRIES`] of them.
pub async fn undo(
    agent: &Agent,
    safeguards: &Safeguards,
    operation: &Operation,
    op: OpId,
) -> Result<Confirmation, (OpId, ToolError)> {
    let policy = CallPolicy::of(safeguards);
    let (mut failed, mut attempt) = (0, 1);
    loop {
        let undoing = op.of_undo(attempt);
        let error = match call_with_retry(agent, &policy, operation, undoing, true).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        failed += 1;
        if failed >= TRIES {
            return Err((undoing, error));
        }
        if matches!(error, ToolError::Definite(_)) {
            attempt += 1;
        }
        agent.sleep(PAUSE).await;
    }
}
