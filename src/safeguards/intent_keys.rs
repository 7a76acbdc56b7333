//! Keys from the intent: the id of an operation belongs to the intent, not to the wording of a model's call.
//!
//! A digest of the call looks like a good key: the same call, the same key. But on a retry the model composes
//! the call anew, in other words, and for the tool the retry is another operation. The id must be made once
//! for each intent, kept (see [`Operations`]), and sent with every wording.
//!
//! ```
//! use perfidy::agent::{Agent, OpId, Operation};
//! use perfidy::safeguards::Safeguards;
//! use perfidy::safeguards::intent_keys::KeySource;
//! use perfidy::safeguards::persist::Operations;
//!
//! /// The id under which an agent pays, now and at every retry, also after a crash.
//! async fn key(agent: &Agent, safeguards: &Safeguards, payment: Operation) -> OpId {
//!     let operations = Operations::recover(agent);
//!     let (op, _tried_before) =
//!         KeySource::PerIntent.operation_id(agent, safeguards, &operations, &payment, 0).await;
//!     op
//! }
//! ```

use crate::agent::{Agent, OpId, Operation};
use crate::config::{Entry, Problem};
use crate::safeguards::persist::Operations;
use crate::safeguards::{Safeguard, Safeguards, switch};

/// The switch.
#[derive(Default)]
pub struct IntentKeys;

impl Safeguard for IntentKeys {
    const NAME: &'static str = "intent-keys";
    const ABOUT: &'static str =
        "an operation id is derived from the intent, not from the model's wording of the call";
    const EXAMPLE: &'static str = "intent-keys = true";
    const WITHOUT: &'static str = "the key is a digest of the call; a retry in other words has another key";
    const NEEDS: &'static str = "`idempotency-keys`";
    const PROTECTS: &'static [&'static str] = &["completed-work-not-rerun", "no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Where the id of an operation comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// The order carries it.
    Given(OpId),
    /// The caller makes it once for each intent.
    PerIntent,
    /// It is a digest of the call as the caller's model composes it, new each time.
    PerCall,
}

impl KeySource {
    /// One id for each intent if the switch is on, otherwise one for each wording of a call.
    pub fn of(safeguards: &Safeguards) -> Self {
        if safeguards.has::<IntentKeys>() { Self::PerIntent } else { Self::PerCall }
    }

    /// The id of an operation with this wording, and whether it may have been tried under that id before.
    pub async fn operation_id(
        self,
        agent: &Agent,
        safeguards: &Safeguards,
        operations: &Operations,
        operation: &Operation,
        wording: u32,
    ) -> (OpId, bool) {
        match self {
            Self::Given(op) => (op, false),
            Self::PerIntent => operations.id_for(agent, safeguards, operation.intent).await,
            Self::PerCall => (OpId::of_call(operation, wording), false),
        }
    }
}
