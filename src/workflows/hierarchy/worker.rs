//! Workers: each does the steps it is ordered to do, several at a time, each in the scope of its manager.

use super::{RESEND, TeamMessage};
use crate::agent::{Agent, Cancelled as Outcome, Headers, OpId, Operation};
use crate::protocols::{Question, ResendTiming, SingleFlight, request_until_answered, write_text};
use crate::safeguards::acknowledged_cancel::{AcknowledgedCancel, cancel};
use crate::safeguards::cancellation::CancelledWork;
use crate::safeguards::compensate::{Compensate, undo};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::parent_lease::{ParentLease, keep_probing};
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::TeamContext;
use crate::workflows::worker::{StepStatus, StepWorker};
use perfidy_sim::{Name, SimSpan};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many drafts a worker makes of its step before it acts.
const DRAFTS: u32 = 3;

/// Tokens a worker reads for each draft.
const DRAFTING_TOKENS: u32 = 1_500;

/// A step that a worker works on.
struct Job {
    manager: Name,
    scope: Rc<WorkScope>,
}

pub(super) struct Worker {
    agent: Agent,
    team: TeamContext,
    steps: StepWorker,
    cancelled: CancelledWork,
    jobs: RefCell<BTreeMap<Name, Job>>,
    /// Steps that are being undone, and those that were.
    taking_back: SingleFlight<Name>,
    undone: RefCell<BTreeSet<Name>>,
}

impl Worker {
    pub fn recover(agent: Agent, team: TeamContext) -> Rc<Self> {
        let steps = StepWorker::recover(&agent, team.safeguards());
        let cancelled = CancelledWork::recover(&agent);
        let (jobs, undone) = (RefCell::default(), RefCell::default());
        Rc::new(Self { agent, team, steps, cancelled, jobs, taking_back: SingleFlight::default(), undone })
    }

    pub async fn run(self: Rc<Self>) {
        loop {
            let mail = self.agent.receive().await;
            let manager = mail.from();
            match mail.open().copied().filter(|message: &TeamMessage| message.fits(&self.team.plan)) {
                Some(TeamMessage::Order { task, step, op, left }) => {
                    self.on_order(manager, task, step, op, left);
                }
                Some(TeamMessage::Stop { task, step }) => {
                    let worker = Rc::clone(&self);
                    self.agent.spawn(async move {
                        worker.stop(worker.team.plan.intent(task, step)).await;
                        worker.agent.send(manager, mail.about(), TeamMessage::Stopped { task, step });
                    });
                }
                Some(TeamMessage::Undo { task, step, op, was_done }) => {
                    let (worker, intent) = (Rc::clone(&self), self.team.plan.intent(task, step));
                    self.taking_back.start(&self.agent, intent, async move {
                        worker.take_back(manager, task, step, op, was_done).await;
                    });
                }
                _ => {}
            }
        }
    }

    /// Begins a step, unless it runs already or was stopped.
    fn on_order(self: &Rc<Self>, manager: Name, task: Name, step: usize, op: OpId, left: Option<SimSpan>) {
        let intent = self.team.plan.intent(task, step);
        if self.cancelled.contains(intent) {
            return;
        }
        let deadline = left.map(|left| self.agent.monotonic() + left);
        if let Some(job) = self.jobs.borrow().get(&intent).filter(|job| job.manager == manager) {
            return deadline.iter().for_each(|deadline| job.scope.set_deadline(*deadline));
        }
        let lease = self.team.safeguards().get::<ParentLease>().copied();
        let scope = Rc::new(if lease.is_some() { WorkScope::on_lease() } else { WorkScope::unlimited() });
        if let Some(deadline) = deadline {
            scope.set_deadline(deadline);
        }
        let job = Job { manager, scope: Rc::clone(&scope) };
        if let Some(other) = self.jobs.borrow_mut().insert(intent, job) {
            other.scope.revoke();
        }
        let worker = Rc::clone(self);
        self.agent.spawn(async move {
            // An order may be late; only the manager knows whether it is still valid.
            let is_wanted = match lease {
                Some(lease) => {
                    let (agent, kept) = (worker.agent.clone(), Rc::clone(&scope));
                    worker.agent.spawn(keep_probing(agent, lease.lease, manager, (intent, 0), kept));
                    scope.wait_until_holds(&worker.agent, lease.lease).await
                }
                None => true,
            };
            if is_wanted {
                // When the scope ends, a call in flight is abandoned.
                let _ = scope.run(&worker.agent, worker.work(manager, (task, step, op), left)).await;
            }
            scope.revoke();
            worker.agent.withdraw_wait(intent);
            let mut jobs = worker.jobs.borrow_mut();
            if jobs.get(&intent).is_some_and(|job| Rc::ptr_eq(&job.scope, &scope)) {
                jobs.remove(&intent);
            }
        });
    }

    /// Does a step, unless it was done before, and makes sure that the manager knows.
    async fn work(&self, manager: Name, (task, step, op): (Name, usize, OpId), left: Option<SimSpan>) {
        let operation = self.team.plan.operation_of(task, step);
        let (intent, headers) = (operation.intent, Headers { deadline: left, ..Headers::NONE });
        if self.steps.status(intent, 0) != StepStatus::Done {
            for draft in 1..DRAFTS {
                let question = Question::new("Draft what this step is to bring about.", intent);
                let prompt = question.prompt(DRAFTING_TOKENS);
                let write = async || write_text(&self.agent, intent, &prompt, 3).await;
                let number = (intent, draft.into());
                self.steps.answers().complete(&self.agent, self.team.safeguards(), number, write).await;
            }
            if self.steps.carry_out((operation, headers), 0, KeySource::Given(op)).await.is_none() {
                return self.agent.send(manager, intent, TeamMessage::Failed);
            }
        }
        let waits_for = (manager, "acknowledgement of a completed step");
        let (done, timing) = (TeamMessage::Done { task, step }, ResendTiming::without_pause(RESEND));
        request_until_answered(&self.agent, waits_for, intent, done, timing, |_| Some(())).await;
    }

    /// Stops a step for good.
    async fn stop(&self, intent: Name) {
        if let Some(job) = self.jobs.borrow().get(&intent) {
            job.scope.revoke();
        }
        self.cancelled.add(&self.agent, intent).await;
    }

    /// Stops a step for good and undoes its effect.
    async fn take_back(&self, manager: Name, task: Name, step: usize, op: OpId, was_done: bool) {
        let operation = self.team.plan.operation_of(task, step);
        let intent = operation.intent;
        if !self.undone.borrow().contains(&intent) {
            self.stop(intent).await;
            self.settle(task, step, &operation, op, was_done).await;
            self.undone.borrow_mut().insert(intent);
        }
        self.agent.send(manager, intent, TeamMessage::Undone { task, step });
    }

    /// Finds out whether a step has taken effect, as far as possible, and undoes it if so.
    async fn settle(&self, task: Name, step: usize, operation: &Operation, op: OpId, was_done: bool) {
        let safeguards = self.team.safeguards();
        let has_happened = if safeguards.has::<AcknowledgedCancel>() {
            matches!(cancel(&self.agent, operation, op).await, Outcome::DoneAlready(_))
        } else {
            was_done || self.steps.status(operation.intent, 0) == StepStatus::Done
        };
        let Some(undoing) = self.team.plan.undoing(task, step) else { return };
        if has_happened && safeguards.has::<Compensate>() {
            while undo(&self.agent, safeguards, &undoing, op).await.is_err() {}
        }
    }
}
