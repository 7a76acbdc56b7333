//! Warrants: whatever an agent works on, it works on for somebody, and a warrant says until when they want it.
//!
//! Work that was handed down outlives those it is for, unless it is tied to them. A warrant ends in three ways, each a
//! safeguard of its own: nobody above has said for a while that the work is wanted ([`parent_lease`]); the time for the
//! whole is up ([`deadline_propagation`]); or somebody said that it is to stop ([`cancellation`]).
//! Work under a warrant ends with it, in the middle of a thought or of a call. What the call does then nobody knows; who
//! needs to know has to ask ([`acknowledged_cancel`]).
//!
//! [`parent_lease`]: super::parent_lease
//! [`deadline_propagation`]: super::deadline_propagation
//! [`cancellation`]: super::cancellation
//! [`acknowledged_cancel`]: super::acknowledged_cancel

use crate::agent::Agent;
use perfidy_sim::{SimSpan, SimTime};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tokio::sync::Notify;

/// The warrant is over, and with it what was done under it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Over;

/// Until when work is wanted, by the clock of whoever does it.
#[derive(Default, Debug)]
pub struct Warrant {
    /// `None` if it needs nobody's word.
    leased_until: Cell<Option<SimTime>>,
    deadline: Cell<Option<SimTime>>,
    is_revoked: Cell<bool>,
    prolonged: Notify,
    shortened: Notify,
}

impl Warrant {
    /// One that holds until it is limited or revoked.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// One that holds only while somebody says so, which nobody has done yet.
    pub fn on_lease() -> Self {
        Self { leased_until: Cell::new(Some(SimTime::ZERO)), ..Self::default() }
    }

    /// Whether the work is still wanted.
    pub fn holds(&self, now: SimTime) -> bool {
        !self.is_revoked.get() && self.ends().is_none_or(|end| now < end)
    }

    /// Whether whoever it is from still leaves the work in these hands: to go on with it or, once its time is up, to take
    /// back what was done.
    pub fn is_leased(&self, now: SimTime) -> bool {
        !self.is_revoked.get() && self.leased_until.get().is_none_or(|until| now < until)
    }

    /// Whether somebody has ended it for good.
    pub fn is_revoked(&self) -> bool {
        self.is_revoked.get()
    }

    /// When it ends if nobody says anything more.
    fn ends(&self) -> Option<SimTime> {
        [self.leased_until.get(), self.deadline.get()].into_iter().flatten().min()
    }

    /// How long it can be passed on for: never longer than it is leased itself.
    pub fn leased_for(&self, now: SimTime, at_most: SimSpan) -> SimSpan {
        self.leased_until.get().map_or(at_most, |until| until.since(now).min(at_most))
    }

    /// The time that is left for the whole, if that is limited.
    pub fn left(&self, now: SimTime) -> Option<SimSpan> {
        self.deadline.get().map(|deadline| deadline.since(now))
    }

    /// Somebody says that the work is wanted until then. Earlier word than the last makes no difference.
    pub fn prolong(&self, until: SimTime) {
        if self.leased_until.get().is_some_and(|known| known < until) {
            self.leased_until.set(Some(until));
            self.prolonged.notify_waiters();
        }
    }

    /// The time for the whole is up then. A later deadline than the last makes no difference.
    pub fn limit(&self, deadline: SimTime) {
        if self.deadline.get().is_none_or(|known| deadline < known) {
            self.deadline.set(Some(deadline));
            self.shortened.notify_waiters();
        }
    }

    /// Ends it for good.
    pub fn revoke(&self) {
        self.is_revoked.set(true);
        self.shortened.notify_waiters();
        self.prolonged.notify_waiters();
    }

    /// Waits until it holds, for at most `within`, and says whether it does.
    pub async fn comes_to_hold(&self, agent: &Agent, within: SimSpan) -> bool {
        self.comes_to(agent, within, Self::holds).await
    }

    /// Waits until it is leased, for at most `within`, and says whether it is.
    pub async fn comes_to_be_leased(&self, agent: &Agent, within: SimSpan) -> bool {
        self.comes_to(agent, within, Self::is_leased).await
    }

    async fn comes_to(&self, agent: &Agent, within: SimSpan, is_so: fn(&Self, SimTime) -> bool) -> bool {
        let mut time = pin!(agent.sleep(within));
        loop {
            if self.is_revoked() || is_so(self, agent.monotonic()) {
                return !self.is_revoked();
            }
            let mut change = pin!(self.prolonged.notified());
            let is_late = poll_fn(|task| match change.as_mut().poll(task) {
                Poll::Ready(()) => Poll::Ready(false),
                Poll::Pending => time.as_mut().poll(task).map(|()| true),
            });
            if is_late.await {
                return is_so(self, agent.monotonic());
            }
        }
    }

    /// Works for as long as the warrant holds.
    ///
    /// # Errors
    /// [`Over`] as soon as it does not: the work was dropped where it was.
    pub async fn during<T>(&self, agent: &Agent, work: impl Future<Output = T>) -> Result<T, Over> {
        let mut work = pin!(work);
        while self.holds(agent.monotonic()) {
            let mut change = pin!(self.shortened.notified());
            let mut end = pin!(async {
                match self.ends() {
                    Some(end) => agent.sleep(end.since(agent.monotonic())).await,
                    None => std::future::pending().await,
                }
            });
            let done = poll_fn(|task| {
                if change.as_mut().poll(task).is_ready() || end.as_mut().poll(task).is_ready() {
                    return Poll::Ready(None);
                }
                work.as_mut().poll(task).map(Some)
            });
            if let Some(done) = done.await {
                return Ok(done);
            }
        }
        Err(Over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    #[test]
    fn a_lease_holds_nothing_before_the_first_word() {
        let warrant = Warrant::on_lease();
        assert!(!warrant.holds(at(0)));
        warrant.prolong(at(5));
        assert!(warrant.holds(at(4)) && !warrant.holds(at(5)));
        warrant.prolong(at(3));
        assert!(warrant.holds(at(4)));
    }

    #[test]
    fn what_needs_no_lease_is_not_ended_by_one() {
        let warrant = Warrant::unlimited();
        warrant.prolong(at(5));
        assert!(warrant.holds(at(1_000)));
    }

    #[test]
    fn a_deadline_only_ever_comes_closer() {
        let warrant = Warrant::unlimited();
        warrant.limit(at(10));
        warrant.limit(at(20));
        assert_eq!(warrant.left(at(4)), Some(SimSpan::from_secs(6)));
        assert!(!warrant.holds(at(10)));
    }

    #[test]
    fn what_is_too_late_to_be_done_can_still_be_taken_back_for_as_long_as_it_is_leased() {
        let warrant = Warrant::on_lease();
        warrant.limit(at(3));
        warrant.prolong(at(8));
        assert!(!warrant.holds(at(3)));
        assert!(warrant.is_leased(at(7)) && !warrant.is_leased(at(8)));
        warrant.revoke();
        assert!(!warrant.is_leased(at(3)) && Warrant::unlimited().is_leased(at(1_000)));
    }

    #[test]
    fn it_is_passed_on_for_no_longer_than_it_holds() {
        let warrant = Warrant::on_lease();
        warrant.prolong(at(8));
        assert_eq!(warrant.leased_for(at(5), SimSpan::from_secs(10)), SimSpan::from_secs(3));
        assert_eq!(Warrant::unlimited().leased_for(at(5), SimSpan::from_secs(10)), SimSpan::from_secs(10));
    }

    #[test]
    fn what_is_revoked_does_not_come_back() {
        let warrant = Warrant::on_lease();
        warrant.revoke();
        warrant.prolong(at(9));
        assert!(!warrant.holds(at(1)));
    }
}
