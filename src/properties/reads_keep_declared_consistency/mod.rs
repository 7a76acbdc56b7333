//! Reads of the shared store satisfy the consistency model that the team declares.
//!
//! Judged on the requests of the agents and their outcomes. Linearizable and sequential reads need one order
//! of all operations that explains them ([`order`]); monotonic reads are checked for each reader. Under every
//! model, no agent may read a version before the store has it. When an agent has two incarnations at once,
//! the history does not show which one sent a request, so each request of that time is a separate session.
//!
//! Existing crates do not fit. stateright's testers (0.31) know both models, but say only yes or no, try one
//! order after another without a time limit, allow each reader one operation at a time, and bring a web
//! server; todc-utils (0.1) has the search of Wing and Gong for linearizability alone and no writes with an
//! unknown outcome. Both would need a timeout, so results would differ between machines. [`order`] searches
//! only where a write without an answer leaves a choice, gives up after a number of tries (`unknown`), and a
//! test compares it with a search through all orders.

mod order;

use crate::agent::{Access, AgentEvent, Consistency, StoreEvent, StoreOutcome, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use order::{Act, Explained, Keeps, Operation, explains};
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Lookup, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "reads-keep-declared-consistency",
        "reads of the store keep the consistency model that the team declares",
        judge,
    )
    .needs(kinds::DECLARED)
}

fn judge(history: &TeamHistory) -> Verdict {
    let declared = history.app_events_of(kinds::DECLARED).find_map(|(_, note)| match note {
        TeamEvent::User(UserEvent::Declared { reads }) => Some(*reads),
        _ => None,
    });
    let Some(declared) = declared else { return Verdict::Vacuous };
    let (operations, has_read) = operations(history);
    let broken = match (invented(history), declared) {
        (Some(invented), _) => Ok(Some(invented)),
        (None, Consistency::Linearizable) => out_of_order(history, &operations, Keeps::RealTime),
        (None, Consistency::Sequential) => out_of_order(history, &operations, Keeps::Sessions),
        (None, Consistency::Monotonic) => Ok(back_in_time(history, &operations)),
        (None, Consistency::Eventual) => Ok(None),
    };
    match broken {
        Ok(None) if has_read => Verdict::Holds,
        Ok(None) => Verdict::Vacuous,
        Ok(Some((because, message))) => {
            Verdict::violated(&because, format!("{message}; {declared} reads were promised"))
        }
        Err(TooManyOrders) => Verdict::Unknown {
            reason: "there are more orders than can be tried of writes without an answer".to_owned(),
        },
    }
}

/// The search for an explaining order was given up.
struct TooManyOrders;

/// The events that show the violation, and its message.
type Broken<'a> = (Vec<&'a Event<TeamEvent>>, String);

/// The incarnations of an agent so far.
#[derive(Default)]
struct Incarnations {
    /// How many run now: none, one, or two.
    now: u32,
    sessions: u32,
}

impl Incarnations {
    fn begin(&mut self) {
        self.now += 1;
        self.sessions += 1;
    }

    fn end(&mut self, left: u32) {
        self.now = left;
        self.sessions += 1;
    }

    /// The session of a request sent now: that of the incarnation, or a separate one.
    fn session(&mut self) -> u32 {
        if self.now > 1 {
            self.sessions += 1;
        }
        self.sessions
    }
}

/// The kinds of events that make up the operations and the incarnations of those that asked for them.
const READS: EventKinds = EventKinds::STARTED
    .and(EventKinds::CRASHED)
    .and(EventKinds::RECOVERED)
    .and(kinds::ASKED)
    .and(kinds::HEARD);

/// The operations in the order of their requests, and whether an agent read anything that was written.
fn operations(history: &TeamHistory) -> (Vec<Operation>, bool) {
    let mut operations: Vec<Operation> = Vec::new();
    let mut incarnations: Lookup<Name, Incarnations> = Lookup::default();
    let twin = Name::literal("overlapping-restart");
    let mut asked_at = Lookup::default();
    let mut same = Lookup::default();
    let mut refused = BTreeSet::new();
    let mut any_seen = false;
    for event in history.events_of(READS) {
        match event.what {
            EventKind::Started { .. } => {
                incarnations.get_or_insert_with(event.node, Incarnations::default).begin();
            }
            EventKind::Crashed { .. } => {
                incarnations.get_or_insert_with(event.node, Incarnations::default).end(0);
            }
            EventKind::Recovered { from } if from == twin => {
                incarnations.get_or_insert_with(event.node, Incarnations::default).end(1);
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Asked { item, access })) => {
                let (act, op) = match access {
                    Access::Read => (Act::Saw(0), None),
                    Access::Change(op) => (Act::Perhaps(None), Some(op)),
                    Access::ChangeAt(version, op) => (Act::Perhaps(Some(version.0)), Some(op)),
                };
                // A retry under the same id is the same operation.
                let index =
                    op.map_or(operations.len(), |op| *same.get_or_insert_with(op, || operations.len()));
                if index == operations.len() {
                    let session = (
                        event.node,
                        incarnations.get_or_insert_with(event.node, Incarnations::default).session(),
                    );
                    operations.push(Operation { session, item, asked: event.id, answered: None, act });
                }
                asked_at.insert(event.id, index);
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::StoreOutcome { asked, heard, .. })) => {
                let Some(index) = asked_at.get(asked) else { continue };
                let act = match heard {
                    StoreOutcome::Saw(version) | StoreOutcome::Moved(version) => Act::Saw(version.0),
                    StoreOutcome::Made(version) => Act::Made(version.0),
                    StoreOutcome::Fenced(_) => {
                        refused.insert(*index);
                        continue;
                    }
                    StoreOutcome::Unknown(_) => continue,
                };
                any_seen |= matches!(act, Act::Saw(1..));
                let operation = &mut operations[*index];
                if operation.answered.is_none() {
                    (operation.answered, operation.act) = (Some(event.id), act);
                }
            }
            _ => {}
        }
    }
    let mut index = 0;
    operations.retain(|_| {
        index += 1;
        !refused.contains(&(index - 1))
    });
    (operations, any_seen)
}

/// An agent read a version that did not exist.
fn invented(history: &TeamHistory) -> Option<Broken<'_>> {
    let mut stored = Lookup::default();
    history.app_events_of(kinds::STORED.and(kinds::HEARD)).find_map(|(event, note)| {
        match *note {
            TeamEvent::Store(StoreEvent::Stored { item, version, .. }) => {
                stored.insert((item, version.0), ());
            }
            TeamEvent::Agent(AgentEvent::StoreOutcome {
                item, heard: StoreOutcome::Saw(version), ..
            }) if version.0 > 0 && !stored.contains((item, version.0)) => {
                return Some((
                    vec![event],
                    format!("{} saw {version} of {item}, which was not there", event.node),
                ));
            }
            _ => {}
        }
        None
    })
}

/// An agent read an item at an earlier version than before.
fn back_in_time<'a>(history: &'a TeamHistory, operations: &[Operation]) -> Option<Broken<'a>> {
    let mut reads: Vec<(EventId, u64, &Operation)> = operations
        .iter()
        .filter_map(|operation| match (operation.act, operation.answered) {
            (Act::Saw(version), Some(answered)) => Some((answered, version, operation)),
            _ => None,
        })
        .collect();
    reads.sort_unstable_by_key(|(answered, ..)| *answered);
    // The highest version of an item that each session had read, and when.
    let mut seen: BTreeMap<_, Vec<(EventId, u64)>> = BTreeMap::new();
    for (answered, version, operation) in reads {
        let seen = seen.entry((operation.session, operation.item)).or_default();
        let before = seen.partition_point(|(earlier, _)| *earlier < operation.asked);
        if let Some((earlier, highest)) = before.checked_sub(1).map(|last| seen[last])
            && highest > version
        {
            let (reader, item) = (operation.session.0, operation.item);
            let message =
                format!("{reader} saw {item} at version {version} after it had seen version {highest}");
            return Some((vec![history.event(earlier), history.event(answered)], message));
        }
        match seen.last() {
            Some((_, highest)) if *highest >= version => {}
            _ => seen.push((answered, version)),
        }
    }
    None
}

/// No order explains all outcomes; the first outcome after which there is none is the violation.
fn out_of_order<'a>(
    history: &'a TeamHistory,
    operations: &[Operation],
    keeps: Keeps,
) -> Result<Option<Broken<'a>>, TooManyOrders> {
    let mut answers: Vec<(EventId, &Operation)> =
        operations.iter().filter_map(|operation| Some((operation.answered?, operation))).collect();
    answers.sort_unstable_by_key(|(answered, _)| *answered);
    let last = answers.last().map(|(answered, _)| *answered);
    match last.map_or(Explained::Yes, |last| explains(operations, keeps, last)) {
        Explained::Yes => return Ok(None),
        Explained::Unknown => return Err(TooManyOrders),
        Explained::No => {}
    }
    // With fewer outcomes there is only less to explain.
    let first =
        answers.partition_point(|(answered, _)| explains(operations, keeps, *answered) != Explained::No);
    let (answered, culprit) = answers[first];
    let (who, item) = (culprit.session.0, culprit.item);
    let (did, version) = match culprit.act {
        Act::Saw(version) => ("saw", version),
        Act::Made(version) | Act::Perhaps(Some(version)) => ("made", version),
        Act::Perhaps(None) => ("made", 0),
    };
    let is_known = |(before, other): &&(EventId, &Operation)| {
        let later = matches!(other.act, Act::Saw(known) | Act::Made(known) if known > version);
        let counts = keeps == Keeps::RealTime || other.session == culprit.session;
        *before < culprit.asked && other.item == item && later && counts
    };
    Ok(Some(if let Some((before, other)) = answers[..first].iter().find(is_known) {
        let known = match other.act {
            Act::Saw(known) | Act::Made(known) => known,
            Act::Perhaps(_) => version,
        };
        let message = format!(
            "{who} {did} version {version} of {item}, but {} had been told of version {known} before it asked",
            other.session.0
        );
        (vec![history.event(*before), history.event(answered)], message)
    } else {
        let message = format!(
            "{who} {did} version {version} of {item}, and no order of all reads and writes explains it"
        );
        (vec![history.event(culprit.asked), history.event(answered)], message)
    }))
}

#[cfg(test)]
mod tests;
