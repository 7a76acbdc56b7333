//! Write locks, and how much of the work a lock must cover.
//!
//! A lock for the write alone keeps writes apart but still loses updates: the written content was composed
//! from a read before the lock. The lock has to cover the whole cycle of reading, composing and writing. A
//! lock is also a lease: its holder may have been paused past its end, so the store has to refuse a token
//! lower than one it has seen, in reads and in writes (see [`fencing`](crate::safeguards::fencing)).

use crate::agent::{Agent, Lease, LeaseError};
use crate::config::{Entry, Problem};
use crate::safeguards::{LEASES, Safeguard, lease, switch};
use perfidy_sim::{Name, SimSpan};

/// The lease of a lock, and its retries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteLock {
    /// The lease of a lock that its holder does not release.
    pub lease: SimSpan,
}

impl Safeguard for WriteLock {
    const NAME: &'static str = "write-lock";
    const ABOUT: &'static str = "an agent that rewrites a shared item holds its lock while writing";
    const EXAMPLE: &'static str = r#"write-lock = { lease = "10s" }"#;
    const WITHOUT: &'static str = "agents read, compose and write at the same time";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self { lease: lease(entry, &LEASES)? }))
    }
}

/// The switch for how much the lock covers.
#[derive(Default)]
pub struct LockWholeCycle;

impl Safeguard for LockWholeCycle {
    const NAME: &'static str = "lock-whole-cycle";
    const ABOUT: &'static str = "the lock covers read, model call and write, not only the write";
    const EXAMPLE: &'static str = "lock-whole-cycle = true";
    const WITHOUT: &'static str =
        "the lock covers the write only; what was read before it can be old by then";
    const NEEDS: &'static str = "`write-lock`";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// How often an agent asks for a lock before it gives up for now.
const TRIES: u32 = 40;

/// How long to wait before a lock that another agent holds is asked for again.
const PAUSE: std::ops::RangeInclusive<SimSpan> = SimSpan::from_millis(200)..=SimSpan::from_millis(1_500);

impl WriteLock {
    /// Waits for the lock on an item.
    ///
    /// # Errors
    /// [`LeaseError`] if it was not available for a long time.
    pub async fn acquire(&self, agent: &Agent, item: Name) -> Result<Lease, LeaseError> {
        let mut last = LeaseError::Held;
        for _ in 0..TRIES {
            match agent.lease(item, self.lease, self.lease.split(3)).await {
                Ok(lease) => return Ok(lease),
                Err(why) => last = why,
            }
            let pause = agent.draw("wait for the lock", item, |draw| draw.span("pause", &PAUSE));
            agent.sleep(pause).await;
        }
        Err(last)
    }
}
