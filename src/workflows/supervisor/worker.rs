//! Workers: each runs a loop for every step that it is ordered to do, one after the other.
//!
//! A worker takes an order once: a copy of it is answered as the first one was, and after a crash the worker
//! goes on with what it has taken and not answered. The scope of its work ends when the time is up, or when
//! the supervisor does not want it any more; a loop that was stopped in the middle is not continued, and its
//! order is answered with an unclear failure.

use super::{SUPERVISOR, StepMessage};
use crate::agent::{
    Agent, Definite, Headers, Indefinite, Message, OpId, Receipt, RequestedStep, TaskRequest, ToolError,
    ToolResult,
};
use crate::safeguards::checkpoint;
use crate::safeguards::inbox::{Inbox, InboxDedupe};
use crate::safeguards::parent_lease::{ParentLease, keep_probing};
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::TeamContext;
use crate::workflows::agent_loop::{AgentLoop, Approvals, LoopOutcome, LoopTask, ToolCalls};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// Which order it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct OrderId {
    task: Name,
    step: usize,
    attempt: u32,
}

impl Message for OrderId {
    fn kind(&self) -> &'static str {
        "order"
    }
}

/// What an order says beside that: the id of the operation, and when the time is up, by the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Terms {
    op: OpId,
    until: Option<SimTime>,
}

/// A journal record: an order was answered.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Answered {
    order: OrderId,
    result: ToolResult,
}

impl Message for Answered {
    fn kind(&self) -> &'static str {
        "answered"
    }
}

/// An order that a worker has taken and not answered.
struct Job {
    order: OrderId,
    op: OpId,
    scope: Rc<WorkScope>,
    /// Whether it begins anew, and not where a session left off.
    is_new: bool,
}

/// What the two tasks of a worker share.
struct Shared {
    agent: Agent,
    team: TeamContext,
    /// In the order in which they came.
    jobs: RefCell<Vec<Rc<Job>>>,
    /// The answers to the last order of each step, by intent.
    answers: RefCell<BTreeMap<Name, Answered>>,
    arrived: Notify,
}

/// Receives messages, and has a task of its own work on the orders.
pub(super) async fn worker(agent: Agent, team: TeamContext) {
    let approvals = Approvals::new(&agent, &team);
    let agent_loop = AgentLoop::recover(&agent, &team, &approvals);
    let calls = ToolCalls::recover(&agent, &team);
    let mut inbox: Inbox<OrderId, Terms> = Inbox::recover(&agent, team.safeguards());
    let shared = Rc::new(Shared::recover(&agent, team));
    shared.resume(&inbox, agent_loop.work());
    agent.spawn(work(Rc::clone(&shared), agent_loop, calls));
    loop {
        let mail = agent.receive().await;
        if approvals.accept(&mail) {
            continue;
        }
        let Some(message @ StepMessage::Order { attempt, op, left, .. }) = mail.open().copied() else {
            continue;
        };
        if let Some((task, step)) = message.step(&shared.team.plan) {
            shared.take(&mut inbox, OrderId { task, step, attempt }, op, left).await;
        }
    }
}

impl Shared {
    fn recover(agent: &Agent, team: TeamContext) -> Self {
        let shared = Self {
            agent: agent.clone(),
            team,
            jobs: RefCell::default(),
            answers: RefCell::default(),
            arrived: Notify::new(),
        };
        checkpoint::recover(agent, |answered| shared.apply(answered));
        shared
    }

    fn intent(&self, order: OrderId) -> Name {
        self.team.plan.intent(order.task, order.step)
    }

    fn apply(&self, answered: &Answered) {
        let mut answers = self.answers.borrow_mut();
        let last = answers.entry(self.intent(answered.order)).or_insert(*answered);
        if last.order.attempt < answered.order.attempt {
            *last = *answered;
        }
    }

    fn answer_to(&self, order: OrderId) -> Option<Answered> {
        let answers = self.answers.borrow();
        answers.get(&self.intent(order)).filter(|last| last.order.attempt >= order.attempt).copied()
    }

    /// Goes on with what was taken and not answered, and first with what the session is about. None without
    /// `inbox-dedupe`.
    fn resume(&self, inbox: &Inbox<OrderId, Terms>, begun: Option<Name>) {
        if !self.team.safeguards().has::<InboxDedupe>() {
            return;
        }
        let mut latest: BTreeMap<Name, OrderId> = BTreeMap::new();
        let taken = inbox.events().filter(|order| self.team.plan.has_step(order.step));
        latest.extend(taken.map(|order| (self.intent(order), order)));
        let mut open: Vec<OrderId> = latest.into_values().collect();
        open.retain(|order| self.answer_to(*order).is_none());
        open.sort_by_key(|order| Some(self.intent(*order)) != begun);
        for order in open {
            let Some(Terms { op, until }) = inbox.get(order) else { continue };
            let left = until.map(|until| until.since(self.agent.now()));
            self.add(order, op, left, false);
        }
    }

    /// Takes an order, unless it has it already.
    async fn take(&self, inbox: &mut Inbox<OrderId, Terms>, order: OrderId, op: OpId, left: Option<SimSpan>) {
        let intent = self.intent(order);
        let known = self.jobs.borrow().iter().rfind(|job| self.intent(job.order) == intent).cloned();
        if let Some(job) = known {
            if job.order.attempt >= order.attempt {
                return;
            }
            job.scope.revoke();
        }
        let dedupes = self.team.safeguards().has::<InboxDedupe>();
        if let Some(answered) = self.answer_to(order).filter(|_| dedupes) {
            if answered.order == order {
                self.send(&answered);
            }
            return;
        }
        let is_new = inbox.admits(order);
        if is_new {
            let until = left.map(|left| self.agent.now() + left);
            inbox.take(&self.agent, intent, order, Terms { op, until }).await;
        }
        self.add(order, op, left, is_new);
    }

    fn add(&self, order: OrderId, op: OpId, left: Option<SimSpan>, is_new: bool) {
        let lease = self.lease();
        let scope = Rc::new(if lease.is_some() { WorkScope::on_lease() } else { WorkScope::unlimited() });
        if let Some(left) = left {
            scope.set_deadline(self.agent.monotonic() + left);
        }
        if let Some(lease) = lease {
            let about = (self.intent(order), order.attempt);
            let supervisor = Name::literal(SUPERVISOR);
            self.agent.spawn(keep_probing(self.agent.clone(), lease, supervisor, about, Rc::clone(&scope)));
        }
        self.jobs.borrow_mut().push(Rc::new(Job { order, op, scope, is_new }));
        self.arrived.notify_one();
    }

    fn lease(&self) -> Option<SimSpan> {
        self.team.safeguards().get::<ParentLease>().map(|parent| parent.lease)
    }

    /// Waits until the supervisor has said that a job is wanted, if it has to say so.
    async fn is_wanted(&self, job: &Job) -> bool {
        match self.lease() {
            Some(lease) => job.scope.wait_until_holds(&self.agent, lease).await,
            None => job.scope.holds(self.agent.monotonic()),
        }
    }

    /// A job is over: records the answer, and gives it.
    async fn end(&self, job: &Job, result: ToolResult) {
        job.scope.revoke();
        let answered = Answered { order: job.order, result };
        checkpoint::save(&self.agent, self.team.safeguards(), self.intent(job.order), answered).await;
        self.apply(&answered);
        self.jobs.borrow_mut().retain(|other| other.order != job.order);
        self.send(&answered);
    }

    fn send(&self, answered: &Answered) {
        let OrderId { task, step, attempt } = answered.order;
        let message = match answered.result {
            ToolResult::Done(receipt) => StepMessage::Done { task, step, attempt, receipt },
            result => StepMessage::Failed { task, step, attempt, result },
        };
        self.agent.send(Name::literal(SUPERVISOR), self.intent(answered.order), message);
    }
}

/// Works on the jobs, one after the other.
async fn work(shared: Rc<Shared>, mut agent_loop: AgentLoop, calls: ToolCalls) {
    loop {
        let next = shared.jobs.borrow().first().cloned();
        let Some(job) = next else {
            shared.arrived.notified().await;
            continue;
        };
        let unclear = ToolResult::Failed(ToolError::Indefinite(Indefinite::TimedOut));
        let result = if shared.is_wanted(&job).await {
            if job.is_new {
                agent_loop.begin(shared.intent(job.order)).await;
            }
            let OrderId { task, attempt, .. } = job.order;
            let deadline = job.scope.left(shared.agent.monotonic());
            let headers = Headers { correlation: Some(task), deadline, ..Headers::NONE };
            let given = [(shared.intent(job.order), job.op)].into();
            let calls = calls.ordered(headers, given, attempt > 1);
            let outcome = agent_loop.run(&assignment(&shared.team, &job), &calls).await;
            let is_stopped = !job.scope.holds(shared.agent.monotonic());
            result_of(shared.intent(job.order), &outcome).unwrap_or(if is_stopped {
                unclear
            } else {
                ToolResult::Failed(ToolError::Definite(Definite::Unavailable))
            })
        } else {
            unclear
        };
        shared.end(&job, result).await;
    }
}

/// The step of an order as a piece of work. The supervisor verifies the effects in the end.
fn assignment(team: &TeamContext, job: &Job) -> LoopTask {
    let operation = team.plan.operation_of(job.order.task, job.order.step);
    let task = operation.intent;
    let steps = [RequestedStep { operation, needs: Arc::default() }].into();
    LoopTask { request: TaskRequest::new(task, steps), effects: Arc::default(), scope: Rc::clone(&job.scope) }
}

/// What a loop came to, as the result of a call: a step whose call was confirmed is done, whatever its model
/// says. `None` if nothing was called.
fn result_of(intent: Name, outcome: &LoopOutcome) -> Option<ToolResult> {
    let receipt = outcome.receipts.get(&intent).copied();
    if outcome.is_done || receipt.is_some() {
        return Some(ToolResult::Done(receipt.unwrap_or(Receipt::NONE)));
    }
    let failed = outcome.failures.first().map(|(_, error)| ToolResult::Failed(*error));
    failed.or(outcome.is_vetoed.then_some(ToolResult::NotApproved))
}
