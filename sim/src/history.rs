//! The history: the only record of a run.
//!
//! The world appends typed events, each with its virtual time, its node and its *cause*, the event that led
//! to it. The chain of causes gives happens-before. Properties, digests, stories and statistics read only the
//! history.
//!
//! Its digest is computed on demand: 128 bits of every event, by the text of its names and never by the order
//! in which they were interned. Two runs of one seed are equal, or there is a first event at which they
//! differ.
//!
//! ```
//! use perfidy_sim::{History, Name, SimTime, EventKind};
//! let mut history: History<u64> = History::default();
//! let node = Name::new("executor-1");
//! let first = history.append(SimTime::ZERO, (node, 0), None, EventKind::Started { incarnation: 0 });
//! history.append(SimTime::from_nanos(5), (node, 0), Some(first), EventKind::App(17));
//! assert_eq!(history.len(), 2);
//! assert_eq!(history.causes(history.events()[1].id).count(), 1);
//! ```

use crate::kind_index::KindIndex;
use crate::{
    Digest, EventKinds, Fault, Name, Payload, RunEnd, SimSpan, SimTime, SocketEvent, Words, pool, stamp,
};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use tracing::level_filters::LevelFilter;

/// The number of an event in its history, counted from one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventId(NonZeroU32);

impl EventId {
    /// The nth event of a history, from one; `None` for zero.
    pub const fn new(nth: u32) -> Option<Self> {
        match NonZeroU32::new(nth) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The events that the upper layer appends to the history.
pub trait AppEvent: Clone + fmt::Debug + Send + 'static {
    /// The content of messages and records.
    type Payload: Payload;

    /// Folds the whole content into the digest.
    fn fold(&self, words: &mut Words);

    /// The kinds of this event, among the kinds of the upper layer.
    fn kinds(&self) -> EventKinds {
        EventKinds::NONE
    }
}

impl AppEvent for u64 {
    type Payload = u64;

    fn fold(&self, words: &mut Words) {
        words.put(*self);
    }
}

/// Why a message did not arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The plan dropped it.
    Dropped,
    /// A partition separated sender and receiver.
    Partition,
    /// The receiver was down.
    NodeDown,
    /// The world has no node of that name.
    NoSuchNode,
    /// It replied to a request that the receiver no longer waits for.
    Late,
    /// It replied to a request that the receiver's runtime has lost in a restart.
    Stranded,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind<N: AppEvent> {
    /// The node began to run, for the first time or again.
    Started {
        /// How many times it had crashed before.
        incarnation: u32,
    },
    /// The node sent a message.
    Sent {
        /// To whom.
        to: Name,
        /// Its kind.
        kind: Name,
        /// Its logical id.
        about: Name,
        /// Its content.
        content: N::Payload,
    },
    /// The node received a message.
    Delivered {
        /// From whom.
        from: Name,
        /// Its kind.
        kind: Name,
        /// Its logical id.
        about: Name,
        /// Whether it is the reply to a pending request. Then it goes to the task that waits; any other
        /// message goes into the node's inbox, which is read in the order of arrival. Not part of the digest.
        is_reply: bool,
        /// Its content, which differs from what was sent if it was corrupted on the way.
        content: N::Payload,
    },
    /// A message to the node did not arrive.
    Lost {
        /// From whom.
        from: Name,
        /// Its kind.
        kind: Name,
        /// Its logical id.
        about: Name,
        /// Why.
        why: Loss,
    },
    /// A wait of the node timed out.
    TimedOut {
        /// The label of the wait.
        label: Name,
    },
    /// A fault was injected.
    Injected(Box<Fault>),
    /// The node crashed.
    Crashed {
        /// How many unsynced writes were lost.
        lost_writes: u32,
    },
    /// The node paused.
    Paused {
        /// For how long.
        span: SimSpan,
    },
    /// The node resumed.
    Resumed,
    /// A partition began between two groups; the node is the first of the left side.
    PartitionBegan {
        /// The names of one side, joined by `+`.
        left: Name,
        /// The names of the other.
        right: Name,
    },
    /// The partition healed.
    PartitionHealed {
        /// The names of one side, joined by `+`.
        left: Name,
        /// The names of the other.
        right: Name,
    },
    /// The node wrote a record to its storage.
    Wrote {
        /// The record.
        content: N::Payload,
    },
    /// The node made its writes durable.
    Synced {
        /// How many records are durable now.
        records: u32,
    },
    /// When the run ended, the node was still waiting.
    Waiting {
        /// For whom.
        on: Name,
        /// For what.
        why: Name,
        /// About what.
        about: Name,
    },
    /// The node's code panicked.
    Panicked {
        /// The panic message.
        message: Arc<str>,
    },
    /// A degradation of the node ended; for a link, the node is the first of its left side.
    Recovered {
        /// The kind of fault.
        from: Name,
    },
    /// Something happened to a TCP connection of the node.
    Socket(Box<SocketEvent>),
    /// The run ended, for this reason.
    Ended(RunEnd),
    /// An event of the upper layer.
    App(N),
}

impl<N: AppEvent> EventKind<N> {
    fn fold(&self, words: &mut Words) {
        match self {
            Self::Started { incarnation } => words.put(1).put(u64::from(*incarnation)),
            Self::Sent { to, kind, about, content } => {
                words.put(2).name(*to).name(*kind).name(*about).put(content.digest())
            }
            Self::Delivered { from, kind, about, is_reply: _, content } => {
                words.put(3).name(*from).name(*kind).name(*about).put(content.digest())
            }
            Self::Lost { from, kind, about, why } => {
                words.put(4).name(*from).name(*kind).name(*about).put(*why as u64)
            }
            Self::TimedOut { label } => words.put(5).name(*label),
            Self::Injected(fault) => {
                words.put(6).name(fault.at.site).name(fault.at.id).put(u64::from(fault.at.nth));
                words.text(&fault.action.to_string())
            }
            Self::Crashed { lost_writes } => words.put(7).put(u64::from(*lost_writes)),
            Self::Paused { span } => words.put(8).put(span.as_nanos()),
            Self::Resumed => words.put(9),
            Self::PartitionBegan { left, right } => words.put(10).name(*left).name(*right),
            Self::PartitionHealed { left, right } => words.put(11).name(*left).name(*right),
            Self::Wrote { content } => words.put(12).put(content.digest()),
            Self::Synced { records } => words.put(13).put(u64::from(*records)),
            Self::Waiting { on, why, about } => words.put(14).name(*on).name(*why).name(*about),
            Self::Panicked { message } => words.put(15).text(message),
            Self::Ended(stop) => match stop {
                RunEnd::Finished => words.put(17),
                RunEnd::Quiescent => words.put(18),
                RunEnd::Deadline => words.put(19),
                RunEnd::TooManyEvents => words.put(20),
                RunEnd::Spinning { node } => words.put(21).name(*node),
                RunEnd::Panicked { node } => words.put(22).name(*node),
            },
            Self::Recovered { from } => words.put(23).name(*from),
            Self::Socket(event) => {
                event.fold(words.put(24));
                words
            }
            Self::App(note) => {
                words.put(16);
                note.fold(words);
                words
            }
        };
    }
}

/// One event of the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event<N: AppEvent> {
    /// Its number.
    pub id: EventId,
    /// When.
    pub at: SimTime,
    /// Where.
    pub node: Name,
    /// The incarnation of the node: how many times it had crashed before. Zero for services, which never
    /// crash.
    pub incarnation: u32,
    /// The event that led to it, if any did.
    pub cause: Option<EventId>,
    /// What.
    pub what: EventKind<N>,
}

impl<N: AppEvent> Event<N> {
    fn fold(&self, words: &mut Words) {
        let cause = self.cause.map_or(0, |cause| u64::from(cause.get()));
        words.put(self.at.as_nanos()).name(self.node).put(u64::from(self.incarnation) << 32 | cause);
        self.what.fold(words);
    }

    /// The event of the upper layer, if this is one.
    pub fn app_event(&self) -> Option<&N> {
        match &self.what {
            EventKind::App(note) => Some(note),
            _ => None,
        }
    }
}

/// The events of two histories at the first index where they differ; `None` where one has ended.
pub type Difference<'a, N> = (Option<&'a Event<N>>, Option<&'a Event<N>>);

/// What tells an event from others: the same in every history that has the event, whatever else happened
/// there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Identity {
    /// A fingerprint of what happened, where, when and because of which events.
    pub timed: u64,
    /// The same without when.
    pub untimed: u64,
}

/// Everything that happened in one run, in order.
#[derive(Clone)]
pub struct History<N: AppEvent> {
    events: Vec<Event<N>>,
    /// Which events are of which kinds.
    index: KindIndex,
    /// The kinds of all events together.
    kinds: EventKinds,
}

impl<N: AppEvent> Default for History<N> {
    fn default() -> Self {
        Self { events: pool::take(), index: pool::take(), kinds: EventKinds::NONE }
    }
}

impl<N: AppEvent> Drop for History<N> {
    fn drop(&mut self) {
        if self.events.capacity() <= pool::MOST {
            self.events.clear();
            self.index.clear();
            pool::give(std::mem::take(&mut self.events));
            pool::give(std::mem::take(&mut self.index));
        }
    }
}

impl<N: AppEvent> History<N> {
    /// Appends an event of an incarnation of a node.
    ///
    /// # Panics
    /// After 2^32 - 1 events; a world stops long before that.
    pub fn append(
        &mut self,
        at: SimTime,
        (node, incarnation): (Name, u32),
        cause: Option<EventId>,
        what: EventKind<N>,
    ) -> EventId {
        let id = EventId::new(self.events.len() as u32 + 1).expect("a history shorter than 2^32 events");
        let kinds = what.kinds();
        self.kinds = self.kinds.and(kinds);
        self.index.push(kinds);
        stamp::set_event(at, id);
        // Where there is room for certain, an event is written straight to its place. Otherwise it is put
        // together on the stack and copied in words of another width than it was written in, for which
        // processors wait.
        if self.events.len() == self.events.capacity() {
            self.events.reserve(1);
        }
        assert!(self.events.len() < self.events.capacity(), "room was made");
        self.events.push(Event { id, at, node, incarnation, cause, what });
        if LevelFilter::current() >= LevelFilter::TRACE {
            self.trace_last();
        }
        id
    }

    #[cold]
    fn trace_last(&self) {
        if let Some(Event { node, cause, what, .. }) = self.events.last() {
            let cause = cause.map(tracing::field::display);
            tracing::trace!(target: "perfidy::history", %node, cause, "{what:?}");
        }
    }

    /// All events in order; the event with number n has index n - 1.
    pub fn events(&self) -> &[Event<N>] {
        &self.events
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Why the run ended, once it has.
    pub fn ended(&self) -> Option<RunEnd> {
        match self.events.last()?.what {
            EventKind::Ended(stop) => Some(stop),
            _ => None,
        }
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The union of the kinds of all its events.
    pub fn kinds(&self) -> EventKinds {
        self.kinds
    }

    /// Puts into a digest how many events of each kind there are, by powers of two. It costs a small part of
    /// what the fingerprint of all events costs.
    pub fn put_shape(&self, words: &mut Words) {
        for kinds in self.index.counts().chunks(16) {
            let size = |count: &u32| u64::from((u32::BITS - count.leading_zeros()).min(15));
            words.put(kinds.iter().fold(0, |sizes, count| sizes << 4 | size(count)));
        }
    }

    /// The fingerprint of everything so far, computed on each call.
    pub fn digest(&self) -> Digest {
        let mut words = Words::default();
        for event in &self.events {
            event.fold(&mut words);
        }
        words.finish()
    }

    /// The identity of each event, in order. It does not say when the run ended, nor how many records a sync
    /// found. An injected fault has the identity of its cause, and so does, without time, a wait that timed
    /// out: what comes of either has an identity of its own.
    pub fn identities(&self) -> Vec<Identity> {
        let mut identities: Vec<Identity> = Vec::with_capacity(self.events.len());
        for event in &self.events {
            let cause = event.cause.map(|cause| identities[cause.index()]).unwrap_or_default();
            let at = match event.what {
                EventKind::Ended(_) | EventKind::Waiting { .. } => 0,
                _ => event.at.as_nanos(),
            };
            let what = Words::digest(|words| {
                words.name(event.node).put(event.incarnation.into());
                match &event.what {
                    EventKind::Synced { .. } => EventKind::<N>::Synced { records: 0 }.fold(words),
                    what => what.fold(words),
                }
            });
            let timed = || Words::digest(|words| _ = words.put(what).put(at).put(cause.timed));
            let untimed = || Words::digest(|words| _ = words.put(what).put(cause.untimed));
            identities.push(match event.what {
                EventKind::Injected(_) => cause,
                EventKind::TimedOut { .. } => Identity { timed: timed(), ..cause },
                _ => Identity { timed: timed(), untimed: untimed() },
            });
        }
        identities
    }

    /// The event of that number.
    ///
    /// # Panics
    /// If the history has none; event ids come from the history they belong to.
    pub fn event(&self, id: EventId) -> &Event<N> {
        &self.events[id.index()]
    }

    /// The events of at least one of these kinds, in order. It costs next to nothing to pass over the others.
    pub fn events_of(&self, kinds: EventKinds) -> impl Iterator<Item = &Event<N>> {
        self.index.places_of(kinds).map(|place| &self.events[place])
    }

    /// The events of the upper layer, each with the event of the history that holds it.
    pub fn app_events(&self) -> impl Iterator<Item = (&Event<N>, &N)> {
        self.app_events_of(EventKinds::APP)
    }

    /// The same of events of at least one of these kinds.
    pub fn app_events_of(&self, kinds: EventKinds) -> impl Iterator<Item = (&Event<N>, &N)> {
        self.events_of(kinds).filter_map(|event| event.app_event().map(|note| (event, note)))
    }

    /// The chain of causes of an event, nearest first, without the event itself.
    pub fn causes(&self, id: EventId) -> impl Iterator<Item = &Event<N>> {
        std::iter::successors(self.event(id).cause, |cause| self.event(*cause).cause)
            .map(|cause| self.event(cause))
    }
}

impl<N: AppEvent + PartialEq> History<N> {
    /// The first events at which two histories differ.
    pub fn first_difference<'a>(&'a self, other: &'a Self) -> Option<Difference<'a, N>> {
        let longest = self.events.len().max(other.events.len());
        (0..longest)
            .map(|index| (self.events.get(index), other.events.get(index)))
            .find(|(left, right)| left != right)
    }
}

#[cfg(test)]
mod tests;
