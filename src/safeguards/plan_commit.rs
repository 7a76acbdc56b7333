//! Plans committed by version: one of several drafts becomes the plan, and all agents follow it.
//!
//! An agent that drafts a plan writes it only if there is none yet (compare-and-set from version zero); an
//! agent that comes second finds the first plan and drops its own. So it does not matter that the drafts were
//! made from different evidence.

use crate::agent::{Agent, Change, Freshness, ItemEntry, Message, Refusal, Snapshot, StoreError, Version};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct PlanCommit;

impl Safeguard for PlanCommit {
    const NAME: &'static str = "plan-commit";
    const ABOUT: &'static str = "the first plan committed to the store counts; every agent follows that one";
    const EXAMPLE: &'static str = "plan-commit = true";
    const WITHOUT: &'static str =
        "an agent follows the plan that it drafted or got itself, whatever the others follow";
    const PROTECTS: &'static [&'static str] = &["plan-agreement"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The plan in `item`; if there is none, the one that `draft` makes, which is then written there as an entry
/// called `task`. Without the switch, an agent that finds no plan follows its own draft, even if other agents
/// have written one meanwhile.
///
/// # Errors
/// [`StoreError`] if the store does not answer. A retry is safe.
pub async fn agree<P: Message + Clone>(
    agent: &Agent,
    safeguards: &Safeguards,
    (item, task): (Name, Name),
    draft: impl AsyncFnOnce() -> Result<P, StoreError>,
) -> Result<P, StoreError> {
    let commits = safeguards.has::<PlanCommit>();
    let asks = if commits { Freshness::Latest } else { Freshness::Any };
    if let Some(plan) = committed_plan(&agent.store().read(item, asks).await?) {
        return Ok(plan);
    }
    let plan = draft().await?;
    let entries = [ItemEntry::new(task, plan.clone())].into();
    let op = agent.new_operation_id(task);
    let version = Version::default();
    if !commits {
        agent.store().commit_with_retry(item, Change::Replace { based_on: version, entries }, op).await?;
        return Ok(plan);
    }
    match agent.store().commit_with_retry(item, Change::ReplaceAt { version, entries }, op).await {
        Ok(_) => Ok(plan),
        Err(StoreError::Definite(Refusal::Moved(_))) => {
            let theirs = agent.store().read(item, Freshness::Latest).await?;
            Ok(committed_plan(&theirs).unwrap_or(plan))
        }
        Err(error) => Err(error),
    }
}

fn committed_plan<P: Message + Clone>(snapshot: &Snapshot) -> Option<P> {
    snapshot.entries.all().iter().find_map(|entry| entry.body.open().cloned())
}
