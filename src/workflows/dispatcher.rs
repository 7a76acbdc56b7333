//! The dispatcher: the loop of a coordinator that has the steps of each task done by other agents.
//!
//! For each open task there are duties: to plan it, to have each step done, to end it. The dispatcher brings
//! up those that may need attention ([`Dispatcher::next_duty`]): new ones, those whose condition has changed,
//! and those whose order was not answered in time. The coordinator decides what each duty takes, and sends an
//! order only when it [is due](Dispatcher::is_due).

use crate::agent::{Agent, Mail};
use crate::protocols::Resend;
use crate::workflows::Briefing;
use crate::workflows::task_state::{TaskEvent, TaskStates};
use crate::workflows::task_tracker::TaskTracker;
use perfidy_sim::{Name, SimSpan, TimedOut};
use std::cell::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a step may come back as failed before its task is given up.
const MAX_FAILURES: u32 = 5;

/// What a coordinator has to do for a task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Duty {
    /// To get a plan for it.
    Plan,
    /// To have this step done.
    Step(usize),
    /// To end it, once its steps are complete.
    End,
}

/// The duties of one coordinator, and how far each of its tasks is.
pub struct Dispatcher {
    agent: Agent,
    briefing: Briefing,
    tracker: TaskTracker,
    orders: Resend<(Name, Duty)>,
    failures: BTreeMap<(Name, usize), u32>,
}

impl Dispatcher {
    /// The dispatcher as its agent left it in the journal. An order is sent again after `resend`.
    pub fn recover(agent: &Agent, briefing: &Briefing, resend: SimSpan) -> Self {
        let tracker = TaskTracker::recover(agent, briefing);
        let (agent, briefing) = (agent.clone(), briefing.clone());
        Self { agent, briefing, tracker, orders: Resend::every(resend), failures: BTreeMap::new() }
    }

    /// How far each task is.
    pub fn states(&self) -> Ref<'_, TaskStates> {
        self.tracker.states()
    }

    /// The states, the changes of them and the reports.
    pub fn tracker(&mut self) -> &mut TaskTracker {
        &mut self.tracker
    }

    /// Brings up every duty of each open task, after a crash or when another coordinator has ended.
    pub fn resume(&mut self) {
        let open = self.tracker.states().open();
        for task in open {
            self.orders.add((task, Duty::Plan));
            self.bring_up_steps(task);
        }
    }

    /// Brings up the steps of a task, and its end.
    pub fn bring_up_steps(&mut self, task: Name) {
        let steps = 0..self.briefing.plan.steps.len();
        steps.for_each(|step| self.orders.add((task, Duty::Step(step))));
        self.orders.add((task, Duty::End));
    }

    /// Brings up one duty.
    pub fn bring_up(&mut self, task: Name, duty: Duty) {
        self.orders.add((task, duty));
    }

    /// The next duty to look at; `None` if there is none at the moment.
    pub fn next_duty(&mut self) -> Option<(Name, Duty)> {
        self.orders.next(self.agent.monotonic())
    }

    /// The next message, if one comes before an order may have to be sent again.
    ///
    /// # Errors
    /// [`TimedOut`] if none did.
    pub async fn receive(&self) -> Result<Mail, TimedOut> {
        self.agent.receive_within(self.orders.interval(), "news").await
    }

    /// Whether the order for a duty is to be sent: it never was, or was not answered in time.
    pub fn is_due(&self, task: Name, duty: Duty) -> bool {
        self.orders.is_due((task, duty), self.agent.monotonic())
    }

    /// The order for a duty is sent now.
    pub fn sent(&mut self, task: Name, duty: Duty) {
        self.orders.sent((task, duty), self.agent.monotonic());
    }

    /// The order for a duty is answered.
    pub fn answered(&mut self, task: Name, duty: Duty) {
        self.orders.answered((task, duty));
        self.agent.expect_no_more(self.about(task, duty));
    }

    /// Makes every order due, because none that was sent before counts any more.
    pub fn expire_orders(&mut self) {
        self.orders.expire_all();
    }

    /// What the order for a duty is about.
    pub fn about(&self, task: Name, duty: Duty) -> Name {
        match duty {
            Duty::Plan | Duty::End => task,
            Duty::Step(step) => self.briefing.plan.intent(task, step),
        }
    }

    /// Whether a step of an open task can be done now and its order is due.
    pub fn is_step_due(&self, task: Name, step: usize) -> bool {
        let states = self.tracker.states();
        states.has_open(task) && states.is_ready(task, step) && self.is_due(task, Duty::Step(step))
    }

    /// Records that a step is done, and brings up those that need it. The answer may come more than once.
    pub async fn completed(&mut self, task: Name, step: usize) {
        if !self.tracker.states().is_open(task, step) {
            return;
        }
        self.answered(task, Duty::Step(step));
        self.tracker.record(TaskEvent::Completed { task, step }).await;
        let plan = Arc::clone(&self.briefing.plan);
        plan.needed_by(step).iter().for_each(|next| self.bring_up(task, Duty::Step(*next)));
        self.bring_up(task, Duty::End);
    }

    /// A try at a step has failed; after too many the task is given up.
    pub async fn failed(&mut self, task: Name, step: usize) {
        if !self.tracker.states().is_open(task, step) {
            return;
        }
        let failures = self.failures.entry((task, step)).or_insert(0);
        *failures += 1;
        if *failures >= MAX_FAILURES {
            self.agent.expect_no_more(self.briefing.plan.intent(task, step));
            self.tracker.close(task, false).await;
        }
    }

    /// Ends a task as done, if it is open and every step is complete.
    pub async fn end_if_complete(&mut self, task: Name) {
        let is_complete = self.states().has_open(task) && self.states().is_complete(task);
        if is_complete {
            self.tracker.close(task, true).await;
        }
    }
}
