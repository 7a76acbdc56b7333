//! Optimistic locking: a write succeeds only if the item has not changed since its author read it.
//!
//! An author that comes too late reads again and composes again (Kung and Robinson 1981, "On optimistic
//! methods for concurrency control"; `If-Match` in HTTP). No author waits for another, and one whose cycle is
//! long can be too late each time, so the number of cycles has a limit.
//!
//! ```
//! use perfidy::agent::{Agent, ItemEntry, Version};
//! use perfidy::safeguards::optimistic_locking::{GaveUp, update};
//! use perfidy_sim::Name;
//!
//! /// Adds an entry to a list that other agents rewrite as well.
//! async fn add(agent: &Agent, list: Name, entry: ItemEntry) -> Result<Version, GaveUp> {
//!     update(agent, list, 12, async |seen| seen.and(entry.clone())).await
//! }
//! ```

use crate::agent::{
    Agent, Change, Entries, Freshness, ItemStamp, OpId, Snapshot, Store, StoreError, Version,
};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Name;
use std::fmt;

/// The switch.
#[derive(Default)]
pub struct OptimisticLocking;

impl Safeguard for OptimisticLocking {
    const NAME: &'static str = "optimistic-locking";
    const ABOUT: &'static str =
        "a write names the version that was read, and is refused if that is not the latest";
    const EXAMPLE: &'static str = "optimistic-locking = true";
    const WITHOUT: &'static str =
        "a write replaces what is there, also what was written after its author's read";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The item could not be written now. Whether it was written all the same, the next read shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GaveUp;

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other agents were always faster, or no answer came")
    }
}

impl std::error::Error for GaveUp {}

/// Why one cycle of reading, composing and writing did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpdateFailure {
    /// Another agent wrote first; the cycle must start again.
    Conflict,
    /// No answer came, or the lock was not available.
    NoAnswer,
}

impl From<StoreError> for UpdateFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Definite(_) => Self::Conflict,
            StoreError::Indefinite(_) => Self::NoAnswer,
        }
    }
}

/// Runs a cycle of reading, composing and writing until no other agent interferes, at most so often.
///
/// # Errors
/// [`GaveUp`] if another agent wrote first in each cycle, or no answer came in one of them.
pub async fn retry_on_conflict<T>(
    cycles: u32,
    mut cycle: impl AsyncFnMut() -> Result<T, UpdateFailure>,
) -> Result<T, GaveUp> {
    for _ in 0..cycles {
        match cycle().await {
            Ok(done) => return Ok(done),
            Err(UpdateFailure::Conflict) => {}
            Err(UpdateFailure::NoAnswer) => return Err(GaveUp),
        }
    }
    Err(GaveUp)
}

/// Writes an item as a whole if it is unchanged (compare-and-set), and retries a few times while the outcome
/// is unclear.
///
/// # Errors
/// As [`Store::commit`]; [`StoreError::Definite`] if it has changed.
pub async fn replace_if_unchanged(
    store: Store<'_>,
    item: Name,
    seen: &Snapshot,
    entries: Entries,
    op: OpId,
) -> Result<ItemStamp, StoreError> {
    store.commit_with_retry(item, Change::ReplaceAt { version: seen.stamp.version, entries }, op).await
}

/// Reads an item, lets `compose` make its new entries from the current ones, and writes them if the item is
/// unchanged; otherwise it starts again, at most `cycles` times. Returns the version that it made.
///
/// # Errors
/// As [`retry_on_conflict`].
pub async fn update(
    agent: &Agent,
    item: Name,
    cycles: u32,
    mut compose: impl AsyncFnMut(&Snapshot) -> Entries,
) -> Result<Version, GaveUp> {
    retry_on_conflict(cycles, async || {
        let seen = agent.store().read(item, Freshness::Latest).await?;
        let entries = compose(&seen).await;
        let op = agent.new_operation_id(item);
        Ok(replace_if_unchanged(agent.store(), item, &seen, entries, op).await?.version)
    })
    .await
}
