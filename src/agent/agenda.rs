//! Agendas: what a coordinator has to look at, so that it need not look at everything whenever anything happens.
//!
//! Of a thousand tasks that are under way, a message concerns one, and the clock a few. A coordinator goes through its
//! agenda in rounds, each in order; what is put there in the middle of a round comes in the same round if its place is
//! still ahead, and in the next if not.

use perfidy_sim::SimTime;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound::{Excluded, Unbounded};

/// What is to be looked at, now and later. To look once too often must make no difference.
///
/// ```
/// use perfidy::agent::Agenda;
/// use perfidy_sim::{SimSpan, SimTime};
/// let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
/// let mut agenda = Agenda::default();
/// agenda.put_down("b");
/// agenda.put_down_for(at(5), "a");
/// agenda.put_down_for(at(5), "c");
/// assert_eq!(agenda.next(None, at(4)), Some("b"));
/// assert_eq!(agenda.next(Some("b"), at(5)), Some("c"));
/// assert_eq!(agenda.next(Some("c"), at(5)), None);
/// assert_eq!(agenda.next(None, at(5)), Some("a"));
/// ```
#[derive(Debug)]
pub struct Agenda<K> {
    now: BTreeSet<K>,
    later: BinaryHeap<Reverse<(SimTime, K)>>,
}

impl<K: Ord> Default for Agenda<K> {
    fn default() -> Self {
        Self { now: BTreeSet::new(), later: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Agenda<K> {
    /// Something is to be looked at.
    pub fn put_down(&mut self, what: K) {
        self.now.insert(what);
    }

    /// Something is to be looked at once that time has come.
    pub fn put_down_for(&mut self, at: SimTime, what: K) {
        self.later.push(Reverse((at, what)));
    }

    /// The first that is to be looked at by now, after `last` in the order of a round; it is crossed out.
    pub fn next(&mut self, last: Option<K>, now: SimTime) -> Option<K> {
        while let Some(Reverse((at, what))) = self.later.peek()
            && *at <= now
        {
            self.now.insert(*what);
            self.later.pop();
        }
        let next = match last {
            None => self.now.first().copied(),
            Some(last) => self.now.range((Excluded(last), Unbounded)).next().copied(),
        }?;
        self.now.remove(&next);
        Some(next)
    }
}
