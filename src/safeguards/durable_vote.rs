//! Durable vote: a participant of two-phase commit has its vote on disk before it sends it.
//!
//! With its vote a participant gives up its right to decide alone: until it is told the decision it is in
//! doubt, also after a crash. A participant that has forgotten its vote knows neither that it has promised
//! anything nor what.
//!
//! ```
//! use perfidy::agent::Agent;
//! use perfidy::safeguards::Safeguards;
//! use perfidy::safeguards::durable_vote::{Branch, Branches, save};
//! use perfidy_sim::Name;
//!
//! /// Promises these steps. The caller sends the vote once this has returned.
//! async fn promise(agent: &Agent, on: &Safeguards, branches: &mut Branches, order: Name, prepared: Branch) {
//!     save(agent, on, order, &prepared).await;
//!     branches.set(order, prepared);
//! }
//! ```

use crate::agent::{Agent, Message, OpId};
use crate::config::{Entry, Problem};
use crate::safeguards::durable_decision::CommitDecision;
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The switch.
#[derive(Default)]
pub struct DurableVote;

impl Safeguard for DurableVote {
    const NAME: &'static str = "durable-vote";
    const ABOUT: &'static str =
        "a participant's vote, and the decision that it is told, are durable before it acts on them";
    const EXAMPLE: &'static str = "durable-vote = true";
    const WITHOUT: &'static str =
        "votes are only in memory: after a crash a participant does not know what it has promised";
    const PROTECTS: &'static [&'static str] = &["atomic-agreement"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The part of a transaction that one participant has to carry out: its steps, each with the operation id
/// that the transaction has for it.
pub type BranchSteps = Arc<[(usize, OpId)]>;

/// How far a participant is with its branch of a transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Branch {
    /// It has voted to commit, and does not know the decision: it is in doubt.
    Prepared {
        /// What it has promised to do.
        steps: BranchSteps,
    },
    /// It was told to commit, and is to do what it has promised.
    Committing {
        /// What that is.
        steps: BranchSteps,
    },
    /// It has done what it promised, as far as that could be done.
    Committed {
        /// Whether all of it was.
        is_kept: bool,
    },
    /// It does nothing: it was told so, or has voted against it.
    Aborted,
}

impl Branch {
    /// The decision on the transaction, as far as it follows from this.
    pub fn decision(&self) -> Option<CommitDecision> {
        match self {
            Self::Prepared { .. } => None,
            Self::Committing { .. } | Self::Committed { .. } => Some(CommitDecision::Commit),
            Self::Aborted => Some(CommitDecision::Abort),
        }
    }
}

/// A record of a participant.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct BranchRecord {
    transaction: Name,
    branch: Branch,
}

impl Message for BranchRecord {
    fn kind(&self) -> &'static str {
        "branch"
    }
}

/// The branches of one participant, and their log.
#[derive(Default, Debug)]
pub struct Branches(BTreeMap<Name, Branch>);

impl Branches {
    /// The branches that the agent left in its journal: none if nothing was logged.
    pub fn recover(agent: &Agent) -> Self {
        let mut branches = BTreeMap::new();
        checkpoint::recover(agent, |BranchRecord { transaction, branch }| {
            branches.insert(*transaction, branch.clone());
        });
        Self(branches)
    }

    /// The branch of a transaction, if the participant knows of it.
    pub fn get(&self, transaction: Name) -> Option<&Branch> {
        self.0.get(&transaction)
    }

    /// The transactions of which it does not know the decision, or has not done what it promised.
    pub fn unfinished(&self) -> Vec<Name> {
        let is_unfinished =
            |branch: &Branch| matches!(branch, Branch::Prepared { .. } | Branch::Committing { .. });
        self.0.iter().filter(|(_, branch)| is_unfinished(branch)).map(|(name, _)| *name).collect()
    }

    /// Takes in what a record of the branch says.
    pub fn set(&mut self, transaction: Name, branch: Branch) {
        self.0.insert(transaction, branch);
    }
}

/// Makes it durable how far a branch is, if the switch is on. Only then may the participant act on it.
pub async fn save(agent: &Agent, safeguards: &Safeguards, transaction: Name, branch: &Branch) {
    agent.before("vote", transaction).await;
    if safeguards.has::<DurableVote>() {
        agent.persist(BranchRecord { transaction, branch: branch.clone() }).await;
    }
    agent.after("vote", transaction).await;
}
