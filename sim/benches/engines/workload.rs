//! The workload every engine runs, and the history every engine keeps of it.
//!
//! A run is one hundred request/response round trips, shared equally by the clients; client `i` sends only to
//! server `i`, and sends its next request as soon as the last one is answered. A message takes 1 to 10 ms,
//! and one in twenty is lost. A client that has waited 50 ms for an answer sends the same request again; no
//! answer is that slow under any engine, so a timeout always means a loss.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub const ROUND_TRIPS: u32 = 100;
pub const MIN_LATENCY: Duration = Duration::from_millis(1);
pub const MAX_LATENCY: Duration = Duration::from_millis(10);
pub const DROP_RATE: f64 = 0.05;
pub const TIMEOUT: Duration = Duration::from_millis(50);

pub const SIZES: [Size; 2] = [Size { clients: 1 }, Size { clients: 10 }];

/// How many pairs of one client and one server share the round trips.
#[derive(Clone, Copy)]
pub struct Size {
    pub clients: u16,
}

impl Size {
    pub fn nodes(self) -> u16 {
        2 * self.clients
    }

    pub fn pairs(self) -> impl Iterator<Item = Pair> {
        (0..self.clients).map(move |client| Pair { client, server: self.clients + client })
    }

    /// The sequence numbers of one client's requests; no two requests of a run share one.
    pub fn sequences(self, client: u16) -> Range<u32> {
        let share = ROUND_TRIPS / u32::from(self.clients);
        let first = u32::from(client) * share;
        first..first + share
    }
}

/// The node numbers of a client and its server.
#[derive(Clone, Copy)]
pub struct Pair {
    pub client: u16,
    pub server: u16,
}

impl Pair {
    pub fn request(self, sequence: u32) -> Message {
        Message { from: self.client, to: self.server, sequence }
    }

    pub fn response(self, sequence: u32) -> Message {
        Message { from: self.server, to: self.client, sequence }
    }
}

#[derive(Clone, Copy)]
pub struct Message {
    from: u16,
    to: u16,
    pub sequence: u32,
}

/// A packet: the request's sequence number, and the event that sent this copy of it.
#[derive(Clone, Copy)]
pub struct Packet {
    pub sequence: u32,
    pub sent: EventId,
}

impl Packet {
    pub const SIZE: usize = 8;

    pub fn encode(self) -> [u8; Self::SIZE] {
        (u64::from(self.sequence) << 32 | u64::from(self.sent)).to_le_bytes()
    }

    pub fn decode(bytes: [u8; Self::SIZE]) -> Self {
        let word = u64::from_le_bytes(bytes);
        Self { sequence: (word >> 32) as u32, sent: word as u32 }
    }
}

/// The index of an event in its history.
pub type EventId = u32;

/// The cause of an event without a cause in the history.
pub const ORIGIN: EventId = EventId::MAX;

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Sent,
    Delivered,
    Dropped,
    TimedOut,
}

struct Event {
    nanos: u64,
    message: Message,
    cause: EventId,
    kind: Kind,
}

impl Event {
    fn encode(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[0..8].copy_from_slice(&self.nanos.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.message.sequence.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.cause.to_le_bytes());
        bytes[16..18].copy_from_slice(&self.message.from.to_le_bytes());
        bytes[18..20].copy_from_slice(&self.message.to.to_le_bytes());
        bytes[20] = self.kind as u8;
        bytes
    }
}

/// All events of a run, and a digest of it that is updated with each event.
#[derive(Default)]
pub struct History {
    events: Vec<Event>,
    digest: u64,
    answered: u32,
}

impl History {
    pub fn record(&mut self, at: Duration, kind: Kind, message: Message, cause: EventId) -> EventId {
        let event = Event { nanos: at.as_nanos() as u64, message, cause, kind };
        self.digest = xxh3_64_with_seed(&event.encode(), self.digest);
        self.events.push(event);
        self.events.len() as EventId - 1
    }

    /// Records the arrival of an answer its client was waiting for.
    pub fn record_answer(&mut self, at: Duration, answer: Message, sent: EventId) -> EventId {
        self.answered += 1;
        self.record(at, Kind::Delivered, answer, sent)
    }

    /// Records that `request`, sent by the event `sent`, stayed unanswered, and the loss that explains it:
    /// that of the last message with its number. This is how engines that do not report losses record them.
    pub fn record_timeout_and_loss(&mut self, at: Duration, request: Message, sent: EventId) -> EventId {
        let since = &self.events[sent as usize..];
        let is_candidate =
            |event: &Event| event.kind == Kind::Sent && event.message.sequence == request.sequence;
        let offset = since.iter().rposition(is_candidate).expect("the request itself was sent");
        let lost = since[offset].message;
        self.record(at, Kind::Dropped, lost, sent + offset as EventId);
        self.record(at, Kind::TimedOut, request, sent)
    }

    pub fn is_complete(&self) -> bool {
        self.answered == ROUND_TRIPS
    }

    pub fn ran(&self) -> Ran {
        Ran { digest: self.digest, is_complete: self.is_complete() }
    }
}

/// The result of a run: a digest of its history, and whether every request was answered.
#[derive(Clone, Copy)]
pub struct Ran {
    pub digest: u64,
    pub is_complete: bool,
}

/// A history that the tasks of one run write to in turn.
#[derive(Clone, Default)]
pub struct SharedHistory(Arc<Mutex<History>>);

impl SharedHistory {
    pub fn with<T>(&self, write: impl FnOnce(&mut History) -> T) -> T {
        write(&mut self.0.lock().expect("a run that panicked is not continued"))
    }

    pub fn take(&self) -> History {
        self.with(std::mem::take)
    }
}
