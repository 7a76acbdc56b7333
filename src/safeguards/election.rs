//! Election by lease: a backup stands by and takes over when the lease has run out.

use crate::safeguards::Safeguard;
use crate::scenario::{Entry, Problem, Span};
use perfidy_sim::SimSpan;
use serde::Deserialize;
use std::ops::RangeInclusive;

/// How long a lease can be.
pub const LEASES: RangeInclusive<SimSpan> = SimSpan::from_millis(100)..=SimSpan::from_secs(3_600);

/// How long a leader's lease lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Election {
    /// The length of a lease; a holder prolongs it after a third of that.
    pub lease: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    lease: Span,
}

impl Safeguard for Election {
    const NAME: &'static str = "election";
    const ABOUT: &'static str = "a backup stands for leader and takes over when the lease runs out";
    const EXAMPLE: &'static str = r#"election = { lease = "10s" }"#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { lease } = entry.read()?;
        let Span(lease) = lease;
        if !LEASES.contains(&lease) {
            return Err(entry.problem(format!("a lease of {lease} makes no sense; it can be 100ms to 1h")));
        }
        Ok(Some(Self { lease }))
    }
}
