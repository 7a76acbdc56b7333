//! Verification at the tool: a step is done when its tool has the effect on record, not when an agent was
//! told so.
//!
//! An acknowledgement can be wrong, and so can the agent that passes it on. Only the tool with the effect can
//! confirm it, so a verifier looks each effect up there before a task is reported done ("end-to-end
//! argument": Saltzer, Reed and Clark 1984).
//!
//! ```
//! use perfidy::agent::{Agent, Operation};
//! use perfidy::safeguards::verify::missing_effects;
//!
//! /// Whether every effect is there; `None` if a tool does not say.
//! async fn is_complete(agent: &Agent, effects: Vec<Operation>) -> Option<bool> {
//!     Some(missing_effects(agent, effects).await?.is_empty())
//! }
//! ```

use crate::agent::{Agent, Operation};
use crate::config::{Entry, Problem};
use crate::protocols::in_attempts;
use crate::safeguards::calls::CALL_TIMEOUT;
use crate::safeguards::{Safeguard, switch};

/// How often a tool is asked before the answer counts as unknown.
const LOOK_UPS: u32 = 3;

/// The switch.
#[derive(Default)]
pub struct Verify;

impl Safeguard for Verify {
    const NAME: &'static str = "verify";
    const ABOUT: &'static str = "a verifier looks up the effects of a task before it is reported done";
    const EXAMPLE: &'static str = "verify = true";
    const WITHOUT: &'static str = "a task counts as done when its agents say so";
    const PROTECTS: &'static [&'static str] = &["failures-surface", "no-phantom-completion"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Whether a tool has an effect on record; `None` if it does not say.
pub async fn has_effect(agent: &Agent, operation: &Operation) -> Option<bool> {
    in_attempts(LOOK_UPS, async || agent.look_up(operation, CALL_TIMEOUT).await.ok())
        .await
        .map(|found| found.is_some())
}

/// The indices of the effects that no tool has on record; `None` if a tool does not answer. All are looked up
/// in any case, so that the duration does not depend on the answers.
pub async fn missing_effects(
    agent: &Agent,
    effects: impl IntoIterator<Item = Operation>,
) -> Option<Vec<usize>> {
    let (mut missing, mut all_known) = (Vec::new(), true);
    for (place, effect) in effects.into_iter().enumerate() {
        match has_effect(agent, &effect).await {
            Some(true) => {}
            Some(false) => missing.push(place),
            None => all_known = false,
        }
    }
    all_known.then_some(missing)
}
