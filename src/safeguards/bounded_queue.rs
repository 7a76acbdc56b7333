//! Bounded queues: an agent takes in so many requests, and refuses the next one at once (backpressure).
//!
//! An agent that takes in whatever comes is never too slow for its senders, as far as they can see: they go
//! on, and ask again for what is not answered yet. Its queue grows with each burst, and what is in it gets
//! older than its senders wait. A refusal costs nothing, and leaves the request with its sender, which waits
//! a while and asks again; so a slow receiver slows its senders down (`SEDA`, Welsh 2001; HTTP 503 with
//! `Retry-After`; Reactive Streams).
//!
//! ```
//! use perfidy::safeguards::bounded_queue::RequestQueue;
//!
//! let mut queue = RequestQueue::of_capacity(2);
//! assert!(queue.offer("task-1", "review this"));
//! assert!(queue.offer("task-2", "and this"));
//! assert!(!queue.offer("task-3", "and that"), "the sender keeps it, and asks again later");
//! assert!(queue.offer("task-1", "review this, please"), "it is in the queue already");
//!
//! assert_eq!(queue.take(), Some(("task-1", &"review this, please")));
//! assert!(!queue.offer("task-3", "and that"), "what is being served counts until it is answered");
//! queue.finish("task-1");
//! assert!(queue.offer("task-3", "and that"));
//! ```

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use toml::Spanned;

/// How many requests an agent takes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoundedQueue {
    /// How many there can be at a time, those that it works on included.
    pub capacity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueTable {
    capacity: Spanned<u32>,
}

/// A queue with more places than that is none.
const MOST_PLACES: u32 = 10_000;

impl Safeguard for BoundedQueue {
    const NAME: &'static str = "bounded-queue";
    const ABOUT: &'static str =
        "an agent takes in a limited number of requests; a further one is refused, and its sender keeps it";
    const EXAMPLE: &'static str = "bounded-queue = { capacity = 4 }";
    const WITHOUT: &'static str = "an agent takes in every request, and its queue grows with each burst";
    const PROTECTS: &'static [&'static str] = &["queues-bounded"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let QueueTable { capacity } = entry.read()?;
        if !(1..=MOST_PLACES).contains(capacity.get_ref()) {
            let message = format!("a queue has 1 to {MOST_PLACES} places");
            return Err(Problem::at(capacity.span(), message));
        }
        Ok(Some(Self { capacity: *capacity.get_ref() }))
    }
}

/// The requests of an agent, in the order in which they came, each under a key. One that comes again while it
/// waits or is served replaces the earlier one, and needs no place of its own.
#[derive(Debug)]
pub struct RequestQueue<K, R> {
    /// `None` if it takes in whatever comes.
    capacity: Option<usize>,
    waiting: VecDeque<K>,
    /// All that are not answered, also those that are being served.
    requests: BTreeMap<K, R>,
}

impl<K: Ord + Copy, R> RequestQueue<K, R> {
    /// The queue of a scenario's switch.
    pub fn of(safeguards: &Safeguards) -> Self {
        let capacity = safeguards.get::<BoundedQueue>().map(|queue| queue.capacity as usize);
        Self { capacity, waiting: VecDeque::new(), requests: BTreeMap::new() }
    }

    /// A queue with so many places.
    pub fn of_capacity(capacity: usize) -> Self {
        Self { capacity: Some(capacity), waiting: VecDeque::new(), requests: BTreeMap::new() }
    }

    /// Takes a request in, unless the queue is full; whether it did. If not, its sender has to be told so.
    #[must_use = "the sender of a request that is not taken in has to be told"]
    pub fn offer(&mut self, key: K, request: R) -> bool {
        if let Some(known) = self.requests.get_mut(&key) {
            *known = request;
            return true;
        }
        if self.capacity.is_some_and(|capacity| self.requests.len() >= capacity) {
            return false;
        }
        self.requests.insert(key, request);
        self.waiting.push_back(key);
        true
    }

    /// The request that has waited longest, to be served now. It keeps its place until it is finished.
    pub fn take(&mut self) -> Option<(K, &R)> {
        let key = self.waiting.pop_front()?;
        self.requests.get(&key).map(|request| (key, request))
    }

    /// Ends a request that is served, and returns it as it was sent last, for the answer.
    pub fn finish(&mut self, key: K) -> Option<R> {
        self.requests.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_without_a_bound_takes_in_whatever_comes() {
        let mut queue = RequestQueue::of(&Safeguards::default());
        assert!((0..1_000).all(|number| queue.offer(number, ())));
    }

    #[test]
    fn a_request_that_comes_again_while_it_is_served_is_answered_as_it_came_last() {
        let mut queue = RequestQueue::of(&Safeguards::default().with(BoundedQueue { capacity: 1 }));
        assert!(queue.offer(1, "first"));
        assert_eq!(queue.take(), Some((1, &"first")));
        assert!(queue.offer(1, "again"));
        assert_eq!(queue.take(), None, "it is not served twice");
        assert_eq!(queue.finish(1), Some("again"));
        assert!(queue.offer(1, "anew"), "after its answer it is another request");
        assert_eq!(queue.take(), Some((1, &"anew")));
    }
}
