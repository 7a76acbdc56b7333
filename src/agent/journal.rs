//! The journal of an agent: records that survive its crashes once they are durable.

use super::journal_epoch::{JournalEpoch, Opened, Unfenced};
use crate::agent::{Agent, AgentEvent, Author, Body, Message, TeamEvent};
use perfidy_sim::{SimSpan, WriteError};
use std::future::Future;
use std::rc::Rc;

/// How long an agent waits before it repeats a write that returned an error.
const WRITE_AGAIN: SimSpan = SimSpan::from_secs(1);

impl Agent {
    /// Writes a record to the journal. A crash loses it unless [`Agent::sync`] has returned since.
    ///
    /// # Errors
    /// [`WriteError`] if the write returns an error; nothing was written then.
    pub fn write(&self, record: impl Message) -> Result<(), WriteError> {
        self.context.write(self.stamped(record))
    }

    /// Writes a record to the journal, makes it durable, and then returns. A failed write is repeated every
    /// second: an agent must not promise what it has not recorded. Records that are persisted meanwhile wait
    /// behind it, so the journal has them in the order of the calls.
    ///
    /// In an agent with an [opened](Agent::open_journal) journal it does not return once a later incarnation
    /// has opened the journal: this incarnation exits.
    pub async fn persist(&self, record: impl Message) {
        let record = self.stamped(record);
        let record = match &self.epoch {
            Some(epoch) => epoch.stamp(record),
            None => record,
        };
        self.write_until_done(record).await;
        self.sync().await;
        if let Some(epoch) = &self.epoch
            && epoch.is_over(&self.context)
        {
            self.context.step_down().await;
        }
    }

    async fn write_until_done(&self, record: Body) {
        if self.writes_once {
            // The record is lost, and the agent does not know.
            let _ = self.context.write(record);
        } else if !self.write_order.is_free() || self.context.write(record.clone()).is_err() {
            let turn = self.write_order.wait();
            loop {
                self.sleep(WRITE_AGAIN).await;
                if turn.has_come() && self.context.write(record.clone()).is_ok() {
                    break;
                }
            }
        }
    }

    /// The agent with its journal opened by this incarnation, which every earlier one finds there before it
    /// acts on a record that it [persists](Agent::persist). It must come before [`Agent::recover`]. Without
    /// it, two incarnations that run at once do not know of each other.
    pub async fn open_journal(self) -> Self {
        let incarnation = self.incarnation();
        self.write_until_done(Body::new(Opened { incarnation })).await;
        Self { epoch: Some(Rc::new(JournalEpoch::of(incarnation))), ..self }
    }

    /// Makes everything written so far durable.
    pub fn sync(&self) -> impl Future<Output = ()> {
        self.context.sync()
    }

    /// Reads the journal, oldest first: `read` selects the records that the agent wants, and `take` gets
    /// their content. The history records what `take` got. As `read` can store nothing, an agent knows only
    /// records that the history shows as taken:
    ///
    /// ```compile_fail,E0308
    /// # fn look(agent: &perfidy::agent::Agent) {
    /// let mut seen = 0;
    /// agent.recover(|_| { seen += 1; None::<&u64> }, |_| {});
    /// # }
    /// ```
    pub fn recover<R: ?Sized>(&self, read: fn(&Body) -> Option<&R>, mut take: impl FnMut(&R)) {
        let mut taken = Vec::new();
        let mut unfenced = Unfenced::default();
        for (place, written) in self.context.records().iter().enumerate() {
            if let Some(stamping) = &self.stamping {
                stamping.observe(written);
            }
            let record = unfenced.next(written);
            let content = record.and_then(read);
            if let Some(content) = content {
                take(content);
            } else if record.is_some() {
                continue;
            }
            // Besides its content: what says who may write, and what was written by one that may not.
            taken.push((place as u32, written.clone()));
        }
        if self.context.incarnation() > 0 {
            self.context.record_event(
                Author::HARNESS,
                TeamEvent::Agent(AgentEvent::Recovered { taken: taken.into() }),
            );
        }
    }
}
