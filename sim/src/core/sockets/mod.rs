//! TCP connections: the state of both ends, and what is on its way between them.
//!
//! The world carries them as it carries messages: each transmission asks the plan for its fate at an address
//! of its own, has a keyed latency of its link, and is lost where a partition stands. What differs is what
//! TCP makes of that. A segment that is lost is sent again, later and later, until the sender gives up;
//! those behind it wait for it; one that arrives corrupted or twice is discarded. So a dropped segment is a
//! delay, a long partition is silence and then a timeout, and nothing is ever refused by a partition.
//!
//! An end belongs to a process. When that crashes, its system resets its connections and refuses new ones;
//! a reset is sent once, so one that is lost leaves the other end waiting, until it sends something itself.
//! A paused process is served by its system: connections are made, and bytes wait to be read.
//!
//! No ack is simulated: what arrived counts as known to its sender, also where the way back is cut.

mod calls;
mod carry;

use crate::queue::NodeIndex;
use crate::{EventId, Name, SimSpan, SimTime};
pub(crate) use calls::{ListenerId, Transport, WORLD, nth_address};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::task::Waker;

/// How many bytes may be on their way to a reader or wait for it.
const WINDOW: usize = 256 * 1024;

/// The first port that is chosen where none is asked for.
const FIRST_FREE_PORT: u16 = 32_768;

/// How long one node's own link to itself takes.
const LOOPBACK: SimSpan = SimSpan::from_micros(20);

/// How long a connection is tried for: seven transmissions, as Linux does by default.
const CONNECT_TIMEOUT: SimSpan = SimSpan::from_secs(127);

/// How often a segment is sent before its sender gives up, as Linux does by default.
const TRANSMISSIONS: u32 = 16;

/// An end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EndId {
    connection: u32,
    is_server: bool,
}

impl EndId {
    fn other(self) -> Self {
        Self { is_server: !self.is_server, ..self }
    }
}

/// Something about sockets that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SocketTimer {
    /// An end sends what was written.
    Depart(EndId),
    /// A segment of this end arrives at the other.
    Arrive { of: EndId, number: u32 },
    /// It is taken in, having waited for a frozen sender or a slow receiver.
    Admit { of: EndId, number: u32 },
    /// It is sent again, if it has not arrived.
    Retry { of: EndId, number: u32 },
    /// A reset arrives at this end.
    Reset { at: EndId, cause: EventId },
    /// This end no longer tries to connect.
    GiveUp(EndId),
}

/// All sockets of a world.
#[derive(Default)]
pub(crate) struct Sockets {
    /// The processes, in the order of their addresses.
    processes: Vec<NodeIndex>,
    listeners: BTreeMap<(NodeIndex, u16), Listener>,
    /// Never reused, so what is due of an old one concerns no other.
    connections: Vec<Connection>,
    /// How many connections there were between these nodes to this port.
    made: HashMap<(NodeIndex, NodeIndex, u16), u32, FxBuildHasher>,
    ports: HashMap<NodeIndex, u16, FxBuildHasher>,
    listened: u32,
}

struct Listener {
    number: u32,
    incarnation: u32,
    address: SocketAddr,
    backlog: VecDeque<EndId>,
    waker: Option<Waker>,
}

struct Connection {
    /// As stories name it.
    name: Name,
    /// The ids under which segments of the client and of the server pass their places.
    ids: [Name; 2],
    port: u16,
    ends: [End; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Not yet connected.
    Connecting,
    /// Its process uses it.
    Open,
    /// Its process has closed it; what was written still goes its way.
    Closed,
    /// It is over.
    Gone,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own: who has asked, sent and heard"
)]
struct End {
    node: NodeIndex,
    incarnation: u32,
    address: SocketAddr,
    state: State,
    error: Option<io::ErrorKind>,
    /// What was written and not yet sent, and what led to it.
    unsent: Vec<u8>,
    unsent_cause: Option<EventId>,
    is_departing: bool,
    /// Whether it has been asked to end its side, and has.
    wants_to_finish: bool,
    has_ended: bool,
    /// What was sent and has not been delivered, in order.
    outgoing: VecDeque<Outgoing>,
    numbers: u32,
    /// How much it has written that was not read.
    unread: usize,
    received: VecDeque<u8>,
    /// Whether the other side has ended.
    has_heard_all: bool,
    /// The last event that happened to it.
    last: Option<EventId>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// A segment on its way.
struct Outgoing {
    number: u32,
    segment: Segment,
    /// The event that led to it.
    cause: EventId,
    transmissions: u32,
    sent_at: SimTime,
    has_arrived: bool,
}

enum Segment {
    /// The client wants to connect.
    Connect,
    /// The server agrees.
    Accept,
    /// The client knows it: the connection is open.
    Open,
    Data(Vec<u8>),
    /// No more comes from this side.
    Close,
}

impl Segment {
    /// The kind under which it passes its places.
    fn kind(&self) -> Name {
        Name::literal(match self {
            Self::Connect => "tcp connect",
            Self::Accept => "tcp accept",
            Self::Open => "tcp open",
            Self::Data(_) => "tcp data",
            Self::Close => "tcp close",
        })
    }

    /// How long after its nth transmission it is sent again.
    fn patience(&self, transmissions: u32) -> SimSpan {
        let (first, longest) = match self {
            Self::Connect | Self::Accept => (SimSpan::from_secs(1), SimSpan::from_secs(64)),
            Self::Open | Self::Data(_) | Self::Close => (SimSpan::from_millis(200), SimSpan::from_secs(120)),
        };
        first.saturating_mul(1 << (transmissions.clamp(1, 20) - 1)).min(longest)
    }
}

impl End {
    fn new(node: NodeIndex, incarnation: u32, address: SocketAddr) -> Self {
        Self {
            node,
            incarnation,
            address,
            state: State::Connecting,
            error: None,
            unsent: Vec::new(),
            unsent_cause: None,
            is_departing: false,
            wants_to_finish: false,
            has_ended: false,
            outgoing: VecDeque::new(),
            numbers: 0,
            unread: 0,
            received: VecDeque::new(),
            has_heard_all: false,
            last: None,
            reader: None,
            writer: None,
        }
    }

    fn push(&mut self, segment: Segment, cause: EventId) -> u32 {
        let number = self.numbers;
        self.numbers += 1;
        let (transmissions, sent_at) = (0, SimTime::ZERO);
        let outgoing = Outgoing { number, segment, cause, transmissions, sent_at, has_arrived: false };
        self.outgoing.push_back(outgoing);
        number
    }

    /// A segment that has not arrived.
    fn on_its_way(&mut self, number: u32) -> Option<&mut Outgoing> {
        let first = self.outgoing.front()?.number;
        let place = number.checked_sub(first)? as usize;
        self.outgoing.get_mut(place).filter(|outgoing| !outgoing.has_arrived)
    }

    /// Whether its process can still get bytes.
    fn takes_bytes(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Ends it with an error, or without one if its process is gone.
    fn fail(&mut self, error: Option<io::ErrorKind>) {
        self.state = State::Gone;
        self.error = error;
        self.unsent.clear();
        self.outgoing.clear();
        self.wake();
    }

    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

impl Sockets {
    fn connection(&self, id: EndId) -> &Connection {
        &self.connections[id.connection as usize]
    }

    fn end(&self, id: EndId) -> &End {
        &self.connection(id).ends[usize::from(id.is_server)]
    }

    fn end_mut(&mut self, id: EndId) -> &mut End {
        &mut self.connections[id.connection as usize].ends[usize::from(id.is_server)]
    }

    /// A port of a node that no socket uses.
    fn free_port(&mut self, node: NodeIndex) -> u16 {
        loop {
            let next = self.ports.entry(node).or_insert(FIRST_FREE_PORT);
            let port = *next;
            *next = next.checked_add(1).unwrap_or(FIRST_FREE_PORT);
            if !self.listeners.contains_key(&(node, port)) {
                return port;
            }
        }
    }
}
