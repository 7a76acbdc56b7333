//! What a file says of a tool: how its wrapper behaves, and the tool in the state in which runs find it.

use super::{Prototype, Records};
use perfidy_sim::SimSpan;
use std::ops::RangeInclusive;

/// A tool as the file describes it.
#[derive(Clone, Debug)]
pub struct ToolConfig {
    /// Of which kind it is.
    pub kind: &'static str,
    /// The tool itself, as each run finds it.
    pub prototype: Prototype,
    /// How long it works on a call.
    pub latency: RangeInclusive<SimSpan>,
    /// Whether it recognises an idempotency key that it has seen.
    pub deduplicates: bool,
    /// Whether it refuses calls that do not say for which task they are made.
    pub refuses_untraced: bool,
}

impl Default for ToolConfig {
    /// What a file gets that says nothing.
    fn default() -> Self {
        Self {
            latency: SimSpan::from_millis(50)..=SimSpan::from_millis(500),
            deduplicates: false,
            refuses_untraced: false,
            kind: "records",
            prototype: Prototype::new(Records),
        }
    }
}
