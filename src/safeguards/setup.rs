//! What a safeguard needs beside it in a scenario: other safeguards, steps of a kind, tools that can do
//! something. A safeguard without it has no effect, so a file that turns it on is refused.

use crate::safeguards::{Safeguard, Safeguards};
use crate::tools::ToolConfig;
use perfidy_sim::Name;
use std::collections::{BTreeMap, BTreeSet};

/// What of a step matters to safeguards.
pub struct StepTraits {
    /// The tool that it calls.
    pub tool: Name,
    /// Whether a person must approve it.
    pub irreversible: bool,
    /// Whether a guardrail checks it.
    pub guarded: bool,
    /// Whether an operation undoes it.
    pub can_be_undone: bool,
}

/// The parts of a scenario that safeguards depend on.
pub struct Setup<'a> {
    pub(crate) on: &'a Safeguards,
    /// The safeguards whose entries in the file could not be read.
    pub(crate) unread: &'a BTreeSet<&'static str>,
    /// The steps of each task.
    pub steps: Vec<StepTraits>,
    /// The tools.
    pub tools: &'a BTreeMap<Name, ToolConfig>,
    /// How many agents each role has.
    pub team: &'a BTreeMap<&'static str, u32>,
}

impl Setup<'_> {
    /// Whether the file turns a safeguard on, if only in an entry that cannot be read.
    pub fn has<S: Safeguard>(&self) -> bool {
        self.on.has::<S>() || self.unread.contains(S::NAME)
    }

    /// What is missing if the file does not turn on the safeguard `S`, which `for_safeguard` needs.
    pub fn needs<S: Safeguard>(&self, for_safeguard: &str) -> Option<Missing> {
        if self.has::<S>() {
            return None;
        }
        let name = S::NAME;
        let message = format!("`{for_safeguard}` has no effect: the safeguard `{name}` is not on");
        Some(Missing { message, help: format!("add {}, or take `{for_safeguard}` out", S::EXAMPLE) })
    }

    /// What is missing if no step is of the kind that `for_safeguard` needs. The kind is named by the key of
    /// a step.
    pub fn needs_step(
        &self,
        for_safeguard: &str,
        key: &str,
        is_of_kind: impl Fn(&StepTraits) -> bool,
    ) -> Option<Missing> {
        if self.steps.iter().any(is_of_kind) {
            return None;
        }
        let message = format!("`{for_safeguard}` has no effect: no step has `{key}`");
        let help = format!("add `{key}` to the [[step]] that needs it, or take `{for_safeguard}` out");
        Some(Missing { message, help })
    }
}

/// Why a safeguard has no effect in a scenario.
pub struct Missing {
    /// What is missing.
    pub message: String,
    /// What to do.
    pub help: String,
}
