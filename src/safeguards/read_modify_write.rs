//! Read-modify-write: an agent reads a shared item, composes an addition and writes it back, with the
//! safeguards of a writer combined.
//!
//! Composing takes time (a model reads the item), and other agents do the same meanwhile. Each safeguard is a
//! separate switch; without any of them, the last write wins and the others are lost.

use crate::agent::{Agent, Change, ItemEntry, ItemStamp, Lease, Snapshot, Store, StoreError, Token, Version};
use crate::protocols::{Question, write_text};
use crate::safeguards::Safeguards;
use crate::safeguards::append_only::{AppendOnly, append};
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::fencing::FencingTokens;
use crate::safeguards::lease_check::LeaseCheck;
use crate::safeguards::optimistic_locking::{
    GaveUp, OptimisticLocking, UpdateFailure, replace_if_unchanged, retry_on_conflict,
};
use crate::safeguards::write_lock::{LockWholeCycle, WriteLock};
use perfidy_sim::Name;
use std::rc::Rc;
use tokio::sync::Mutex;

/// Tokens a model reads for each entry of the item it adds to.
const TOKENS_PER_ENTRY: u32 = 300;

/// How many cycles a writer starts before it gives up for now.
const CYCLES: u32 = 12;

/// How an addition is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WriteMode {
    /// After the existing entries.
    Append,
    /// With the whole item, if that is unchanged.
    ReplaceIfUnchanged,
    /// With the whole item, even if another agent wrote in between.
    Replace,
}

/// Adds entries to shared items, one after the other.
pub struct ItemWriter {
    agent: Agent,
    safeguards: Safeguards,
    reader: Rc<Reader>,
    answers: ModelAnswers,
    lock: Option<WriteLock>,
    locks_whole_cycle: bool,
    checks_lease: bool,
    shows_token: bool,
    mode: WriteMode,
    turn: Mutex<()>,
}

impl ItemWriter {
    /// A writer that uses these safeguards and reads through `reader`.
    pub fn new(agent: &Agent, safeguards: &Safeguards, reader: Rc<Reader>) -> Self {
        Self {
            agent: agent.clone(),
            safeguards: safeguards.clone(),
            reader,
            answers: ModelAnswers::recover(agent),
            lock: safeguards.get::<WriteLock>().copied(),
            locks_whole_cycle: safeguards.has::<LockWholeCycle>(),
            checks_lease: !safeguards.lacks::<LeaseCheck>(),
            shows_token: safeguards.has::<FencingTokens>(),
            mode: if safeguards.has::<AppendOnly>() {
                WriteMode::Append
            } else if safeguards.has::<OptimisticLocking>() {
                WriteMode::ReplaceIfUnchanged
            } else {
                WriteMode::Replace
            },
            turn: Mutex::new(()),
        }
    }

    /// Adds an entry to an item, unless it exists; returns a version that contains it.
    ///
    /// # Errors
    /// [`GaveUp`] if other agents always wrote first, or no answer came.
    pub async fn add(&self, item: Name, entry: ItemEntry) -> Result<Version, GaveUp> {
        let _turn = self.turn.lock().await;
        retry_on_conflict(CYCLES, async || {
            let mut lease = if self.locks_whole_cycle { self.acquire(item).await? } else { None };
            let outcome = self.cycle(item, &entry, &mut lease).await;
            if let Some(lease) = lease {
                self.agent.release_lease(lease);
            }
            outcome
        })
        .await
    }

    /// Reads, composes and writes; takes the lock if it covers the write alone.
    async fn cycle(
        &self,
        item: Name,
        entry: &ItemEntry,
        lease: &mut Option<Lease>,
    ) -> Result<Version, UpdateFailure> {
        let seen = match lease {
            // A lock protects the primary's state, not that of a replica.
            Some(lease) => self.reader.latest(item, self.token(*lease)).await?,
            None => self.reader.read(item).await?,
        };
        if seen.has(entry.id) {
            return Ok(seen.stamp.version);
        }
        let tokens = TOKENS_PER_ENTRY * (seen.entries.len() as u32 + 1);
        let question = Question::new("Add what is to be added to this.", entry.id);
        let ask = async || write_text(&self.agent, entry.id, &question.prompt(tokens), 1).await;
        // An item that has changed meanwhile is another question.
        let asked = (entry.id, seen.stamp.version.0);
        self.answers.complete(&self.agent, &self.safeguards, asked, ask).await;
        if lease.is_none() {
            *lease = self.acquire(item).await?;
        }
        if self.checks_lease && lease.is_some_and(|lease| self.agent.now() >= lease.until) {
            return Err(UpdateFailure::Conflict);
        }
        let store = self.agent.store().fenced(lease.and_then(|lease| self.token(lease)));
        Ok(self.write(store, item, &seen, entry.clone()).await?.version)
    }

    async fn write(
        &self,
        store: Store<'_>,
        item: Name,
        seen: &Snapshot,
        entry: ItemEntry,
    ) -> Result<ItemStamp, StoreError> {
        let op = self.agent.new_operation_id(entry.id);
        match self.mode {
            WriteMode::Append => append(store, item, entry, op).await,
            WriteMode::ReplaceIfUnchanged => {
                replace_if_unchanged(store, item, seen, seen.and(entry), op).await
            }
            WriteMode::Replace => {
                let change = Change::Replace { based_on: seen.stamp.version, entries: seen.and(entry) };
                store.commit_with_retry(item, change, op).await
            }
        }
    }

    fn token(&self, lease: Lease) -> Option<Token> {
        self.shows_token.then_some(lease.token)
    }

    async fn acquire(&self, item: Name) -> Result<Option<Lease>, UpdateFailure> {
        let Some(lock) = self.lock else { return Ok(None) };
        lock.acquire(&self.agent, item).await.map(Some).map_err(|_| UpdateFailure::NoAnswer)
    }
}
