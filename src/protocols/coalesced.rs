//! Coalescing: of several requests under one key, an agent serves only the latest, once.
//!
//! A request that takes longer to serve than its sender waits is resent meanwhile. An agent that served each
//! of them would fall further behind with each; instead it takes in all requests, and serves one for each
//! key.

use perfidy_sim::Lookup;
use std::collections::VecDeque;
use std::hash::Hash;

/// Requests by key, in the order in which the keys came.
///
/// ```
/// use perfidy::protocols::Coalesced;
/// let mut requests = Coalesced::default();
/// requests.push("task-1", "first");
/// requests.push("task-2", "only");
/// requests.push("task-1", "again");
/// assert_eq!(requests.pop(), Some(("task-1", "again")));
/// assert_eq!(requests.pop(), Some(("task-2", "only")));
/// assert_eq!(requests.pop(), None);
/// ```
#[derive(Debug)]
pub struct Coalesced<K, R> {
    queue: VecDeque<K>,
    latest: Lookup<K, R>,
}

impl<K, R> Default for Coalesced<K, R> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), latest: Lookup::default() }
    }
}

impl<K: Copy + Eq + Hash, R> Coalesced<K, R> {
    /// Adds a request. It replaces one under the same key that still waits, and takes its place.
    pub fn push(&mut self, key: K, request: R) {
        if self.latest.insert(key, request).is_none() {
            self.queue.push_back(key);
        }
    }

    /// Takes the request that has waited longest.
    pub fn pop(&mut self) -> Option<(K, R)> {
        let key = self.queue.pop_front()?;
        Some((key, self.latest.remove(key)?))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
