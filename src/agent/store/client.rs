//! The store client of an agent.
//!
//! Like the clients of real stores, it keeps a session: the latest version that this incarnation of the agent
//! has seen of each item and of the whole store, through reads, its own writes and refusals. A reader always
//! asks for at least that.

use super::{
    Access, Change, Commit, Freshness, ItemStamp, Refusal, Snapshot, StoreError, StoreOutcome, StoreService,
    StoreWire, Version,
};
use crate::agent::{Agent, AgentEvent, Delivery, Indefinite, OpId, TeamEvent, Token};
use perfidy_sim::{Lookup, Name, SimSpan, TimedOut};
use std::cell::{Cell, RefCell};

/// How long an agent waits for the store.
pub const STORE_TIMEOUT: SimSpan = SimSpan::from_secs(2);

/// How often [`Store::commit_with_retry`] tries.
const TRIES: u32 = 4;

/// The latest versions that an agent has seen in the store.
#[derive(Default)]
pub(crate) struct StoreSession {
    versions: RefCell<Lookup<Name, Version>>,
    commit: Cell<Commit>,
}

impl StoreSession {
    fn has_seen(&self, item: Name, stamp: ItemStamp) {
        let mut versions = self.versions.borrow_mut();
        let version = versions.get_or_insert_with(item, Version::default);
        *version = stamp.version.max(*version);
        self.commit.set(self.commit.get().max(stamp.commit));
    }
}

/// The store, as an agent uses it.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    agent: &'a Agent,
    session: &'a StoreSession,
    fence: Option<Token>,
}

impl<'a> Store<'a> {
    pub(crate) fn new(agent: &'a Agent, session: &'a StoreSession) -> Self {
        Self { agent, session, fence: None }
    }

    /// The latest version of an item that this incarnation has seen.
    pub fn seen(self, item: Name) -> Version {
        self.session.versions.borrow().get(item).copied().unwrap_or_default()
    }

    /// The latest change of the store that this incarnation has seen.
    pub fn seen_of_all(self) -> Commit {
        self.session.commit.get()
    }

    /// The same store; its requests carry this token. Once an item has seen a higher token, in a read or a
    /// change, the store refuses requests with a lower one.
    #[must_use]
    pub fn fenced(self, token: Option<Token>) -> Self {
        Self { fence: token, ..self }
    }

    /// Reads an item. An item that was never written is empty, at version zero.
    ///
    /// # Errors
    /// [`StoreError::Indefinite`] if no answer came, [`StoreError::Definite`] if the item has seen a higher
    /// token.
    pub async fn read(self, item: Name, asks: Freshness) -> Result<Snapshot, StoreError> {
        self.agent.before("store read", item).await;
        let wire = StoreWire::Read { item, asks, fence: self.fence };
        let result = self
            .ask(item, Access::Read, wire, |answer| match answer {
                StoreWire::Snapshot(snapshot) => {
                    Some((snapshot.clone(), snapshot.stamp, StoreOutcome::Saw(snapshot.stamp.version)))
                }
                _ => None,
            })
            .await;
        self.agent.after("store read", item).await;
        result
    }

    /// Changes an item, under the id of this operation.
    ///
    /// # Errors
    /// [`StoreError::Definite`] if it did not happen, [`StoreError::Indefinite`] if it may have. A retry with
    /// the same id is safe.
    pub async fn commit(self, item: Name, change: Change, op: OpId) -> Result<ItemStamp, StoreError> {
        let access = match change {
            Change::ReplaceAt { version, .. } => Access::ChangeAt(version, op),
            Change::Replace { .. } | Change::Append(_) => Access::Change(op),
        };
        self.agent.before("commit", item).await;
        let wire = StoreWire::Commit { item, change, op, fence: self.fence };
        let result = self
            .ask(item, access, wire, |answer| match answer {
                StoreWire::Committed(stamp) => Some((*stamp, *stamp, StoreOutcome::Made(stamp.version))),
                _ => None,
            })
            .await;
        self.agent.after("commit", item).await;
        result
    }

    /// Changes an item, and retries a few times while the outcome is unclear.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_with_retry(
        self,
        item: Name,
        change: Change,
        op: OpId,
    ) -> Result<ItemStamp, StoreError> {
        let mut result = self.commit(item, change.clone(), op).await;
        for _ in 1..TRIES {
            if !matches!(result, Err(StoreError::Indefinite(_))) {
                break;
            }
            result = self.commit(item, change.clone(), op).await;
        }
        result
    }

    async fn ask<T>(
        self,
        item: Name,
        access: Access,
        wire: StoreWire,
        success: impl Fn(&StoreWire) -> Option<(T, ItemStamp, StoreOutcome)>,
    ) -> Result<T, StoreError> {
        let store = Name::literal(StoreService::NAME);
        let asked = self.agent.record_event(TeamEvent::Agent(AgentEvent::Asked { item, access }));
        let answer = self.agent.request_in_a_step(store, item, wire, STORE_TIMEOUT).await;
        let (result, seen, heard) = match answer.as_ref().map(Delivery::open::<StoreWire>) {
            Ok(Some(StoreWire::Refused(refusal))) => {
                let (seen, heard) = match *refusal {
                    Refusal::Moved(now) => (Some(now), StoreOutcome::Moved(now.version)),
                    Refusal::Fenced(token) => (None, StoreOutcome::Fenced(token)),
                };
                (Err(StoreError::Definite(*refusal)), seen, heard)
            }
            Ok(Some(wire)) if let Some((value, stamp, heard)) = success(wire) => {
                (Ok(value), Some(stamp), heard)
            }
            Ok(_) => unclear(Indefinite::Failed),
            Err(TimedOut) => unclear(Indefinite::TimedOut),
        };
        if let Some(stamp) = seen {
            self.session.has_seen(item, stamp);
        }
        self.agent.record_event(TeamEvent::Agent(AgentEvent::StoreOutcome { item, asked, heard }));
        result
    }
}

fn unclear<T>(error: Indefinite) -> (Result<T, StoreError>, Option<ItemStamp>, StoreOutcome) {
    (Err(StoreError::Indefinite(error)), None, StoreOutcome::Unknown(error))
}
