//! What a run did, in a form in which runs of one seed under different faults can be compared: event by
//! event, each with its causes, but without the faults themselves, without messages that had no reader, and
//! without waits that timed out: what a node does then is an event of its own.
//!
//! The events of a run fall into *strands*: what a node does about one task, or about none. Runs have the
//! same *partial order* if every strand has the same events in the same order, with the same causes, at
//! whatever times and in whatever order among the strands.

use crate::agent::{AgentEvent, Agents, CallOutcome, TeamEvent, ToolEvent, UserEvent, kinds};
use perfidy_sim::{
    Action, Address, Event, EventId, EventKind, Fault, Identity, Loss, Name, RunOutcome, SimTime, Words,
};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::mem::discriminant;

/// A run, to be compared with others of its seed.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// What happened, in order.
    steps: Vec<Step>,
    /// How far each strand has come.
    tracks: BTreeMap<Strand, Track>,
    /// The injected faults with the time of each.
    strikes: Vec<Strike>,
    /// The faults that could have been injected as well.
    pub chances: Vec<Chance>,
    /// Every event of the run, with what came of it.
    pub links: Vec<Link>,
    /// A fingerprint of its partial order.
    pub order: u64,
}

/// What a node does about one task, or about none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Strand {
    pub node: Name,
    pub task: Option<Name>,
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

/// Some of the good outcomes of a run: effects of tools, what callers learn, reports to the user, and
/// whatever else has an author that is not an agent. A bit stands for an outcome by what it is about, and
/// sometimes for two.
pub(crate) type Outcomes = u128;

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Equal to that of another run's step if it is the same event at the same time with the same causes.
    identity: u64,
    at: SimTime,
    strand: Strand,
    /// Whether it is a message on its way, a call or a completion, or a tool that recognises a call: nothing
    /// that a property could object to by itself.
    is_slight: bool,
}

/// The steps of one strand: after how many of them it was in which state, as far as they tell.
#[derive(Clone, Default, Debug)]
struct Track {
    times: Vec<SimTime>,
    states: Vec<u64>,
    /// The state after the last, whatever the times.
    order: u64,
}

/// How far a strand had come at a time, and what its node does about no task.
pub(crate) type State = [(usize, u64); 2];

/// An injected fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub fault: Fault,
    pub at: SimTime,
    pub strand: Strand,
}

/// A fault that could have been injected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    pub fault: Fault,
    /// When its place came up; for a fault by the clock when it would begin.
    pub at: SimTime,
    /// How many events there were by then.
    pub events: usize,
    /// Whether it would change nothing: it concerns a message that its receiver no longer waits for or that
    /// arrives after the end of the run, or repeats the reply to a request that has had it.
    pub is_void: bool,
}

/// What a run had in addition to all that another one had.
pub(crate) struct Addition {
    pub from: SimTime,
    pub until: SimTime,
    pub strands: Vec<Strand>,
}

/// What became of a message and its copies, from what says the least of it to what says the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Fate {
    /// It is on its way when the run ends.
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

impl Fate {
    /// Whether it makes no difference that it was sent.
    fn is_in_vain(self) -> bool {
        match self {
            Self::Sent | Self::Dropped | Self::Late => true,
            Self::Lost | Self::Delivered | Self::Replied => false,
        }
    }
}

impl Outline {
    /// The outline of a [marked](crate::explore::Run::marked) run, in which there were these chances.
    pub fn of(outcome: &RunOutcome<Agents>, chances: &[Fault]) -> Self {
        let events = outcome.history.events();
        let fates = fates(events);
        let mut tasks = Tasks::of(events);
        let is_bounded = outcome.history.kinds().contains(kinds::BOUND);
        let mut outline = Self {
            steps: Vec::with_capacity(events.len()),
            tracks: BTreeMap::new(),
            strikes: Vec::new(),
            chances: Vec::with_capacity(chances.len()),
            links: links(events),
            order: 0,
        };
        for (event, identity) in events.iter().zip(outcome.history.identities()) {
            let strand = Strand { node: event.node, task: tasks.task_of(event) };
            match &event.what {
                EventKind::Injected(fault) => {
                    outline.strikes.push(Strike { fault: **fault, at: event.at, strand });
                }
                EventKind::Sent { .. } if fates[index(event.id)].is_in_vain() => {}
                EventKind::Lost { why: Loss::Late | Loss::Dropped, .. } | EventKind::TimedOut { .. } => {}
                what => outline.push((event.at, strand), identity, is_slight(what, is_bounded)),
            }
        }
        outline.order = Words::digest(|words| {
            for (Strand { node, task }, track) in &outline.tracks {
                words.name(*node).put(task.map_or(0, Name::hash64)).put(track.order);
            }
        });
        let passes: BTreeMap<Address, (SimTime, usize)> =
            outcome.passes.iter().map(|pass| (pass.at, (pass.time, pass.events as usize))).collect();
        outline.chances.extend(chances.iter().map(|fault| {
            let (at, events) = passes.get(&fault.at).copied().unwrap_or_default();
            let at = fault.action.moment().unwrap_or(at);
            let is_of_message = fault.at.site.as_str().contains(" > ");
            let fate = events.checked_sub(1).filter(|_| is_of_message).map(|sent| fates[sent]);
            let is_void = match fate {
                Some(Fate::Sent | Fate::Late) => true,
                Some(Fate::Replied) => matches!(fault.action, Action::Duplicate(_)),
                Some(Fate::Dropped | Fate::Lost | Fate::Delivered) | None => false,
            };
            Chance { fault: *fault, at, events, is_void }
        }));
        outline
    }

    fn push(&mut self, (at, strand): (SimTime, Strand), identity: Identity, is_slight: bool) {
        let track = self.tracks.entry(strand).or_default();
        let before = track.states.last().copied().unwrap_or_default();
        track.times.push(at);
        track.states.push(chained(before, identity.timed));
        track.order = chained(track.order, identity.untimed);
        self.steps.push(Step { identity: identity.timed, at, strand, is_slight });
    }

    /// The faults that could have been injected as well and would change something.
    pub fn not_void(&self) -> Vec<Fault> {
        self.chances.iter().filter(|chance| !chance.is_void).map(|chance| chance.fault).collect()
    }

    /// When and where a fault was injected, if it was.
    pub fn strike(&self, fault: &Fault) -> Option<Strike> {
        self.strikes.iter().copied().find(|strike| strike.fault == *fault)
    }

    /// How far a strand had come at a time.
    pub fn state(&self, strand: Strand, at: SimTime) -> State {
        let of_no_task = Strand { task: None, ..strand };
        [strand, of_no_task].map(|strand| {
            let Some(track) = self.tracks.get(&strand) else { return (0, 0) };
            let steps = track.times.partition_point(|time| *time <= at);
            (steps, steps.checked_sub(1).map_or(0, |last| track.states[last]))
        })
    }

    /// What there is in addition to the whole of another run, if that is all here, at the same times, and
    /// what there is beside it is slight.
    pub fn beyond(&self, other: &Self) -> Option<Addition> {
        let mut rest = other.steps.iter().peekable();
        let mut addition = Addition { from: SimTime::MAX, until: SimTime::ZERO, strands: Vec::new() };
        for step in &self.steps {
            if rest.next_if(|next| next.identity == step.identity).is_some() {
                continue;
            }
            if !step.is_slight {
                return None;
            }
            addition.from = addition.from.min(step.at);
            addition.until = addition.until.max(step.at);
            if !addition.strands.contains(&step.strand) {
                addition.strands.push(step.strand);
            }
        }
        rest.next().is_none().then_some(addition)
    }
}

fn index(id: EventId) -> usize {
    id.get() as usize - 1
}

/// The state after another event.
fn chained(before: u64, identity: u64) -> u64 {
    before.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ identity
}

/// Which events are about which task.
struct Tasks {
    given: Vec<Name>,
    /// The task of each name that was looked at.
    known: Vec<(Name, Option<Name>)>,
    /// The task of each event so far.
    of: Vec<Option<Name>>,
}

impl Tasks {
    fn of(events: &[Event<TeamEvent>]) -> Self {
        let given = events.iter().filter_map(|event| match event.app_event() {
            Some(TeamEvent::User(UserEvent::TaskGiven { task })) => Some(*task),
            _ => None,
        });
        Self { given: given.collect(), known: Vec::new(), of: Vec::with_capacity(events.len()) }
    }

    /// The task of the next event: the one that is named by what it is about, or that of its cause.
    fn task_of(&mut self, event: &Event<TeamEvent>) -> Option<Name> {
        let about = match &event.what {
            EventKind::Sent { about, .. }
            | EventKind::Delivered { about, .. }
            | EventKind::Lost { about, .. }
            | EventKind::Waiting { about, .. } => Some(*about),
            EventKind::Injected(fault) => Some(fault.at.id),
            EventKind::App(event) => event.intent(),
            _ => None,
        };
        let named = about.and_then(|about| self.named(about));
        let task = named.or_else(|| event.cause.and_then(|cause| self.of[index(cause)]));
        self.of.push(task);
        task
    }

    /// The task that a name contains.
    fn named(&mut self, about: Name) -> Option<Name> {
        if let Some((_, task)) = self.known.iter().find(|(name, _)| *name == about) {
            return *task;
        }
        let mut words = about.as_str().split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
        let task = words.find_map(|word| self.given.iter().copied().find(|task| task.as_str() == word));
        self.known.push((about, task));
        task
    }
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

/// What a good outcome is, in a word that is the same whenever and wherever it comes about: that something is
/// done, is granted, is stored, is decided, or that an agent or the user learns it.
fn outcome(event: &TeamEvent) -> Option<u64> {
    let kind = match event {
        TeamEvent::User(user @ UserEvent::Informed { .. }) => (0_u64, hash_of(&discriminant(user))),
        TeamEvent::Person(person) => (1_u64, hash_of(&discriminant(person))),
        TeamEvent::Tool(tool @ (ToolEvent::Effect { .. } | ToolEvent::Cancelled { .. })) => {
            (2_u64, hash_of(&discriminant(tool)))
        }
        TeamEvent::Lease(lease) => (3_u64, hash_of(&discriminant(lease))),
        TeamEvent::Store(store) => (4_u64, hash_of(&discriminant(store))),
        TeamEvent::Guardrail(guardrail) => (5_u64, hash_of(&discriminant(guardrail))),
        TeamEvent::Agent(agent @ AgentEvent::Answered { told, .. }) if is_good(*told) => {
            (6_u64, hash_of(&discriminant(agent)))
        }
        TeamEvent::Tool(_) | TeamEvent::User(_) | TeamEvent::Agent(_) | TeamEvent::Announced { .. } => {
            return None;
        }
    };
    Some(hash_of(&(kind, event.intent())))
}

/// Whether a caller learns what it wanted.
fn is_good(told: CallOutcome) -> bool {
    match told {
        CallOutcome::Done | CallOutcome::Found(true) | CallOutcome::Cancelled | CallOutcome::AsOf(_) => true,
        CallOutcome::Found(false) | CallOutcome::Not(_) | CallOutcome::Unknown(_) => false,
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    Words::digest(|words| words.hash(value))
}

/// Whether an event is nothing that a property could object to by itself. Where the user sets a bound, what
/// agents do is counted.
fn is_slight(what: &EventKind<TeamEvent>, is_bounded: bool) -> bool {
    match what {
        EventKind::Sent { .. } | EventKind::Delivered { .. } | EventKind::Lost { .. } => true,
        EventKind::App(TeamEvent::Tool(tool)) => {
            matches!(tool, ToolEvent::Recognised { .. } | ToolEvent::LookedUp { .. })
        }
        EventKind::App(TeamEvent::Agent(agent)) => {
            let is_counted = matches!(
                agent,
                AgentEvent::Called { .. } | AgentEvent::Answered { .. } | AgentEvent::Completed { .. }
            );
            is_counted && !is_bounded
        }
        _ => false,
    }
}
