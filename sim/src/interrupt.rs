//! Interrupts: end runs that are under way, from another thread.
//!
//! A run is a pure function and knows no real time, but a campaign must end on a signal or when its time is
//! over, however long one run takes. Work done [within](Interrupt::within) an interrupt is abandoned once the
//! interrupt is set: an engine checks it before each event, and unwinds to the enclosing `within` instead of
//! returning to its caller. So an abandoned run has no [`RunOutcome`](crate::RunOutcome): it cannot be
//! judged, counted or saved by mistake, and the code between the engine and the campaign does not have to
//! pass the interrupt on. (Salsa cancels queries in the same way.)
//!
//! ```
//! use perfidy_sim::{Abandoned, Interrupt, interrupt};
//! let interrupt = Interrupt::default();
//! assert_eq!(interrupt.within(|| 1 + 1), Ok(2));
//! interrupt.set();
//! assert_eq!(interrupt.within(|| 1 + 1), Err(Abandoned));
//! ```

use crate::scoped;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that ends the work done within it. Clones share the flag.
#[derive(Clone, Default, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

/// The work was ended by its interrupt; it has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was abandoned before its end")
    }
}

impl std::error::Error for Abandoned {}

thread_local! {
    static CURRENT: RefCell<Option<Interrupt>> = const { RefCell::new(None) };
}

impl Interrupt {
    /// Ends all work within this interrupt, running or not yet begun.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Does interruptible work on this thread.
    ///
    /// # Errors
    /// [`Abandoned`] if the interrupt was set before the work began or ended it.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> Result<T, Abandoned> {
        if self.is_set() {
            return Err(Abandoned);
        }
        scoped::within(&CURRENT, Some(self.clone()), || catch(work))
    }
}

/// Does part of some work and returns even if that part is abandoned, so that the results so far can be kept.
///
/// # Errors
/// [`Abandoned`] if the interrupt around it ended the work.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Abandoned> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast::<Abandoned>() {
        Ok(abandoned) => *abandoned,
        Err(panic) => resume_unwind(panic),
    })
}

/// The interrupt of this thread, for use on another thread.
pub fn current() -> Option<Interrupt> {
    CURRENT.with_borrow(Clone::clone)
}

/// Does work of another thread within the interrupt of that thread.
pub fn inherit<T>(interrupt: Option<Interrupt>, work: impl FnOnce() -> T) -> T {
    scoped::within(&CURRENT, interrupt, work)
}

/// Ends the work here if its interrupt is set: for long work between two runs.
pub fn check() {
    if CURRENT.with_borrow(|current| current.as_ref().is_some_and(Interrupt::is_set)) {
        abandon();
    }
}

/// Unwinds to the enclosing `within`, without output on the terminal.
pub(crate) fn abandon() -> ! {
    resume_unwind(Box::new(Abandoned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Domain, Engine, Name, Seed, SimSpan, World, WorldConfig};
    use std::thread;

    struct Numbers;
    impl Domain for Numbers {
        type Payload = u64;
        type AppEvent = u64;
        type Author = ();
    }

    /// A world whose only node interrupts its own run after `ticks` timers.
    fn ticking(interrupt: Interrupt, ticks: u64) -> World<Numbers> {
        let mut world = World::new(WorldConfig::fault_free(Seed(1)));
        world.process(Name::new("clock"), move |context: Context<Numbers>| {
            let interrupt = interrupt.clone();
            async move {
                for tick in 1..=2 * ticks {
                    context.sleep(SimSpan::from_millis(1)).await;
                    context.record_event((), tick);
                    if tick == ticks {
                        interrupt.set();
                    }
                }
            }
        });
        world
    }

    #[test]
    fn a_run_that_is_interrupted_has_no_outcome_on_any_engine() {
        for engine in Engine::ALL.into_iter().filter(|engine| engine.available().is_ok()) {
            let interrupt = Interrupt::default();
            let run = || engine.run(|| ticking(interrupt.clone(), 10)).history.len();
            assert_eq!(interrupt.within(run), Err(Abandoned), "{engine}");
            assert!(current().is_none());
            // The same run without an interrupt goes on to its end.
            assert!(run() > 20, "{engine}");
        }
    }

    #[test]
    fn a_part_that_is_abandoned_leaves_what_was_done_before() {
        let interrupt = Interrupt::default();
        let parts = interrupt.within(|| {
            let first = catch(|| 1);
            interrupt.set();
            (first, catch(check))
        });
        assert_eq!(parts, Ok((Ok(1), Err(Abandoned))));
    }

    #[test]
    fn another_thread_works_within_the_interrupt_it_inherits() {
        let interrupt = Interrupt::default();
        let ended = interrupt.within(|| {
            let here = current();
            interrupt.set();
            let elsewhere = thread::scope(|scope| scope.spawn(|| inherit(here, check)).join());
            elsewhere.unwrap_or_else(|panic| resume_unwind(panic));
        });
        assert_eq!(ended, Err(Abandoned));
    }

    #[test]
    fn a_panic_is_no_interruption() {
        let panic = catch_unwind(|| Interrupt::default().within(|| resume_unwind(Box::new("a bug"))));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a bug"));
    }
}
