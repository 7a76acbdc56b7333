//! Deadline propagation: every order carries the time left for the whole task, and an agent with no time left
//! stops.
//!
//! A cancel may never reach a partitioned agent; a timeout on its own clock works without messages. What is
//! propagated is the time left and not the time of day, so clocks need not agree, only run alike
//! (`grpc-timeout`). The same holds for a chain of requests, each of which waits for the next: an agent that
//! has less time left than its part takes gives up, and whatever it has asked for gives up as well. The time
//! that a message is on its way is not known to its receiver, so each link adds that to the deadline.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::SimSpan;

/// The switch.
#[derive(Default)]
pub struct DeadlinePropagation;

impl Safeguard for DeadlinePropagation {
    const NAME: &'static str = "deadline-propagation";
    const ABOUT: &'static str = "every order carries the time left for the task; work stops when it is up";
    const EXAMPLE: &'static str = "deadline-propagation = true";
    const WITHOUT: &'static str = "orders carry no deadline, and an agent that no cancel reaches works on";
    const NEEDS: &'static str = "`within` in `[tasks]`";
    const PROTECTS: &'static [&'static str] = &["no-orphans", "within-deadline"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The deadline that an order carries: the time that is left, if deadlines are propagated.
pub fn propagated(safeguards: &Safeguards, left: Option<SimSpan>) -> Option<SimSpan> {
    left.filter(|_| safeguards.has::<DeadlinePropagation>())
}
