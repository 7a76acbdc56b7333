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

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
