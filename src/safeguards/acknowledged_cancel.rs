//! Acknowledged cancels: a call counts as cancelled once its tool says so.
//!
//! A caller that stops waiting for a call has not stopped the call, which may be in flight or in progress.
//! Cancel and commit race, and only the tool can decide the race: it knows operations by their ids, so it is
//! asked to cancel this one. Either the tool never carries it out from then on, for any caller, or it was
//! done already and can be undone.

use crate::agent::{Agent, Cancelled, OpId, Operation};
use crate::config::{Entry, Problem};
use crate::protocols::until_some;
use crate::safeguards::calls::CALL_TIMEOUT;
use crate::safeguards::idempotency::IdempotencyKeys;
use crate::safeguards::setup::{Missing, Setup, StepTraits};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::SimSpan;

/// How long to wait before asking a tool again that gave no clear answer.
const ASK_AGAIN: SimSpan = SimSpan::from_secs(2);

/// The switch.
#[derive(Default)]
pub struct AcknowledgedCancel;

impl Safeguard for AcknowledgedCancel {
    const NAME: &'static str = "acknowledged-cancel";
    const ABOUT: &'static str = "a call counts as cancelled once its tool has confirmed what became of it";
    const EXAMPLE: &'static str = "acknowledged-cancel = true";
    const WITHOUT: &'static str =
        "an agent takes a call in flight for cancelled, though it may still take effect";
    const NEEDS: &'static str = "`idempotency-keys`, and tools with `deduplicates = true`";
    const PROTECTS: &'static [&'static str] = &["no-effect-after-cancel"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    /// Only a tool that knows operations by their ids can cancel one.
    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<IdempotencyKeys>(Self::NAME).or_else(|| {
            let forgets =
                |step: &&StepTraits| setup.tools.get(&step.tool).is_some_and(|tool| !tool.deduplicates);
            let StepTraits { tool, .. } = setup.steps.iter().find(forgets)?;
            let message =
                format!("`{tool}` cannot cancel anything: it does not know operations by their ids");
            Some(Missing { message, help: format!("add deduplicates = true to [tools.{tool}]") })
        })
    }
}

/// Asks a tool to cancel an operation until it gives a clear answer.
pub async fn cancel(agent: &Agent, operation: &Operation, op: OpId) -> Cancelled {
    until_some(agent, ASK_AGAIN, async || agent.cancel(operation, op, CALL_TIMEOUT).await.ok()).await
}
