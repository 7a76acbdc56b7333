//! Withdrawals: the lead gives a task up, and has to know what has become of its changes.
//!
//! A step of a task has failed for good, while others of it wait for their reviews or are being merged. A
//! user who was told that the task has failed would find their lines in the files later, or the team would
//! never find out about a call without an answer. So from a withdrawal on, the reviewer begins with none of
//! the changes of the task; it answers when none of them is under way any more, with those that are merged. A
//! change that went back to its worker after a try without an answer, and was not made again, is left to the
//! person on call.

use super::{SubmittedChange, Work};
use crate::agent::{Agent, Delivery, Message, ToolError};
use crate::protocols::SingleFlight;
use crate::safeguards::checkpoint;
use crate::workflows::review::{MergedStep, ReviewMessage, StepKey};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::sync::Notify;

/// A record: no change of the task is merged any more.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Withdrawn {
    task: Name,
}

impl Message for Withdrawn {
    fn kind(&self) -> &'static str {
        "withdrawn"
    }
}

/// Which tasks are withdrawn, and which changes are under way.
pub(super) struct Withdrawals {
    tasks: RefCell<BTreeSet<Name>>,
    /// The steps whose changes are being merged.
    merging: RefCell<BTreeSet<StepKey>>,
    /// One of these has ended.
    ended: Notify,
    /// The changes that were refused last after a try without an answer, and why.
    in_doubt: RefCell<BTreeMap<StepKey, (SubmittedChange, ToolError)>>,
    /// The latest request for each task that is being withdrawn: its sender waits for the reply to that.
    requests: RefCell<BTreeMap<Name, Delivery>>,
    answering: SingleFlight<Name>,
}

impl Withdrawals {
    /// Those that are on record; the changes of these steps were under way before a crash, and still are.
    pub fn recover(agent: &Agent, merging: impl Iterator<Item = StepKey>) -> Self {
        let mut tasks = BTreeSet::new();
        checkpoint::recover(agent, |Withdrawn { task }| {
            tasks.insert(*task);
        });
        Self {
            tasks: RefCell::new(tasks),
            merging: RefCell::new(merging.collect()),
            ended: Notify::new(),
            in_doubt: RefCell::default(),
            requests: RefCell::default(),
            answering: SingleFlight::default(),
        }
    }

    /// Whether a step does not begin any more, since its task is withdrawn. What is under way goes on.
    pub fn excludes(&self, (task, step): StepKey) -> bool {
        self.tasks.borrow().contains(&task) && !self.merging.borrow().contains(&(task, step))
    }

    /// A change of that step is about to be merged.
    pub fn begins(&self, key: StepKey) {
        self.merging.borrow_mut().insert(key);
    }

    /// It has come to an end, for the time being.
    pub fn ends(&self, key: StepKey) {
        self.merging.borrow_mut().remove(&key);
        self.ended.notify_waiters();
    }

    /// A change goes back to its worker, and it is not known whether it was written.
    pub fn is_in_doubt(&self, change: &SubmittedChange, error: ToolError) {
        self.in_doubt.borrow_mut().insert(change.key(), (change.clone(), error));
    }

    async fn until_none_is_under_way(&self, task: Name) {
        while self.merging.borrow().iter().any(|(of, _)| *of == task) {
            self.ended.notified().await;
        }
    }
}

impl Work {
    /// Takes a withdrawal in, and answers it once the changes of the task have come to their end.
    pub(super) fn withdraw(self: &Rc<Self>, request: Delivery, task: Name) {
        self.withdrawals.requests.borrow_mut().insert(task, request);
        let work = Rc::clone(self);
        self.withdrawals.answering.start(&self.agent, task, async move {
            let merged = work.end(task).await;
            let request = work.withdrawals.requests.borrow_mut().remove(&task);
            if let Some(request) = request {
                work.agent.reply(&request, ReviewMessage::Withdrawn { task, merged });
            }
        });
    }

    /// Sees to it that no change of a task is under way and none is in doubt; returns those that are merged.
    async fn end(&self, task: Name) -> Vec<MergedStep> {
        let withdrawals = &self.withdrawals;
        if withdrawals.tasks.borrow_mut().insert(task) {
            checkpoint::save(&self.agent, self.team.safeguards(), task, Withdrawn { task }).await;
        }
        withdrawals.until_none_is_under_way(task).await;
        let mut merged = Vec::new();
        for step in 0..self.team.plan.steps.len() {
            let in_doubt = withdrawals.in_doubt.borrow_mut().remove(&(task, step));
            let is_settled = self.settled.borrow().contains_key(&(task, step));
            if let Some((change, error)) = in_doubt.filter(|_| !is_settled) {
                self.give_up(&change, error).await;
            }
            if let Some(Some(confirmed)) = self.settled.borrow().get(&(task, step)).cloned() {
                merged.push(MergedStep { step, confirmed });
            }
        }
        merged
    }
}
