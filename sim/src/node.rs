//! Nodes: what runs on them, what waits for them, and what survives their death.

use crate::queue::NodeIndex;
use crate::{Context, Disk, EventId, Name, Service, SimTime};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Waker;

/// A future of one run; runs are single-threaded.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// How a node's code begins, at its first start and after every crash.
pub type Boot<D> = Rc<dyn Fn(Context<D>) -> LocalFuture>;

/// What the layer above puts into messages, storage and history.
pub trait Domain: Sized + 'static {
    /// The content of messages and of stored records.
    type Payload: Payload;
    /// The events it adds to the history.
    type Note: crate::Note;
}

/// The content of a message or of a stored record.
pub trait Payload: Clone + fmt::Debug + 'static {
    /// A digest of all it says, the same in every process.
    fn digest(&self) -> u64;
}

impl Payload for u64 {
    fn digest(&self) -> u64 {
        *self
    }
}

/// Whether a message asks for an answer or is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Neither.
    Tell,
    /// It asks; the number identifies the request at its sender.
    Request(u64),
    /// It answers the request of that number.
    Reply(u64),
}

/// A message as its receiver gets it.
#[derive(Clone, Debug)]
pub struct Envelope<P> {
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

/// A request that somebody waits for.
pub(crate) struct Waiter<P> {
    pub id: u64,
    pub reply: Option<Envelope<P>>,
    pub waker: Option<Waker>,
}

/// Whom a node says it is waiting for, and why.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Expectation {
    pub about: Name,
    pub on: Name,
    pub why: Name,
}

pub(crate) enum Role<D: Domain> {
    Agent(Boot<D>),
    /// Empty only while the service is handling something.
    Service(Option<Box<dyn Service<D>>>),
}

pub(crate) struct Node<D: Domain> {
    pub name: Name,
    pub role: Role<D>,
    pub up: bool,
    pub incarnation: u32,
    pub pauses: u32,
    pub paused_until: Option<SimTime>,
    pub inbox: VecDeque<Envelope<D::Payload>>,
    pub inbox_wakers: Vec<Waker>,
    pub waiters: Vec<Waiter<D::Payload>>,
    /// Never reset, so that an answer to a dead asker does not reach its successor.
    pub next_request: u64,
    pub disk: Disk<D::Payload>,
    pub expectations: Vec<Expectation>,
    pub tie: u64,
}

impl<D: Domain> Node<D> {
    pub fn new(name: Name, role: Role<D>, tie: u64) -> Self {
        Self {
            name,
            role,
            up: false,
            incarnation: 0,
            pauses: 0,
            paused_until: None,
            inbox: VecDeque::new(),
            inbox_wakers: Vec::new(),
            waiters: Vec::new(),
            next_request: 0,
            disk: Disk::default(),
            expectations: Vec::new(),
            tie,
        }
    }

    /// Whether this life of the node goes on.
    pub fn is_alive(&self, incarnation: u32) -> bool {
        self.up && self.incarnation == incarnation
    }

    /// Everything in memory is gone; what had been synced stays.
    pub fn die(&mut self) -> usize {
        self.up = false;
        self.paused_until = None;
        self.inbox.clear();
        self.inbox_wakers.clear();
        self.waiters.clear();
        self.expectations.clear();
        self.disk.crash()
    }
}

/// What the world asks of its engine.
pub(crate) enum Command {
    /// Run the node's code from its beginning.
    Boot(NodeIndex),
    /// Cancel all tasks of the node.
    Kill(NodeIndex),
    /// Stop polling the node's tasks.
    Pause(NodeIndex),
    /// Poll them again.
    Resume(NodeIndex),
    /// Run one more task on the node, if it is still the one that asked.
    Spawn { node: NodeIndex, incarnation: u32, future: LocalFuture },
    /// Cut or join a link, for sockets the world does not carry itself.
    #[cfg_attr(not(madsim), expect(dead_code, reason = "native has no sockets"))]
    Link { from: NodeIndex, to: NodeIndex, cut: bool },
}
