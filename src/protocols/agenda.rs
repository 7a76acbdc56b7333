//! Agendas: the items that a coordinator must check, so that it need not check all of them after each event.
//!
//! Of a thousand open tasks, a message concerns one, and the clock a few. A coordinator goes through its
//! agenda in rounds, each in the order of the keys. An item that is added during a round is checked in the
//! same round if its key is still ahead, otherwise in the next one.

use perfidy_sim::SimTime;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound::{Excluded, Unbounded};

/// The items to check, now and later. To check one too often must make no difference.
///
/// ```
/// use perfidy::protocols::Agenda;
/// use perfidy_sim::{SimSpan, SimTime};
/// let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
/// let mut agenda = Agenda::default();
/// agenda.add("b");
/// agenda.add_at(at(5), "a");
/// agenda.add_at(at(5), "c");
/// assert_eq!(agenda.next(at(4)), Some("b"));
/// assert_eq!(agenda.next(at(5)), Some("c"));
/// assert_eq!(agenda.next(at(5)), None, "the round is over");
/// assert_eq!(agenda.next(at(5)), Some("a"));
/// ```
#[derive(Debug)]
pub struct Agenda<K> {
    now: BTreeSet<K>,
    later: BinaryHeap<Reverse<(SimTime, K)>>,
    /// The item that the current round has reached; `None` before its first.
    reached: Option<K>,
}

impl<K: Ord> Default for Agenda<K> {
    fn default() -> Self {
        Self { now: BTreeSet::new(), later: BinaryHeap::new(), reached: None }
    }
}

impl<K: Ord + Copy> Agenda<K> {
    /// Adds an item to be checked now.
    pub fn add(&mut self, item: K) {
        self.now.insert(item);
    }

    /// Adds an item to be checked at that time.
    pub fn add_at(&mut self, at: SimTime, item: K) {
        self.later.push(Reverse((at, item)));
    }

    /// Takes the next item of the current round that is due. `None` ends the round; the next call begins
    /// another.
    pub fn next(&mut self, now: SimTime) -> Option<K> {
        while let Some(Reverse((at, item))) = self.later.peek()
            && *at <= now
        {
            self.now.insert(*item);
            self.later.pop();
        }
        self.reached = match self.reached {
            Some(reached) if self.now.first().is_some_and(|first| *first <= reached) => {
                let ahead = self.now.range((Excluded(reached), Unbounded)).next().copied();
                ahead.and_then(|next| self.now.take(&next))
            }
            // Nearly always everything that is left is still ahead.
            _ => self.now.pop_first(),
        };
        self.reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_behind_the_place_of_a_round_waits_for_the_next_round() {
        let mut agenda = Agenda::default();
        agenda.add(2);
        assert_eq!(agenda.next(SimTime::ZERO), Some(2));
        agenda.add(1);
        agenda.add(3);
        let rest: Vec<_> = (0..4).map(|_| agenda.next(SimTime::ZERO)).collect();
        assert_eq!(rest, [Some(3), None, Some(1), None]);
    }
}
