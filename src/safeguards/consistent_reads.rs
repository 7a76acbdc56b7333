//! Consistent reads: a reader asks the store for the consistency that its team relies on, instead of taking
//! any replica's answer.
//!
//! The model is declared in one place. The store client remembers the little that it needs: for monotonic
//! reads, the version that the agent has seen of each item (Terry et al. 1994, "Session guarantees for weakly
//! consistent replicated data"); for sequential reads, the latest change of the whole store that the agent
//! has seen, through any item: a plan that it wrote counts for the progress that it reads.

use crate::agent::{Agent, Consistency, Freshness, Snapshot, StoreError, Token};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct ConsistentReads;

impl Safeguard for ConsistentReads {
    const NAME: &'static str = "consistent-reads";
    const ABOUT: &'static str = "reads of the store ask for the consistency that `reads` in [store] declares";
    const EXAMPLE: &'static str = "consistent-reads = true";
    const WITHOUT: &'static str = "a reader takes the answer of any replica, however far it lags behind";
    const NEEDS: &'static str = "`reads` in `[store]`";
    const PROTECTS: &'static [&'static str] = &["reads-keep-declared-consistency"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Reads the store for one incarnation of an agent.
pub struct Reader {
    agent: Agent,
    asks_for: Consistency,
}

impl Reader {
    /// A reader that asks for the declared consistency if the switch is on, and otherwise for none.
    pub fn new(agent: &Agent, safeguards: &Safeguards, declared: Consistency) -> Self {
        let asks_for = if safeguards.has::<ConsistentReads>() { declared } else { Consistency::Eventual };
        Self { agent: agent.clone(), asks_for }
    }

    /// Reads an item.
    ///
    /// # Errors
    /// As [`Store::read`](crate::agent::Store::read).
    pub async fn read(&self, item: Name) -> Result<Snapshot, StoreError> {
        let store = self.agent.store();
        let asks = match self.asks_for {
            Consistency::Linearizable => Freshness::Latest,
            Consistency::Sequential => Freshness::Commit(store.seen_of_all()),
            Consistency::Monotonic => Freshness::Version(store.seen(item)),
            Consistency::Eventual => Freshness::Any,
        };
        store.read(item, asks).await
    }

    /// Reads an item as the primary has it, whatever is declared.
    ///
    /// # Errors
    /// As [`Store::read`](crate::agent::Store::read).
    pub async fn latest(&self, item: Name, fence: Option<Token>) -> Result<Snapshot, StoreError> {
        self.agent.store().fenced(fence).read(item, Freshness::Latest).await
    }
}
