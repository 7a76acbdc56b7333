//! Getting to know something through a tool: the safeguards of a reader, put together.
//!
//! Reading changes nothing, so there is nothing to be careful about but the answer: one that is about something else,
//! cut short or too old is no answer, and is asked for again.

use crate::agent::{Agent, Indefinite, Query, Reading, ToolError};
use crate::safeguards::Safeguards;
use crate::safeguards::perform::CALL_TIMEOUT;
use crate::safeguards::retry::Retry;
use crate::safeguards::snapshots::Snapshots;

/// Reads something, as the safeguards say.
///
/// # Errors
/// The error of the last try, when all tries are used up or the tool refused for good. An answer that is about
/// something else, cut short or too old is [`Indefinite::Malformed`].
pub async fn inquire(agent: &Agent, safeguards: &Safeguards, query: Query) -> Result<Reading, ToolError> {
    let retry = safeguards.get::<Retry>();
    let snapshots = safeguards.get::<Snapshots>();
    let mut failed = 0;
    loop {
        let error = match agent.read(query, CALL_TIMEOUT).await {
            Ok(reading) => {
                let is_fresh = snapshots.is_none_or(|snapshots| snapshots.admits(reading.as_of, agent.now()));
                if reading.item == query.item && reading.is_whole() && is_fresh {
                    return Ok(reading);
                }
                ToolError::Indefinite(Indefinite::Malformed)
            }
            Err(error) => error,
        };
        failed += 1;
        let passes = error.can_pass();
        let Some(retry) = retry.filter(|retry| passes && failed < retry.attempts) else { return Err(error) };
        let wait = agent.draw("backoff", query.intent, |spot| retry.wait(failed, spot));
        agent.sleep(wait.max(error.retry_after())).await;
    }
}
