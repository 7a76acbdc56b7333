//! What led to each event of a run, from the violation back to the faults.
//!
//! The history records what an event came of: a message, an answer, a timeout. That is not all of it. What an
//! agent does also depends on what it has seen before, a restart on its crash, and what never happens is no
//! event at all. So the run is compared with its counterpart (differential provenance; Chen et al., The Good,
//! the Bad, and the Differences, 2016): an event that only this run has, while what it came of is in both, is
//! there because its node has seen something before that only this run has, or because of a fault. And each
//! of the faults that suffice is needed: without it the property would hold, so the violation is led back to
//! every one of them.

use super::align::Aligned;
use super::scene::place;
use crate::agent::{AgentEvent, TeamEvent, UserEvent};
use crate::explore::Run;
use crate::properties::Violation;
use crate::report::told::subject;
use perfidy_sim::{Event, EventKind, Loss, Name};
use std::collections::{BTreeMap, VecDeque};

/// Why an event is held to have led to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::report) enum Link {
    /// The history says so.
    Recorded,
    /// It ends what the other began, or undoes it, as a restart after a crash; or nothing is recorded, as of
    /// a real team, and the other is the last call or act before it about the same thing.
    Before,
    /// Its node, or the one that it waits for, had seen the other.
    Seen,
    /// It is a fault that was injected before.
    Fault,
    /// It is one of the faults that suffice.
    Needed,
}

impl Link {
    pub const ALL: [Self; 5] = [Self::Recorded, Self::Before, Self::Seen, Self::Fault, Self::Needed];

    /// What the cause is to its effect, for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Recorded => "it came of this",
            Self::Before => "it follows on this",
            Self::Seen => "seen before by its node, or by the one that it waits for",
            Self::Fault => "a fault that was injected before",
            Self::Needed => "one of the faults that suffice",
        }
    }
}

/// An event that led to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::report) struct Cause {
    /// Its place in the history.
    pub place: usize,
    pub link: Link,
}

/// What led to each event of a run, in the order of places.
pub(in crate::report) struct Causes {
    of: Vec<Vec<Cause>>,
}

impl Causes {
    /// What led to what in a run, in which this violation is to be seen; `needed` if its faults suffice and
    /// none can be left out.
    pub fn new(run: &Run, other: Option<&Aligned>, violation: Option<&Violation>, needed: bool) -> Self {
        let events = run.outcome.history.events();
        let mut causes = Self { of: Vec::with_capacity(events.len()) };
        let mut nodes = Nodes::default();
        for (at, event) in events.iter().enumerate() {
            let mut of = Vec::new();
            // A task comes when its time has come, whatever happened before.
            let is_given = matches!(event.app_event(), Some(TeamEvent::User(UserEvent::TaskGiven { .. })));
            let recorded = event.cause.filter(|_| !is_given);
            of.extend(recorded.map(|cause| Cause { place: place(cause), link: Link::Recorded }));
            of.extend(nodes.before(event).map(|place| Cause { place, link: Link::Before }));
            // A wait without an end has no last cause: it is led back to the faults themselves, below.
            let is_open = needed && matches!(event.what, EventKind::Waiting { .. });
            if let Some(other) = other.filter(|other| !is_open && !is_fault(event) && other.is_apart(at)) {
                let is_explained =
                    of.iter().any(|cause| other.is_apart(cause.place) || is_fault(&events[cause.place]));
                if !is_explained {
                    of.extend(nodes.seen(event));
                }
            }
            of.sort_by(|one, other| other.cmp(one));
            of.dedup_by_key(|cause| cause.place);
            causes.of.push(of);
            nodes.take_in(at, event, other.is_some_and(|other| other.is_apart(at)));
        }
        if let Some(last) = violation.and_then(|violation| violation.because.iter().max()) {
            causes.lead_back(events, place(*last), needed);
        }
        causes.sort(events);
        causes
    }

    /// What led to the event at this place: first what a fault is nearest behind, of those the latest.
    pub fn of(&self, place: usize) -> &[Cause] {
        &self.of[place]
    }

    /// For each place whether it led to one of these, or is one of them.
    pub fn behind(&self, effects: impl IntoIterator<Item = usize>) -> Vec<bool> {
        self.behind_by(effects, |_| true)
    }

    /// The same by some links alone.
    fn behind_by(&self, effects: impl IntoIterator<Item = usize>, counts: fn(Link) -> bool) -> Vec<bool> {
        let mut is_behind = vec![false; self.of.len()];
        for effect in effects {
            is_behind[effect] = true;
        }
        for at in (0..self.of.len()).rev() {
            if is_behind[at] {
                for cause in self.of[at].iter().filter(|cause| counts(cause.link)) {
                    is_behind[cause.place] = true;
                }
            }
        }
        is_behind
    }

    /// For each place whether it is on the causal path to these events: what the history says led to them or
    /// to one of these faults, and the shortest way from them to each fault.
    pub fn path(&self, effects: &[usize], faults: &[usize]) -> Vec<bool> {
        let is_certain = |link| matches!(link, Link::Recorded | Link::Before);
        let is_behind = self.behind_by(effects.iter().copied(), is_certain);
        let mut path = self.behind_by(effects.iter().chain(faults).copied(), is_certain);
        let to = self.ways(effects);
        for fault in faults.iter().filter(|fault| !is_behind[**fault]) {
            std::iter::successors(to[*fault], |at| to[*at]).for_each(|at| path[at] = true);
        }
        path
    }

    /// For each place the next one on a shortest way to one of these effects.
    fn ways(&self, effects: &[usize]) -> Vec<Option<usize>> {
        let mut to = vec![None; self.of.len()];
        let mut next: VecDeque<usize> = effects.iter().copied().collect();
        while let Some(at) = next.pop_front() {
            for cause in &self.of[at] {
                if to[cause.place].is_none() && !effects.contains(&cause.place) {
                    to[cause.place] = Some(at);
                    next.push_back(cause.place);
                }
            }
        }
        to
    }

    /// Leads from the last event of a violation back to the faults.
    fn lead_back(&mut self, events: &[Event<TeamEvent>], last: usize, needed: bool) {
        let mut faults = (0..last).rev().filter(|at| is_fault(&events[*at]));
        if !needed {
            // Of faults that were not chosen, the last is as good a guess as there is, and one is enough.
            let is_behind = self.behind([last]);
            if let Some(fault) = faults.next().filter(|_| !faults.any(|fault| is_behind[fault])) {
                self.add(last, Cause { place: fault, link: Link::Fault });
            }
            return;
        }
        let is_open = matches!(events[last].what, EventKind::Waiting { .. });
        for fault in faults {
            let is_behind = self.behind([last]);
            if is_behind[fault] {
                continue;
            }
            match self.meeting(events, fault, &is_behind).filter(|_| !is_open) {
                Some((effect, of)) => self.add(effect, Cause { place: of, link: Link::Seen }),
                None => self.add(last, Cause { place: fault, link: Link::Needed }),
            }
        }
    }

    /// Puts first what a fault is nearest behind, so that going from each event to its first cause leads to one.
    fn sort(&mut self, events: &[Event<TeamEvent>]) {
        let mut steps = vec![usize::MAX; events.len()];
        for at in 0..events.len() {
            let near = self.of[at].iter().map(|cause| steps[cause.place]).min().unwrap_or(usize::MAX);
            steps[at] = if is_fault(&events[at]) { 0 } else { near.saturating_add(1) };
            self.of[at].sort_by_key(|cause| (steps[cause.place], usize::MAX - cause.place));
        }
    }

    fn add(&mut self, effect: usize, cause: Cause) {
        let of = &mut self.of[effect];
        if !of.iter().any(|other| other.place == cause.place) {
            of.push(cause);
        }
    }

    /// The first event of those behind the violation that comes, on one node, after something to which the
    /// fault led; with the last such thing before it.
    fn meeting(
        &self,
        events: &[Event<TeamEvent>],
        fault: usize,
        is_behind: &[bool],
    ) -> Option<(usize, usize)> {
        let mut is_led_to = vec![false; events.len()];
        is_led_to[fault] = true;
        let mut latest: BTreeMap<Name, usize> = BTreeMap::new();
        for at in fault + 1..events.len() {
            if self.of[at].iter().any(|cause| is_led_to[cause.place]) {
                is_led_to[at] = true;
                latest.insert(events[at].node, at);
            } else if is_behind[at]
                && !is_fault(&events[at])
                && let Some(before) = latest.get(&events[at].node)
            {
                return Some((at, *before));
            }
        }
        None
    }
}

fn is_fault(event: &Event<TeamEvent>) -> bool {
    matches!(event.what, EventKind::Injected(_))
}

/// What is known of the nodes at a point of a history: places of events.
#[derive(Default)]
struct Nodes {
    crashed: BTreeMap<Name, usize>,
    paused: BTreeMap<Name, usize>,
    started: BTreeMap<(Name, u32), usize>,
    partitions: BTreeMap<(Name, Name), usize>,
    /// The last event of a node that only this run has.
    apart: BTreeMap<Name, usize>,
    /// The same of those about one subject.
    apart_about: BTreeMap<(Name, Name), usize>,
    fault: Option<usize>,
    /// The last call of a tool for each step.
    calls: BTreeMap<Name, usize>,
    /// What each agent did last about each subject.
    acts: BTreeMap<(Name, Name), usize>,
}

impl Nodes {
    fn take_in(&mut self, at: usize, event: &Event<TeamEvent>, is_apart: bool) {
        let node = event.node;
        match &event.what {
            EventKind::Injected(_) => self.fault = Some(at),
            EventKind::Crashed { .. } => _ = self.crashed.insert(node, at),
            EventKind::Paused { .. } => _ = self.paused.insert(node, at),
            EventKind::Started { incarnation } => _ = self.started.insert((node, *incarnation), at),
            EventKind::PartitionBegan { left, right } => _ = self.partitions.insert((*left, *right), at),
            EventKind::PartitionHealed { left, right } => _ = self.partitions.remove(&(*left, *right)),
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { .. })) => {
                self.calls.extend(subject(event).map(|step| (step, at)));
            }
            _ => {}
        }
        if matches!(event.what, EventKind::App(TeamEvent::Agent(_))) {
            self.acts.extend(subject(event).map(|about| ((node, about), at)));
        }
        if is_apart && !is_fault(event) {
            self.apart.insert(node, at);
            if let Some(about) = subject(event) {
                self.apart_about.insert((node, about), at);
            }
        }
    }

    /// What an event ends, or follows on.
    fn before(&self, event: &Event<TeamEvent>) -> Option<usize> {
        let node = event.node;
        let start = self.started.get(&(node, event.incarnation)).copied().filter(|_| event.incarnation > 0);
        match &event.what {
            EventKind::Started { incarnation: 0 } | EventKind::Injected(_) | EventKind::Ended(_) => None,
            EventKind::Started { .. } => self.crashed.get(&node).copied().or(self.fault),
            EventKind::Resumed => self.paused.get(&node).copied(),
            EventKind::PartitionHealed { left, right } => self.partitions.get(&(*left, *right)).copied(),
            EventKind::Lost { from, why: Loss::Partition, .. } => self.partition(*from, node),
            EventKind::Lost { why: Loss::NodeDown, .. } => self.crashed.get(&node).copied(),
            _ if event.cause.is_some() => None,
            EventKind::App(TeamEvent::Tool(_) | TeamEvent::Agent(AgentEvent::Answered { .. })) => {
                subject(event).and_then(|step| self.calls.get(&step)).copied().or(start)
            }
            EventKind::App(TeamEvent::Agent(_)) if start.is_none() => {
                self.acts.get(&(node, subject(event)?)).copied()
            }
            _ => start,
        }
    }

    /// The last partition that separates two nodes.
    fn partition(&self, one: Name, other: Name) -> Option<usize> {
        let has = |side: Name, node: Name| side.as_str().split('+').any(|name| name == node.as_str());
        let separates = |(left, right): (Name, Name)| {
            (has(left, one) && has(right, other)) || (has(left, other) && has(right, one))
        };
        self.partitions.iter().filter(|(sides, _)| separates(**sides)).map(|(_, at)| *at).max()
    }

    /// What a node has seen before that only this run has; of a wait first what the other node has seen.
    fn seen(&self, event: &Event<TeamEvent>) -> Option<Cause> {
        let (other, about) = match &event.what {
            EventKind::Waiting { on, about, .. } => (Some(*on), Some(*about)),
            _ => (None, subject(event)),
        };
        let of = |node: Name| {
            let same = about.and_then(|about| self.apart_about.get(&(node, about)));
            same.or_else(|| self.apart.get(&node))
        };
        let seen = other.and_then(of).or_else(|| of(event.node));
        let seen = seen.map(|place| Cause { place: *place, link: Link::Seen });
        seen.or_else(|| Some(Cause { place: self.fault?, link: Link::Fault }))
    }
}
