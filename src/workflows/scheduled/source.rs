//! A queue, or the sender of a webhook: it accepts triggers from the user, and delivers each at least once.

use super::deliveries::Deliveries;
use super::{Schedule, TriggerMessage};
use crate::agent::{Agent, Message};
use crate::safeguards::checkpoint;
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A record of the journal.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum Record {
    Accepted(Name),
    Settled(Name),
}

impl Message for Record {
    fn kind(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Settled(_) => "settled",
        }
    }
}

/// Accepts triggers, and delivers them. What was accepted is durable.
pub(super) async fn source(agent: Agent, team: TeamContext, redelivers: SimSpan) {
    let schedule = Schedule::new(&team);
    let deliveries = Deliveries::new(&agent, &team, redelivers);
    // Whether each is settled.
    let mut accepted: BTreeMap<Name, bool> = BTreeMap::new();
    checkpoint::recover(&agent, |record: &Record| {
        let (task, is_settled) = match *record {
            Record::Accepted(task) => (task, false),
            Record::Settled(task) => (task, true),
        };
        *accepted.entry(task).or_insert(is_settled) |= is_settled;
    });
    let begin = |task: Name| {
        let Some(place) = schedule.place(task) else { return };
        let deliveries = deliveries.clone();
        let this = agent.clone();
        agent.spawn(async move {
            deliveries.deliver(task, place).await;
            this.persist(Record::Settled(task)).await;
        });
    };
    accepted.iter().filter(|(_, is_settled)| !**is_settled).for_each(|(task, _)| begin(*task));
    loop {
        let mail = agent.receive().await;
        let Some(TriggerMessage::Published { task }) = mail.open().copied() else { continue };
        if schedule.place(task).is_none() {
            continue;
        }
        if let std::collections::btree_map::Entry::Vacant(e) = accepted.entry(task) {
            e.insert(false);
            agent.persist(Record::Accepted(task)).await;
            begin(task);
        }
        agent.reply(&mail, TriggerMessage::Accepted { task });
    }
}
