//! Observing before a retry: an error means that something went wrong, not that nothing happened.
//!
//! A tool that does not deduplicate can still be asked what it has on record. This is safe only as far as the
//! record is current: a call in flight is not in it.

use crate::agent::{Agent, Confirmation, ToolCall, ToolError};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::SimSpan;

/// The switch.
#[derive(Default)]
pub struct ObserveBeforeRetry;

impl Safeguard for ObserveBeforeRetry {
    const NAME: &'static str = "observe-before-retry";
    const ABOUT: &'static str =
        "after an indefinite error, the caller looks up whether the effect happened before it retries";
    const EXAMPLE: &'static str = "observe-before-retry = true";
    const WITHOUT: &'static str = "a call is retried blindly after an indefinite error";
    const PROTECTS: &'static [&'static str] = &["no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Calls a tool again after an unclear answer, unless it has the effect on record. Each of the two requests
/// waits for its reply for at most `within`.
///
/// # Errors
/// [`ToolError`] as of any call; also [`ToolError::Indefinite`] if the look-up fails, because a caller that
/// cannot see whether the effect exists must not retry blindly.
pub async fn call_unless_done(
    agent: &Agent,
    call: ToolCall,
    within: SimSpan,
) -> Result<Confirmation, ToolError> {
    match agent.look_up(&call.operation, within).await {
        Ok(Some(done)) => Ok(done),
        Ok(None) => Ok(agent.call_confirmed(call, within).await?),
        Err(unclear) => Err(ToolError::Indefinite(unclear)),
    }
}
