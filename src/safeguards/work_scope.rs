//! Work scopes: the scope of delegated work says until when the parent agent wants it.
//!
//! Delegated work outlives the agents it is for, unless it is tied to them ("structured concurrency", Sústrik
//! 2016; `context.Context` in Go). A scope ends in three ways, each a separate safeguard: no agent above has
//! confirmed for a while that the work is wanted ([`parent_lease`]); the time for the whole task is up
//! ([`deadline_propagation`]); or an agent above said that it must stop ([`cancellation`]). Work in a scope
//! ends with it, even in the middle of a model call or a tool call. The outcome of that tool call is then
//! unknown; an agent that needs to know has to ask ([`acknowledged_cancel`]).
//!
//! ```
//! use perfidy::safeguards::work_scope::WorkScope;
//! use perfidy_sim::{SimSpan, SimTime};
//! let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
//! let scope = WorkScope::on_lease();
//! assert!(!scope.holds(at(0)), "the parent has not said yet that it wants the work");
//! scope.extend_lease(at(10));
//! scope.set_deadline(at(60));
//! assert!(scope.holds(at(9)) && !scope.holds(at(10)));
//! scope.revoke();
//! assert!(!scope.holds(at(5)));
//! ```
//!
//! [`parent_lease`]: super::parent_lease
//! [`deadline_propagation`]: super::deadline_propagation
//! [`cancellation`]: super::cancellation
//! [`acknowledged_cancel`]: super::acknowledged_cancel

use crate::agent::Agent;
use perfidy_sim::{SimSpan, SimTime};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::sync::Notify;

/// The scope has ended, and the work in it with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScopeEnded;

/// Until when work is wanted, by the monotonic clock of the agent that does it.
#[derive(Default, Debug)]
pub struct WorkScope {
    /// `None` if it needs no lease.
    leased_until: Cell<Option<SimTime>>,
    deadline: Cell<Option<SimTime>>,
    is_revoked: Cell<bool>,
    extended: Notify,
    shortened: Notify,
}

impl WorkScope {
    /// A scope that holds until it is limited or revoked.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// A scope that holds only while it is leased; initially it is not.
    pub fn on_lease() -> Self {
        Self { leased_until: Cell::new(Some(SimTime::ZERO)), ..Self::default() }
    }

    /// Whether the work is still wanted.
    pub fn holds(&self, now: SimTime) -> bool {
        !self.is_revoked.get() && self.ends().is_none_or(|end| now < end)
    }

    /// Whether the parent still leaves the work to this agent: to continue it or, once its time is up, to
    /// undo it.
    pub fn is_leased(&self, now: SimTime) -> bool {
        !self.is_revoked.get() && self.leased_until.get().is_none_or(|until| now < until)
    }

    /// Whether it was ended for good.
    pub fn is_revoked(&self) -> bool {
        self.is_revoked.get()
    }

    /// When it ends if its lease is not renewed.
    fn ends(&self) -> Option<SimTime> {
        [self.leased_until.get(), self.deadline.get()].into_iter().flatten().min()
    }

    /// For how long it can be leased to another agent: never longer than its own lease.
    pub fn leased_for(&self, now: SimTime, at_most: SimSpan) -> SimSpan {
        self.leased_until.get().map_or(at_most, |until| until.since(now).min(at_most))
    }

    /// The time left for the whole task, if that is limited.
    pub fn left(&self, now: SimTime) -> Option<SimSpan> {
        self.deadline.get().map(|deadline| deadline.since(now))
    }

    /// Extends the lease until then. An earlier end than the known one changes nothing.
    pub fn extend_lease(&self, until: SimTime) {
        if self.leased_until.get().is_some_and(|known| known < until) {
            self.leased_until.set(Some(until));
            self.extended.notify_waiters();
        }
    }

    /// Sets the deadline of the whole task. A later deadline than the known one changes nothing.
    pub fn set_deadline(&self, deadline: SimTime) {
        if self.deadline.get().is_none_or(|known| deadline < known) {
            self.deadline.set(Some(deadline));
            self.shortened.notify_waiters();
        }
    }

    /// Ends it for good.
    pub fn revoke(&self) {
        self.is_revoked.set(true);
        self.shortened.notify_waiters();
        self.extended.notify_waiters();
    }

    /// Waits until it holds, for at most `within`, and says whether it does.
    pub async fn wait_until_holds(&self, agent: &Agent, within: SimSpan) -> bool {
        self.wait_until(agent, within, Self::holds).await
    }

    /// Waits until it is leased, for at most `within`, and says whether it is.
    pub async fn wait_until_leased(&self, agent: &Agent, within: SimSpan) -> bool {
        self.wait_until(agent, within, Self::is_leased).await
    }

    async fn wait_until(&self, agent: &Agent, within: SimSpan, is_so: fn(&Self, SimTime) -> bool) -> bool {
        let mut time = pin!(agent.sleep(within));
        loop {
            if self.is_revoked() || is_so(self, agent.monotonic()) {
                return !self.is_revoked();
            }
            let mut change = pin!(self.extended.notified());
            let is_late = poll_fn(|task| match change.as_mut().poll(task) {
                Poll::Ready(()) => Poll::Ready(false),
                Poll::Pending => time.as_mut().poll(task).map(|()| true),
            });
            if is_late.await {
                return is_so(self, agent.monotonic());
            }
        }
    }

    /// Does work for as long as the scope holds.
    ///
    /// # Errors
    /// [`ScopeEnded`] as soon as it does not; the work is dropped where it is.
    pub fn run<T>(
        &self,
        agent: &Agent,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T, ScopeEnded>> {
        // In a box, because a future that pins its argument holds that twice.
        self.run_boxed(agent, Box::pin(work))
    }

    async fn run_boxed<T, W: Future<Output = T>>(
        &self,
        agent: &Agent,
        mut work: Pin<Box<W>>,
    ) -> Result<T, ScopeEnded> {
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
        Err(ScopeEnded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    #[test]
    fn a_scope_on_lease_does_not_hold_before_the_first_lease() {
        let scope = WorkScope::on_lease();
        assert!(!scope.holds(at(0)));
        scope.extend_lease(at(5));
        assert!(scope.holds(at(4)) && !scope.holds(at(5)));
        scope.extend_lease(at(3));
        assert!(scope.holds(at(4)));
    }

    #[test]
    fn an_unlimited_scope_is_not_ended_by_a_lease() {
        let scope = WorkScope::unlimited();
        scope.extend_lease(at(5));
        assert!(scope.holds(at(1_000)));
    }

    #[test]
    fn a_deadline_only_comes_closer() {
        let scope = WorkScope::unlimited();
        scope.set_deadline(at(10));
        scope.set_deadline(at(20));
        assert_eq!(scope.left(at(4)), Some(SimSpan::from_secs(6)));
        scope.set_deadline(at(9));
        assert_eq!(scope.left(at(4)), Some(SimSpan::from_secs(5)));
        assert!(scope.holds(at(8)) && !scope.holds(at(9)));
    }

    #[test]
    fn work_whose_time_is_up_can_be_undone_for_as_long_as_it_is_leased() {
        let scope = WorkScope::on_lease();
        scope.set_deadline(at(3));
        scope.extend_lease(at(8));
        assert!(!scope.holds(at(3)));
        assert!(scope.is_leased(at(7)) && !scope.is_leased(at(8)));
        scope.revoke();
        assert!(!scope.is_leased(at(3)) && WorkScope::unlimited().is_leased(at(1_000)));
    }

    #[test]
    fn a_scope_is_leased_on_for_no_longer_than_it_holds() {
        let scope = WorkScope::on_lease();
        scope.extend_lease(at(8));
        assert_eq!(scope.leased_for(at(5), SimSpan::from_secs(10)), SimSpan::from_secs(3));
        assert_eq!(WorkScope::unlimited().leased_for(at(5), SimSpan::from_secs(10)), SimSpan::from_secs(10));
    }

    #[test]
    fn a_revoked_scope_does_not_hold_again() {
        let scope = WorkScope::on_lease();
        scope.revoke();
        scope.extend_lease(at(9));
        assert!(!scope.holds(at(1)));
    }
}
