//! Retried writes: an agent repeats a journal write that returned an error, and goes on only when it is done.
//!
//! A disk is full for a moment, a volume is remounted. An agent that drops the error promises what it has not
//! recorded: after its next crash it does not know of the promise.
//!
//! [`Agent::persist`](crate::agent::Agent::persist) does this by itself; without the switch it tries once.

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct RetryWrites;

impl Safeguard for RetryWrites {
    const NAME: &'static str = "retry-writes";
    const ABOUT: &'static str =
        "built in: an agent repeats a failed journal write before it acts on the record";
    const EXAMPLE: &'static str = "retry-writes = true";
    const WITHOUT: &'static str = "an agent acts on a record that its journal did not take";
    const PROTECTS: &'static [&'static str] =
        &["no-duplicate-effects", "recovery-calls-no-model", "results-paired"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for RetryWrites {
    const USUAL: Self = Self;
}
