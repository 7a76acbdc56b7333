//! Retry backoff: a caller waits before it tries again, longer each time, and for a drawn part of that time.
//!
//! A tool that is down is asked by all of its callers. If each asks again at once, the tool gets as many
//! requests as the network carries, and is down for longer; if all wait equally long, they come back
//! together. How long the waits are says [`retry`](super::retry).

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct RetryBackoff;

impl Safeguard for RetryBackoff {
    const NAME: &'static str = "retry-backoff";
    const ABOUT: &'static str =
        "built in: a caller waits between its tries, longer each time, for a drawn part of that time";
    const EXAMPLE: &'static str = "retry-backoff = true";
    const WITHOUT: &'static str = "a call that failed is tried again at once";
    const NEEDS: &'static str = "`retry`";
    const PROTECTS: &'static [&'static str] = &["calls-within-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for RetryBackoff {
    const USUAL: Self = Self;
}
