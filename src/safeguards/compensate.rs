//! Compensation: when a later step fails for good, the effects of the earlier ones are undone, last first.
//!
//! A saga (Garcia-Molina and Salem 1987, "Sagas") has no transaction to roll back; each step brings an
//! operation that undoes it instead. An undoing is a call like any other, so it may have to be asked for
//! again. Its id follows from the id of what it undoes ([`OpId::of_undo`]): an agent that begins a rollback
//! anew, after a crash or instead of another, asks for the same operations and changes nothing twice.

use crate::agent::{Agent, OpId, Operation, Receipt, ToolError};
use crate::config::{Entry, Problem};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::SimSpan;

/// How often an undoing may fail before the agent gives it up.
pub const TRIES: u32 = 3;

/// How long to wait after an undoing that failed.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct Compensate;

impl Safeguard for Compensate {
    const NAME: &'static str = "compensate";
    const ABOUT: &'static str = "when a step fails for good, the steps before it are undone, last first";
    const EXAMPLE: &'static str = "compensate = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Carries out an operation that takes back what was done under `op`. A try whose answer is unclear is
/// repeated under the same id, and somebody may have begun before; only once an id was turned down for good,
/// the next try has another.
///
/// # Errors
/// The id and the error of the last try, after [`TRIES`] of them.
pub async fn undo(
    agent: &Agent,
    safeguards: &Safeguards,
    operation: &Operation,
    op: OpId,
) -> Result<Receipt, (OpId, ToolError)> {
    let policy = CallPolicy::of(safeguards);
    let (mut failed, mut attempt) = (0, 1);
    loop {
        let undoing = op.of_undo(attempt);
        let error = match call_with_retry(agent, &policy, operation, undoing, true).await {
            Ok(receipt) => return Ok(receipt),
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
