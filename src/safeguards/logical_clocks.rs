//! Logical clocks: what follows from something is later than it, whatever the wall clocks of two machines
//! say.
//!
//! A store in which the last writer wins goes by the stamps of its writers. Stamped by wall clocks, the
//! answer to a text loses against the text if the machine of the answer is behind. A
//! [hybrid logical clock](crate::agent::HybridClock) is a wall clock that is never behind what its agent has
//! seen: its reading travels with all messages, journal records and store items, as a header (`stamp`), and
//! receivers set theirs forward.
//!
//! The handle of an agent does this by itself, as an interceptor of a runtime does with the context of a
//! trace; without the switch, the clients of such stores stamp with the wall clock.

use crate::config::{Entry, Problem};
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct LogicalClocks;

impl Safeguard for LogicalClocks {
    const NAME: &'static str = "logical-clocks";
    const ABOUT: &'static str =
        "agents stamp what they send by a clock that is never behind what they have received";
    const EXAMPLE: &'static str = "logical-clocks = true";
    const WITHOUT: &'static str = "a write is ordered by the wall clock of its writer, which can be wrong";
    const NEEDS: &'static str = "a tool with `kind = \"registers\"`";
    const PROTECTS: &'static [&'static str] = &["causal-order"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        let orders_by_stamp = setup.tools.values().any(|tool| tool.prototype.orders_by_stamp());
        let message = format!("`{}` has no effect: no tool orders calls by their stamps", Self::NAME);
        let help = format!("add kind = \"registers\" to a tool, or take `{}` out", Self::NAME);
        (!orders_by_stamp).then_some(Missing { message, help })
    }
}
