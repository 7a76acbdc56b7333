//! The event queue, ordered by (time, tie-break, sequence).
//!
//! The tie-break of two events at the same time is drawn, keyed by their identity; so no order is favoured
//! and none depends on the order of scheduling. A cancelled timer is skipped when its time comes.
//!
//! The first events are in a short sorted list and the others in a [radix heap](RadixHeap): most worlds have
//! a few dozen scheduled events, for which a list is several times faster.

mod radix;

use self::radix::RadixHeap;
use crate::core::SocketTimer;
use crate::slab::Slab;
use crate::{EventId, SimTime, pool};
use std::cmp::Reverse;
use std::task::Waker;

/// The index of a node in its world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct NodeIndex(pub u32);

/// A scheduled event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// A message arrives: its slot.
    Deliver(u32),
    /// A message that waited at its sender or its receiver is taken in: its slot.
    Admit(u32),
    /// A timer rings.
    Timer(TimerKey),
    /// A service asked to be called back.
    Callback { service: NodeIndex, token: u64, cause: Option<EventId> },
    /// A crashed node restarts.
    Restart { node: NodeIndex, incarnation: u32 },
    /// A paused node goes on.
    Resume { node: NodeIndex, pauses: u32 },
    /// The nth fault of a timed fault schedule, or a pinned timed fault.
    Planned(u32),
    /// A partition heals.
    PartitionEnds(u32),
    /// A flapping link, until `ends`, fails or recovers.
    FlapTurns { partition: u32, ends: SimTime },
    /// A link is no longer slow.
    SlowLinkEnds(u32),
    /// A degradation ends.
    Recovers(u32),
    /// Something about sockets.
    Socket(SocketTimer),
}

/// The agenda's part of a scheduled event; small, because an agenda moves its entries.
#[derive(Clone, Copy)]
enum Next {
    Deliver(u32),
    /// By its slot. The entry's sequence number says whether the slot still belongs to this timer.
    Timer(u32),
    /// Any other event, by its index in a slab.
    Other(u32),
}

#[derive(Clone, Copy)]
struct Entry {
    /// The time, and below it the tie-break: one comparison tells most entries apart.
    time_and_tie: u128,
    seq: u64,
    next: Next,
}

impl Entry {
    fn new(at: SimTime, tie: u64, seq: u64, next: Next) -> Self {
        Self { time_and_tie: u128::from(at.as_nanos()) << 64 | u128::from(tie), seq, next }
    }

    fn at(&self) -> SimTime {
        SimTime::from_nanos((self.time_and_tie >> 64) as u64)
    }

    fn key(&self) -> (u128, u64) {
        (self.time_and_tie, self.seq)
    }
}

/// Entries by the order in which they come.
struct Agenda {
    /// Those that come first, the first of all at the end.
    soon: Vec<Entry>,
    /// Those that come after all of these: at this time and tie-break, or later.
    later: RadixHeap,
    later_from: u128,
}

impl Default for Agenda {
    fn default() -> Self {
        Self { soon: Vec::new(), later: RadixHeap::default(), later_from: u128::MAX }
    }
}

impl Agenda {
    /// How many entries are kept sorted.
    const SOON: usize = 48;

    /// Adds an entry, whose sequence number is greater than that of any other: of those with its time and
    /// tie-break, it comes last.
    #[inline]
    fn push(&mut self, entry: Entry) {
        if entry.time_and_tie >= self.later_from {
            return self.later.push(entry);
        }
        let place = self.soon.partition_point(|other| other.time_and_tie > entry.time_and_tie);
        self.soon.insert(place, entry);
        if self.soon.len() > Self::SOON {
            self.later_from = self.soon[Self::SOON / 2 - 1].time_and_tie;
            self.later.extend(&self.soon[..Self::SOON / 2], self.later_from);
            self.soon.drain(..Self::SOON / 2);
        }
    }

    #[inline]
    fn peek(&mut self) -> Option<&Entry> {
        if self.soon.is_empty() {
            self.later_from = self.later.pop_first(&mut self.soon, Self::SOON / 2);
            self.soon.sort_unstable_by_key(|entry| Reverse(entry.key()));
        }
        self.soon.last()
    }

    #[inline]
    fn pop(&mut self) -> Option<Entry> {
        self.peek()?;
        self.soon.pop()
    }

    fn clear(&mut self) {
        self.soon.clear();
        self.later.clear();
        self.later_from = u128::MAX;
    }
}

/// Which timer: a slot, and the sequence number of its entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey {
    slot: u32,
    seq: u64,
}

/// A slot for timers, reused.
#[derive(Default)]
struct Timer {
    /// The sequence number of its timer; zero if the slot is free.
    seq: u64,
    has_rung: bool,
    /// Whether the waker is this timer's, or one left by an earlier timer.
    is_awaited: bool,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(crate) struct Queue {
    agenda: Agenda,
    seq: u64,
    others: Slab<Pending>,
    timers: Vec<Timer>,
    free_timers: Vec<u32>,
}

impl Queue {
    pub fn push(&mut self, at: SimTime, tie: u64, what: Pending) {
        let next = match what {
            Pending::Deliver(slot) => Next::Deliver(slot),
            other => Next::Other(self.others.put(other)),
        };
        self.push_next(at, tie, next);
    }

    fn push_next(&mut self, at: SimTime, tie: u64, next: Next) {
        self.seq += 1;
        self.agenda.push(Entry::new(at, tie, self.seq, next));
    }

    /// The time of the next event that is not cancelled.
    pub fn peek(&mut self) -> Option<SimTime> {
        while let Some(entry) = self.agenda.peek() {
            match entry.next {
                Next::Timer(slot) if self.timers[slot as usize].seq != entry.seq => drop(self.agenda.pop()),
                _ => return Some(entry.at()),
            }
        }
        None
    }

    /// Removes the event that [`Queue::peek`] has just found.
    pub fn pop(&mut self) -> Option<(SimTime, Pending)> {
        let entry = self.agenda.pop()?;
        let Entry { seq, next, .. } = entry;
        let what = match next {
            Next::Deliver(slot) => Pending::Deliver(slot),
            Next::Timer(slot) => Pending::Timer(TimerKey { slot, seq }),
            Next::Other(place) => self.others.take(place),
        };
        Some((entry.at(), what))
    }

    /// Sets a timer.
    pub fn arm(&mut self, at: SimTime, tie: u64) -> TimerKey {
        let slot = self.free_timers.pop().unwrap_or_else(|| {
            self.timers.push(Timer::default());
            self.timers.len() as u32 - 1
        });
        self.push_next(at, tie, Next::Timer(slot));
        let timer = &mut self.timers[slot as usize];
        timer.seq = self.seq;
        timer.has_rung = false;
        timer.is_awaited = false;
        TimerKey { slot, seq: self.seq }
    }

    fn timer(&mut self, key: TimerKey) -> Option<&mut Timer> {
        let timer = &mut self.timers[key.slot as usize];
        (timer.seq == key.seq).then_some(timer)
    }

    /// Whether the timer has rung; if not, `waker` is woken when it does.
    pub fn poll_timer(&mut self, key: TimerKey, waker: &Waker) -> bool {
        let Some(timer) = self.timer(key).filter(|timer| !timer.has_rung) else { return true };
        timer.is_awaited = true;
        match &mut timer.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        false
    }

    /// The timer's time has come.
    pub fn ring(&mut self, key: TimerKey) {
        let Some(timer) = self.timer(key) else { return };
        timer.has_rung = true;
        if let Some(waker) = &timer.waker
            && std::mem::take(&mut timer.is_awaited)
        {
            waker.wake_by_ref();
        }
    }

    /// Frees the timer's slot, whether it has rung or not. Its waker stays, since the next timer in the slot
    /// is probably of the same task.
    pub fn release(&mut self, key: TimerKey) {
        if let Some(timer) = self.timer(key) {
            timer.seq = 0;
            self.free_timers.push(key.slot);
        }
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.agenda.clear();
        self.seq = 0;
        self.others.clear();
        self.timers.clear();
        self.timers.shrink_to(pool::MOST);
        self.free_timers.clear();
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
        queue.release(first);
        assert!(!queue.poll_timer(second, Waker::noop()), "an old key does not touch the new timer");
        queue.ring(second);
        assert!(queue.poll_timer(second, Waker::noop()));
    }

    #[test]
    fn what_is_rare_comes_out_as_it_was_put_in() {
        let mut queue = Queue::default();
        queue.push(SimTime::from_nanos(1), 0, Pending::Planned(7));
        queue.push(SimTime::from_nanos(2), 0, Pending::PartitionEnds(8));
        assert!(matches!(queue.pop(), Some((_, Pending::Planned(7)))));
        assert!(matches!(queue.pop(), Some((_, Pending::PartitionEnds(8)))));
    }

    #[test]
    fn what_is_added_after_a_look_ahead_comes_before_it() {
        let mut agenda = Agenda::default();
        let entry = |at: u64| Entry::new(SimTime::from_nanos(at), 0, at, Next::Other(0));
        (1_000..1_200).for_each(|at| agenda.push(entry(at)));
        while agenda.peek().is_some_and(|first| first.at() < SimTime::from_nanos(1_100)) {
            agenda.pop();
        }
        (0..200).rev().for_each(|at| agenda.push(entry(at)));
        let order: Vec<u64> = std::iter::from_fn(|| agenda.pop()).map(|entry| entry.seq).collect();
        assert_eq!(order, (0..200).chain(1_100..1_200).collect::<Vec<_>>());
    }

    #[test]
    fn however_many_there_are_they_come_in_order() {
        let mut agenda = Agenda::default();
        let mut sorted: Vec<(u128, u64)> = Vec::new();
        // A linear congruential generator is enough for a mixture of pushes and pops.
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for seq in 0..20_000 {
            // At first more pushes than pops, later more pops.
            if draw(20_000) > seq / 2 + 3_000 {
                let entry = Entry::new(SimTime::from_nanos(draw(500)), draw(3), seq, Next::Other(0));
                agenda.push(entry);
                sorted.push(entry.key());
                sorted.sort_unstable();
            } else if !sorted.is_empty() {
                assert_eq!(agenda.peek().map(Entry::key), sorted.first().copied());
                assert_eq!(agenda.pop().map(|entry| entry.key()), Some(sorted.remove(0)));
            }
        }
        assert!(sorted.iter().all(|key| agenda.pop().map(|entry| entry.key()) == Some(*key)));
        assert!(agenda.pop().is_none());
    }
}
