//! The store as an agent reaches it.

use super::{
    Access, Change, Freshness, Heard, Refusal, Snapshot, Stamp, StoreError, StoreService, StoreWire,
};
use crate::agent::{Agent, Indefinite, Mail, Note, OpId, Token};
use perfidy_sim::{Name, SimSpan, TimedOut};

/// How long an agent waits for the store.
pub const STORE_TIMEOUT: SimSpan = SimSpan::from_secs(2);

/// How often [`Store::insist`] asks.
const TRIES: u32 = 4;

/// The store, in the hands of an agent.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    agent: &'a Agent,
    fence: Option<Token>,
}

impl<'a> Store<'a> {
    pub(crate) fn new(agent: &'a Agent) -> Self {
        Self { agent, fence: None }
    }

    /// The same store; whatever is asked of it from here on carries this token. Of an item that a higher token has
    /// come by, in a read or in a change, the store refuses everything under a lower one.
    #[must_use]
    pub fn fenced(self, token: Option<Token>) -> Self {
        Self { fence: token, ..self }
    }

    /// Reads an item. One that nobody has written is empty, at version zero.
    ///
    /// # Errors
    /// [`StoreError::Indefinite`] if no answer came, [`StoreError::Definite`] if a higher token has come by.
    pub async fn read(self, item: Name, asks: Freshness) -> Result<Snapshot, StoreError> {
        let wire = StoreWire::Read { item, asks, fence: self.fence };
        self.ask(item, Access::Read, wire, |answer| match answer {
            StoreWire::Shown(snapshot) => Some((snapshot.clone(), Heard::Saw(snapshot.stamp.version))),
            _ => None,
        })
        .await
    }

    /// Changes an item, under the id of this operation.
    ///
    /// # Errors
    /// [`StoreError::Definite`] if it did not happen, [`StoreError::Indefinite`] if nobody knows. To ask again with the
    /// same id is safe.
    pub async fn commit(self, item: Name, change: Change, op: OpId) -> Result<Stamp, StoreError> {
        let access = match change {
            Change::ReplaceAt { version, .. } => Access::ChangeAt(version, op),
            Change::Replace { .. } | Change::Append(_) => Access::Change(op),
        };
        self.agent.before("commit", item).await;
        let wire = StoreWire::Commit { item, change, op, fence: self.fence };
        let result = self
            .ask(item, access, wire, |answer| match answer {
                StoreWire::Committed(stamp) => Some((*stamp, Heard::Made(stamp.version))),
                _ => None,
            })
            .await;
        self.agent.after("commit", item).await;
        result
    }

    /// Changes an item, and asks again a few times while the answer is unclear.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn insist(self, item: Name, change: Change, op: OpId) -> Result<Stamp, StoreError> {
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
        success: impl Fn(&StoreWire) -> Option<(T, Heard)>,
    ) -> Result<T, StoreError> {
        let store = Name::literal(StoreService::NAME);
        let asked = self.agent.noted(Note::Asked { item, access });
        let answer = self.agent.request(store, item, wire, STORE_TIMEOUT).await;
        let (result, heard) = match answer.as_ref().map(Mail::open::<StoreWire>) {
            Ok(Some(StoreWire::Refused(refusal))) => (Err(StoreError::Definite(*refusal)), refused(*refusal)),
            Ok(Some(wire)) if let Some((value, heard)) = success(wire) => (Ok(value), heard),
            Ok(_) => unclear(Indefinite::Failed),
            Err(TimedOut) => unclear(Indefinite::TimedOut),
        };
        self.agent.note(Note::Heard { item, asked, heard });
        result
    }
}

fn refused(refusal: Refusal) -> Heard {
    match refusal {
        Refusal::Moved(now) => Heard::Moved(now.version),
        Refusal::Fenced(token) => Heard::Fenced(token),
    }
}

fn unclear<T>(error: Indefinite) -> (Result<T, StoreError>, Heard) {
    (Err(StoreError::Indefinite(error)), Heard::Unknown(error))
}
