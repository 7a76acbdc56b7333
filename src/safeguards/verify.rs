//! Verification at the tool: a step is done when its tool has the effect on record, not when an agent was
//! told so.
//!
//! An acknowledgement can be wrong, and so can the agent that passes it on. Only the tool with the effect can
//! confirm it, so a verifier looks each effect up there before a task is reported done ("end-to-end
//! argument": Saltzer, Reed and Clark 1984). What the tool confirms then, its receipt and its result, is what
//! the report says.
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

use crate::agent::{Agent, Confirmation, Operation};
use crate::config::{Entry, Problem};
use crate::protocols::in_attempts;
use crate::safeguards::calls::CALL_TIMEOUT;
use crate::safeguards::give_up_after::ask_until_given_up;
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::{Name, SimSpan};

/// How often a tool is asked before the answer counts as unknown.
const LOOK_UPS: u32 = 3;

/// How long to wait before tools are asked again that did not answer.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct Verify;

impl Safeguard for Verify {
    const NAME: &'static str = "verify";
    const ABOUT: &'static str = "a verifier looks up the effects of a task before it is reported done";
    const EXAMPLE: &'static str = "verify = true";
    const WITHOUT: &'static str =
        "a task counts as done when its agents say so, and the report says what they say";
    const PROTECTS: &'static [&'static str] =
        &["failures-surface", "no-phantom-completion", "reports-match-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// What tools have on record of each effect; `None` if a tool does not answer. All are looked up in any case,
/// so that the duration does not depend on the answers.
pub async fn effects_on_record(
    agent: &Agent,
    effects: impl IntoIterator<Item = Operation>,
) -> Option<Vec<Option<Confirmation>>> {
    let mut found = Vec::new();
    for effect in effects {
        let look_up = async || agent.look_up(&effect, CALL_TIMEOUT).await.ok();
        found.push(in_attempts(LOOK_UPS, look_up).await);
    }
    found.into_iter().collect()
}

/// The indices of the effects that no tool has on record; `None` if a tool does not answer.
pub async fn missing_effects(
    agent: &Agent,
    effects: impl IntoIterator<Item = Operation>,
) -> Option<Vec<usize>> {
    let found = effects_on_record(agent, effects).await?;
    Some((0..found.len()).filter(|place| found[*place].is_none()).collect())
}

/// The intents of the effects that no tool has on record, asked for until the tools answer: none without
/// `verify`, and `None` once that is [given up](super::give_up_after).
pub async fn missing_intents(
    agent: &Agent,
    safeguards: &Safeguards,
    effects: &[Operation],
) -> Option<Vec<Name>> {
    if !safeguards.has::<Verify>() {
        return Some(Vec::new());
    }
    let ask = async || missing_effects(agent, effects.to_vec()).await;
    let missing = ask_until_given_up(agent, safeguards, PAUSE, ask).await?;
    Some(missing.into_iter().map(|place| effects[place].intent).collect())
}
