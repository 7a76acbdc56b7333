//! The inbox: a consumer handles each event once, however often and late it arrives.
//!
//! A sender that resends until it gets an acknowledgement sometimes sends twice, and networks duplicate
//! messages too. A consumer is idempotent if it records which events it has received, together with the work
//! that follows (for example the id of the operation), before it acknowledges them ("idempotent consumer",
//! Richardson 2018, "Microservices Patterns").

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::Hash;

/// The switch.
#[derive(Default)]
pub struct InboxDedupe;

impl Safeguard for InboxDedupe {
    const NAME: &'static str = "inbox-dedupe";
    const ABOUT: &'static str = "an event that was processed before is not processed again";
    const EXAMPLE: &'static str = "inbox-dedupe = true";
    const WITHOUT: &'static str = "an event that arrives twice is processed twice";
    const PROTECTS: &'static [&'static str] =
        &["all-or-compensated", "no-duplicate-effects", "one-firing-per-tick"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The acknowledgement of a consumer: it has received the event, now or before.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
pub struct Ack<E>(pub E);

impl<E: Message> Message for Ack<E> {
    fn kind(&self) -> &'static str {
        "received"
    }
}

/// A record: an event, and the work that follows from it.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Taken<E, W> {
    event: E,
    work: W,
}

impl<E: Message, W: Hash + Serialize + DeserializeOwned + Send + Sync + 'static> Message for Taken<E, W> {
    fn kind(&self) -> &'static str {
        "inbox"
    }
}

/// The events that one agent has received, each with its work.
#[derive(Debug)]
pub struct Inbox<E, W> {
    taken: BTreeMap<E, W>,
    dedupes: bool,
}

impl<E, W> Inbox<E, W>
where
    E: Message + Copy + Ord,
    W: Copy + Hash + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// The inbox as the agent left it in its journal.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let mut taken = BTreeMap::new();
        checkpoint::recover(agent, |Taken { event, work }: &Taken<E, W>| {
            taken.insert(*event, *work);
        });
        Self { taken, dedupes: safeguards.has::<InboxDedupe>() }
    }

    /// Whether an event must be handled: it is new, or the switch is off.
    pub fn admits(&self, event: E) -> bool {
        !self.dedupes || !self.taken.contains_key(&event)
    }

    /// Takes an event in with its work, and returns once that is durable.
    pub async fn take(&mut self, agent: &Agent, about: Name, event: E, work: W) {
        agent.before("record", about).await;
        agent.persist(Taken { event, work }).await;
        self.taken.insert(event, work);
        agent.after("record", about).await;
    }

    /// Forgets an event, which is taken for new if it comes again.
    pub(crate) fn forget(&mut self, event: E) {
        self.taken.remove(&event);
    }

    /// The work of an event, if it was received.
    pub fn get(&self, event: E) -> Option<W> {
        self.taken.get(&event).copied()
    }

    /// Every event that was received.
    pub fn events(&self) -> impl Iterator<Item = E> + '_ {
        self.taken.keys().copied()
    }
}
