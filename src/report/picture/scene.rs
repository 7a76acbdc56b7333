//! A run as a space-time diagram: a lane for each node, virtual time downwards, one row for each event,
//! messages as arrows between lanes, and bars for what lasts: leases, pauses, outages, partitions.
//!
//! Every event has a depth: what led to the violation is shown first, then what a person wants to know, then
//! the rest. Nothing is decided here about colours or sizes; the page, the picture for a document and the
//! terminal draw the same scene.

use super::causes::{Cause, Causes, Link};
use super::mark::Mark;
use crate::agent::{LeaseEvent, TeamEvent};
use crate::explore::Run;
use crate::properties::Violation;
use crate::report::story::lines::{subjects_of, told_of};
use crate::report::told::{is_telling, subject, told, told_once};
use crate::workflows::user::USER;
use perfidy_sim::{Event, EventId, EventKind, Name, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// How often a repeated event is shown at first.
const SHOWN: usize = 2;

/// How many events of another run are shown first.
const CONCERNS: usize = 40;

/// What a lane belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::report) enum Actor {
    User,
    Person,
    Agent,
    Service,
    Tool,
}

impl Actor {
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Person => "person",
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Tool => "tool",
        }
    }
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Lane {
    pub name: Name,
    pub actor: Actor,
}

/// How soon an event is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::report) enum Depth {
    /// The violation, the faults, and what led from one to the other.
    Causes,
    /// What informs a person.
    Telling,
    /// The rest.
    All,
}

impl Depth {
    pub const ALL: [Self; 3] = [Self::Causes, Self::Telling, Self::All];

    pub fn number(self) -> usize {
        self as usize + 1
    }
}

/// An event in the picture.
#[derive(Clone, Copy)]
pub(in crate::report) struct Shot<'a> {
    pub event: &'a Event<TeamEvent>,
    pub lane: usize,
    pub mark: Mark,
    pub depth: Depth,
    /// Whether it is on the causal path to the violation.
    pub is_lit: bool,
    /// Whether the verdict names it.
    pub is_bad: bool,
    /// Whether it is a message that arrives as it was sent.
    pub is_as_sent: bool,
}

impl Shot<'_> {
    /// What happened, in words.
    pub fn told(&self) -> String {
        if self.is_as_sent { told_once(self.event) } else { told(self.event) }
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::report) enum Fate {
    Arrived,
    /// It arrived with another content.
    Altered,
    Lost,
}

/// A message, from one place in the list of events to another.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Arrow {
    pub from: usize,
    pub to: usize,
    pub fate: Fate,
}

/// What lasts on a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::report) enum Lasting {
    Lease(u64),
    Down,
    Paused,
    /// One side of a partition, or the other.
    Partition(bool),
}

/// What lasts on a lane, from the event at one place up to the event at another, or to the end.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Bar {
    pub lane: usize,
    pub from: usize,
    pub to: Option<usize>,
    pub what: Lasting,
}

/// The diagram of a run.
pub(in crate::report) struct Scene<'a> {
    pub lanes: Vec<Lane>,
    pub shots: Vec<Shot<'a>>,
    pub arrows: Vec<Arrow>,
    pub bars: Vec<Bar>,
    pub causes: Causes,
}

/// The place of an event in its history.
pub(in crate::report) fn place(id: EventId) -> usize {
    id.get() as usize - 1
}

impl<'a> Scene<'a> {
    /// The diagram of a run in which this violation is to be seen, if there is one, on these lanes.
    pub fn new(run: &'a Run, violation: Option<&Violation>, lanes: &[Lane], causes: Causes) -> Self {
        let events = run.outcome.history.events();
        let lanes = lanes.to_vec();
        let lane_of: BTreeMap<Name, usize> =
            lanes.iter().enumerate().map(|(place, lane)| (lane.name, place)).collect();
        let path = violation.map(|violation| path(run, violation, &causes)).unwrap_or_default();
        let is_lit = |at: usize| path.get(at).copied().unwrap_or_default();
        let mut shots: Vec<Shot<'a>> = events
            .iter()
            .enumerate()
            .map(|(at, event)| Shot {
                event,
                lane: lane_of.get(&event.node).copied().unwrap_or_default(),
                mark: Mark::of(event),
                depth: if is_telling(event) { Depth::Telling } else { Depth::All },
                is_lit: is_lit(at),
                is_bad: violation.is_some_and(|violation| violation.because.contains(&event.id)),
                is_as_sent: false,
            })
            .collect();
        let told = violation.map(|violation| told_of(run, violation)).unwrap_or_default();
        for (at, shot) in shots.iter_mut().enumerate() {
            let is_message = matches!(shot.mark, Mark::Send | Mark::Arrival | Mark::Lost);
            let is_link = causes.of(at).iter().any(|cause| cause.link != Link::Recorded);
            let is_cause = shot.is_lit && (is_message || is_link || is_telling(shot.event));
            if shot.is_bad || is_cause || told.contains(&shot.event.id) {
                shot.depth = Depth::Causes;
            }
        }
        let is_always_shown = |id: &EventId| {
            let mark = shots[place(*id)].mark;
            matches!(mark, Mark::Fault | Mark::Lie | Mark::Crash | Mark::Restart | Mark::Resume)
        };
        let always = told.into_iter().filter(is_always_shown).collect();
        demote_repetitions(&mut shots, &always);
        let arrows = arrows(&shots);
        for arrow in &arrows {
            // A message is shown with both of its ends.
            let depth = shots[arrow.from].depth.min(shots[arrow.to].depth);
            (shots[arrow.from].depth, shots[arrow.to].depth) = (depth, depth);
            shots[arrow.to].is_as_sent = arrow.fate == Fate::Arrived;
        }
        let bars = bars(&shots, &lane_of);
        Self { lanes, shots, arrows, bars, causes }
    }

    /// The diagram of the run beside another: what concerns the subjects of the violation there is shown
    /// first.
    pub fn beside(run: &'a Run, other: &Run, violation: Option<&Violation>, lanes: &[Lane]) -> Self {
        let mut scene = Self::new(run, None, lanes, Causes::new(run, None, None, false));
        let subjects = violation.map(|violation| subjects_of(other, violation)).unwrap_or_default();
        // What the user sees of it too: where it goes well, there may be nothing else to tell.
        let is_of_the_user = |event: &Event<TeamEvent>| matches!(event.app_event(), Some(TeamEvent::User(_)));
        let concerns = |shot: &&mut Shot<'_>| {
            let is_subject = || subject(shot.event).is_some_and(|name| subjects.contains(&name));
            shot.depth == Depth::Telling && (is_of_the_user(shot.event) || is_subject())
        };
        for shot in scene.shots.iter_mut().filter(concerns).take(CONCERNS) {
            shot.depth = Depth::Causes;
        }
        demote_repetitions(&mut scene.shots, &BTreeSet::new());
        scene
    }

    /// The nearest events that are shown on the causal path to this one and led to it, except for the sending
    /// of this message, which has an arrow.
    pub fn led_by(&self, place: usize, is_shown: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let shot = &self.shots[place];
        if !shot.is_lit {
            return BTreeSet::new();
        }
        let first = |at: &usize| self.causes.of(*at).first().map(|cause| cause.place);
        let near = |cause: &Cause| std::iter::successors(Some(cause.place), first).find(|at| is_shown(*at));
        let has_arrow =
            |at: usize| shot.event.cause.map(self::place) == Some(at) && shot.lane != self.shots[at].lane;
        let near = self.causes.of(place).iter().filter_map(near);
        near.filter(|at| self.shots[*at].is_lit && !has_arrow(*at)).collect()
    }
}

/// What a node does again and again is shown twice at first. On the causal path the last two times are shown
/// too, from which the path goes on. What the verdict names, and the faults, are always shown.
fn demote_repetitions(shots: &mut [Shot<'_>], always: &BTreeSet<EventId>) {
    let mut times: BTreeMap<(bool, Name, String), Vec<usize>> = BTreeMap::new();
    for (place, shot) in shots.iter().enumerate() {
        if shot.depth == Depth::Causes && !shot.is_bad && !always.contains(&shot.event.id) {
            let what = (shot.is_lit, shot.event.node, told(shot.event));
            times.entry(what).or_default().push(place);
        }
    }
    for ((is_lit, ..), places) in times {
        let last = places.len() - if is_lit { SHOWN.min(places.len()) } else { 0 };
        for place in places.iter().take(last).skip(SHOWN) {
            shots[*place].depth = Depth::Telling;
        }
    }
}

/// The nodes of some runs: the user, people, agents, services, tools, each in the order of their first event.
pub(in crate::report) fn lanes(runs: &[&Run]) -> Vec<Lane> {
    let mut actors: BTreeMap<Name, Actor> = BTreeMap::new();
    let mut order: Vec<Name> = Vec::new();
    let mut starts: BTreeSet<Name> = BTreeSet::new();
    for event in runs.iter().flat_map(|run| run.outcome.history.events()).filter(|event| is_drawn(event)) {
        let actor = match &event.what {
            EventKind::App(TeamEvent::User(_)) => Actor::User,
            EventKind::App(TeamEvent::Person(_) | TeamEvent::Guardrail(_)) => Actor::Person,
            EventKind::App(TeamEvent::Tool(_)) => Actor::Tool,
            EventKind::App(TeamEvent::Lease(_) | TeamEvent::Store(_)) => Actor::Service,
            _ if event.node.as_str() == USER => Actor::User,
            _ => Actor::Agent,
        };
        let known = actors.entry(event.node).or_insert_with(|| {
            order.push(event.node);
            actor
        });
        if *known == Actor::Agent {
            *known = actor;
        }
        if matches!(event.what, EventKind::Started { .. }) {
            starts.insert(event.node);
        }
    }
    // A tool that never answers writes no event of its own; it never starts either, as agents do.
    let mut lanes: Vec<Lane> = order
        .into_iter()
        .map(|name| match actors[&name] {
            Actor::Agent if !starts.contains(&name) => Lane { name, actor: Actor::Tool },
            actor => Lane { name, actor },
        })
        .collect();
    lanes.sort_by_key(|lane| lane.actor);
    lanes
}

/// Whether an event belongs to a node: the end of the run is the world's.
pub(in crate::report) fn is_drawn(event: &Event<TeamEvent>) -> bool {
    !matches!(event.what, EventKind::Ended(_))
}

/// For each place whether it is an event of the violation, a fault before it, or led to one of them.
fn path(run: &Run, violation: &Violation, causes: &Causes) -> Vec<bool> {
    let events = run.outcome.history.events();
    let effects: Vec<usize> = violation.because.iter().map(|id| place(*id)).collect();
    let last = effects.iter().max().copied().unwrap_or(events.len());
    let is_fault = |at: &usize| matches!(events[*at].what, EventKind::Injected(_)) && *at <= last;
    let faults: Vec<usize> = (0..events.len()).filter(is_fault).collect();
    causes.path(&effects, &faults)
}

/// The messages: each delivery and loss names the sending as its cause.
fn arrows(shots: &[Shot<'_>]) -> Vec<Arrow> {
    let arrow = |(to, shot): (usize, &Shot<'_>)| {
        let from = place(shot.event.cause?);
        let EventKind::Sent { content: sent, .. } = &shots.get(from)?.event.what else { return None };
        let fate = match &shot.event.what {
            EventKind::Delivered { content, .. } if content == sent => Fate::Arrived,
            EventKind::Delivered { .. } => Fate::Altered,
            EventKind::Lost { .. } => Fate::Lost,
            _ => return None,
        };
        Some(Arrow { from, to, fate })
    };
    shots.iter().enumerate().filter_map(arrow).collect()
}

/// A bar that has begun, and the event with which it ends.
fn bars(shots: &[Shot<'_>], lane_of: &BTreeMap<Name, usize>) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (from, shot) in shots.iter().enumerate() {
        let ends = |is_end: &dyn Fn(&Event<TeamEvent>) -> bool| {
            (from + 1..shots.len()).find(|at| is_end(shots[*at].event))
        };
        let node = shot.event.node;
        match &shot.event.what {
            EventKind::Crashed { .. } => {
                let to = ends(&|event| event.node == node && matches!(event.what, EventKind::Started { .. }));
                bars.push(Bar { lane: shot.lane, from, to, what: Lasting::Down });
            }
            EventKind::Paused { .. } => {
                let to = ends(&|event| event.node == node && matches!(event.what, EventKind::Resumed));
                bars.push(Bar { lane: shot.lane, from, to, what: Lasting::Paused });
            }
            EventKind::PartitionBegan { left, right } => {
                let to = ends(&|event| match &event.what {
                    EventKind::PartitionHealed { left: l, right: r } => (l, r) == (left, right),
                    _ => false,
                });
                for (side, names) in [(false, left), (true, right)] {
                    let lanes = names.as_str().split('+').filter_map(|name| lane_of.get(&Name::new(name)));
                    bars.extend(lanes.map(|lane| Bar {
                        lane: *lane,
                        from,
                        to,
                        what: Lasting::Partition(side),
                    }));
                }
            }
            _ => {}
        }
    }
    bars.extend(leases(shots, lane_of));
    bars
}

/// The leases as the lock service knows them: from the first grant of a token until it is given back, ends,
/// or another is granted.
fn leases(shots: &[Shot<'_>], lane_of: &BTreeMap<Name, usize>) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    let mut open: BTreeMap<Name, (usize, u64, SimTime)> = BTreeMap::new();
    for (at, shot) in shots.iter().enumerate() {
        let ended = |(_, (_, _, until)): &(&Name, &(usize, u64, SimTime))| *until <= shot.event.at;
        for resource in open.iter().filter(ended).map(|(resource, _)| *resource).collect::<Vec<_>>() {
            if let Some((bar, ..)) = open.remove(&resource) {
                bars[bar].to = Some(at);
            }
        }
        let EventKind::App(TeamEvent::Lease(event)) = &shot.event.what else { continue };
        match *event {
            LeaseEvent::Granted { resource, holder, token, until } => {
                let Some(lane) = lane_of.get(&holder) else { continue };
                match open.get_mut(&resource) {
                    Some((_, known, end)) if *known == token.0 => *end = until,
                    known => {
                        if let Some((bar, ..)) = known {
                            bars[*bar].to = Some(at);
                        }
                        let what = Lasting::Lease(token.0);
                        open.insert(resource, (bars.len(), token.0, until));
                        bars.push(Bar { lane: *lane, from: at, to: None, what });
                    }
                }
            }
            LeaseEvent::GivenBack { resource, .. } => {
                if let Some((bar, ..)) = open.remove(&resource) {
                    bars[bar].to = Some(at);
                }
            }
        }
    }
    bars
}
