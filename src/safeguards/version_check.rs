//! Version checks: before anybody acts on a piece of work, they ask whoever asked for it whether it still
//! counts.
//!
//! Whoever asks for work keeps the book of [`Versions`]: which one is current, and whether it is *settled*,
//! which means that somebody was told to go ahead. What is settled is never asked for in a newer version:
//! that is what makes a check worth something a moment later, when the one who checked acts (optimistic
//! concurrency control: Kung and Robinson 1981). Both facts are durable before anybody hears of them.
//!
//! It settles *which* version is acted on, not how often. A call whose outcome is unclear may still be on its
//! way when it is repeated, and only its tool can tell that the two are one, by the [key](super::idempotency)
//! that they carry.

use crate::agent::{Agent, Artifact, Message, OpId};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::Name;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The switch.
#[derive(Default)]
pub struct VersionCheck;

impl Safeguard for VersionCheck {
    const NAME: &'static str = "version-check";
    const ABOUT: &'static str =
        "before work is acted on, whoever asked for it says whether it is still current";
    const EXAMPLE: &'static str = "version-check = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// One version of what is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Version {
    /// Which, counted from one.
    pub number: u32,
    /// The operation id under which it is acted on. Another version is another wish.
    pub op: OpId,
    /// What is asked for.
    pub brief: Artifact,
}

/// What the book's pages look like.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
enum Page {
    Issued(Version),
    Settled { intent: Name, number: u32 },
}

impl Message for Page {
    fn kind(&self) -> &'static str {
        "version"
    }
}

/// Whether the current version may still be replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Open,
    /// It is to be settled, and that is not on disk yet.
    Settling,
    Settled,
}

/// The versions in which one agent asks for work.
pub struct Versions {
    agent: Agent,
    checked: bool,
    current: RefCell<BTreeMap<Name, (Version, Standing)>>,
}

impl Versions {
    /// The book as the agent left it in its journal. Without the switch nobody checks, so nothing is written
    /// down.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let mut current = BTreeMap::new();
        checkpoint::recover(agent, |page| match page {
            Page::Issued(version) => drop(current.insert(version.brief.about, (*version, Standing::Open))),
            Page::Settled { intent, number } => {
                if let Some((version, standing)) = current.get_mut(intent)
                    && version.number == *number
                {
                    *standing = Standing::Settled;
                }
            }
        });
        Self {
            agent: agent.clone(),
            checked: safeguards.has::<VersionCheck>(),
            current: RefCell::new(current),
        }
    }

    /// The version that somebody was told to act on, or is about to be told, if there is one.
    pub fn settled(&self, intent: Name) -> Option<Version> {
        let known = self.current.borrow().get(&intent).copied();
        known.filter(|(_, standing)| *standing != Standing::Open).map(|(version, _)| version)
    }

    /// The number of the next version.
    pub fn next(&self, intent: Name) -> u32 {
        self.current.borrow().get(&intent).map_or(1, |(version, _)| version.number + 1)
    }

    /// Whether a version is still the one that counts. To be asked right before it is ordered: it may have been
    /// replaced while its piece of work was being made.
    pub fn is_current(&self, version: &Version) -> bool {
        self.current.borrow().get(&version.brief.about).is_some_and(|(current, _)| current == version)
    }

    /// Makes a new version the current one; if one is settled, that is the one to ask for again. `None` if
    /// another became current while this one was being written down: then nobody may hear of this one any
    /// more.
    pub async fn issue(&self, brief: Artifact) -> Option<Version> {
        let intent = brief.about;
        if let Some(settled) = self.settled(intent) {
            return Some(settled);
        }
        let version = Version { number: self.next(intent), op: self.agent.mint_op(intent), brief };
        self.current.borrow_mut().insert(intent, (version, Standing::Open));
        self.write(Page::Issued(version)).await;
        self.is_current(&version).then_some(version)
    }

    /// Whether a version may be acted on: it is current, and from now on it stays so.
    pub async fn settle(&self, intent: Name, number: u32) -> bool {
        let known = self.current.borrow().get(&intent).copied();
        let Some((version, standing)) = known.filter(|(version, _)| version.number == number) else {
            return false;
        };
        if standing != Standing::Settled {
            self.current.borrow_mut().insert(intent, (version, Standing::Settling));
            self.write(Page::Settled { intent, number }).await;
            self.current.borrow_mut().insert(intent, (version, Standing::Settled));
        }
        true
    }

    async fn write(&self, page: Page) {
        if self.checked {
            self.agent.persist(page).await;
        }
    }
}
