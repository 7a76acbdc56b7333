//! What agents read in the shared store keeps to the consistency model that the team relies on.
//!
//! Judged by what the agents asked and were told: linearizable and sequential reads by whether one order of
//! everything explains them ([`order`]), monotonic ones by each reader's own eyes. Under every model nobody
//! may see a version before the store has it. Of two lives that an agent has at once nobody can tell which
//! one asked, so each question of that time is a session of its own.
//!
//! Existing crates do not fit. stateright's testers (0.31) know both models, but say only yes or no, try one
//! order after another with nothing to bound the time it takes, want each reader to do one thing at a time
//! and bring a web server; todc-utils (0.1) has the search of Wing and Gong for linearizability alone and no
//! writes that perhaps happened. Either would have to be cut off by a clock, and what it then does not know
//! it may know on the next machine. [`order`] searches only where a write without an answer leaves a choice,
//! gives up after a number of tries (`unknown`), and is held against trying every order by a test.

mod order;

use crate::agent::{Access, AgentEvent, Consistency, Heard, Note, StoreEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use order::{Act, Explained, Keeps, Operation, explains};
use perfidy_sim::{Event, EventId, Name, What};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "reads-keep-declared-consistency",
        "what agents read in the store keeps to the consistency model that the team relies on",
        judge,
    )
    .needs(kinds::DECLARED)
}

fn judge(history: &TeamHistory) -> Verdict {
    let declared = history.notes().find_map(|(_, note)| match note {
        Note::User(UserEvent::Declared { reads }) => Some(*reads),
        _ => None,
    });
    let Some(declared) = declared else { return Verdict::Vacuous };
    let Some(operations) = operations(history) else { return Verdict::Vacuous };
    let broken = match (invented(history), declared) {
        (Some(invented), _) => Ok(Some(invented)),
        (None, Consistency::Linearizable) => out_of_order(history, &operations, Keeps::RealTime),
        (None, Consistency::Sequential) => out_of_order(history, &operations, Keeps::Sessions),
        (None, Consistency::Monotonic) => Ok(back_in_time(history, &operations)),
        (None, Consistency::Eventual) => Ok(None),
    };
    match broken {
        Ok(None) => Verdict::Holds,
        Ok(Some((because, message))) => {
            Verdict::violated(&because, format!("{message}; {declared} reads were promised"))
        }
        Err(TooManyOrders) => Verdict::Unknown {
            reason: "there are more orders than can be tried of writes that nobody had an answer to"
                .to_owned(),
        },
    }
}

/// Nobody knows whether some order explains what everybody was told.
struct TooManyOrders;

/// The events that show it, and what is wrong.
type Broken<'a> = (Vec<&'a Event<Note>>, String);

/// The lives of an agent so far.
#[derive(Default)]
struct Lives {
    /// How many it has now: none, one, or two.
    now: u32,
    sessions: u32,
}

impl Lives {
    fn begin(&mut self) {
        self.now += 1;
        self.sessions += 1;
    }

    fn end(&mut self, left: u32) {
        self.now = left;
        self.sessions += 1;
    }

    /// The session of what is asked now: that of the life there is, or one of its own.
    fn session(&mut self) -> u32 {
        if self.now > 1 {
            self.sessions += 1;
        }
        self.sessions
    }
}

/// What was asked and answered, in the order of being asked; `None` if nobody saw anything that somebody had
/// written.
fn operations(history: &TeamHistory) -> Option<Vec<Operation>> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut lives: BTreeMap<Name, Lives> = BTreeMap::new();
    let twin = Name::literal("twin");
    let mut asked_at = BTreeMap::new();
    let mut same = BTreeMap::new();
    let mut refused = BTreeSet::new();
    let mut any_seen = false;
    for event in history.events() {
        match event.what {
            What::Started { .. } => lives.entry(event.node).or_default().begin(),
            What::Crashed { .. } => lives.entry(event.node).or_default().end(0),
            What::Recovered { from } if from == twin => lives.entry(event.node).or_default().end(1),
            What::Note(Note::Agent(AgentEvent::Asked { item, access })) => {
                let (act, op) = match access {
                    Access::Read => (Act::Saw(0), None),
                    Access::Change(op) => (Act::Perhaps(None), Some(op)),
                    Access::ChangeAt(version, op) => (Act::Perhaps(Some(version.0)), Some(op)),
                };
                // Who asks again under the same id asks for the same.
                let index = op.map_or(operations.len(), |op| *same.entry(op).or_insert(operations.len()));
                if index == operations.len() {
                    let session = (event.node, lives.entry(event.node).or_default().session());
                    operations.push(Operation { session, item, asked: event.id, answered: None, act });
                }
                asked_at.insert(event.id, index);
            }
            What::Note(Note::Agent(AgentEvent::Heard { asked, heard, .. })) => {
                let Some(index) = asked_at.get(&asked) else { continue };
                let act = match heard {
                    Heard::Saw(version) | Heard::Moved(version) => Act::Saw(version.0),
                    Heard::Made(version) => Act::Made(version.0),
                    Heard::Fenced(_) => {
                        refused.insert(*index);
                        continue;
                    }
                    Heard::Unknown(_) => continue,
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
    any_seen.then_some(operations)
}

/// Somebody saw a version that was not there.
fn invented(history: &TeamHistory) -> Option<Broken<'_>> {
    let mut stored = BTreeSet::new();
    history.notes().find_map(|(event, note)| {
        match *note {
            Note::Store(StoreEvent::Stored { item, version, .. }) => drop(stored.insert((item, version.0))),
            Note::Agent(AgentEvent::Heard { item, heard: Heard::Saw(version), .. })
                if version.0 > 0 && !stored.contains(&(item, version.0)) =>
            {
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

/// Somebody saw an item at an earlier version than before.
fn back_in_time<'a>(history: &'a TeamHistory, operations: &[Operation]) -> Option<Broken<'a>> {
    let mut reads: Vec<(EventId, u64, &Operation)> = operations
        .iter()
        .filter_map(|operation| match (operation.act, operation.answered) {
            (Act::Saw(version), Some(answered)) => Some((answered, version, operation)),
            _ => None,
        })
        .collect();
    reads.sort_unstable_by_key(|(answered, ..)| *answered);
    // The highest version each session had seen of an item, by when it had.
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

/// No order explains what everybody was told; the first answer after which there is none is to blame.
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
    // With fewer answers there is only less to explain.
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
