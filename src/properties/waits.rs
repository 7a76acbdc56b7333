//! The wait-for graph: which agents wait for which others at the end of a run, and its cycles.

use crate::agent::{AgentEvent, Purpose, TeamEvent, kinds};
use crate::properties::TeamHistory;
use perfidy_sim::{Event, EventKind, EventKinds, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many waits are listed in a message.
const TOLD: usize = 4;

/// An agent that waits.
struct Wait<'a> {
    event: &'a Event<TeamEvent>,
    on: Name,
    why: Name,
    about: Name,
}

/// A request of one agent to another about something: the first sending, the kind of message, and on whose
/// behalf.
type Request<'a> = (&'a Event<TeamEvent>, Name, Option<Name>);

/// The waits at the end of a run.
pub(super) struct Waits<'a> {
    all: Vec<Wait<'a>>,
    /// The nodes that are down at the end.
    down: BTreeSet<Name>,
}

/// A cycle of waits: each agent waits for the next, and the last for the first.
pub(super) struct WaitCycle(Vec<Name>);

impl fmt::Display for WaitCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|name| name.as_str()).collect();
        write!(f, "{} -> {}", names.join(" -> "), names[0])
    }
}

impl WaitCycle {
    /// Whether the wait of the event's node for `on` is an edge of the cycle.
    pub fn contains(&self, event: &Event<TeamEvent>, on: Name) -> bool {
        let next = self.0.iter().cycle().skip(1);
        self.0.iter().zip(next).any(|link| link == (&event.node, &on))
    }
}

impl<'a> Waits<'a> {
    /// All waits as the agents declare them: for messages only, not for verdicts.
    pub fn at_the_end_of(history: &'a TeamHistory) -> Self {
        let mut waits = Self { all: Vec::new(), down: BTreeSet::new() };
        let reads = EventKinds::WAITING.and(EventKinds::CRASHED).and(EventKinds::STARTED);
        for event in history.events_of(reads) {
            match event.what {
                EventKind::Waiting { on, why, about } => {
                    waits.all.push(Wait { event, on, why, about });
                }
                EventKind::Crashed { .. } => drop(waits.down.insert(event.node)),
                EventKind::Started { .. } => drop(waits.down.remove(&event.node)),
                _ => {}
            }
        }
        waits
    }

    /// The open requests and orders, which no answer has ended and whose senders have not continued without.
    pub fn of_open_requests(history: &'a TeamHistory) -> Self {
        let mut open: BTreeMap<(Name, Name, Name), Request<'_>> = BTreeMap::new();
        let reads = EventKinds::SENT.and(EventKinds::DELIVERED).and(EventKinds::CRASHED).and(kinds::CALLED);
        for event in history.events_of(reads) {
            match &event.what {
                EventKind::Sent { to, kind, about, content } => {
                    let headers = content.headers();
                    if let Some(Purpose::Ask | Purpose::Order | Purpose::Undo) = headers.purpose {
                        open.entry((event.node, *to, *about)).or_insert((event, *kind, headers.correlation));
                    }
                }
                EventKind::Delivered { from, about, content, .. }
                    if content.headers().purpose.is_some_and(Purpose::is_final) =>
                {
                    open.remove(&(event.node, *from, *about));
                }
                EventKind::App(TeamEvent::Agent(AgentEvent::Called { intent, .. })) => {
                    open.retain(|(who, ..), (_, _, of)| (*who, *of) != (event.node, Some(*intent)));
                }
                EventKind::Crashed { .. } => open.retain(|(who, ..), _| *who != event.node),
                _ => {}
            }
        }
        let wait = |((_, on, about), (event, why, _))| Wait { event, on, why, about };
        Self { all: open.into_iter().map(wait).collect(), down: BTreeSet::new() }
    }

    /// Keeps only the waits of `task`, as declared by the agents.
    pub fn keep_task(&mut self, task: Name) {
        if self.all.iter().any(|wait| task_of(wait.about) == task.as_str()) {
            self.all.retain(|wait| task_of(wait.about) == task.as_str());
        }
    }

    /// The waits of each task, by task.
    pub fn by_task(self) -> BTreeMap<&'static str, Self> {
        let mut by_task: BTreeMap<&'static str, Self> = BTreeMap::new();
        for wait in self.all {
            let of_task = by_task.entry(task_of(wait.about));
            of_task.or_insert_with(|| Self { all: Vec::new(), down: self.down.clone() }).all.push(wait);
        }
        by_task
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn events(&self) -> impl Iterator<Item = &'a Event<TeamEvent>> {
        self.all.iter().map(|wait| wait.event)
    }

    /// The waits that form a cycle.
    pub fn in_cycle(&self, circle: &WaitCycle) -> impl Iterator<Item = &'a Event<TeamEvent>> {
        self.all.iter().filter(|wait| circle.contains(wait.event, wait.on)).map(|wait| wait.event)
    }

    /// A cycle of waits, if there is one.
    pub fn circle(&self) -> Option<WaitCycle> {
        let mut on: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for wait in &self.all {
            on.entry(wait.event.node).or_default().insert(wait.on);
        }
        let from = |start: &Name| path_back(&on, *start, &mut vec![*start], &mut BTreeSet::new());
        on.keys().find_map(from).map(WaitCycle)
    }
}

impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Wait { event, on, why, about }) in self.all.iter().take(TOLD).enumerate() {
            let semicolon = if place > 0 { "; " } else { "" };
            let down = if self.down.contains(on) { ", which is dead" } else { "" };
            write!(f, "{semicolon}{} waits for {on}{down} ({why}, {about})", event.node)?;
        }
        match self.all.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "; {more} more wait"),
        }
    }
}

/// The task that an intent belongs to.
pub(super) fn task_of(about: Name) -> &'static str {
    let about = about.as_str();
    // Names are short: to look at each byte is faster than to set up a search.
    about.bytes().position(|byte| byte == b'/').map_or(about, |end| &about[..end])
}

/// A path from the end of `path` back to `start` over names not seen before: a dead end stays a dead end.
fn path_back(
    on: &BTreeMap<Name, BTreeSet<Name>>,
    start: Name,
    path: &mut Vec<Name>,
    seen: &mut BTreeSet<Name>,
) -> Option<Vec<Name>> {
    let here = *path.last()?;
    for next in on.get(&here)? {
        if *next == start {
            return Some(path.clone());
        }
        if seen.insert(*next) {
            path.push(*next);
            if let Some(circle) = path_back(on, start, path, seen) {
                return Some(circle);
            }
            path.pop();
        }
    }
    None
}
