//! Deadline propagation: every order says how much time is left for the whole, and whoever has none left stops.
//!
//! Word that a task is over may never reach those who are cut off; their own clock always does. What is passed on is
//! the time that is left and not the time of day, so clocks need not agree, only run alike.

use crate::safeguards::{Safeguard, Safeguards, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::SimSpan;

/// The switch.
#[derive(Default)]
pub struct DeadlinePropagation;

impl Safeguard for DeadlinePropagation {
    const NAME: &'static str = "deadline-propagation";
    const ABOUT: &'static str =
        "every order says how much time is left for the whole; when it is up, work stops";
    const EXAMPLE: &'static str = "deadline-propagation = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// What an order says of the time that is left, if such things are passed on.
pub fn passed_on(safeguards: &Safeguards, left: Option<SimSpan>) -> Option<SimSpan> {
    left.filter(|_| safeguards.has::<DeadlinePropagation>())
}
