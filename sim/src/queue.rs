//! What is going to happen, ordered by (time, tie-break, sequence).
//!
//! The tie-break of two events at the same time is drawn, keyed by what they are; so no order is favoured
//! and none depends on who was scheduled first. Timers can be cancelled; a cancelled one is skipped when its
//! time comes.

use crate::{EventId, SimTime};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::task::Waker;

/// The index of a node in its world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct NodeIndex(pub u32);

/// Something that is going to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// A message arrives: its slot.
    Deliver(u32),
    /// A timer rings.
    Timer(TimerKey),
    /// A service asked to be called back.
    Callback { service: NodeIndex, token: u64, cause: Option<EventId> },
    /// A dead node comes back.
    Restart { node: NodeIndex, incarnation: u32 },
    /// A paused node goes on.
    Resume { node: NodeIndex, incarnation: u32, pauses: u32 },
    /// The nth opening of a window of trouble, or a pinned fault set by the clock.
    Planned(u32),
    /// A cut closes.
    CutEnds(u32),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: SimTime,
    tie: u64,
    seq: u64,
    what: Pending,
}

impl Entry {
    fn key(&self) -> (SimTime, u64, u64) {
        (self.at, self.tie, self.seq)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Which timer; a slot is used again, its generation is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey {
    slot: u32,
    generation: u32,
}

#[derive(Default)]
struct Timer {
    generation: u32,
    armed: bool,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
    timers: Vec<Timer>,
    free_timers: Vec<u32>,
}

impl Queue {
    pub fn push(&mut self, at: SimTime, tie: u64, what: Pending) {
        self.seq += 1;
        self.heap.push(Reverse(Entry { at, tie, seq: self.seq, what }));
    }

    /// The next thing that is still going to happen, which is left where it is.
    pub fn peek(&mut self) -> Option<SimTime> {
        while let Some(Reverse(next)) = self.heap.peek().copied() {
            match next.what {
                Pending::Timer(key) if !self.is_armed(key) => drop(self.heap.pop()),
                _ => return Some(next.at),
            }
        }
        None
    }

    pub fn pop(&mut self) -> Option<(SimTime, Pending)> {
        self.peek()?;
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }

    /// Sets a timer.
    pub fn arm(&mut self, at: SimTime, tie: u64) -> TimerKey {
        let slot = self.free_timers.pop().unwrap_or_else(|| {
            self.timers.push(Timer::default());
            self.timers.len() as u32 - 1
        });
        let timer = &mut self.timers[slot as usize];
        timer.armed = true;
        let key = TimerKey { slot, generation: timer.generation };
        self.push(at, tie, Pending::Timer(key));
        key
    }

    fn timer(&mut self, key: TimerKey) -> Option<&mut Timer> {
        let timer = &mut self.timers[key.slot as usize];
        (timer.generation == key.generation).then_some(timer)
    }

    fn is_armed(&mut self, key: TimerKey) -> bool {
        self.timer(key).is_some_and(|timer| timer.armed)
    }

    /// Whether the timer has rung; if not, `waker` is woken when it does.
    pub fn poll_timer(&mut self, key: TimerKey, waker: &Waker) -> bool {
        let Some(timer) = self.timer(key) else { return true };
        if timer.armed && timer.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            timer.waker = Some(waker.clone());
        }
        !timer.armed
    }

    /// The timer's time has come.
    pub fn ring(&mut self, key: TimerKey) {
        if let Some(timer) = self.timer(key) {
            timer.armed = false;
            if let Some(waker) = timer.waker.take() {
                waker.wake();
            }
        }
    }

    /// Gives the timer's slot back, whether it has rung or not.
    pub fn release(&mut self, key: TimerKey) {
        if let Some(timer) = self.timer(key) {
            timer.generation = timer.generation.wrapping_add(1);
            timer.armed = false;
            timer.waker = None;
            self.free_timers.push(key.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_before_tie_and_tie_before_sequence() {
        let mut queue = Queue::default();
        let at = SimTime::from_nanos;
        queue.push(at(2), 0, Pending::Deliver(1));
        queue.push(at(1), 9, Pending::Deliver(2));
        queue.push(at(1), 5, Pending::Deliver(3));
        queue.push(at(1), 5, Pending::Deliver(4));
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop())
            .map(|(_, what)| match what {
                Pending::Deliver(slot) => slot,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order, [3, 4, 2, 1]);
    }

    #[test]
    fn a_cancelled_timer_never_happens_and_its_slot_is_used_again() {
        let mut queue = Queue::default();
        let first = queue.arm(SimTime::from_nanos(1), 0);
        queue.release(first);
        let second = queue.arm(SimTime::from_nanos(2), 0);
        assert_eq!(first.slot, second.slot);
        assert_eq!(queue.peek(), Some(SimTime::from_nanos(2)));
        queue.ring(first);
        assert!(queue.is_armed(second), "an old key does not touch the new timer");
    }
}
