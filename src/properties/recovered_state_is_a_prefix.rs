//! A restarted agent recovers all durable records, in order and intact; and no message relied on a record
//! that a crash lost.
//!
//! The history shows which records an agent takes into its state. The records taken before its first action
//! must be exactly those that it wrote and no crash lost. Records that the disk hides (the fault
//! `stale-journal`) are not required. A lost record about some work must not have led to a message about that
//! work: other agents would then rely on state that the agent has lost (the output commit problem: Strom and
//! Yemini 1985, "Optimistic recovery in distributed systems").

use crate::agent::{AgentEvent, TeamEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Action, Event, EventKind, EventKinds, Fault, Name, Payload};
use std::collections::BTreeMap;
use std::ops::Range;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "recovered-state-is-a-prefix",
        "a restarted agent continues from exactly what it had made durable",
        judge,
    )
    .needs(EventKinds::CRASHED)
}

/// A record as it was written.
struct Record<'a> {
    digest: u64,
    wrote: &'a Event<TeamEvent>,
    /// The first message that it caused before it was durable.
    led_to: Option<&'a Event<TeamEvent>>,
    /// Whether it is torn.
    is_torn: bool,
}

/// The expected journal of a node, and what its agent has recovered.
#[derive(Default)]
struct Journal<'a> {
    /// Every record that no crash lost.
    records: Vec<Record<'a>>,
    durable: usize,
    /// The index range of the records that the disk hides.
    hidden: Range<usize>,
    /// Whether the current crash leaves the first lost record half-written.
    tears: bool,
    died: Option<&'a Event<TeamEvent>>,
    /// By index, the digests of the recovered records, and the event at which that began.
    taken: BTreeMap<u32, u64>,
    taken_up: Option<&'a Event<TeamEvent>>,
}

/// The kinds of events that it reads.
const READS: EventKinds = EventKinds::WROTE
    .and(EventKinds::SYNCED)
    .and(EventKinds::CRASHED)
    .and(EventKinds::INJECTED)
    .and(EventKinds::SENT)
    .and(kinds::RECOVERED);

fn judge(history: &TeamHistory) -> Verdict {
    let mut journals: BTreeMap<Name, Journal<'_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Wrote { content } => {
                let journal = journals.entry(event.node).or_default();
                if journal.taken_up.is_some() {
                    verdict = Verdict::Holds;
                    if let Some(broken) = journal.goes_on() {
                        return broken;
                    }
                }
                let digest = content.digest();
                journal.records.push(Record { digest, wrote: event, led_to: None, is_torn: false });
            }
            EventKind::Synced { records } => {
                let journal = journals.entry(event.node).or_default();
                journal.durable = journal.durable.max((*records as usize).min(journal.records.len()));
            }
            EventKind::Crashed { lost_writes } => {
                let journal = journals.entry(event.node).or_default();
                if let Some(broken) = journal.lose(*lost_writes as usize, event) {
                    return broken;
                }
            }
            EventKind::Injected(fault) => {
                let Fault { action, .. } = **fault;
                let journal = journals.entry(event.node).or_default();
                let end = journal.records.len();
                match action {
                    Action::StaleJournal { records } => {
                        journal.hidden = end.saturating_sub(records as usize)..end;
                    }
                    Action::TornWrite => journal.tears = true,
                    _ => {}
                }
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Recovered { taken })) => {
                let Some(journal) = journals.get_mut(&event.node) else { continue };
                if journal.died.is_some() {
                    journal.taken_up.get_or_insert(event);
                    journal.taken.extend(taken.iter().map(|(place, record)| (*place, record.digest())));
                }
            }
            EventKind::Sent { .. } => {
                let Some(journal) = journals.get_mut(&event.node) else { continue };
                journal.led_to(history, event);
                if journal.taken_up.is_some() {
                    verdict = Verdict::Holds;
                    if let Some(broken) = journal.goes_on() {
                        return broken;
                    }
                }
            }
            _ => {}
        }
    }
    for journal in journals.values_mut().filter(|journal| journal.taken_up.is_some()) {
        verdict = Verdict::Holds;
        if let Some(broken) = journal.goes_on() {
            return broken;
        }
    }
    verdict
}

impl<'a> Journal<'a> {
    /// A crash loses the last records.
    fn lose(&mut self, count: usize, died: &'a Event<TeamEvent>) -> Option<Verdict> {
        let kept = self.records.len().saturating_sub(count);
        let lost = self.records.split_off(kept);
        if std::mem::take(&mut self.tears)
            && let Some(Record { digest, wrote, .. }) = lost.first()
        {
            self.records.push(Record { digest: *digest, wrote, led_to: None, is_torn: true });
        }
        let kept = self.records.len();
        (self.durable, self.hidden, self.died) = (kept, 0..0, Some(died));
        (self.taken, self.taken_up) = (BTreeMap::new(), None);
        let (wrote, led_to) = lost.into_iter().find_map(|record| Some((record.wrote, record.led_to?)))?;
        let message =
            format!("{} acted on a record that was not durable yet, and lost it when it died", died.node);
        Some(Verdict::violated(&[wrote, led_to, died], message))
    }

    /// The agent acts. If a record that is not durable caused it, that is noted.
    fn led_to(&mut self, history: &TeamHistory, does: &'a Event<TeamEvent>) {
        if self.durable == self.records.len() {
            return;
        }
        let EventKind::Sent { about, .. } = &does.what else { return };
        let is_done_with = |what: &EventKind<TeamEvent>| {
            matches!(what, EventKind::Synced { .. } | EventKind::Delivered { .. } | EventKind::Started { .. })
        };
        let causes = history.causes(does.id).take_while(|cause| cause.node == does.node);
        for cause in causes.take_while(|cause| !is_done_with(&cause.what)) {
            let EventKind::Wrote { content } = &cause.what else { continue };
            let mut unsynced = self.records[self.durable..].iter_mut().rev();
            if content.headers().correlation == Some(*about)
                && let Some(record) = unsynced.find(|record| record.wrote.id == cause.id)
            {
                record.led_to.get_or_insert(does);
            }
        }
    }

    /// The agent acts for the first time since its restart: what it has recovered by now is its state.
    fn goes_on(&mut self) -> Option<Verdict> {
        let (died, taken_up) = (self.died?, self.taken_up.take()?);
        let taken = std::mem::take(&mut self.taken);
        let node = died.node;
        let (before, after) = (&self.records[..self.hidden.start], &self.records[self.hidden.end..]);
        let shown = || before.iter().chain(after).filter(|record| !record.is_torn);
        let mut written = shown();
        for digest in taken.values() {
            if !written.any(|record| record.digest == *digest) {
                let message = format!("{node} came back with something that it had never written");
                return Some(Verdict::violated(&[died, taken_up], message));
            }
        }
        let lost = shown().count().saturating_sub(taken.len());
        let mut left: BTreeMap<u64, usize> = BTreeMap::new();
        for digest in taken.values() {
            *left.entry(*digest).or_default() += 1;
        }
        let missing = shown().find(|record| match left.get_mut(&record.digest) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        missing.map(|Record { wrote, .. }| {
            let message = format!("{node} came back without {lost} records that were durable");
            Verdict::violated(&[wrote, died, taken_up], message)
        })
    }
}

#[cfg(test)]
mod tests;
