//! Fact checks: at each boundary, a receiver compares the facts that it is handed with their source, before
//! it works with them.
//!
//! An error that passes one boundary is taken for granted behind it: the next agent builds on it, and what
//! it builds looks sound. A contract does not help: the wrong figure is a figure. The source does. So each
//! receiver reads it itself and refuses what differs, and the error stays with the hop that made it
//! ("error confinement": Denning 1976, "Fault Tolerant Operating Systems").
//!
//! ```
//! use perfidy::agent::{Agent, Fact};
//! use perfidy::safeguards::calls::ReadPolicy;
//! use perfidy::safeguards::fact_check::{Checked, compare_with_source};
//! use perfidy_sim::Name;
//!
//! /// Whether an agent may work with a fact that it was told.
//! async fn is_sound(agent: &Agent, fact: &Fact, task: Name) -> bool {
//!     compare_with_source(agent, &ReadPolicy::default(), fact, task).await == Checked::Right
//! }
//! ```

use crate::agent::{Agent, Fact, Operation};
use crate::config::{Entry, Problem};
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct FactCheck;

impl Safeguard for FactCheck {
    const NAME: &'static str = "fact-check";
    const ABOUT: &'static str =
        "a receiver compares each fact that it is handed with its source, and refuses what differs";
    const EXAMPLE: &'static str = "fact-check = true";
    const WITHOUT: &'static str = "an agent builds on the facts that it is handed";
    const PROTECTS: &'static [&'static str] = &["end-to-end-goal-met", "taint-contained"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// How a fact compares with its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checked {
    /// The source says the same.
    Right,
    /// The source says something else, or something newer.
    Wrong,
    /// The source does not answer.
    Unknown,
}

/// Compares a fact with what its source says when the agent reads it, on behalf of `intent`.
pub async fn compare_with_source(agent: &Agent, policy: &ReadPolicy, fact: &Fact, intent: Name) -> Checked {
    let query = Operation::new(fact.source, fact.item, intent);
    match read_with_retry(agent, policy, &query).await {
        Ok(reading) if reading.content.json() == fact.value.json() => Checked::Right,
        Ok(_) => Checked::Wrong,
        Err(_) => Checked::Unknown,
    }
}
