//! A bare synchronous event loop for this one workload: a lower bound on the time of any engine.
//!
//! It has no tasks, sockets or handles, only a heap of events, so it can run no other workload. It shows how
//! much of the other engines' time belongs to the workload itself.

use crate::workload::{
    DROP_RATE, EventId, History, Kind, MAX_LATENCY, MIN_LATENCY, Message, ORIGIN, Pair, Size, TIMEOUT,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

pub fn run(size: Size, seed: u64) -> History {
    let mut world = World { random: Random(seed), ..World::default() };
    let mut clients: Vec<Client> = size
        .pairs()
        .map(|pair| Client { pair, unasked: size.sequences(pair.client), awaited: ORIGIN })
        .collect();
    for client in &mut clients {
        client.ask_next(&mut world, ORIGIN);
    }
    while !world.history.is_complete() {
        let Reverse(Next { at, step, client, sequence, cause, .. }) =
            world.queue.pop().expect("an unanswered client has a timer");
        world.now = at;
        let client = &mut clients[usize::from(client)];
        let (request, response) = (client.pair.request(sequence), client.pair.response(sequence));
        match step {
            Step::DeliverRequest => {
                let arrived = world.history.record(at, Kind::Delivered, request, cause);
                world.send(response, Step::DeliverResponse, client.pair.client, arrived);
            }
            Step::DeliverResponse => {
                let answered = world.history.record_answer(at, response, cause);
                client.ask_next(&mut world, answered);
            }
            Step::TimeOut if client.awaited == cause => {
                let timed_out = world.history.record(at, Kind::TimedOut, request, cause);
                client.ask(&mut world, sequence, timed_out);
            }
            Step::TimeOut => {}
        }
    }
    world.history
}

struct Client {
    pair: Pair,
    unasked: Range<u32>,
    /// The event that sent the pending request; timers of all others are stale.
    awaited: EventId,
}

impl Client {
    fn ask_next(&mut self, world: &mut World, cause: EventId) {
        self.awaited = ORIGIN;
        if let Some(sequence) = self.unasked.next() {
            self.ask(world, sequence, cause);
        }
    }

    fn ask(&mut self, world: &mut World, sequence: u32, cause: EventId) {
        let client = self.pair.client;
        self.awaited = world.send(self.pair.request(sequence), Step::DeliverRequest, client, cause);
        world.schedule(TIMEOUT, Step::TimeOut, client, sequence, self.awaited);
    }
}

#[derive(Default)]
struct World {
    now: Duration,
    queue: BinaryHeap<Reverse<Next>>,
    scheduled: u64,
    random: Random,
    history: History,
}

impl World {
    /// Sends `message`, which `step` will deliver unless it is lost.
    fn send(&mut self, message: Message, step: Step, client: u16, cause: EventId) -> EventId {
        let sent = self.history.record(self.now, Kind::Sent, message, cause);
        if self.random.is_lost() {
            self.history.record(self.now, Kind::Dropped, message, sent);
        } else {
            let latency = self.random.latency();
            self.schedule(latency, step, client, message.sequence, sent);
        }
        sent
    }

    fn schedule(&mut self, after: Duration, step: Step, client: u16, sequence: u32, cause: EventId) {
        let (at, order) = (self.now + after, self.scheduled);
        self.scheduled += 1;
        self.queue.push(Reverse(Next { at, order, step, client, sequence, cause }));
    }
}

/// A scheduled event, ordered by its time, then by when it was scheduled.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    at: Duration,
    order: u64,
    step: Step,
    client: u16,
    sequence: u32,
    cause: EventId,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    DeliverRequest,
    DeliverResponse,
    TimeOut,
}

/// The `SplitMix64` generator.
#[derive(Default)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn is_lost(&mut self) -> bool {
        ((self.next() >> 11) as f64) < DROP_RATE * (1u64 << 53) as f64
    }

    fn latency(&mut self) -> Duration {
        let span = MAX_LATENCY.abs_diff(MIN_LATENCY).as_nanos();
        MIN_LATENCY + Duration::from_nanos(((u128::from(self.next()) * span) >> 64) as u64)
    }
}
