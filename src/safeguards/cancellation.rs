//! Cancellation: when work is no longer to be done, each agent that was told to do it is told not to, and
//! acknowledges it.
//!
//! An agent that cancels waits until all agents below have acknowledged, and acknowledges only then. An agent
//! that is told writes it down before it acknowledges: an order that was held up on its way and comes after
//! the cancel must not bring the work back, also not after a crash (a tombstone).

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, checkpoint, switch};
use perfidy_sim::Name;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The switch.
#[derive(Default)]
pub struct Cancellation;

impl Safeguard for Cancellation {
    const NAME: &'static str = "cancellation";
    const ABOUT: &'static str =
        "a cancel reaches everybody who works on the task, and counts once all have answered";
    const EXAMPLE: &'static str = "cancellation = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

#[derive(Clone, Copy, Hash, Debug, Serialize)]
struct CalledOff(Name);

impl Message for CalledOff {
    fn kind(&self) -> &'static str {
        "called off"
    }
}

/// What an agent is not to do any more.
#[derive(Default, Debug)]
pub struct Cancelled(RefCell<BTreeSet<Name>>);

impl Cancelled {
    /// As the agent left it in its journal.
    pub fn recover(agent: &Agent) -> Self {
        let cancelled = Self::default();
        checkpoint::recover(agent, |CalledOff(intent)| {
            cancelled.0.borrow_mut().insert(*intent);
        });
        cancelled
    }

    /// Whether this is among it.
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
