//! The task tracker: the part that all coordinators share. It accepts tasks, records the state of each (with
//! the `checkpoint` safeguard) before the coordinator acts on it, and reports to the user how a task ended,
//! as often as the user asks.

use crate::agent::{Agent, Delivery};
use crate::safeguards::checkpoint;
use crate::workflows::TeamContext;
use crate::workflows::task_state::{TaskEvent, TaskStates};
use crate::workflows::user::{UserMessage, report};
use perfidy_sim::Name;
use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A coordinator's [`TaskStates`] with its journal and its user.
pub struct TaskTracker {
    agent: Agent,
    team: TeamContext,
    states: Rc<RefCell<TaskStates>>,
}

impl TaskTracker {
    /// The tracker, recovered from the agent's journal, which may hold other records as well.
    pub fn recover(agent: &Agent, team: &TeamContext) -> Self {
        let mut states = TaskStates::new(Arc::clone(&team.plan));
        checkpoint::recover(agent, |event| states.apply(event));
        let (agent, team) = (agent.clone(), team.clone());
        Self { agent, team, states: Rc::new(RefCell::new(states)) }
    }

    /// The state of each task.
    pub fn states(&self) -> Ref<'_, TaskStates> {
        self.states.borrow()
    }

    /// The states themselves, for other async tasks of the same agent.
    pub fn shared_states(&self) -> Rc<RefCell<TaskStates>> {
        Rc::clone(&self.states)
    }

    /// Accepts the task that a message submits and returns its name if it is new. For a task that has ended,
    /// it reports the end once more.
    pub async fn accept(&self, mail: &Delivery) -> Option<Name> {
        let (task, ops) = mail.open().and_then(|message| UserMessage::task_in(message, &self.team.plan))?;
        let known = self.states().get(task).map(|state| state.closed);
        match known {
            None => {
                self.record(TaskEvent::Accepted { task, ops }).await;
                return Some(task);
            }
            Some(Some(done)) => self.report(task, done).await,
            Some(None) => {}
        }
        None
    }

    /// Records that a task has ended, and reports it.
    pub async fn close(&self, task: Name, done: bool) {
        self.record(TaskEvent::Closed { task, done }).await;
        self.report(task, done).await;
    }

    async fn report(&self, task: Name, done: bool) {
        let of_task = self.states().report(task, done);
        report(&self.agent, of_task).await;
    }

    /// Records an event, and applies it once that is durable.
    pub async fn record(&self, event: TaskEvent) {
        checkpoint::save(&self.agent, self.team.safeguards(), event.task(), event.clone()).await;
        self.states.borrow_mut().apply(&event);
    }
}
