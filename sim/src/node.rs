//! Nodes: their code, their pending waits, and the state that survives a crash.

use crate::core::Health;
use crate::injector::NodeClass;
use crate::queue::NodeIndex;
use crate::{Context, Disk, EventId, EventKinds, Name, Service, SimSpan, SimTime, pool};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxBuildHasher;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A future of one run; runs are single-threaded.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// The function that starts a node's code, at its first start and after every crash.
pub type Boot<D> = Rc<dyn Fn(Context<D>) -> LocalFuture>;

/// The types that the upper layer puts into messages, storage and history.
pub trait Domain: Sized + 'static {
    /// The content of messages and of stored records.
    type Payload: Payload;
    /// The events that it adds to the history.
    type AppEvent: crate::AppEvent<Payload = Self::Payload>;
    /// The capability to write such an event: only code that can make this value can.
    type Author;
}

/// The content of a message or of a stored record.
pub trait Payload: Clone + PartialEq + Eq + fmt::Debug + Send + 'static {
    /// A digest of the whole content, the same in every process.
    fn digest(&self) -> u64;

    /// The corrupted form, which a reader gets after corruption in the network or a torn write. A pure
    /// function of the content.
    #[must_use]
    fn corrupted(&self) -> Self;

    /// The kinds that an event with this content has, among the kinds of the upper layer.
    fn kinds(&self) -> EventKinds {
        EventKinds::NONE
    }

    /// What kind of record it is, as addresses name it.
    fn kind(&self) -> Name {
        Name::literal("record")
    }
}

impl Payload for u64 {
    fn digest(&self) -> u64 {
        *self
    }

    /// Flips every bit; the reader cannot detect it.
    fn corrupted(&self) -> Self {
        !self
    }
}

/// Whether a message is a request, a reply or neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Neither.
    Tell,
    /// A request; the number identifies it at its sender.
    Request(u64),
    /// The reply to the request of that number.
    Reply(u64),
}

/// A message as its receiver gets it.
#[derive(Clone, Debug)]
pub struct IncomingMessage<P> {
    /// From whom.
    pub from: Name,
    /// To whom.
    pub to: Name,
    /// Its kind.
    pub kind: Name,
    /// Its logical id: what it is about.
    pub about: Name,
    /// Its content.
    pub payload: P,
    /// Whether it asks or answers.
    pub call: Call,
    /// The event of its sending and, once it has arrived, of its delivery.
    pub event: EventId,
}

/// A request that a task waits for, or room for one.
pub(crate) struct Waiter<P> {
    /// Its number; zero if no task waits here.
    id: u64,
    reply: Option<IncomingMessage<P>>,
    /// Whether the waker is this request's, or one left by an earlier request.
    is_awaited: bool,
    waker: Option<Waker>,
}

/// Which node this node waits for, and why.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct DeclaredWait {
    pub about: Name,
    pub on: Name,
    pub why: Name,
}

pub(crate) enum Role<D: Domain> {
    Process(Boot<D>),
    /// Empty only while the service is handling something.
    Service(Option<Box<dyn Service<D>>>),
}

pub(crate) struct Node<D: Domain> {
    pub name: Name,
    pub role: Role<D>,
    pub up: bool,
    pub incarnation: u32,
    /// The previous incarnation, while it has not ended yet.
    pub outgoing: Option<u32>,
    /// Counts the events that cancel an earlier pause: later pauses, and crashes.
    pub pauses: u32,
    pub paused_until: Option<SimTime>,
    /// Never reset, so that the reply to a request of a crashed incarnation does not reach the next one.
    requests: u32,
    pub tie: u64,
    /// The class of nodes whose steps the plan concerns alike.
    pub class: NodeClass,
    /// Its degradation, if it ever had any.
    pub health: Option<Box<Health>>,
    local_state: NodeState<D::Payload>,
}

/// Which of the requests of its node a request is, by its number: 1 for the first.
pub(crate) fn number_of(request: u64) -> u32 {
    (request >> 32) as u32
}

/// A message that has arrived, and for which incarnation if that was decided.
struct Delivery<P> {
    incoming: IncomingMessage<P>,
    incarnation: Option<u32>,
}

/// Which nodes this node waits for about one thing, and why: nearly always one.
struct Awaited {
    one: (Name, Name),
    others: BTreeMap<Name, Name>,
}

/// The state that a node has accumulated.
pub(crate) struct NodeState<P> {
    inbox: VecDeque<Delivery<P>>,
    inbox_wakers: Vec<Waker>,
    /// The lower half of a request's number is its index here.
    waiters: Vec<Waiter<P>>,
    free_waiters: Vec<u32>,
    disk: Disk<P>,
    /// By what they are about.
    declared_waits: HashMap<Name, Awaited, FxBuildHasher>,
    /// A waker of the inbox that is not needed now. The next one is likely to be the same task's, and then
    /// need not be cloned.
    spare_waker: Option<Waker>,
}

impl<P> Default for NodeState<P> {
    fn default() -> Self {
        Self {
            inbox: VecDeque::new(),
            inbox_wakers: Vec::new(),
            waiters: Vec::new(),
            free_waiters: Vec::new(),
            disk: Disk::default(),
            declared_waits: HashMap::default(),
            spare_waker: None,
        }
    }
}

impl<P> NodeState<P> {
    /// Clears everything in memory.
    fn forget(&mut self) {
        self.inbox.clear();
        self.inbox_wakers.clear();
        self.waiters.clear();
        self.free_waiters.clear();
        self.declared_waits.clear();
        self.spare_waker = None;
    }

    fn waiter(&mut self, id: u64) -> Option<&mut Waiter<P>> {
        self.waiters.get_mut(id as u32 as usize).filter(|waiter| waiter.id == id)
    }

    fn clone_waker(&mut self, waker: &Waker) -> Waker {
        match self.spare_waker.take() {
            Some(mut spare) => {
                spare.clone_from(waker);
                spare
            }
            None => waker.clone(),
        }
    }
}

impl<D: Domain> Node<D> {
    /// A node that has not started; `local_state` are empty.
    pub fn new(
        name: Name,
        role: Role<D>,
        tie: u64,
        class: NodeClass,
        local_state: NodeState<D::Payload>,
    ) -> Self {
        Self {
            name,
            role,
            up: false,
            incarnation: 0,
            outgoing: None,
            pauses: 0,
            paused_until: None,
            requests: 0,
            tie,
            class,
            health: None,
            local_state,
        }
    }

    /// Whether this incarnation of the node still runs.
    pub fn is_alive(&self, incarnation: u32) -> bool {
        self.up && (self.incarnation == incarnation || self.outgoing == Some(incarnation))
    }

    /// Whether this incarnation was ended by the next one, and not by a crash.
    #[cfg(madsim)]
    pub fn is_retired(&self, incarnation: u32) -> bool {
        self.up && incarnation < self.incarnation && self.outgoing != Some(incarnation)
    }

    /// Clears everything in memory. Degradation of the machine and its clocks stays.
    pub fn die(&mut self) {
        self.up = false;
        self.outgoing = None;
        self.paused_until = None;
        self.pauses += 1;
        if let Some(health) = &mut self.health {
            health.thaw();
        }
        self.local_state.forget();
    }

    /// What the node's wall clock shows at a time.
    pub fn wall(&self, now: SimTime) -> SimTime {
        self.health.as_ref().map_or(now, |health| health.clock.wall(now))
    }

    /// What the node's monotonic clock shows at a time.
    pub fn monotonic(&self, now: SimTime) -> SimTime {
        self.health.as_ref().map_or(now, |health| health.clock.monotonic(now))
    }

    /// The true time until a span has passed by the node's clock.
    pub fn true_span(&self, span: SimSpan) -> SimSpan {
        self.health.as_ref().map_or(span, |health| health.clock.true_span(span))
    }

    /// At the end of the run: returns the node's allocated containers for reuse.
    pub fn leave(mut self) -> NodeState<D::Payload> {
        self.local_state.forget();
        self.local_state.disk.clear();
        self.local_state.inbox.shrink_to(pool::MOST);
        self.local_state.waiters.shrink_to(pool::MOST);
        self.local_state.declared_waits.shrink_to(pool::MOST);
        self.local_state
    }

    pub fn disk(&mut self) -> &mut Disk<D::Payload> {
        &mut self.local_state.disk
    }

    // Messages.

    /// Takes in a message that is not a reply. While there are two incarnations, it is for one of them.
    pub fn receive(&mut self, incoming: IncomingMessage<D::Payload>, incarnation: Option<u32>) {
        self.local_state.inbox.push_back(Delivery { incoming, incarnation });
        self.wake_receivers();
    }

    /// Wakes the tasks that wait for a message.
    pub fn wake_receivers(&mut self) {
        let NodeState { inbox_wakers, spare_waker, .. } = &mut self.local_state;
        for waker in inbox_wakers.drain(..) {
            waker.wake_by_ref();
            *spare_waker = Some(waker);
        }
    }

    /// The index in the inbox of the next message for this incarnation. Messages that arrived before there
    /// were two incarnations are for the older.
    fn next_mail(&self, incarnation: u32) -> Option<usize> {
        let inbox = &self.local_state.inbox;
        match self.outgoing {
            None => Some(0),
            Some(older) => inbox.iter().position(|mail| mail.incarnation.unwrap_or(older) == incarnation),
        }
    }

    /// The next message for this incarnation that is not a reply.
    pub fn take_message(&mut self, incarnation: u32) -> Option<IncomingMessage<D::Payload>> {
        let next = self.next_mail(incarnation)?;
        self.local_state.inbox.remove(next).map(|mail| mail.incoming)
    }

    /// The same message, left in the inbox.
    pub fn peek_message(&self, incarnation: u32) -> Option<&IncomingMessage<D::Payload>> {
        self.local_state.inbox.get(self.next_mail(incarnation)?).map(|mail| &mail.incoming)
    }

    /// The next message for this incarnation that is not a reply; if there is none, `waker` is woken when one
    /// arrives.
    pub fn poll_inbox(&mut self, incarnation: u32, waker: &Waker) -> Poll<IncomingMessage<D::Payload>> {
        if let Some(incoming) = self.take_message(incarnation) {
            return Poll::Ready(incoming);
        }
        self.wake_for_message(waker);
        Poll::Pending
    }

    /// Registers `waker` to be woken when a message arrives.
    pub fn wake_for_message(&mut self, waker: &Waker) {
        if !self.local_state.inbox_wakers.iter().any(|known| known.will_wake(waker)) {
            let waker = self.local_state.clone_waker(waker);
            self.local_state.inbox_wakers.push(waker);
        }
    }

    /// How many requests it has made.
    pub fn requests_made(&self) -> u32 {
        self.requests
    }

    /// The number of a new request, which is now pending.
    pub fn begin_request(&mut self) -> u64 {
        self.requests += 1;
        let NodeState { waiters, free_waiters, .. } = &mut self.local_state;
        let place = free_waiters.pop().unwrap_or(waiters.len() as u32);
        let id = u64::from(self.requests) << 32 | u64::from(place);
        match waiters.get_mut(place as usize) {
            Some(room) => room.id = id,
            None => waiters.push(Waiter { id, reply: None, is_awaited: false, waker: None }),
        }
        id
    }

    /// Whether a request is still pending.
    pub fn awaits(&mut self, id: u64) -> bool {
        self.local_state.waiter(id).is_some_and(|waiter| waiter.reply.is_none())
    }

    /// Takes in the reply to a pending request.
    pub fn answer(&mut self, id: u64, incoming: IncomingMessage<D::Payload>) {
        let waiter = self.local_state.waiter(id).expect("a late reply is lost");
        waiter.reply = Some(incoming);
        if let Some(waker) = &waiter.waker
            && std::mem::take(&mut waiter.is_awaited)
        {
            waker.wake_by_ref();
        }
    }

    /// The reply to a request; if it has not arrived, `waker` is woken when it does.
    pub fn poll_answer(&mut self, id: u64, waker: &Waker) -> Poll<IncomingMessage<D::Payload>> {
        let waiter = self.local_state.waiter(id).expect("a request is forgotten only when its asker is");
        if let Some(reply) = waiter.reply.take() {
            return Poll::Ready(reply);
        }
        waiter.is_awaited = true;
        match &mut waiter.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Poll::Pending
    }

    /// No task waits for the answer to a request any more. Its waker stays, since the next request in its
    /// place is likely to be the same task's.
    pub fn end_request(&mut self, id: u64) {
        // A crash has forgotten all requests already.
        if let Some(waiter) = self.local_state.waiter(id) {
            (waiter.id, waiter.reply, waiter.is_awaited) = (0, None, false);
            self.local_state.free_waiters.push(id as u32);
        }
    }

    // Expectations.

    /// The node waits for another node before it can go on.
    pub fn declare_wait(&mut self, DeclaredWait { about, on, why }: DeclaredWait) {
        match self.local_state.declared_waits.entry(about) {
            Entry::Vacant(place) => drop(place.insert(Awaited { one: (on, why), others: BTreeMap::new() })),
            Entry::Occupied(mut known) => {
                let Awaited { one, others } = known.get_mut();
                if one.0 == on {
                    one.1 = why;
                } else {
                    others.insert(on, why);
                }
            }
        }
    }

    pub fn withdraw_wait(&mut self, about: Name) {
        self.local_state.declared_waits.remove(&about);
    }

    /// What the node waits for, ordered by subject.
    pub fn declared_waits(&self) -> Vec<DeclaredWait> {
        let known = self.local_state.declared_waits.iter();
        let mut all: Vec<DeclaredWait> = known
            .flat_map(|(about, Awaited { one, others })| {
                let others = others.iter().map(|(on, why)| (*on, *why));
                [*one].into_iter().chain(others).map(|(on, why)| DeclaredWait { about: *about, on, why })
            })
            .collect();
        all.sort_unstable();
        all
    }
}

/// The commands of the world to its engine.
pub(crate) enum Command {
    /// Run the node's code from its beginning.
    Boot(NodeIndex),
    /// Cancel all tasks of the node.
    Kill(NodeIndex),
    /// Cancel the tasks of one incarnation of the node.
    Retire { node: NodeIndex, incarnation: u32 },
    /// Stop polling the node's tasks.
    Pause(NodeIndex),
    /// Poll them again.
    Resume(NodeIndex),
    /// Run one more task on the node, if the incarnation that asked still runs; `cause` led to it.
    Spawn { node: NodeIndex, incarnation: u32, cause: Option<EventId>, future: LocalFuture },
    /// Fail or restore a link, for sockets the world does not carry itself.
    #[cfg_attr(not(madsim), expect(dead_code, reason = "native has no sockets"))]
    Link { from: NodeIndex, to: NodeIndex, partitioned: bool },
}
