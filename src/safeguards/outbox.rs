//! The outbox: a state change and its event are one record, and the event is sent until it has arrived.
//!
//! A service that first stores and then sends can crash in between, and so can one that first sends and then
//! stores: two systems cannot be changed atomically, but one record can. Resending is simple, as long as the
//! receiver recognises a repetition ([`inbox`](crate::safeguards::inbox)). The pattern is Richardson's
//! "transactional outbox" (2018, "Microservices Patterns").

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::protocols::Resend;
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// After how long an event is sent again.
pub const RESEND: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct DurableOutbox;

impl Safeguard for DurableOutbox {
    const NAME: &'static str = "outbox";
    const ABOUT: &'static str =
        "an event is journalled together with the change that it reports, and sent until acknowledged";
    const EXAMPLE: &'static str = "outbox = true";
    const WITHOUT: &'static str =
        "an event is sent once after its change, and never if the agent crashes in between";
    const NEEDS: &'static str = "`inbox-dedupe` at the receivers";
    const PROTECTS: &'static [&'static str] = &["all-or-compensated"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// An event to an agent. It is identified by its content, so that is the same each time it is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OutboxEvent<E> {
    /// The receiver.
    pub to: Name,
    /// What it is about.
    pub about: Name,
    /// What has happened.
    pub event: E,
}

/// A record: a state change and its event, stored atomically.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct OutboxRecord<C, E> {
    change: C,
    outgoing: Option<OutboxEvent<E>>,
}

impl<C: Message, E: Message> Message for OutboxRecord<C, E> {
    fn kind(&self) -> &'static str {
        "outbox"
    }
}

/// A record: an event has arrived. It need not be durable; if it is lost, the event is sent once more.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Acked<E>(E);

impl<E: Message> Message for Acked<E> {
    fn kind(&self) -> &'static str {
        "acked"
    }
}

/// The events of one agent that may not have arrived yet. Clones share them.
#[derive(Clone)]
pub struct Outbox<E> {
    agent: Agent,
    is_durable: bool,
    pending: Rc<RefCell<Pending<E>>>,
}

struct Pending<E> {
    unacked: BTreeMap<E, OutboxEvent<E>>,
    sending: Resend<E>,
}

impl<E: Message + Copy + Ord> Outbox<E> {
    /// The outbox as the agent left it in its journal; `show` gets every committed change `C`, oldest first.
    pub fn recover<C: Message>(agent: &Agent, safeguards: &Safeguards, mut show: impl FnMut(&C)) -> Self {
        let mut pending = BTreeMap::new();
        checkpoint::recover(agent, |record: &OutboxRecord<C, E>| {
            show(&record.change);
            pending.extend(record.outgoing.map(|outgoing| (outgoing.event, outgoing)));
        });
        checkpoint::recover(agent, |Acked(event): &Acked<E>| {
            pending.remove(event);
        });
        let mut sending = Resend::every(RESEND);
        for event in pending.keys() {
            sending.sent(*event, SimTime::ZERO);
        }
        let is_durable = safeguards.has::<DurableOutbox>();
        let pending = Rc::new(RefCell::new(Pending { unacked: pending, sending }));
        Self { agent: agent.clone(), is_durable, pending }
    }

    /// Makes a change durable and sends its event: until it has arrived if the switch is on, otherwise once,
    /// or never if the agent crashes in between.
    pub async fn commit<C: Message>(&self, change: C, outgoing: OutboxEvent<E>) {
        let agent = &self.agent;
        agent.before("record", outgoing.about).await;
        agent.persist(OutboxRecord { change, outgoing: self.is_durable.then_some(outgoing) }).await;
        if self.is_durable {
            let (now, mut pending) = (agent.monotonic(), self.pending.borrow_mut());
            pending.unacked.insert(outgoing.event, outgoing);
            pending.sending.sent(outgoing.event, now);
        }
        agent.before("publish", outgoing.about).await;
        self.send(&outgoing);
    }

    fn send(&self, outgoing: &OutboxEvent<E>) {
        if self.is_durable {
            self.agent.declare_wait(outgoing.to, "acknowledgement of an event", outgoing.about);
        }
        self.agent.send(outgoing.to, outgoing.about, outgoing.event);
    }

    /// An event has arrived.
    pub fn arrived(&self, event: E) {
        let known = self.pending.borrow_mut().unacked.remove(&event);
        if let Some(outgoing) = known {
            self.pending.borrow_mut().sending.answered(event);
            self.agent.withdraw_wait(outgoing.about);
            // If this write fails, the event is only sent once more after a crash.
            let _ = self.agent.write(Acked(event));
        }
    }

    /// Resends the events that were sent [`RESEND`] or longer ago.
    pub fn send_again(&self) {
        let now = self.agent.monotonic();
        let mut pending = self.pending.borrow_mut();
        let Pending { unacked, sending } = &mut *pending;
        while let Some(event) = sending.next(now) {
            let Some(outgoing) = unacked.get(&event) else { continue };
            if sending.send_if_due(event, now) {
                self.send(outgoing);
            }
        }
    }
}
