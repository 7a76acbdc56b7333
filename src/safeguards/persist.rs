//! Operation ids persisted before the call: an agent that crashes between a call and the record of its
//! outcome must restart with the same id, or the tool takes its retry for another operation.
//!
//! [`Operations`] has one id for each intent, made once. With the switch on, an id is durable before the
//! agent sends it.

use crate::agent::{Agent, Message, OpId};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The switch.
#[derive(Default)]
pub struct PersistBeforeCall;

impl Safeguard for PersistBeforeCall {
    const NAME: &'static str = "persist-before-call";
    const ABOUT: &'static str = "an operation id is durable before the first call that carries it";
    const EXAMPLE: &'static str = "persist-before-call = true";
    const WITHOUT: &'static str = "after a crash, a call is repeated under a new operation id";
    const NEEDS: &'static str = "`idempotency-keys`";
    const PROTECTS: &'static [&'static str] = &["no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A record of the journal.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Minted {
    intent: Name,
    op: OpId,
}

impl Message for Minted {
    fn kind(&self) -> &'static str {
        "operation"
    }
}

/// The operation ids of one agent, one for each intent.
#[derive(Default, Debug)]
pub struct Operations(RefCell<BTreeMap<Name, OpId>>);

impl Operations {
    /// The ids as the agent left them in its journal: none if nothing was persisted.
    pub fn recover(agent: &Agent) -> Self {
        let operations = Self::default();
        checkpoint::recover(agent, |minted: &Minted| {
            operations.0.borrow_mut().insert(minted.intent, minted.op);
        });
        operations
    }

    /// The id for an intent, and whether it had one before. If not, a fresh one is made, and made durable
    /// first if the switch is on.
    pub async fn id_for(&self, agent: &Agent, safeguards: &Safeguards, intent: Name) -> (OpId, bool) {
        let known = self.0.borrow().get(&intent).copied();
        if let Some(op) = known {
            return (op, true);
        }
        let op = agent.new_operation_id(intent);
        self.0.borrow_mut().insert(intent, op);
        if safeguards.has::<PersistBeforeCall>() {
            agent.persist(Minted { intent, op }).await;
        }
        (op, false)
    }
}
