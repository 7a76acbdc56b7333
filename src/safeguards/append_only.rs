//! Append-only: an agent that adds to a shared item sends the addition, not the whole item.
//!
//! The store appends it to the current entries, so nothing is overwritten (Helland 2015, "Immutability
//! changes everything").
//!
//! ```
//! use perfidy::agent::{Agent, ItemEntry, StoreError, Version};
//! use perfidy::safeguards::append_only::append;
//! use perfidy_sim::Name;
//!
//! /// Adds a line to a log that many agents write, whatever the others add meanwhile.
//! async fn log(agent: &Agent, line: ItemEntry) -> Result<Version, StoreError> {
//!     let op = agent.new_operation_id(line.id);
//!     Ok(append(agent.store(), Name::new("log"), line, op).await?.version)
//! }
//! ```

use crate::agent::{Change, ItemEntry, ItemStamp, OpId, Store, StoreError};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct AppendOnly;

impl Safeguard for AppendOnly {
    const NAME: &'static str = "append-only";
    const ABOUT: &'static str = "additions to a shared item are appended; it is never rewritten as a whole";
    const EXAMPLE: &'static str = "append-only = true";
    const WITHOUT: &'static str =
        "an agent writes the whole item back, and overwrites what others added after its read";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Appends an entry to an item, and retries a few times while the outcome is unclear.
///
/// # Errors
/// As [`Store::commit`].
pub async fn append(
    store: Store<'_>,
    item: Name,
    entry: ItemEntry,
    op: OpId,
) -> Result<ItemStamp, StoreError> {
    store.commit_with_retry(item, Change::Append(entry), op).await
}
