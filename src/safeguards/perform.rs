//! Getting an effect done through a tool: the safeguards of a caller, put together.
//!
//! Each part is a switch of its own, and each covers what the others cannot: the key lets the tool recognise
//! a repetition, observing covers a tool that cannot, retrying covers what was lost on the way.

use crate::agent::{Agent, OpId, Receipt, ToolCall, ToolError, Wish};
use crate::safeguards::Safeguards;
use crate::safeguards::idempotency::IdempotencyKeys;
use crate::safeguards::observe::ObserveBeforeRetry;
use crate::safeguards::retry::Retry;
use perfidy_sim::SimSpan;

/// How long a caller waits for a tool.
pub const CALL_TIMEOUT: SimSpan = SimSpan::from_secs(5);

/// Carries out a wish under an operation id, as the safeguards say. `tried_before` says that earlier tries of
/// the same operation ended without a clear answer, or may have.
///
/// # Errors
/// The error of the last try, when all tries are used up or the tool refused for good. It is definite only if no try
/// before it was unclear, or if it speaks of the operation and not of the try.
pub async fn perform(
    agent: &Agent,
    safeguards: &Safeguards,
    wish: Wish,
    op: OpId,
    tried_before: bool,
) -> Result<Receipt, ToolError> {
    let is_keyed = safeguards.has::<IdempotencyKeys>();
    let call = if is_keyed { ToolCall::keyed(wish, op) } else { ToolCall::unkeyed(wish, op) };
    let looks_first = safeguards.has::<ObserveBeforeRetry>();
    let retry = safeguards.get::<Retry>();
    let mut failed = 0;
    let mut unclear = tried_before;
    loop {
        let observed = if looks_first && unclear {
            agent.look_up(wish, CALL_TIMEOUT).await.map_err(ToolError::Indefinite)
        } else {
            Ok(None)
        };
        let error = match observed {
            Ok(Some(receipt)) => return Ok(receipt),
            Ok(None) => match agent.call(call, CALL_TIMEOUT).await {
                Ok(receipt) => return Ok(receipt),
                Err(error) => error,
            },
            // What cannot be seen is not tried again blindly.
            Err(error) => error,
        };
        failed += 1;
        let passes = error.can_pass();
        let error = if unclear { error.after_an_unclear_try() } else { error };
        unclear |= matches!(error, ToolError::Indefinite(_));
        let Some(retry) = retry.filter(|retry| passes && failed < retry.attempts) else { return Err(error) };
        let wait = agent.draw("backoff", wish.intent, |spot| retry.wait(failed, spot));
        agent.sleep(wait.max(error.retry_after())).await;
    }
}

/// How often [`press`] goes through all tries before it gives up on a clear answer.
pub const ROUNDS: u32 = 5;

/// How long [`press`] waits before it goes through all tries again.
const PRESS_AGAIN: SimSpan = SimSpan::from_secs(10);

/// Carries out a wish until the answer is clear: whoever has to know whether something happened, so that it
/// can be undone, does not take "nobody knows" for an answer. Somebody may have begun before under the same
/// id, and died.
///
/// # Errors
/// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if that is unclear after [`ROUNDS`].
pub async fn press(
    agent: &Agent,
    safeguards: &Safeguards,
    wish: Wish,
    op: OpId,
) -> Result<Receipt, ToolError> {
    let mut round = 1;
    loop {
        match perform(agent, safeguards, wish, op, true).await {
            Err(ToolError::Indefinite(_)) if round < ROUNDS => round += 1,
            result => return result,
        }
        agent.sleep(PRESS_AGAIN).await;
    }
}
