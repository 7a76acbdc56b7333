//! No agent works for long for a crashed parent, or on work that is no longer wanted.
//!
//! An agent works on what it was ordered to do: an order counts once it has arrived. Its work is orphaned
//! when the agent that ordered it crashes, or any agent above; when that agent orders it from another; or
//! when its task has ended or was cancelled. An agent with two incarnations is dead when both are, and what
//! one of them orders takes nothing from what the other has ordered. An agent that has lost its work and is
//! ordered to do it again does what its parent wants, even if that order is lost, until the next order to
//! another agent arrives; an order that comes late takes nothing from an agent that was ordered since.
//!
//! The bound limits how much longer the agent may call its model and its tools; time in which the agent
//! itself was down or paused does not count, since it could not know. Compensation is not orphaned work.

use super::ledger::Ledger;
use crate::agent::{AgentEvent, Purpose, TeamEvent, UserEvent, kinds};
use crate::properties::wire::{Incarnation, sending_of, sent_for};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Lookup, Name, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "no-orphans",
        "no agent works for long for a dead parent or an ended task",
        Bound::of("within", AtMost::Span(SimSpan::from_secs(30))),
        judge,
    )
}

type At<'a> = &'a Event<TeamEvent>;

/// An order that has arrived.
#[derive(Clone, Copy)]
struct Order<'a> {
    event: At<'a>,
    about: Name,
    by: Incarnation,
    /// Its sending. Of two orders the one that was sent later counts, whichever arrives first.
    sent: EventId,
}

/// An order to an agent that has the work, or had lost it, and that has not arrived.
#[derive(Clone, Copy)]
struct Recall {
    by: Incarnation,
    sent: EventId,
}

/// Which agent has which work from which other, and the state of each.
#[derive(Default)]
struct Family<'a> {
    task_of: Lookup<Name, Name>,
    /// By work and agent: the order that the agent works on.
    orders: Lookup<(Name, Name), Order<'a>>,
    /// The work that each agent has ordered, and from whom.
    ordered_by: BTreeMap<Name, BTreeSet<(Name, Name)>>,
    /// The intents of each task.
    intents_of: Lookup<Name, Vec<Name>>,
    /// By work and orderer: the order by which another agent has it now.
    holders: Lookup<(Name, Name), Order<'a>>,
    /// By work: the agent that ordered it last.
    orderers: Lookup<Name, Name>,
    /// The nodes of users, whose orders have no parent.
    users: BTreeSet<Name>,
    /// By work and agent: that it was ordered from another.
    replaced: Lookup<(Name, Name), At<'a>>,
    /// By work and orderer: the agents that have it or had lost it, and the last order to each under way.
    recalled: Lookup<(Name, Name), BTreeMap<Name, Recall>>,
    /// Tasks that have ended, and tasks and steps that were cancelled.
    over: Lookup<Name, At<'a>>,
    /// The incarnations of each agent that are alive; the first one, of an agent that is not in it.
    alive: BTreeMap<Name, BTreeSet<u32>>,
    /// The agents of which none is alive, each with its last crash.
    dead: BTreeMap<Name, At<'a>>,
    woken: BTreeMap<Incarnation, SimTime>,
    ledger: Ledger<'a>,
}

/// The kinds of events that it reads.
const READS: EventKinds = Ledger::READS
    .and(EventKinds::STARTED)
    .and(EventKinds::CRASHED)
    .and(EventKinds::RESUMED)
    .and(kinds::purpose(Purpose::Order))
    .and(kinds::purpose(Purpose::Cancel))
    .and(kinds::TASK_GIVEN)
    .and(kinds::WANTED)
    .and(kinds::INFORMED)
    .and(kinds::COMPLETED)
    .and(kinds::CHATTED)
    .and(kinds::CALLED);

fn judge(history: &TeamHistory, bound_nanos: u64) -> Verdict {
    let bound = SimSpan::from_nanos(bound_nanos);
    let mut family = Family::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        let order = family.order_in(history, event);
        if verdict == Verdict::Vacuous && family.makes_orphans(event, order.as_ref()) {
            verdict = Verdict::Holds;
        }
        if let Some((about, does)) = family.work(event)
            && let Some((why, loss)) = family.loss(about, event.node)
            && event.at > family.could_know(Incarnation::of(event), loss.at) + bound
        {
            let order = family.order(about, event.node).map(|order| order.event).into_iter();
            let message =
                format!("{} {does} for {about}, {} after {why}", event.node, event.at.since(loss.at));
            return Verdict::violated(&order.chain([loss, event]).collect::<Vec<_>>(), message);
        }
        family.take_in(event, order);
    }
    cut_short(history).unwrap_or(verdict)
}

impl<'a> Family<'a> {
    /// The order that arrives, if it is not one of the user.
    fn order_in(&self, history: &'a TeamHistory, event: At<'a>) -> Option<Order<'a>> {
        let EventKind::Delivered { from, about, content, .. } = &event.what else { return None };
        if !content.is_for(Purpose::Order) || self.users.contains(from) {
            return None;
        }
        let sending = sending_of(history, event).unwrap_or(event);
        let incarnation = if sending.node == *from { sending.incarnation } else { 0 };
        Some(Order { event, about: *about, by: Incarnation(*from, incarnation), sent: sending.id })
    }

    fn take_in(&mut self, event: At<'a>, order: Option<Order<'a>>) {
        if let Some(order) = order {
            return self.order_arrives(order);
        }
        match &event.what {
            EventKind::Crashed { .. } => {
                self.incarnations(event.node).remove(&event.incarnation);
                if self.incarnations(event.node).is_empty() {
                    self.dead.insert(event.node, event);
                }
            }
            EventKind::Started { incarnation } => {
                self.incarnations(event.node).insert(*incarnation);
                self.dead.remove(&event.node);
                self.woken.insert(Incarnation(event.node, *incarnation), event.at);
            }
            EventKind::Resumed => drop(self.woken.insert(Incarnation::of(event), event.at)),
            EventKind::App(note) => {
                self.ledger.take_in(event, note);
                self.record_event(event, note);
            }
            EventKind::Sent { .. } if !self.users.contains(&event.node) => {
                if let Some((_, about)) = sent_for(Purpose::Cancel, event) {
                    self.over.get_or_insert_with(about, || event);
                }
                if let Some((to, about)) = sent_for(Purpose::Order, event)
                    && (self.replaced.contains((about, to)) || self.orders.contains((about, to)))
                {
                    let recall = Recall { by: Incarnation::of(event), sent: event.id };
                    self.recalled(about, event.node).insert(to, recall);
                }
            }
            _ => {}
        }
    }

    fn record_event(&mut self, event: At<'a>, note: &TeamEvent) {
        match *note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                self.task_of.insert(intent, task);
                self.intents_of.get_or_insert_with(task, Vec::new).push(intent);
            }
            TeamEvent::User(UserEvent::TaskGiven { .. }) => drop(self.users.insert(event.node)),
            TeamEvent::User(UserEvent::Informed { ref report, .. }) => {
                self.over.get_or_insert_with(report.task, || event);
            }
            _ => {}
        }
    }

    /// The living incarnations of an agent.
    fn incarnations(&mut self, who: Name) -> &mut BTreeSet<u32> {
        self.alive.entry(who).or_insert_with(|| [0].into())
    }

    fn is_alive(&self, Incarnation(who, number): Incarnation) -> bool {
        self.alive.get(&who).map_or(number == 0, |alive| alive.contains(&number))
    }

    /// The agents of which an orderer wants work again that they had lost, each with the order.
    fn recalled(&mut self, about: Name, orderer: Name) -> &mut BTreeMap<Name, Recall> {
        self.recalled.get_or_insert_with((about, orderer), BTreeMap::new)
    }

    fn is_recalled(&self, about: Name, orderer: Name, who: Name) -> bool {
        self.recalled.get((about, orderer)).is_some_and(|recalled| recalled.contains_key(&who))
    }

    /// The agent from which an order takes the work that it hands on.
    fn loser(&self, order: &Order<'a>) -> Option<Name> {
        let known = self.holders.get((order.about, order.by.0))?;
        let recalled = self.recalled.get((order.about, order.by.0));
        let recall = recalled.and_then(|recalled| recalled.get(&known.event.node));
        // This order comes late: since then, the work was ordered of that agent again.
        if recall.is_some_and(|recall| recall.sent > order.sent) {
            return None;
        }
        let is_later = known.sent < order.sent && known.event.node != order.event.node;
        (is_later && self.may_recall(order.by, known.by)).then_some(known.event.node)
    }

    /// Whether an incarnation takes work back from an agent, which another one or itself had given to it, by
    /// giving it to another agent.
    fn may_recall(&self, taker: Incarnation, giver: Incarnation) -> bool {
        taker == giver || !self.is_alive(giver)
    }

    fn order_arrives(&mut self, order: Order<'a>) {
        let (about, to, orderer) = (order.about, order.event.node, order.by.0);
        if let Some(before) = self.orders.get((about, to)).copied() {
            if before.sent >= order.sent {
                return;
            }
            if before.by.0 != orderer {
                self.ordered_by.entry(before.by.0).or_default().remove(&(about, to));
            }
        }
        let loser = self.loser(&order);
        self.orders.insert((about, to), order);
        self.ordered_by.entry(orderer).or_default().insert((about, to));
        self.orderers.insert(about, orderer);
        self.replaced.remove((about, to));
        if let Some(loser) = loser {
            self.replaced.insert((about, loser), order.event);
        }
        if let Some(recalled) = self.recalled.get_mut((about, orderer)) {
            recalled.retain(|who, recall| *who != to || recall.sent > order.sent);
        }
        let recalled = self.recalled.get((about, orderer)).into_iter().flatten();
        let of_others = recalled.filter(|(who, recall)| **who != to && recall.sent < order.sent);
        let recalled = of_others.filter(|(_, recall)| self.may_recall(order.by, recall.by));
        for who in recalled.map(|(who, _)| *who).collect::<Vec<_>>() {
            self.recalled(about, orderer).remove(&who);
            self.replaced.insert((about, who), order.event);
        }
        match self.holders.get((about, orderer)).copied().filter(|known| known.sent > order.sent) {
            // It comes late: the orderer had changed its mind since.
            Some(later) if later.by == order.by && !self.is_recalled(about, orderer, to) => {
                self.replaced.insert((about, to), later.event);
            }
            Some(_) => {}
            None => drop(self.holders.insert((about, orderer), order)),
        }
    }

    /// The task of an intent, or the task itself.
    fn task_of(&self, about: Name) -> Name {
        self.task_of.get(about).copied().unwrap_or(about)
    }

    /// Whether an event makes unfinished work of an agent an orphan.
    fn makes_orphans(&self, event: At<'a>, order: Option<&Order<'a>>) -> bool {
        if let Some(order) = order {
            let loser = self.loser(order).filter(|who| *who != order.by.0);
            return loser.is_some() && !self.ledger.stands(order.about);
        }
        // The agent that has unfinished work, other than by its own order.
        let holder_of = |intent: Name| {
            let orderer = *self.orderers.get(intent)?;
            let holder = self.holders.get((intent, orderer)).map(|order| order.event.node);
            holder.filter(|who| event.node != *who && !self.ledger.stands(intent))
        };
        match event.what {
            EventKind::Crashed { .. } => {
                let mut others = self.alive.get(&event.node).into_iter().flatten();
                if others.any(|other| *other != event.incarnation) {
                    return false;
                }
                let mut orders = self.ordered_by.get(&event.node).into_iter().flatten();
                orders.any(|(intent, who)| holder_of(*intent) == Some(*who))
            }
            EventKind::Sent { .. } if !self.users.contains(&event.node) => sent_for(Purpose::Cancel, event)
                .is_some_and(|(_, about)| {
                    let intents = self.intents_of.get(about).into_iter().flatten();
                    intents.chain([&about]).any(|intent| holder_of(*intent).is_some())
                }),
            _ => false,
        }
    }

    /// The work and the activity of an event, if its agent continues work with it.
    fn work(&self, event: At<'a>) -> Option<(Name, &'static str)> {
        match event.what {
            EventKind::App(TeamEvent::Agent(
                AgentEvent::Completed { about, .. } | AgentEvent::Chatted { task: about, .. },
            )) => Some((about, "thinks")),
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, .. })) => {
                (!self.ledger.is_undoing(tool, operation, intent)).then_some((intent, "calls a tool"))
            }
            _ => None,
        }
    }

    /// The order by which an agent works on a step, or on its task.
    fn order(&self, about: Name, who: Name) -> Option<Order<'a>> {
        let task = self.task_of.get(about);
        let of = |about: Name| self.orders.get((about, who)).copied();
        of(about).or_else(|| of(*task?))
    }

    /// Why the work of `who` on something is no longer wanted, and since when; `None` if it is wanted.
    fn loss(&self, about: Name, who: Name) -> Option<(String, At<'a>)> {
        let order = self.order(about, who)?;
        let task = self.task_of(about);
        let mine = if self.orders.contains((about, who)) { about } else { task };
        if let Some(over) = self.over.get(task).or_else(|| self.over.get(mine)) {
            let why = match over.what {
                EventKind::Sent { .. } => "was cancelled",
                _ => "had ended",
            };
            let ended = if self.over.contains(task) { task } else { mine };
            return Some((format!("{ended} {why}"), over));
        }
        let parent = order.by.0;
        let holder = self.holders.get((mine, parent)).map(|order| order.event.node);
        let handed = self.replaced.get((mine, who)).filter(|_| !self.is_recalled(mine, parent, who));
        if let (Some(handed), Some(holder)) = (handed, holder) {
            return Some((format!("{holder} was given it"), handed));
        }
        if let Some(death) = self.dead.get(&parent) {
            return Some((format!("{parent} had died"), death));
        }
        if mine == task { None } else { self.loss(task, parent) }
    }

    /// Since when an incarnation could know an event: not while it was down or paused.
    fn could_know(&self, who: Incarnation, what: SimTime) -> SimTime {
        self.woken.get(&who).map_or(what, |woken| what.max(*woken))
    }
}

#[cfg(test)]
mod tests;
