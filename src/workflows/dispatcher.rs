//! The dispatcher: the loop of a coordinator that orders the steps of each task from other agents.
//!
//! Each open task has duties: plan it, get each step done, end it. The dispatcher selects those that may need
//! attention ([`Dispatcher::next_action`]): new ones, those whose condition has changed, and those whose
//! order was not answered in time. The coordinator decides how to fulfil each duty, and sends an order only
//! when it [is due](Dispatcher::is_due).

use crate::agent::{Agent, Confirmation, Delivery};
use crate::protocols::Resend;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::workflows::TeamContext;
use crate::workflows::task_state::{TaskEvent, TaskStates};
use crate::workflows::task_tracker::TaskTracker;
use perfidy_sim::{Name, SimSpan, TimedOut};
use std::cell::Ref;
use std::collections::BTreeMap;

/// A coordinator's duty for a task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DispatchAction {
    /// Get a plan for it.
    Plan,
    /// Get this step done.
    Step(usize),
    /// End it, once its steps are complete.
    End,
}

/// The duties of one coordinator, and the state of each of its tasks.
pub struct Dispatcher {
    agent: Agent,
    team: TeamContext,
    tracker: TaskTracker,
    orders: Resend<(Name, DispatchAction)>,
    failures: BTreeMap<(Name, usize), u32>,
}

impl Dispatcher {
    /// The dispatcher, recovered from its agent's journal. An order is resent after `resend`.
    pub fn recover(agent: &Agent, team: &TeamContext, resend: SimSpan) -> Self {
        let tracker = TaskTracker::recover(agent, team);
        let (agent, team) = (agent.clone(), team.clone());
        Self { agent, team, tracker, orders: Resend::every(resend), failures: BTreeMap::new() }
    }

    /// The state of each task.
    pub fn states(&self) -> Ref<'_, TaskStates> {
        self.tracker.states()
    }

    /// The task tracker: states, changes and reports.
    pub fn tracker(&mut self) -> &mut TaskTracker {
        &mut self.tracker
    }

    /// Selects every duty of each open task, after a crash or when another coordinator has ended.
    pub fn resume(&mut self) {
        let open = self.tracker.states().open();
        for task in open {
            self.orders.add((task, DispatchAction::Plan));
            self.bring_up_steps(task);
        }
    }

    /// Selects the steps of a task, and its end.
    pub fn bring_up_steps(&mut self, task: Name) {
        let steps = 0..self.team.plan.steps.len();
        steps.for_each(|step| self.orders.add((task, DispatchAction::Step(step))));
        self.orders.add((task, DispatchAction::End));
    }

    /// Selects one duty.
    pub fn bring_up(&mut self, task: Name, duty: DispatchAction) {
        self.orders.add((task, duty));
    }

    /// The next duty to check; `None` if there is none now.
    pub fn next_action(&mut self) -> Option<(Name, DispatchAction)> {
        self.orders.next(self.agent.monotonic())
    }

    /// The next message, if one comes before the next order is due.
    ///
    /// # Errors
    /// [`TimedOut`] if none did.
    pub async fn receive(&self) -> Result<Delivery, TimedOut> {
        self.agent.receive_within(self.orders.interval(), "a message").await
    }

    /// Whether the order for a duty is due: it was never sent, or not answered in time.
    pub fn is_due(&self, task: Name, duty: DispatchAction) -> bool {
        self.orders.is_due((task, duty), self.agent.monotonic())
    }

    /// The order for a duty is sent now.
    pub fn sent(&mut self, task: Name, duty: DispatchAction) {
        self.orders.sent((task, duty), self.agent.monotonic());
    }

    /// The order for a duty is answered.
    pub fn answered(&mut self, task: Name, duty: DispatchAction) {
        self.orders.answered((task, duty));
        self.agent.withdraw_wait(self.about(task, duty));
    }

    /// Makes every order due, because those sent before no longer count.
    pub fn expire_orders(&mut self) {
        self.orders.expire_all();
    }

    /// The subject of the order for a duty.
    pub fn about(&self, task: Name, duty: DispatchAction) -> Name {
        match duty {
            DispatchAction::Plan | DispatchAction::End => task,
            DispatchAction::Step(step) => self.team.plan.intent(task, step),
        }
    }

    /// Whether a step of an open task can be done now and its order is due.
    pub fn is_step_due(&self, task: Name, step: usize) -> bool {
        let states = self.tracker.states();
        states.has_open(task) && states.is_ready(task, step) && self.is_due(task, DispatchAction::Step(step))
    }

    /// Records that a step is done and what its tool has confirmed, and selects those that need it. The
    /// answer may come more than once.
    pub async fn completed(&mut self, task: Name, step: usize, confirmed: Option<Confirmation>) {
        if !self.tracker.states().is_open(task, step) {
            return;
        }
        self.answered(task, DispatchAction::Step(step));
        self.tracker.record(TaskEvent::Completed { task, step, confirmed }).await;
        let team = self.team.clone();
        team.plan.needed_by(step).iter().for_each(|next| self.bring_up(task, DispatchAction::Step(*next)));
        self.bring_up(task, DispatchAction::End);
    }

    /// A try at a step has failed; after too many the task is given up.
    pub async fn failed(&mut self, task: Name, step: usize) {
        if self.has_failed_too_often(task, step) {
            self.agent.withdraw_wait(self.team.plan.intent(task, step));
            self.tracker.close(task, false).await;
        }
    }

    /// Counts a try at a step that has failed; whether there were too many.
    pub fn has_failed_too_often(&mut self, task: Name, step: usize) -> bool {
        if !self.tracker.states().is_open(task, step) {
            return false;
        }
        let failures = self.failures.entry((task, step)).or_insert(0);
        *failures += 1;
        GiveUpAfter::is_reached(self.team.safeguards(), *failures)
    }

    /// Ends a task as done, if it is open and every step is complete.
    pub async fn end_if_complete(&mut self, task: Name) {
        let is_complete = self.states().has_open(task) && self.states().is_complete(task);
        if is_complete {
            self.tracker.close(task, true).await;
        }
    }
}
