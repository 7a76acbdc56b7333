//! Resending: a message that needs an answer is sent again, at a fixed interval, until the answer comes.
//!
//! A sender cannot distinguish a lost message from a slow receiver, so it resends the message and the
//! receiver answers each copy (positive acknowledgement with retransmission, as in RFC 9293). This form is
//! for a coordinator with many such messages in flight and one loop that receives all answers; an agent with
//! nothing else to do waits in [`request_until_answered`](super::request_until_answered).

use crate::protocols::Agenda;
use perfidy_sim::{Lookup, SimSpan, SimTime};
use std::hash::Hash;

/// The timer for resending one message.
///
/// ```
/// use perfidy::protocols::ResendTimer;
/// use perfidy_sim::{SimSpan, SimTime};
/// let (start, interval) = (SimTime::ZERO, SimSpan::from_secs(5));
/// let mut timer = ResendTimer::default();
/// assert!(timer.is_due(start, interval), "it was never sent");
/// timer.restart(start);
/// assert!(!timer.is_due(start + SimSpan::from_secs(4), interval));
/// assert!(timer.is_due(start + SimSpan::from_secs(5), interval));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ResendTimer {
    /// When it was last sent, or its receiver last sent something.
    last: Option<SimTime>,
}

impl ResendTimer {
    /// The message is sent now, or its receiver shows now that it works on it.
    pub fn restart(&mut self, now: SimTime) {
        self.last = Some(now);
    }

    /// Makes the message due at once, whenever it was last sent.
    pub fn expire(&mut self) {
        self.last = None;
    }

    /// When the message is due, if it is sent again at this interval; `None` for at once.
    pub fn due_at(self, interval: SimSpan) -> Option<SimTime> {
        self.last.map(|last| last + interval)
    }

    /// Whether the message is due.
    pub fn is_due(self, now: SimTime, interval: SimSpan) -> bool {
        self.due_at(interval).is_none_or(|due| now >= due)
    }
}

/// The messages of one agent that are resent until they are answered, each under a key. It is also an
/// [`Agenda`] of these keys: a key comes up when it is added and when its message may be due again.
///
/// ```
/// use perfidy::protocols::Resend;
/// use perfidy_sim::{SimSpan, SimTime};
/// let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
/// let mut orders = Resend::every(SimSpan::from_secs(15));
/// orders.add("build");
/// assert_eq!(orders.next(at(0)), Some("build"));
/// assert!(orders.send_if_due("build", at(0)));
/// assert!(!orders.send_if_due("build", at(1)), "the answer may be on its way");
/// assert_eq!(orders.next(at(1)), None);
/// assert_eq!(orders.next(at(15)), Some("build"));
/// assert!(orders.send_if_due("build", at(15)));
/// orders.answered("build");
/// ```
#[derive(Debug)]
pub struct Resend<K> {
    interval: SimSpan,
    timers: Lookup<K, ResendTimer>,
    agenda: Agenda<K>,
}

impl<K: Ord + Copy + Hash> Resend<K> {
    /// No messages yet; each is resent after `interval`.
    pub fn every(interval: SimSpan) -> Self {
        Self { interval, timers: Lookup::default(), agenda: Agenda::default() }
    }

    /// After how long a message is sent again.
    pub fn interval(&self) -> SimSpan {
        self.interval
    }

    /// Makes a key come up now.
    pub fn add(&mut self, key: K) {
        self.agenda.add(key);
    }

    /// The next key of a round to check, as in [`Agenda::next`].
    pub fn next(&mut self, now: SimTime) -> Option<K> {
        self.agenda.next(now)
    }

    /// Whether the message under a key is due: it was never sent, or longer ago than the interval.
    pub fn is_due(&self, key: K, now: SimTime) -> bool {
        self.timers.get(key).is_none_or(|timer| timer.is_due(now, self.interval))
    }

    /// The message under a key is sent at this time.
    pub fn sent(&mut self, key: K, at: SimTime) {
        self.timers.get_or_insert_with(key, ResendTimer::default).restart(at);
        self.agenda.add_at(at + self.interval, key);
    }

    /// Whether the message under a key is due. If so, it counts as sent.
    pub fn send_if_due(&mut self, key: K, now: SimTime) -> bool {
        let is_due = self.is_due(key, now);
        if is_due {
            self.sent(key, now);
        }
        is_due
    }

    /// The answer to the message under a key has come. A new message under that key is due at once.
    pub fn answered(&mut self, key: K) {
        self.timers.remove(key);
    }

    /// Makes every message due at once, for example because its receiver has changed.
    pub fn expire_all(&mut self) {
        self.timers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    #[test]
    fn a_message_that_was_answered_and_is_wanted_again_is_due_at_once() {
        let mut orders = Resend::every(SimSpan::from_secs(10));
        assert!(orders.send_if_due(1, at(0)));
        orders.answered(1);
        assert!(orders.send_if_due(1, at(1)));
        assert!(!orders.is_due(1, at(10)), "the interval counts from the second sending");
    }

    #[test]
    fn after_a_change_of_receivers_everything_is_due() {
        let mut orders = Resend::every(SimSpan::from_secs(10));
        orders.sent(1, at(0));
        orders.sent(2, at(3));
        orders.expire_all();
        assert!(orders.is_due(1, at(3)) && orders.is_due(2, at(3)));
    }
}
