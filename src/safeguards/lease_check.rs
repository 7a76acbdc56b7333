//! Lease checks: the holder of a lease looks at the clock before it acts under it.
//!
//! A lease ends while its holder waits for a model, a tool or its turn on the CPU. A holder that looks only
//! when it gets the lease acts on after it, beside the next holder. The check leaves the time between the
//! look and the action; only a [fencing token](super::fencing) covers that.

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct LeaseCheck;

impl Safeguard for LeaseCheck {
    const NAME: &'static str = "lease-check";
    const ABOUT: &'static str =
        "built in: the holder of a lease checks before it acts that the lease has not ended";
    const EXAMPLE: &'static str = "lease-check = true";
    const WITHOUT: &'static str = "the holder of a lease acts on after it has ended";
    const PROTECTS: &'static [&'static str] = &["no-split-brain", "one-owner-per-task"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for LeaseCheck {
    const USUAL: Self = Self;
}
