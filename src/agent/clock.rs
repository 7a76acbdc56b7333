//! Stamps: by what a receiver orders what comes from different agents, and the clocks that give them.
//!
//! A stamp from a wall clock orders writes by when their agents believe that they made them. Two machines
//! never believe the same, so a write that answers another one can have the lower stamp. A *hybrid logical
//! clock* (Kulkarni et al. 2014) is a wall clock that is never behind what it has seen: its agent sends the
//! reading with every message, and a receiver whose clock is behind sets it forward. So what follows from
//! something, through whatever messages, records and store items, has the higher stamp (Lamport 1978); for
//! the rest stamps stay close to wall time.
//!
//! ```
//! use perfidy::agent::{HybridClock, Stamp};
//! use perfidy_sim::SimTime;
//!
//! let at = SimTime::from_nanos;
//! let mut behind = HybridClock::default();
//! assert_eq!(behind.tick(at(100)), Stamp(100));
//! behind.observe(Stamp(5_000));
//! assert_eq!(behind.tick(at(110)), Stamp(5_001));
//! assert_eq!(behind.tick(at(9_000)), Stamp(9_000));
//! ```

use crate::agent::Body;
use perfidy_sim::{Name, SimTime};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// When something was made, by the clock of the agent that made it: nanoseconds since the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Stamp(pub u64);

impl Stamp {
    /// A reading of a wall clock.
    pub const fn of_wall_clock(now: SimTime) -> Self {
        Self(now.as_nanos())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stamp {}", SimTime::from_nanos(self.0))
    }
}

/// A hybrid logical clock.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HybridClock {
    last: Stamp,
}

impl HybridClock {
    /// The stamp of what happens now, by this reading of the wall clock: higher than all before it, and than
    /// all that were observed.
    pub fn tick(&mut self, now: SimTime) -> Stamp {
        self.last = Stamp::of_wall_clock(now).max(Stamp(self.last.0.saturating_add(1)));
        self.last
    }

    /// Takes in a stamp that came with something.
    pub fn observe(&mut self, stamp: Stamp) {
        self.last = self.last.max(stamp);
    }
}

/// How an agent stamps what it sends.
#[derive(Debug)]
pub(super) struct Stamping {
    /// The tools that order calls by their stamps: their clients stamp each call, by whichever clock.
    tools: Arc<[Name]>,
    /// The logical clock of the agent, if it has one. Then it stamps all messages and records.
    clock: Option<Cell<HybridClock>>,
}

impl Stamping {
    pub fn new(tools: Arc<[Name]>, is_logical: bool) -> Self {
        Self { tools, clock: is_logical.then(Cell::default) }
    }

    /// The stamp of a message or a record, if it gets one.
    pub fn of_message(&self, now: SimTime) -> Option<Stamp> {
        let cell = self.clock.as_ref()?;
        let mut clock = cell.get();
        let stamp = clock.tick(now);
        cell.set(clock);
        Some(stamp)
    }

    /// The stamp of a call of a tool, if it gets one.
    pub fn of_call(&self, tool: Name, now: SimTime) -> Option<Stamp> {
        let of_wall_clock = || self.tools.contains(&tool).then(|| Stamp::of_wall_clock(now));
        self.of_message(now).or_else(of_wall_clock)
    }

    /// Takes in what the agent has received or read again.
    pub fn observe(&self, received: &Body) {
        if let (Some(cell), Some(stamp)) = (&self.clock, received.stamp()) {
            let mut clock = cell.get();
            clock.observe(stamp);
            cell.set(clock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_follows_has_the_higher_stamp_whatever_the_wall_clocks_say(
            steps in prop::collection::vec((0_usize..3, 0_usize..3, 0_u64..1_000), 1..50)
        ) {
            let mut clocks = [HybridClock::default(); 3];
            let mut latest = [Stamp::default(); 3];
            for (from, to, wall) in steps {
                let sent = clocks[from].tick(SimTime::from_nanos(wall));
                prop_assert!(sent > latest[from]);
                latest[from] = sent;
                if from != to {
                    clocks[to].observe(sent);
                    latest[to] = latest[to].max(sent);
                }
            }
        }
    }

    #[test]
    fn without_a_logical_clock_only_calls_of_tools_that_order_by_stamps_get_one() {
        let (wiki, mail) = (Name::new("wiki"), Name::new("mail"));
        let now = SimTime::from_nanos(7);
        let stamping = Stamping::new([wiki].into(), false);
        assert_eq!(stamping.of_message(now), None);
        assert_eq!((stamping.of_call(wiki, now), stamping.of_call(mail, now)), (Some(Stamp(7)), None));
        let logical = Stamping::new([wiki].into(), true);
        assert_eq!(logical.of_message(now), Some(Stamp(7)));
        assert_eq!(logical.of_call(mail, now), Some(Stamp(8)));
    }
}
