//! Consistent reads: a reader asks the store for what its team relies on, instead of taking whatever comes.
//!
//! Which model is needed is declared in one place; what a reader has to remember for it is little: for monotonic
//! reads the version it has seen of each item (Terry et al. 1994, "Session guarantees for weakly consistent replicated
//! data"), for sequential ones how far into the order of all changes it has seen.

use crate::agent::{Agent, Commit, Consistency, Freshness, Snapshot, Stamp, StoreError, Token, Version};
use crate::safeguards::{Safeguard, Safeguards, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::Name;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// The switch.
#[derive(Default)]
pub struct ConsistentReads;

impl Safeguard for ConsistentReads {
    const NAME: &'static str = "consistent-reads";
    const ABOUT: &'static str = "whoever reads the store asks for what `reads` in [store] declares";
    const EXAMPLE: &'static str = "consistent-reads = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Reads the store for one agent, in one life of it.
pub struct Reader {
    agent: Agent,
    asks_for: Consistency,
    versions: RefCell<BTreeMap<Name, Version>>,
    commit: Cell<Commit>,
}

impl Reader {
    /// A reader that has seen nothing. It asks for what is declared if the switch is on, and else for nothing.
    pub fn new(agent: &Agent, safeguards: &Safeguards, declared: Consistency) -> Self {
        let asks_for = if safeguards.has::<ConsistentReads>() { declared } else { Consistency::Eventual };
        Self { agent: agent.clone(), asks_for, versions: RefCell::default(), commit: Cell::default() }
    }

    /// Reads an item.
    ///
    /// # Errors
    /// As [`Store::read`](crate::agent::Store::read).
    pub async fn read(&self, item: Name) -> Result<Snapshot, StoreError> {
        let asks = match self.asks_for {
            Consistency::Linearizable => Freshness::Latest,
            Consistency::Sequential => Freshness::Commit(self.commit.get()),
            Consistency::Monotonic => Freshness::Version(self.seen(item)),
            Consistency::Eventual => Freshness::Any,
        };
        let snapshot = self.agent.store().read(item, asks).await?;
        self.has_seen(item, snapshot.stamp);
        Ok(snapshot)
    }

    /// Reads an item as the primary has it, whatever is declared.
    ///
    /// # Errors
    /// As [`Store::read`](crate::agent::Store::read).
    pub async fn latest(&self, item: Name, fence: Option<Token>) -> Result<Snapshot, StoreError> {
        let snapshot = self.agent.store().fenced(fence).read(item, Freshness::Latest).await?;
        self.has_seen(item, snapshot.stamp);
        Ok(snapshot)
    }

    /// Takes note of a change that the agent made or saw otherwise: its own writes belong to what it has seen.
    pub fn has_seen(&self, item: Name, stamp: Stamp) {
        let mut versions = self.versions.borrow_mut();
        let version = versions.entry(item).or_default();
        *version = stamp.version.max(*version);
        self.commit.set(self.commit.get().max(stamp.commit));
    }

    fn seen(&self, item: Name) -> Version {
        self.versions.borrow().get(&item).copied().unwrap_or_default()
    }
}
