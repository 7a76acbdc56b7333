//! Nobody works or waits for long for somebody who is gone, or for what is no longer to be done.
//!
//! Work is orphaned when whoever handed it out dies, or anybody above them; when it is handed to somebody else; when
//! the task it belongs to has ended or was called off. The bound says how much longer an agent may go on thinking and
//! calling for it; time in which the agent itself was dead or stopped does not count, since it could not know. Taking
//! back what was done is not going on with it. What an agent still waits for when the run is over counts as work at
//! that time.

use super::ledger::Ledger;
use crate::agent::{Claim, Note};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{Event, Lookup, Name, SimSpan, SimTime, What};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-orphans",
    promise: "nobody works or waits for long for a parent that is gone, or for a task that has ended",
    bound: Some(Bound { key: "within", usual: AtMost::Span(SimSpan::from_secs(30)) }),
    judge,
};

type At<'a> = &'a Event<Note>;

/// Who has what from whom, and what has become of them.
#[derive(Default)]
struct Family<'a> {
    task_of: Lookup<Name, Name>,
    /// By what and whom: the order that somebody works on.
    orders: Lookup<(Name, Name), At<'a>>,
    /// What each has ordered, and of whom.
    ordered_by: BTreeMap<Name, BTreeSet<(Name, Name)>>,
    /// The intents of each task.
    intents_of: Lookup<Name, Vec<Name>>,
    /// Who has what now.
    holders: Lookup<Name, Name>,
    /// By what and whom: that it was handed to somebody else.
    replaced: Lookup<(Name, Name), At<'a>>,
    /// Tasks that have ended or were called off.
    over: Lookup<Name, At<'a>>,
    dead: BTreeMap<Name, At<'a>>,
    /// Since when they are stopped, of those that are.
    stopped: BTreeMap<Name, SimTime>,
    woken: BTreeMap<Name, SimTime>,
    ledger: Ledger<'a>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let Some(bound) = PROPERTY.asked_for(history).map(SimSpan::from_nanos) else { return Verdict::Vacuous };
    let mut family = Family::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        if verdict == Verdict::Vacuous && family.makes_orphans(event) {
            verdict = Verdict::Holds;
        }
        if let Some((about, does)) = family.work(event)
            && let Some((why, loss)) = family.loss(about, event.node)
            && family.last_ran(event) > family.could_know(event.node, loss.at) + bound
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
            What::Crashed { .. } => drop(self.dead.insert(event.node, event)),
            What::Paused { .. } => drop(self.stopped.entry(event.node).or_insert(event.at)),
            What::Started { .. } | What::Resumed => {
                self.dead.remove(&event.node);
                self.stopped.remove(&event.node);
                self.woken.insert(event.node, event.at);
            }
            What::Note(note) => {
                self.ledger.take_in(event, note);
                self.note(event, note);
            }
            _ => {}
        }
    }

    fn note(&mut self, event: At<'a>, note: &Note) {
        match *note {
            Note::Wanted { task, intent } => {
                self.task_of.insert(intent, task);
                self.intents_of.get_or_insert_with(task, Vec::new).push(intent);
            }
            Note::Claimed(Claim::Ordered { intent, to }) => {
                if let Some(before) =
                    self.orders.insert((intent, to), event).filter(|it| it.node != event.node)
                {
                    self.ordered_by.entry(before.node).or_default().remove(&(intent, to));
                }
                self.ordered_by.entry(event.node).or_default().insert((intent, to));
                self.replaced.remove((intent, to));
                if let Some(before) = self.holders.insert(intent, to).filter(|before| *before != to) {
                    self.replaced.insert((intent, before), event);
                }
            }
            Note::Claimed(Claim::CallsOff { task }) => drop(self.over.get_or_insert_with(task, || event)),
            Note::Informed { ref report, .. } => {
                self.over.get_or_insert_with(report.task, || event);
            }
            _ => {}
        }
    }

    /// Whether an event takes something from an agent that has it in hand and has not done it.
    fn makes_orphans(&self, event: At<'a>) -> bool {
        // Who has something in hand, not by an order of their own, and has not done it.
        let holder_of = |intent: Name| {
            let holder = self.holders.get(intent).copied().filter(|who| event.node != *who);
            holder.filter(|_| !self.ledger.stands(intent))
        };
        match event.what {
            What::Crashed { .. } => {
                let mut orders = self.ordered_by.get(&event.node).into_iter().flatten();
                orders.any(|(intent, who)| holder_of(*intent) == Some(*who))
            }
            What::Note(Note::Claimed(Claim::Ordered { intent, to })) => {
                holder_of(intent).is_some_and(|who| who != to)
            }
            What::Note(Note::Claimed(Claim::CallsOff { task })) => {
                let intents = self.intents_of.get(task).into_iter().flatten();
                intents.chain([&task]).any(|intent| holder_of(*intent).is_some())
            }
            _ => false,
        }
    }

    /// What an event says somebody does for what, if that is going on with something.
    fn work(&self, event: At<'a>) -> Option<(Name, &'static str)> {
        match event.what {
            What::Note(Note::Thought { about, .. }) => Some((about, "thinks")),
            What::Note(Note::Called { tool, operation, intent, .. }) => {
                (!self.ledger.is_undoing(tool, operation, intent)).then_some((intent, "calls a tool"))
            }
            What::Waiting { about, .. } => Some((about, "waits")),
            _ => None,
        }
    }

    /// The order by which somebody works on something: on a step, or on the task it belongs to.
    fn order(&self, about: Name, who: Name) -> Option<At<'a>> {
        let task = self.task_of.get(about);
        let of = |about: Name| self.orders.get((about, who)).copied();
        of(about).or_else(|| of(*task?))
    }

    /// Why nobody wants any more what `who` does about something, and since when, if nobody does.
    fn loss(&self, about: Name, who: Name) -> Option<(String, At<'a>)> {
        let order = self.order(about, who)?;
        let task = self.task_of.get(about).copied().unwrap_or(about);
        let mine = if self.orders.contains((about, who)) { about } else { task };
        if let Some(over) = self.over.get(task) {
            let why = match over.what {
                What::Note(Note::Claimed(Claim::CallsOff { .. })) => "was called off",
                _ => "had ended",
            };
            return Some((format!("{task} {why}"), over));
        }
        if let (Some(handed), Some(holder)) = (self.replaced.get((mine, who)), self.holders.get(mine)) {
            return Some((format!("{holder} was given it"), handed));
        }
        let parent = order.node;
        if let Some(death) = self.dead.get(&parent) {
            return Some((format!("{parent} had died"), death));
        }
        if mine == task { None } else { self.loss(task, parent) }
    }

    /// When the agent of an event last ran: an agent that is stopped at the end waits as it did when it stopped.
    fn last_ran(&self, event: At<'a>) -> SimTime {
        self.stopped.get(&event.node).copied().unwrap_or(event.at)
    }

    /// Since when an agent could know what had happened: not while it was dead or stopped.
    fn could_know(&self, who: Name, what: SimTime) -> SimTime {
        self.woken.get(&who).map_or(what, |woken| what.max(*woken))
    }
}

#[cfg(test)]
mod tests;
