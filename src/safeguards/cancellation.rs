//! Cancellation: when work is withdrawn, every agent that was ordered to do it is told to stop, and
//! acknowledges.
//!
//! An agent that cancels waits until all agents below it have acknowledged, and acknowledges only then. An
//! agent that is told to stop records it before it acknowledges: an order that was delayed and arrives after
//! the cancel must not restart the work, even after a crash (a tombstone).

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, checkpoint, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The switch.
#[derive(Default)]
pub struct Cancellation;

impl Safeguard for Cancellation {
    const NAME: &'static str = "cancellation";
    const ABOUT: &'static str =
        "a cancel is sent to every agent that works on the task, and counts once all have confirmed";
    const EXAMPLE: &'static str = "cancellation = true";
    const WITHOUT: &'static str = "the agents that work on a cancelled task are not told, and work on";
    const PROTECTS: &'static [&'static str] = &["no-orphans"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct CalledOff(Name);

impl Message for CalledOff {
    fn kind(&self) -> &'static str {
        "cancelled"
    }
}

/// The work that an agent must not do any more.
#[derive(Default, Debug)]
pub struct CancelledWork(RefCell<BTreeSet<Name>>);

impl CancelledWork {
    /// The cancelled work, recovered from the agent's journal.
    pub fn recover(agent: &Agent) -> Self {
        let cancelled = Self::default();
        checkpoint::recover(agent, |CalledOff(intent)| {
            cancelled.0.borrow_mut().insert(*intent);
        });
        cancelled
    }

    /// Whether this work is cancelled.
    pub fn contains(&self, intent: Name) -> bool {
        self.0.borrow().contains(&intent)
    }

    /// Adds some work, and returns once that is durable.
    pub async fn add(&self, agent: &Agent, intent: Name) {
        self.0.borrow_mut().insert(intent);
        // Also if it is there already: another task that adds it at the same time may not have synced it yet.
        agent.persist(CalledOff(intent)).await;
    }
}
