//! Runs in which something outside of the world takes part: a client in real time, or a process that is
//! itself simulated.
//!
//! The outside is asked between two steps of a run, when every task of the world waits. It says whether the
//! next event comes, or that time passes first because it has something to say. What it says, it passes to
//! the code of a node in a way of its own, such as a queue with a waker; the engine then polls that code at
//! the time that the outside gave. So a run is a pure function of its world and of what the outside said
//! when, and saying the same at the same times again makes the same run.

use crate::{Domain, RunOutcome, SimTime, World, interrupt};

/// What comes next in a run, by the word of the outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The next event of the world. If none is left, the run ends.
    Event,
    /// Time passes until then, without an event: what the outside has said happens at this time. It is not
    /// before the time of the run, and no event comes before it.
    At(SimTime),
}

/// Something that takes part in a run and is not of its world.
pub trait Outside {
    /// Decides what comes next. It is `now` in the world, and its next event, or its end, is at `next`. An
    /// event at the same time comes before what the outside says.
    fn turn(&mut self, now: SimTime, next: SimTime) -> Turn;
}

impl<D: Domain> World<D> {
    /// Runs the world to its end on the native engine, together with something outside of it.
    /// [Within](crate::Interrupt::within) an interrupt that is set, the call unwinds instead of returning.
    ///
    /// ```
    /// use perfidy_sim::{Domain, Name, Outside, Seed, SimSpan, SimTime, Turn, World, WorldConfig};
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// struct Numbers;
    /// impl Domain for Numbers {
    ///     type Payload = u64;
    ///     type AppEvent = u64;
    ///     type Author = ();
    /// }
    ///
    /// /// Says a number once, after five seconds.
    /// struct Caller(Rc<Cell<Option<u64>>>, Rc<tokio::sync::Notify>);
    /// impl Outside for Caller {
    ///     fn turn(&mut self, now: SimTime, next: SimTime) -> Turn {
    ///         let at = SimTime::ZERO + SimSpan::from_secs(5);
    ///         if now >= at || next <= at {
    ///             return Turn::Event;
    ///         }
    ///         self.0.set(Some(7));
    ///         self.1.notify_one();
    ///         Turn::At(at)
    ///     }
    /// }
    ///
    /// let (said, called) = (Rc::new(Cell::new(None)), Rc::new(tokio::sync::Notify::new()));
    /// let mut outside = Caller(Rc::clone(&said), Rc::clone(&called));
    /// let mut world = World::<Numbers>::new(WorldConfig::fault_free(Seed(1)));
    /// world.process(Name::new("operator"), move |context| {
    ///     let (said, called) = (Rc::clone(&said), Rc::clone(&called));
    ///     async move {
    ///         called.notified().await;
    ///         context.record_event((), said.take().unwrap());
    ///     }
    /// });
    /// let outcome = world.run_with(&mut outside);
    /// let (event, number) = outcome.history.app_events().next().unwrap();
    /// assert_eq!((event.at, *number), (SimTime::ZERO + SimSpan::from_secs(5), 7));
    /// ```
    pub fn run_with(self, outside: &mut dyn Outside) -> RunOutcome<D> {
        super::native::run(self, Some(outside)).unwrap_or_else(|| interrupt::abandon())
    }
}
