//! Waiting: for a span of time, and for something else within a span of time.

use super::Context;
use crate::core::Core;
use crate::queue::TimerKey;
use crate::{Domain, EventKind, Name, SimSpan, SimTime};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

/// No answer came in time. Whether the request had an effect elsewhere is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing came in time")
    }
}

impl std::error::Error for TimedOut {}

impl<D: Domain> Context<D> {
    /// Waits for a span of the node's monotonic clock, at the rate it has when the wait begins.
    pub async fn sleep(&self, span: SimSpan) {
        self.timer(span).await;
    }

    /// Simulates work: takes longer on a slow node, whatever the clocks show.
    pub async fn work(&self, span: SimSpan) {
        let timer = {
            let mut core = self.core();
            let at = core.now() + core.work_span(self.node, span);
            self.alarm(&mut core, at)
        };
        timer.await;
    }

    /// Waits for `future`, for at most `span` from now on; `label` names the wait in the history.
    ///
    /// # Errors
    /// [`TimedOut`] when the span is over first.
    pub fn within<F: Future>(&self, span: SimSpan, label: Name, future: F) -> Within<'_, D, F> {
        if let Some(waits) = &mut self.core.borrow_mut().waits {
            waits.timeouts.insert((self.name, label, span));
        }
        Within { timer: self.timer(span), label, future }
    }

    fn timer(&self, span: SimSpan) -> Timer<'_, D> {
        let mut core = self.core();
        let at = core.now() + core.node(self.node).true_span(span);
        self.alarm(&mut core, at)
    }

    fn alarm(&self, core: &mut Core<D>, at: SimTime) -> Timer<'_, D> {
        let tie = core.node(self.node).tie;
        Timer { context: self, key: core.arm(at, tie) }
    }
}

pin_project! {
    /// A wait for something, for at most a span of time: of [`Context::within`].
    // A type of its own, because an `async fn` that pins its argument holds it twice.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Within<'a, D: Domain, F> {
        timer: Timer<'a, D>,
        label: Name,
        #[pin]
        future: F,
    }
}

impl<D: Domain, F: Future> Future for Within<'_, D, F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(task) {
            return Poll::Ready(Ok(value));
        }
        ready!(Pin::new(&mut *this.timer).poll(task));
        let context = this.timer.context;
        context.append(&mut context.core(), EventKind::TimedOut { label: *this.label });
        Poll::Ready(Err(TimedOut))
    }
}

struct Timer<'a, D: Domain> {
    context: &'a Context<D>,
    key: TimerKey,
}

impl<D: Domain> Future for Timer<'_, D> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let rung = self.context.core().queue.poll_timer(self.key, task.waker());
        if rung { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<D: Domain> Drop for Timer<'_, D> {
    fn drop(&mut self) {
        if let Ok(mut core) = self.context.core.try_borrow_mut() {
            core.queue.release(self.key);
        }
    }
}
