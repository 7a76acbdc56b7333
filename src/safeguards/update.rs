//! Adding to something shared: read it, compose the addition, write it back. The safeguards of a writer, put together.
//!
//! Composing takes time (a model reads what is there), and all the while others do the same. Each part is a switch of
//! its own; with none of them, whoever writes last wins and the others have lost their work.

use crate::agent::{Agent, Change, Entry, Lease, Snapshot, StoreError, Token, Version};
use crate::safeguards::Safeguards;
use crate::safeguards::append_only::AppendOnly;
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::fencing::FencingTokens;
use crate::safeguards::optimistic_locking::OptimisticLocking;
use crate::safeguards::write_lock::{LockWholeCycle, WriteLock};
use perfidy_sim::Name;
use std::rc::Rc;
use tokio::sync::Mutex;

/// Tokens a model reads for each entry of the item it adds to.
const TOKENS_PER_ENTRY: u32 = 300;

/// How often a cycle is begun before its author gives up for now.
const CYCLES: u32 = 12;

/// It could not be added now. Whether it was all the same is for the next read to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAdded;

/// Somebody who adds to shared items, one addition after the other.
#[expect(clippy::struct_excessive_bools, reason = "each is a safeguard that is on or off by itself")]
pub struct Writer {
    agent: Agent,
    reader: Rc<Reader>,
    lock: Option<WriteLock>,
    locks_whole_cycle: bool,
    shows_token: bool,
    appends: bool,
    compares: bool,
    turn: Mutex<()>,
}

impl Writer {
    /// A writer that honours these safeguards and reads through `reader`.
    pub fn new(agent: &Agent, safeguards: &Safeguards, reader: Rc<Reader>) -> Self {
        Self {
            agent: agent.clone(),
            reader,
            lock: safeguards.get::<WriteLock>().copied(),
            locks_whole_cycle: safeguards.has::<LockWholeCycle>(),
            shows_token: safeguards.has::<FencingTokens>(),
            appends: safeguards.has::<AppendOnly>(),
            compares: safeguards.has::<OptimisticLocking>(),
            turn: Mutex::new(()),
        }
    }

    /// Adds an entry to an item, unless it is there; gives the version with which it was there.
    ///
    /// # Errors
    /// [`NotAdded`] if others were always faster, or no answer came.
    pub async fn add(&self, item: Name, entry: Entry) -> Result<Version, NotAdded> {
        let _turn = self.turn.lock().await;
        for _ in 0..CYCLES {
            let mut lease = if self.locks_whole_cycle { self.acquire(item).await? } else { None };
            let outcome = self.cycle(item, &entry, &mut lease).await;
            if let Some(lease) = lease {
                self.agent.give_back(lease);
            }
            match outcome {
                Ok(version) => return Ok(version),
                Err(Miss::TryAgain) => {}
                Err(Miss::GiveUp) => return Err(NotAdded),
            }
        }
        Err(NotAdded)
    }

    /// Reads, composes and writes; a lock that goes around the write alone is taken on the way.
    async fn cycle(&self, item: Name, entry: &Entry, lease: &mut Option<Lease>) -> Result<Version, Miss> {
        let seen = match lease {
            // What a lock protects is what the store has, not what some replica remembers.
            Some(lease) => self.reader.latest(item, self.token(*lease)).await?,
            None => self.reader.read(item).await?,
        };
        if seen.has(entry.id) {
            return Ok(seen.stamp.version);
        }
        let tokens = TOKENS_PER_ENTRY * (seen.entries.len() as u32 + 1);
        self.agent.think(entry.id, tokens, 1).await;
        if lease.is_none() {
            *lease = self.acquire(item).await?;
        }
        if lease.is_some_and(|lease| self.agent.now() >= lease.until) {
            return Err(Miss::TryAgain);
        }
        let op = self.agent.mint_op(entry.id);
        let store = self.agent.store().fenced(lease.and_then(|lease| self.token(lease)));
        Ok(store.insist(item, self.change(&seen, entry), op).await?.version)
    }

    fn change(&self, seen: &Snapshot, entry: &Entry) -> Change {
        let version = seen.stamp.version;
        if self.appends {
            Change::Append(entry.clone())
        } else if self.compares {
            Change::ReplaceAt { version, entries: seen.and(entry.clone()) }
        } else {
            Change::Replace { based_on: version, entries: seen.and(entry.clone()) }
        }
    }

    fn token(&self, lease: Lease) -> Option<Token> {
        self.shows_token.then_some(lease.token)
    }

    async fn acquire(&self, item: Name) -> Result<Option<Lease>, NotAdded> {
        let Some(lock) = self.lock else { return Ok(None) };
        lock.acquire(&self.agent, item).await.map(Some).map_err(|_| NotAdded)
    }
}

/// Why a cycle came to nothing.
enum Miss {
    /// Somebody else was faster.
    TryAgain,
    /// Nobody answers.
    GiveUp,
}

impl From<StoreError> for Miss {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Definite(_) => Self::TryAgain,
            StoreError::Indefinite(_) => Self::GiveUp,
        }
    }
}

impl From<NotAdded> for Miss {
    fn from(NotAdded: NotAdded) -> Self {
        Self::GiveUp
    }
}
