//! What a run did, in a form in which runs of one seed under different faults can be compared: event by
//! event, each with its time and its causes, but without the faults themselves and without messages that had
//! no reader.

use crate::agent::{AgentEvent, Agents, TeamEvent, ToolEvent, UserEvent};
use perfidy_sim::{
    Action, Address, Event, EventId, EventKind, Fault, Loss, Name, RunOutcome, SimTime, Words,
};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::mem::discriminant;

/// A run, to be compared with others of its seed.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// What happened, in order.
    steps: Vec<Step>,
    /// The steps of each node.
    tracks: BTreeMap<Name, Track>,
    /// The injected faults with the time of each.
    strikes: Vec<Strike>,
    /// The faults that could have been injected as well.
    pub chances: Vec<Chance>,
    /// Every event of the run, with what came of it.
    pub links: Vec<Link>,
    /// All steps together.
    pub digest: u64,
}

/// An event as a link in the chains of causes that lead to outcomes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub at: SimTime,
    pub node: Name,
    /// Where it goes and when it arrives, if it is a message that does.
    pub arrives: Option<(Name, SimTime)>,
    /// The outcomes that rest on it.
    pub outcomes: Outcomes,
}

/// Some of the good outcomes of a run: effects and answers of tools, reports to the user, and whatever else
/// has an author that is not an agent. A bit stands for an outcome by what it is about, and sometimes for
/// two.
pub(crate) type Outcomes = u128;

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Equal to that of another run's step if it is the same event at the same time with the same causes.
    identity: u64,
    at: SimTime,
    node: Name,
    /// Whether it is a message on its way, or a tool that recognises a call: nothing that a property could
    /// object to by itself.
    is_slight: bool,
}

/// The steps of one node: after how many of them it was in which state, as far as they tell.
#[derive(Clone, Default, Debug)]
struct Track {
    times: Vec<SimTime>,
    states: Vec<u64>,
}

/// How far a node had come at a time.
pub(crate) type State = (usize, u64);

/// An injected fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub fault: Fault,
    pub at: SimTime,
    pub node: Name,
}

/// A fault that could have been injected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    pub fault: Fault,
    /// When its place came up; for a fault by the clock when it would begin.
    pub at: SimTime,
    /// How many events there were by then.
    pub events: usize,
    /// Whether it would change nothing: it concerns a message that its receiver no longer waits for, or
    /// repeats the reply to a request that has had it.
    pub is_void: bool,
}

/// What a run had in addition to all that another one had.
pub(crate) struct Addition {
    pub from: SimTime,
    pub until: SimTime,
    pub nodes: Vec<Name>,
}

/// What became of a message and its copies, from what says the least of it to what says the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Fate {
    /// It is on its way.
    #[default]
    Sent,
    /// It was lost on its way by a fault of this message.
    Dropped,
    /// It replied to a request that its receiver no longer waited for.
    Late,
    /// It was lost for another reason.
    Lost,
    /// It was delivered.
    Delivered,
    /// It was delivered as a reply.
    Replied,
}

impl Outline {
    /// The outline of a [marked](crate::explore::Run::marked) run, in which there were these chances.
    pub fn of(outcome: &RunOutcome<Agents>, chances: &[Fault]) -> Self {
        let events = outcome.history.events();
        let fates = fates(events);
        let mut outline = Self {
            steps: Vec::with_capacity(events.len()),
            tracks: BTreeMap::new(),
            strikes: Vec::new(),
            chances: Vec::with_capacity(chances.len()),
            links: links(events),
            digest: 0,
        };
        for (event, identity) in events.iter().zip(outcome.history.identities()) {
            match &event.what {
                EventKind::Injected(fault) => {
                    outline.strikes.push(Strike { fault: **fault, at: event.at, node: event.node });
                }
                EventKind::Sent { .. } if matches!(fates[index(event.id)], Fate::Dropped | Fate::Late) => {}
                EventKind::Lost { why: Loss::Late | Loss::Dropped, .. } => {}
                what => outline.push(event, identity, is_slight(what)),
            }
        }
        outline.digest = Words::digest(|words| {
            for step in &outline.steps {
                words.put(step.identity);
            }
        });
        let passes: BTreeMap<Address, (SimTime, usize)> =
            outcome.passes.iter().map(|pass| (pass.at, (pass.time, pass.events as usize))).collect();
        outline.chances.extend(chances.iter().map(|fault| {
            let (at, events) = passes.get(&fault.at).copied().unwrap_or_default();
            let at = fault.action.moment().unwrap_or(at);
            let is_of_message = fault.at.site.as_str().contains(" > ");
            let fate = if is_of_message && events > 0 { fates[events - 1] } else { Fate::Sent };
            let is_void = match fate {
                Fate::Late => true,
                Fate::Replied => matches!(fault.action, Action::Duplicate(_)),
                Fate::Sent | Fate::Dropped | Fate::Lost | Fate::Delivered => false,
            };
            Chance { fault: *fault, at, events, is_void }
        }));
        outline
    }

    fn push(&mut self, event: &Event<TeamEvent>, identity: u64, is_slight: bool) {
        let Event { at, node, .. } = *event;
        self.steps.push(Step { identity, at, node, is_slight });
        let track = self.tracks.entry(node).or_default();
        let before = track.states.last().copied().unwrap_or_default();
        track.times.push(at);
        track.states.push(before.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ identity);
    }

    /// The faults that could have been injected as well and would change something.
    pub fn not_void(&self) -> Vec<Fault> {
        self.chances.iter().filter(|chance| !chance.is_void).map(|chance| chance.fault).collect()
    }

    /// When and where a fault was injected, if it was.
    pub fn strike(&self, fault: &Fault) -> Option<Strike> {
        self.strikes.iter().copied().find(|strike| strike.fault == *fault)
    }

    /// How far a node had come at a time.
    pub fn state(&self, node: Name, at: SimTime) -> State {
        let Some(track) = self.tracks.get(&node) else { return State::default() };
        let steps = track.times.partition_point(|time| *time <= at);
        (steps, steps.checked_sub(1).map_or(0, |last| track.states[last]))
    }

    /// What there is in addition to the whole of another run, if that is all here, at the same times, and
    /// what there is beside it is slight.
    pub fn beyond(&self, other: &Self) -> Option<Addition> {
        let mut rest = other.steps.iter().peekable();
        let mut addition = Addition { from: SimTime::MAX, until: SimTime::ZERO, nodes: Vec::new() };
        for step in &self.steps {
            if rest.next_if(|next| next.identity == step.identity).is_some() {
                continue;
            }
            if !step.is_slight {
                return None;
            }
            addition.from = addition.from.min(step.at);
            addition.until = addition.until.max(step.at);
            if !addition.nodes.contains(&step.node) {
                addition.nodes.push(step.node);
            }
        }
        rest.next().is_none().then_some(addition)
    }
}

fn index(id: EventId) -> usize {
    id.get() as usize - 1
}

/// The fate of every message, by the event of its sending.
fn fates(events: &[Event<TeamEvent>]) -> Vec<Fate> {
    let mut fates = vec![Fate::default(); events.len()];
    for event in events {
        let fate = match &event.what {
            EventKind::Delivered { is_reply: true, .. } => Fate::Replied,
            EventKind::Delivered { is_reply: false, .. } => Fate::Delivered,
            EventKind::Lost { why: Loss::Late, .. } => Fate::Late,
            EventKind::Lost { why: Loss::Dropped, .. } => Fate::Dropped,
            EventKind::Lost { .. } => Fate::Lost,
            _ => continue,
        };
        if let Some(sent) = event.cause {
            let known = &mut fates[index(sent)];
            *known = fate.max(*known);
        }
    }
    fates
}

/// All events, each with the outcomes that it led to.
fn links(events: &[Event<TeamEvent>]) -> Vec<Link> {
    let link = |event: &Event<TeamEvent>| Link {
        at: event.at,
        node: event.node,
        arrives: None,
        outcomes: event.app_event().and_then(outcome).map_or(0, |word| 1_u128 << (word % 128)),
    };
    let mut links: Vec<Link> = events.iter().map(link).collect();
    for event in events.iter().rev() {
        let Some(cause) = event.cause else { continue };
        let outcomes = links[index(event.id)].outcomes;
        let cause = &mut links[index(cause)];
        cause.outcomes |= outcomes;
        if matches!(event.what, EventKind::Delivered { .. }) {
            cause.arrives = Some((event.node, event.at));
        }
    }
    links
}

/// What a good outcome is, in a word that is the same whenever and wherever it comes about.
fn outcome(event: &TeamEvent) -> Option<u64> {
    let kind = match event {
        TeamEvent::User(user @ UserEvent::Informed { .. }) => (0_u64, hash_of(&discriminant(user))),
        TeamEvent::Person(person) => (1_u64, hash_of(&discriminant(person))),
        TeamEvent::Tool(tool) => (2_u64, hash_of(&discriminant(tool))),
        TeamEvent::Lease(lease) => (3_u64, hash_of(&discriminant(lease))),
        TeamEvent::Store(store) => (4_u64, hash_of(&discriminant(store))),
        TeamEvent::Guardrail(guardrail) => (5_u64, hash_of(&discriminant(guardrail))),
        TeamEvent::Agent(agent @ (AgentEvent::Answered { .. } | AgentEvent::Produced { .. })) => {
            (6_u64, hash_of(&discriminant(agent)))
        }
        TeamEvent::User(_) | TeamEvent::Agent(_) | TeamEvent::Announced { .. } => return None,
    };
    Some(hash_of(&(kind, event.intent())))
}

fn hash_of(value: &impl Hash) -> u64 {
    Words::digest(|words| words.hash(value))
}

fn is_slight(what: &EventKind<TeamEvent>) -> bool {
    match what {
        EventKind::Sent { .. } | EventKind::Delivered { .. } | EventKind::Lost { .. } => true,
        EventKind::App(TeamEvent::Tool(tool)) => {
            matches!(tool, ToolEvent::Recognised { .. } | ToolEvent::LookedUp { .. })
        }
        _ => false,
    }
}
