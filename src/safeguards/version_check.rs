//! Version checks: before an agent acts on a piece of work, it asks the agent that ordered it whether the
//! work is still current.
//!
//! The agent that orders work keeps its [`Versions`]: which one is current, and whether it is *settled*,
//! which means that an agent was told to go ahead. A settled version is never replaced, so the check is still
//! valid a moment later, when the agent acts (optimistic concurrency control: Kung and Robinson 1981). Both
//! facts are durable before another agent is told.
//!
//! It settles *which* version is acted on, not how often. A call with an unclear outcome may still be in
//! flight when it is repeated, and only its tool can recognise the repetition, by the
//! [key](super::idempotency).

use crate::agent::{Agent, Artifact, Message, OpId};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The switch.
#[derive(Default)]
pub struct VersionCheck;

impl Safeguard for VersionCheck {
    const NAME: &'static str = "version-check";
    const ABOUT: &'static str =
        "before acting on work, an agent asks its author whether the version is still current";
    const EXAMPLE: &'static str = "version-check = true";
    const WITHOUT: &'static str =
        "an agent acts on the work that it holds, also if its author has replaced it";
    const PROTECTS: &'static [&'static str] = &["acts-on-current-version", "no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// One version of the ordered work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct WorkVersion {
    /// Which, counted from one.
    pub number: u32,
    /// The operation id under which it is carried out. Another version is another operation.
    pub op: OpId,
    /// The content of the order.
    pub brief: Artifact,
}

/// A record of the journal.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum VersionRecord {
    Issued(WorkVersion),
    Settled { intent: Name, number: u32 },
}

impl Message for VersionRecord {
    fn kind(&self) -> &'static str {
        "version"
    }
}

/// Whether the current version may still be replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum VersionState {
    Open,
    /// It is being settled, and that is not durable yet.
    Settling,
    Settled,
}

/// The versions of the work that one agent orders.
pub struct Versions {
    agent: Agent,
    checked: bool,
    current: RefCell<BTreeMap<Name, (WorkVersion, VersionState)>>,
}

impl Versions {
    /// The versions as the agent left them in its journal. Without the switch no agent checks, so nothing is
    /// recorded.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let mut current = BTreeMap::new();
        checkpoint::recover(agent, |page| match page {
            // A write that was refused is repeated, and may come behind the record of a newer version.
            VersionRecord::Issued(version) => {
                let newest = current.entry(version.brief.about).or_insert((*version, VersionState::Open));
                if newest.0.number < version.number {
                    *newest = (*version, VersionState::Open);
                }
            }
            VersionRecord::Settled { intent, number } => {
                if let Some((version, state)) = current.get_mut(intent)
                    && version.number == *number
                {
                    *state = VersionState::Settled;
                }
            }
        });
        Self {
            agent: agent.clone(),
            checked: safeguards.has::<VersionCheck>(),
            current: RefCell::new(current),
        }
    }

    /// The version that an agent was told to act on, or is about to be told, if there is one.
    pub fn settled(&self, intent: Name) -> Option<WorkVersion> {
        let known = self.current.borrow().get(&intent).copied();
        known.filter(|(_, state)| *state != VersionState::Open).map(|(version, _)| version)
    }

    /// The number of the next version.
    pub fn next(&self, intent: Name) -> u32 {
        self.current.borrow().get(&intent).map_or(1, |(version, _)| version.number + 1)
    }

    /// Whether a version is still current. Check right before it is ordered: it may have been replaced while
    /// its artifact was being made.
    pub fn is_current(&self, version: &WorkVersion) -> bool {
        self.current.borrow().get(&version.brief.about).is_some_and(|(current, _)| current == version)
    }

    /// Makes a new version the current one; if one is settled, that one is ordered again. `None` if another
    /// version became current while this one was being written: then no agent may be told of this one.
    pub async fn issue(&self, brief: Artifact) -> Option<WorkVersion> {
        let intent = brief.about;
        if let Some(settled) = self.settled(intent) {
            return Some(settled);
        }
        let version =
            WorkVersion { number: self.next(intent), op: self.agent.new_operation_id(intent), brief };
        self.current.borrow_mut().insert(intent, (version, VersionState::Open));
        self.write(VersionRecord::Issued(version)).await;
        self.is_current(&version).then_some(version)
    }

    /// Settles a version if it is current, so that it stays current; returns whether it may be acted on.
    pub async fn settle(&self, intent: Name, number: u32) -> bool {
        let known = self.current.borrow().get(&intent).copied();
        let Some((version, state)) = known.filter(|(version, _)| version.number == number) else {
            return false;
        };
        if state != VersionState::Settled {
            self.current.borrow_mut().insert(intent, (version, VersionState::Settling));
            self.write(VersionRecord::Settled { intent, number }).await;
            self.current.borrow_mut().insert(intent, (version, VersionState::Settled));
        }
        true
    }

    async fn write(&self, page: VersionRecord) {
        if self.checked {
            self.agent.persist(page).await;
        }
    }
}
