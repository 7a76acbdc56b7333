//! Deduplication by the tool: a key seen before gives the earlier receipt and no second effect.
//!
//! The switch applies to all tools of a scenario; `deduplicates = true` in a tool's table selects the tools.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct ToolDedupe;

impl Safeguard for ToolDedupe {
    const NAME: &'static str = "tool-dedupe";
    const ABOUT: &'static str =
        "tools marked `deduplicates = true` recognise an idempotency key they have seen";
    const EXAMPLE: &'static str = "tool-dedupe = true";
    const WITHOUT: &'static str = "a tool carries out every request, also one with a key that it has seen";
    const NEEDS: &'static str = "`idempotency-keys`, and a tool with `deduplicates = true`";
    const PROTECTS: &'static [&'static str] = &["no-double-spend", "no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
