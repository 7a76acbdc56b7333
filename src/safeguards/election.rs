//! Election by lease: a backup stands by and takes over when the lease has run out.

use crate::safeguards::{LEASES, Safeguard, lease};
use crate::scenario::{Entry, Problem};
use perfidy_sim::SimSpan;

/// How long a leader's lease lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Election {
    /// The length of a lease; a holder prolongs it after a third of that.
    pub lease: SimSpan,
}

impl Safeguard for Election {
    const NAME: &'static str = "election";
    const ABOUT: &'static str = "a backup stands for leader and takes over when the lease runs out";
    const EXAMPLE: &'static str = r#"election = { lease = "10s" }"#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self { lease: lease(entry, &LEASES)? }))
    }
}
