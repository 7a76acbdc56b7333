//! What a tool's wrapper remembers of the calls that it has handled.

use crate::agent::{Confirmation, OpId, Wire};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use std::collections::VecDeque;

/// The answers to calls, by their keys, and what was done, by what it was for.
#[derive(Default)]
pub(super) struct Memory {
    /// What each key was answered with, done or declined, and when.
    by_key: Lookup<OpId, (Wire, SimTime)>,
    /// The keys it remembers, by when they came.
    keys_by_time: VecDeque<(SimTime, OpId)>,
    /// What was done first for each operation and intent, and when.
    by_intent: Lookup<(Name, Name), (Confirmation, SimTime)>,
}

impl Memory {
    /// The answer to a key, if it is known.
    pub fn answer(&self, key: OpId) -> Option<&Wire> {
        self.by_key.get(key).map(|(answer, _)| answer)
    }

    /// Remembers the answer to the call with a key.
    pub fn remember(&mut self, key: OpId, answer: Wire, now: SimTime) {
        self.by_key.insert(key, (answer, now));
        self.keys_by_time.push_back((now, key));
    }

    /// Whether a key is so old.
    pub fn is_older_than(&self, key: OpId, age: SimSpan, now: SimTime) -> bool {
        self.by_key.get(key).is_some_and(|(_, at)| *at + age <= now)
    }

    /// Whether there is a key that is so old.
    pub fn has_keys_older_than(&self, age: SimSpan, now: SimTime) -> bool {
        self.keys_by_time.front().is_some_and(|(at, _)| *at + age <= now)
    }

    /// Forgets the keys that are so old.
    pub fn forget_older_than(&mut self, age: SimSpan, now: SimTime) {
        while let Some((_, key)) = self.keys_by_time.pop_front_if(|(at, _)| *at + age <= now) {
            self.by_key.remove(key);
        }
    }

    /// Enters what was done.
    pub fn enter(&mut self, operation: Name, intent: Name, done: Confirmation, now: SimTime) {
        self.by_intent.get_or_insert_with((operation, intent), || (done, now));
    }

    /// What was done for an intent, and when.
    pub fn find(&self, operation: Name, intent: Name) -> Option<&(Confirmation, SimTime)> {
        self.by_intent.get((operation, intent))
    }
}
