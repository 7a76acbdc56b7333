//! Agendas: the items that a coordinator must check, so that it need not check all of them after each event.
//!
//! Of a thousand open tasks, a message concerns one, and the clock a few. A coordinator goes through its
//! agenda in rounds, each in the order of the keys. An item that is added during a round is checked in the
//! same round if its key is still ahead, otherwise in the next one.

use perfidy_sim::SimTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
    /// The items of the current round that are still ahead. An item may be there more than once.
    ahead: BinaryHeap<Reverse<K>>,
    /// Those that the current round has passed, for the next one.
    behind: BinaryHeap<Reverse<K>>,
    later: BinaryHeap<Reverse<(SimTime, K)>>,
    /// The item that the current round has reached; `None` before its first.
    reached: Option<K>,
}

impl<K: Ord> Default for Agenda<K> {
    fn default() -> Self {
        Self { ahead: BinaryHeap::new(), behind: BinaryHeap::new(), later: BinaryHeap::new(), reached: None }
    }
}

impl<K: Ord + Copy> Agenda<K> {
    /// Adds an item to be checked now.
    pub fn add(&mut self, item: K) {
        let is_ahead = self.reached.is_none_or(|reached| reached < item);
        let round = if is_ahead { &mut self.ahead } else { &mut self.behind };
        round.push(Reverse(item));
    }

    /// Adds an item to be checked at that time.
    pub fn add_at(&mut self, at: SimTime, item: K) {
        self.later.push(Reverse((at, item)));
    }

    /// Takes the next item of the current round that is due. `None` ends the round; the next call begins
    /// another.
    pub fn next(&mut self, now: SimTime) -> Option<K> {
        while let Some(Reverse((at, item))) = self.later.peek().copied()
            && at <= now
        {
            self.later.pop();
            self.add(item);
        }
        self.reached = self.ahead.pop().map(|Reverse(next)| next);
        if self.reached.is_none() {
            std::mem::swap(&mut self.ahead, &mut self.behind);
        }
        while self.reached.is_some() && self.ahead.peek().map(|Reverse(item)| *item) == self.reached {
            self.ahead.pop();
        }
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

    #[test]
    fn an_item_that_is_added_twice_comes_once() {
        let mut agenda = Agenda::default();
        [2, 1, 2].into_iter().for_each(|item| agenda.add(item));
        assert_eq!(agenda.next(SimTime::ZERO), Some(1));
        [1, 1].into_iter().for_each(|item| agenda.add(item));
        let rest: Vec<_> = (0..4).map(|_| agenda.next(SimTime::ZERO)).collect();
        assert_eq!(rest, [Some(2), None, Some(1), None]);
    }
}
