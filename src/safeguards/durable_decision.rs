//! Durable decision: a coordinator of two-phase commit has its decision on disk before any participant hears
//! of it.
//!
//! A decision is whether a transaction is committed. It takes effect with the first message that leaves, so
//! it must survive a crash of its coordinator (Gray and Lamport 2006, "Consensus on Transaction Commit", have
//! the message flow). A coordinator that finds no decision after a crash has told none, and may decide to
//! abort ([`Decisions::presume_abort`]): only decisions need to be durable, and not that a vote began
//! (presumed abort; Mohan, Lindsay and Obermarck 1986, "Transaction Management in the R* Distributed Database
//! Management System").

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::{Lookup, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The switch.
#[derive(Default)]
pub struct DurableDecision;

impl Safeguard for DurableDecision {
    const NAME: &'static str = "durable-decision";
    const ABOUT: &'static str =
        "a coordinator's decision to commit or abort is durable before any participant hears of it";
    const EXAMPLE: &'static str = "durable-decision = true";
    const WITHOUT: &'static str =
        "decisions are only in memory: after a crash a coordinator decides again, and may decide otherwise";
    const PROTECTS: &'static [&'static str] = &["atomic-agreement"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Whether a transaction is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum CommitDecision {
    /// Everything is done.
    Commit,
    /// Nothing is done.
    Abort,
}

/// A record of the coordinator.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum DecisionRecord {
    Decided { transaction: Name, decision: CommitDecision },
    Ended { transaction: Name, is_whole: bool },
}

impl Message for DecisionRecord {
    fn kind(&self) -> &'static str {
        "decision"
    }
}

/// The decisions of one coordinator, and their log. The first decision on a transaction stays.
///
/// ```
/// use perfidy::agent::Agent;
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::durable_decision::{CommitDecision, Decisions};
/// use perfidy_sim::Name;
///
/// async fn all_have_voted(agent: &Agent, on: &Safeguards, decisions: &mut Decisions, order: Name) {
///     if decisions.decide(agent, on, order, CommitDecision::Commit).await == CommitDecision::Commit {
///         // From here on the participants may be told.
///     }
/// }
/// ```
#[derive(Default, Debug)]
pub struct Decisions {
    decided: Lookup<Name, CommitDecision>,
    /// Those of which some participant may not know yet.
    open: BTreeSet<Name>,
    /// Those that were committed, and not carried out as a whole.
    broken: BTreeSet<Name>,
}

impl Decisions {
    /// The decisions that the agent left in its journal: none if nothing was logged.
    pub fn recover(agent: &Agent) -> Self {
        let mut decisions = Self::default();
        checkpoint::recover(agent, |record| decisions.take_in(record));
        decisions
    }

    /// The decision on a transaction, if there is one.
    pub fn get(&self, transaction: Name) -> Option<CommitDecision> {
        self.decided.get(transaction).copied()
    }

    /// Whether a transaction has been decided, and every participant has acted on it.
    pub fn has_ended(&self, transaction: Name) -> bool {
        self.decided.contains(transaction) && !self.open.contains(&transaction)
    }

    /// Whether everything of a transaction was done.
    pub fn is_done(&self, transaction: Name) -> bool {
        self.get(transaction) == Some(CommitDecision::Commit)
            && self.has_ended(transaction)
            && !self.broken.contains(&transaction)
    }

    /// The transactions that are decided and have not ended, in their order.
    pub fn open(&self) -> Vec<Name> {
        self.open.iter().copied().collect()
    }

    /// Decides on a transaction, unless that has been done, and returns the decision that holds; with the
    /// switch on, once it is durable.
    pub async fn decide(
        &mut self,
        agent: &Agent,
        safeguards: &Safeguards,
        transaction: Name,
        decision: CommitDecision,
    ) -> CommitDecision {
        if let Some(known) = self.get(transaction) {
            return known;
        }
        self.log(agent, safeguards, transaction, DecisionRecord::Decided { transaction, decision }).await;
        decision
    }

    /// The decision on a transaction of which the coordinator may know nothing, since it has lost that in a
    /// crash: nothing is done then.
    pub async fn presume_abort(
        &mut self,
        agent: &Agent,
        safeguards: &Safeguards,
        transaction: Name,
    ) -> CommitDecision {
        self.decide(agent, safeguards, transaction, CommitDecision::Abort).await
    }

    /// Records that every participant has acted on the decision, and whether each could keep its promise.
    pub async fn end(&mut self, agent: &Agent, safeguards: &Safeguards, transaction: Name, is_whole: bool) {
        self.log(agent, safeguards, transaction, DecisionRecord::Ended { transaction, is_whole }).await;
    }

    async fn log(
        &mut self,
        agent: &Agent,
        safeguards: &Safeguards,
        transaction: Name,
        record: DecisionRecord,
    ) {
        agent.before("decision", transaction).await;
        if safeguards.has::<DurableDecision>() {
            agent.persist(record).await;
        }
        self.take_in(&record);
        agent.after("decision", transaction).await;
    }

    fn take_in(&mut self, record: &DecisionRecord) {
        match *record {
            DecisionRecord::Decided { transaction, decision } => {
                if !self.decided.contains(transaction) {
                    self.decided.insert(transaction, decision);
                    self.open.insert(transaction);
                }
            }
            DecisionRecord::Ended { transaction, is_whole } => {
                self.open.remove(&transaction);
                if !is_whole {
                    self.broken.insert(transaction);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(records: &[DecisionRecord]) -> Decisions {
        let mut decisions = Decisions::default();
        for record in records {
            decisions.take_in(record);
        }
        decisions
    }

    #[test]
    fn the_first_decision_stays_and_is_open_until_it_has_ended() {
        let transaction = Name::new("task-1");
        let commit = DecisionRecord::Decided { transaction, decision: CommitDecision::Commit };
        let abort = DecisionRecord::Decided { transaction, decision: CommitDecision::Abort };
        let open = decided(&[commit, abort]);
        assert_eq!(open.get(transaction), Some(CommitDecision::Commit));
        assert_eq!(open.open(), [transaction]);
        assert!(!open.has_ended(transaction));
        assert!(!open.is_done(transaction), "not yet");
        let ended = decided(&[commit, DecisionRecord::Ended { transaction, is_whole: true }, abort]);
        assert!(ended.is_done(transaction) && ended.open().is_empty());
        let in_part = decided(&[commit, DecisionRecord::Ended { transaction, is_whole: false }]);
        assert!(in_part.has_ended(transaction) && !in_part.is_done(transaction));
        let aborted = decided(&[abort, DecisionRecord::Ended { transaction, is_whole: true }]);
        assert!(aborted.has_ended(transaction) && !aborted.is_done(transaction));
        assert!(!decided(&[]).has_ended(transaction));
    }
}
