//! No agent works for long for a crashed parent, or on work that is no longer wanted.
//!
//! An agent works on what it was ordered to do. Its work is orphaned when the agent that ordered it crashes,
//! or any agent above; when that agent orders it from another; or when its task has ended or was cancelled.
//! The bound limits how much longer the agent may call its model and its tools; time in which the agent
//! itself was down or paused does not count, since it could not know. Compensation is not orphaned work.

use super::ledger::Ledger;
use crate::agent::{AgentEvent, Purpose, TeamEvent, UserEvent, kinds};
use crate::properties::wire::sent_for;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "no-orphans",
        "no agent works for long for a dead parent or an ended task",
        Bound { key: "within", usual: AtMost::Span(SimSpan::from_secs(30)) },
        judge,
    )
}

type At<'a> = &'a Event<TeamEvent>;

/// Which agent has which work from which other, and the state of each.
#[derive(Default)]
struct Family<'a> {
    task_of: Lookup<Name, Name>,
    /// By work and agent: the order that the agent works on.
    orders: Lookup<(Name, Name), At<'a>>,
    /// The work that each agent has ordered, and from whom.
    ordered_by: BTreeMap<Name, BTreeSet<(Name, Name)>>,
    /// The intents of each task.
    intents_of: Lookup<Name, Vec<Name>>,
    /// By work and orderer: the agent that has it now.
    holders: Lookup<(Name, Name), Name>,
    /// By work: the agent that ordered it last.
    orderers: Lookup<Name, Name>,
    /// The nodes of users, whose orders have no parent.
    users: BTreeSet<Name>,
    /// By work and agent: that it was ordered from another.
    replaced: Lookup<(Name, Name), At<'a>>,
    /// Tasks that have ended, and tasks and steps that were cancelled.
    over: Lookup<Name, At<'a>>,
    dead: BTreeMap<Name, At<'a>>,
    woken: BTreeMap<Name, SimTime>,
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
        if verdict == Verdict::Vacuous && family.makes_orphans(event) {
            verdict = Verdict::Holds;
        }
        if let Some((about, does)) = family.work(event)
            && let Some((why, loss)) = family.loss(about, event.node)
            && event.at > family.could_know(event.node, loss.at) + bound
        {
            let order = family.order(about, event.node).into_iter();
            let message =
                format!("{} {does} for {about}, {} after {why}", event.node, event.at.since(loss.at));
            return Verdict::violated(&order.chain([loss, event]).collect::<Vec<_>>(), message);
        }
        family.take_in(event);
    }
    cut_short(history).unwrap_or(verdict)
}

impl<'a> Family<'a> {
    fn take_in(&mut self, event: At<'a>) {
        match &event.what {
            EventKind::Crashed { .. } => drop(self.dead.insert(event.node, event)),
            EventKind::Started { .. } | EventKind::Resumed => {
                self.dead.remove(&event.node);
                self.woken.insert(event.node, event.at);
            }
            EventKind::App(note) => {
                self.ledger.take_in(event, note);
                self.note(event, note);
            }
            EventKind::Sent { .. } if !self.users.contains(&event.node) => {
                if let Some((to, about)) = sent_for(Purpose::Order, event) {
                    self.order_goes_out(event, about, to);
                } else if let Some((_, about)) = sent_for(Purpose::Cancel, event) {
                    self.over.get_or_insert_with(about, || event);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, event: At<'a>, note: &TeamEvent) {
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

    fn order_goes_out(&mut self, event: At<'a>, intent: Name, to: Name) {
        if let Some(before) = self.orders.insert((intent, to), event).filter(|it| it.node != event.node) {
            self.ordered_by.entry(before.node).or_default().remove(&(intent, to));
        }
        self.ordered_by.entry(event.node).or_default().insert((intent, to));
        self.orderers.insert(intent, event.node);
        self.replaced.remove((intent, to));
        if let Some(before) = self.holders.insert((intent, event.node), to).filter(|before| *before != to) {
            self.replaced.insert((intent, before), event);
        }
    }

    /// The task of an intent, or the task itself.
    fn task_of(&self, about: Name) -> Name {
        self.task_of.get(about).copied().unwrap_or(about)
    }

    /// Whether an event makes unfinished work of an agent an orphan.
    fn makes_orphans(&self, event: At<'a>) -> bool {
        // The agent that has unfinished work, other than by its own order.
        let holder_of = |intent: Name| {
            let orderer = *self.orderers.get(intent)?;
            let holder = self.holders.get((intent, orderer)).copied().filter(|who| event.node != *who);
            holder.filter(|_| !self.ledger.stands(intent))
        };
        match event.what {
            EventKind::Crashed { .. } => {
                let mut orders = self.ordered_by.get(&event.node).into_iter().flatten();
                orders.any(|(intent, who)| holder_of(*intent) == Some(*who))
            }
            EventKind::Sent { .. } if !self.users.contains(&event.node) => {
                if let Some((to, about)) = sent_for(Purpose::Order, event) {
                    let holder = self.holders.get((about, event.node)).filter(|who| **who != event.node);
                    return holder.is_some_and(|who| *who != to) && !self.ledger.stands(about);
                }
                sent_for(Purpose::Cancel, event).is_some_and(|(_, about)| {
                    let intents = self.intents_of.get(about).into_iter().flatten();
                    intents.chain([&about]).any(|intent| holder_of(*intent).is_some())
                })
            }
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
    fn order(&self, about: Name, who: Name) -> Option<At<'a>> {
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
        let parent = order.node;
        let holder = self.holders.get((mine, parent));
        if let (Some(handed), Some(holder)) = (self.replaced.get((mine, who)), holder) {
            return Some((format!("{holder} was given it"), handed));
        }
        if let Some(death) = self.dead.get(&parent) {
            return Some((format!("{parent} had died"), death));
        }
        if mine == task { None } else { self.loss(task, parent) }
    }

    /// Since when an agent could know an event: not while it was down or paused.
    fn could_know(&self, who: Name, what: SimTime) -> SimTime {
        self.woken.get(&who).map_or(what, |woken| what.max(*woken))
    }
}

#[cfg(test)]
mod tests;
