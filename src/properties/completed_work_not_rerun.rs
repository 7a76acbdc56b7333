//! An agent that was told that a step is complete does not order it again, even after a crash.
//!
//! An agent knows a report once it has read it: the report led it to send a message, or it has read a later
//! message, since an inbox is read in the order of arrival. A report that is still in the inbox is not known,
//! and neither is one that an error in its handler has swallowed.
//!
//! A restarted agent knows what an earlier incarnation of it was told, if that incarnation had read the
//! report before this one started, and
//!
//! * the report had led it to send a message: other agents may rely on that, so it had to be durable before;
//! * or the report had led it to write a record that became durable, and it had turned to a later message. A
//!   crash between the two does not count, since the record may be the first of several. Nor does a record
//!   that the disk hides (the fault `stale-journal`).
//!
//! What an earlier incarnation had only read, a crash may lose. Of two simultaneous incarnations, neither
//! knows what the other was told.
//!
//! An agent that knows a report may order the step again only if another agent rejects the work or has undone
//! it, or if a look-up of the operation that the user wants for the step has told it that there is no effect.

use crate::agent::{AgentEvent, CallOutcome, Purpose, TeamEvent, UserEvent, kinds, look_up_of};
use crate::properties::waits::task_of;
use crate::properties::wire::swallowed;
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Action, Event, EventId, EventKind, EventKinds, Lookup, Name};
use std::cell::RefCell;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "completed-work-not-rerun",
        "no agent orders a step again that it was told is complete",
        judge,
    )
    .needs(kinds::purpose(Purpose::Order).and(kinds::purpose(Purpose::Done)))
}

/// The kinds of events that make a difference.
const READS: EventKinds = EventKinds::STARTED
    .and(EventKinds::SENT)
    .and(kinds::WANTED)
    .and(kinds::ANSWERED)
    .and(kinds::purpose(Purpose::Done))
    .and(kinds::purpose(Purpose::Rejection))
    .and(kinds::purpose(Purpose::Undone));

/// What one agent has ordered and heard about one step.
#[derive(Default)]
struct Step<'a> {
    /// The first order of each incarnation.
    orders: Vec<&'a Event<TeamEvent>>,
    /// The latest attempt that it has ordered.
    attempt: Option<u32>,
    /// Whether it was rejected and has not been ordered again: a report of completion then concerns the
    /// rejected work.
    is_rejected: bool,
    /// The reports of completion that were delivered since.
    reports: Vec<&'a Event<TeamEvent>>,
    /// The report that each incarnation has acted on, and the event by which it did.
    completed: Vec<(&'a Event<TeamEvent>, &'a Event<TeamEvent>)>,
}

struct Steps<'a> {
    led: Led<'a>,
    of: Lookup<(Name, Name), Step<'a>>,
    /// By agent and task: the steps that it has ordered.
    ordered: Lookup<(Name, &'static str), Vec<Name>>,
    /// The agents that have received a report about a step that they had ordered.
    informed: Lookup<Name, ()>,
    /// When each incarnation of each agent started, except for the first.
    started: Lookup<(Name, u32), EventId>,
    /// The deliveries that errors in their handlers have swallowed.
    swallowed: Lookup<EventId, ()>,
    /// The tool and the operation that the user wants for each intent.
    wanted: Lookup<Name, (Name, Name)>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut steps = Steps {
        led: Led { history, onward: RefCell::default() },
        of: Lookup::default(),
        ordered: Lookup::default(),
        informed: Lookup::default(),
        started: Lookup::default(),
        swallowed: swallowed(history),
        wanted: Lookup::default(),
    };
    // In most runs no agent orders a step twice: then it is enough that an agent has gone on.
    let is_repeated = is_ordered_again(history);
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Started { incarnation: 1.. } => {
                steps.started.insert((event.node, event.incarnation), event.id);
            }
            EventKind::App(TeamEvent::User(UserEvent::Wanted { intent, tool, operation, .. })) => {
                steps.wanted.insert(*intent, (*tool, *operation));
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Answered {
                tool,
                operation,
                intent,
                told: CallOutcome::Found(false),
                ..
            })) => {
                let is_wanted = |(of, wanted): &(Name, Name)| of == tool && look_up_of(*wanted) == *operation;
                if steps.wanted.get(*intent).is_none_or(is_wanted) {
                    steps.reopen(event.node, *intent);
                }
            }
            EventKind::Delivered { from, about, content, .. } => {
                if content.is_for(Purpose::Rejection) || content.is_for(Purpose::Undone) {
                    if *from != event.node {
                        steps.reopen(event.node, *about);
                    }
                } else if content.is_for(Purpose::Done) {
                    steps.report(event, *about);
                }
            }
            EventKind::Sent { to, about, content, .. } => {
                if steps.informed.contains(event.node) && steps.go_on(event) {
                    verdict = Verdict::Holds;
                    if !is_repeated {
                        return verdict;
                    }
                }
                if content.is_for(Purpose::Order)
                    && let Some(report) = steps.order(event, *about, content.headers().attempt)
                {
                    let message = format!(
                        "{} ordered {about} of {to} after it had heard that it was complete",
                        event.node
                    );
                    return Verdict::violated(&[report, event], message);
                }
            }
            _ => {}
        }
    }
    verdict
}

/// Whether an agent orders a step more than once, in whatever incarnations.
fn is_ordered_again(history: &TeamHistory) -> bool {
    let mut ordered = Lookup::default();
    let mut orders = history.events_of(kinds::purpose(Purpose::Order));
    orders.any(|event| match &event.what {
        EventKind::Sent { about, content, .. } if content.is_for(Purpose::Order) => {
            ordered.insert((event.node, *about), ()).is_some()
        }
        _ => false,
    })
}

/// Which received message led to which event: the last one in its chain of causes at its own node.
///
/// Worked out once for each event up to the one that is asked about: with many tasks at once a chain goes
/// back to events that are in no cache any more, and nearly every message that is sent has to be asked about.
struct Led<'a> {
    history: &'a TeamHistory,
    /// For each event its node, and the message that what it causes there goes back to.
    onward: RefCell<Vec<(Name, Option<EventId>)>>,
}

impl<'a> Led<'a> {
    fn message(&self, event: &Event<TeamEvent>) -> Option<EventId> {
        let cause = event.cause?.get() as usize;
        let mut onward = self.onward.borrow_mut();
        for event in &self.history.events()[onward.len().min(cause)..cause] {
            let is_message = matches!(event.what, EventKind::Delivered { .. });
            let message = if is_message { Some(event.id) } else { led_by(&onward, event) };
            onward.push((event.node, message));
        }
        led_by(&onward, event)
    }

    fn by(&self, event: &Event<TeamEvent>) -> Option<&'a Event<TeamEvent>> {
        self.message(event).map(|message| self.history.event(message))
    }
}

/// The message that led to an event, from what is known of the events before it.
fn led_by(onward: &[(Name, Option<EventId>)], event: &Event<TeamEvent>) -> Option<EventId> {
    let (node, message) = onward[event.cause?.get() as usize - 1];
    message.filter(|_| node == event.node)
}

/// Whether the incarnation of an event, which started with that event, could know of an earlier one.
fn is_known_to(of: &Event<TeamEvent>, started: Option<EventId>, earlier: &Event<TeamEvent>) -> bool {
    earlier.incarnation == of.incarnation || started.is_some_and(|started| earlier.id < started)
}

impl<'a> Steps<'a> {
    /// When the incarnation of an event started, if it is not the first.
    fn started_at(&self, event: &Event<TeamEvent>) -> Option<EventId> {
        self.started.get((event.node, event.incarnation)).copied()
    }

    /// An agent receives a report that a step is done.
    fn report(&mut self, report: &'a Event<TeamEvent>, step: Name) {
        if self.swallowed.contains(report.id) {
            return;
        }
        if let Some(step) = self.of.get_mut((report.node, step)).filter(|step| !step.is_rejected) {
            step.reports.push(report);
            self.informed.insert(report.node, ());
        }
    }

    /// An agent orders a step. Returns the report that it is complete, if the agent knows or could know one.
    fn order(
        &mut self,
        order: &'a Event<TeamEvent>,
        step: Name,
        attempt: Option<u32>,
    ) -> Option<&'a Event<TeamEvent>> {
        let who = order.node;
        let started = self.started_at(order);
        let known = self.of.get_or_insert_with((who, step), || {
            self.ordered.get_or_insert_with((who, task_of(step)), Vec::new).push(step);
            Step::default()
        });
        // A report of an earlier attempt is not the awaited one.
        let current = known.reports.iter().copied().filter(|report| attempt_of(report) >= known.attempt);
        // A report means nothing to an incarnation unless it or an earlier one had ordered the step; and so
        // nothing to a later one that finds its journal.
        let is_awaited = |report: &Event<TeamEvent>| {
            let since = self.started.get((who, report.incarnation)).copied();
            let mut before = known.orders.iter().filter(|earlier| earlier.id < report.id);
            before.any(|earlier| is_known_to(order, started, earlier) && is_known_to(report, since, earlier))
        };
        let is_known = |report: &Event<TeamEvent>| {
            if report.incarnation == order.incarnation {
                is_read(&self.led, report, order.id)
            } else {
                // What the agent finds in its journal is what was there when it started.
                started.is_some_and(|started| is_durable(&self.led, report, (started, order.id)))
            }
        };
        let read = current.filter(|report| is_awaited(report) && is_known(report));
        let completed = known.completed.iter().filter(|(_, went_on)| is_known_to(order, started, went_on));
        let report = completed.map(|(report, _)| *report).chain(read).min_by_key(|report| report.id);
        known.attempt = known.attempt.max(attempt);
        known.is_rejected = false;
        if known.orders.iter().all(|known| known.incarnation != order.incarnation) {
            known.orders.push(order);
        }
        report
    }

    /// An agent sends a message; true if a report that an ordered step is done led to it.
    fn go_on(&mut self, goes_on: &'a Event<TeamEvent>) -> bool {
        let Some(report) = self.led.by(goes_on) else { return false };
        let EventKind::Delivered { about, content, .. } = &report.what else { return false };
        if !content.is_for(Purpose::Done) || self.swallowed.contains(report.id) {
            return false;
        }
        let started = self.started_at(goes_on);
        let Some(step) = self.of.get_mut((report.node, *about)) else { return false };
        if !step.orders.iter().any(|order| is_known_to(goes_on, started, order)) {
            return false;
        }
        let is_known = step.completed.iter().any(|(_, known)| known.incarnation == goes_on.incarnation);
        if !is_known && !step.is_rejected && attempt_of(report) >= step.attempt {
            step.completed.push((report, goes_on));
        }
        !step.completed.is_empty()
    }

    /// An agent was told that some work is not correct: a step, or a whole task.
    fn reopen(&mut self, who: Name, about: Name) {
        let of_task = self.ordered.get((who, about.as_str())).into_iter().flatten();
        for step in of_task.chain([&about]) {
            if let Some(step) = self.of.get_mut((who, *step)) {
                step.completed.clear();
                step.reports.clear();
                step.is_rejected = true;
            }
        }
    }
}

/// Whether the incarnation that received a report had read, by then, a message that arrived in its inbox
/// after the report, and so the report too.
fn is_read(led: &Led<'_>, report: &Event<TeamEvent>, by: EventId) -> bool {
    let is_in_inbox =
        |message: &Event<TeamEvent>| matches!(message.what, EventKind::Delivered { is_reply: false, .. });
    let reader = (report.node, report.incarnation);
    let since = &led.history.events()[report.id.get() as usize..by.get() as usize];
    let led_by_later = |event: &Event<TeamEvent>| {
        led.by(event).is_some_and(|message| {
            message.id > report.id && message.incarnation == reader.1 && is_in_inbox(message)
        })
    };
    is_in_inbox(report)
        && since.iter().any(|event| (event.node, event.incarnation) == reader && led_by_later(event))
}

/// Whether the incarnation that received a report had read it, and had made a record durable to which it led,
/// when a later one started, and the disk has not hidden that record since.
fn is_durable(led: &Led<'_>, report: &Event<TeamEvent>, (started, now): (EventId, EventId)) -> bool {
    if report.id > started || !is_read(led, report, started) {
        return false;
    }
    // For each record in the journal, whether the report led to it.
    let mut records: Vec<bool> = Vec::new();
    let (mut durable, mut tears) = (0, false);
    let until_now = &led.history.events()[..now.get() as usize];
    for event in until_now.iter().filter(|event| event.node == report.node) {
        match &event.what {
            EventKind::Wrote { .. } | EventKind::Synced { .. } | EventKind::Crashed { .. }
                if event.id > started => {}
            EventKind::Wrote { .. } => {
                let leads = led.by(event).filter(|message| message.id == report.id);
                records.push(leads.is_some() && event.incarnation == report.incarnation);
            }
            EventKind::Synced { records: synced } => durable = durable.max(*synced as usize),
            EventKind::Crashed { lost_writes } => {
                records.truncate(records.len().saturating_sub(*lost_writes as usize));
                // The first lost record is there, but half-written.
                records.extend(std::mem::take(&mut tears).then_some(false));
                durable = records.len();
            }
            EventKind::Injected(fault) => match fault.action {
                Action::TornWrite => tears = true,
                Action::StaleJournal { records: hidden } => {
                    let shown = records.len().saturating_sub(hidden as usize);
                    records[shown..].fill(false);
                }
                _ => {}
            },
            _ => {}
        }
    }
    records[..durable.min(records.len())].contains(&true)
}

/// The attempt of a report.
fn attempt_of(report: &Event<TeamEvent>) -> Option<u32> {
    match &report.what {
        EventKind::Delivered { content, .. } => content.headers().attempt,
        _ => None,
    }
}

#[cfg(test)]
mod tests;
