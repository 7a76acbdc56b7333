//! What the supervisor has handed to workers: its calls of sub-agents.
//!
//! A call is an order to a worker, sent until its result comes. A result is taken for the answer to the order
//! that it names; a supervisor without [reply correlation](crate::safeguards::reply_correlation) takes the
//! next one of that worker.

use super::{RESEND, StepMessage};
use crate::agent::{Agent, CallRequest, Delivery, Message, OpId, Operation, ToolError, ToolResult};
use crate::protocols::ResendTimer;
use crate::safeguards::checkpoint;
use crate::safeguards::deadline_propagation::propagated;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::parent_lease::{LeaseProbe, ParentLease};
use crate::safeguards::reply_correlation::ReplyCorrelation;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::TeamContext;
use crate::workflows::agent_loop::{Calls, PreparedCall};
use crate::workflows::task_state::TaskStates;
use perfidy_sim::{Name, SimSpan, SimTime, TimedOut};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many workers may fail at one call, one after the other.
const MOST_FAILURES: u32 = 3;

/// What the supervisor asks of a worker.
const DO_STEP: &str = "do-step";

/// A journal record of the supervisor.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum Record {
    /// Work on a task begins; `at` by the wall clock.
    TookOn { task: Name, at: SimTime },
    /// A step is about to be ordered, for the so many-th time.
    Handed { task: Name, step: usize, attempt: u32 },
}

impl Message for Record {
    fn kind(&self) -> &'static str {
        "delegation"
    }
}

/// An order that waits for its result.
struct Order {
    worker: Name,
    attempt: u32,
    /// Until when the worker may go on without a further answer.
    leased_until: SimTime,
    scope: Rc<WorkScope>,
    result: Option<ToolResult>,
    changed: Rc<Notify>,
}

/// The last attempt at a step.
#[derive(Clone, Copy)]
struct Attempt {
    task: Name,
    step: usize,
    number: u32,
    /// Whether the supervisor has its result, or has given up.
    is_over: bool,
}

/// All that the supervisor has handed to workers.
pub(super) struct Delegations {
    agent: Agent,
    team: TeamContext,
    states: Rc<RefCell<TaskStates>>,
    began: RefCell<BTreeMap<Name, SimTime>>,
    /// By the intent of the step.
    attempts: RefCell<BTreeMap<Name, Attempt>>,
    orders: RefCell<BTreeMap<Name, Order>>,
}

impl Delegations {
    pub fn recover(agent: &Agent, team: &TeamContext, states: Rc<RefCell<TaskStates>>) -> Rc<Self> {
        let delegations = Self {
            agent: agent.clone(),
            team: team.clone(),
            states,
            began: RefCell::default(),
            attempts: RefCell::default(),
            orders: RefCell::default(),
        };
        checkpoint::recover(agent, |record| delegations.apply(record));
        Rc::new(delegations)
    }

    async fn change(&self, about: Name, record: Record) {
        checkpoint::save(&self.agent, self.team.safeguards(), about, record).await;
        self.apply(&record);
    }

    fn apply(&self, record: &Record) {
        match *record {
            Record::TookOn { task, at } => {
                self.began.borrow_mut().entry(task).or_insert(at);
            }
            Record::Handed { task, step, attempt: number } if self.team.plan.has_step(step) => {
                let intent = self.team.plan.intent(task, step);
                self.attempts.borrow_mut().insert(intent, Attempt { task, step, number, is_over: false });
            }
            Record::Handed { .. } => {}
        }
    }

    /// When work on a task began, by the wall clock: now, if it did not before.
    pub async fn took_on(&self, task: Name) -> SimTime {
        let known = self.began.borrow().get(&task).copied();
        if let Some(at) = known {
            return at;
        }
        let at = self.agent.now();
        self.change(task, Record::TookOn { task, at }).await;
        at
    }

    /// The worker of a step at an attempt: they take turns.
    fn worker(&self, step: usize, attempt: u32) -> Name {
        let workers = &self.team.workers;
        workers[(step + attempt as usize - 1) % workers.len()]
    }

    /// A step as a call of the worker that gets it first.
    pub fn order_for(&self, step: usize, operation: &Operation) -> Operation {
        let (worker, intent) = (self.worker(step, 1), operation.intent);
        Operation::new(worker, Name::literal(DO_STEP), intent).with(operation.arguments.clone())
    }

    /// The calls of one task, wanted for as long as the scope holds.
    pub fn of(self: &Rc<Self>, task: Name, ops: Arc<[OpId]>, scope: &Rc<WorkScope>) -> TaskCalls {
        TaskCalls { all: Rc::clone(self), task, ops, scope: Rc::clone(scope) }
    }

    /// The work on a task is over: what its workers still do is not wanted.
    pub fn withdraw(&self, task: Name) {
        let plan = &self.team.plan;
        (0..plan.steps.len()).for_each(|step| self.is_over(plan.intent(task, step)));
    }

    fn is_over(&self, intent: Name) {
        self.orders.borrow_mut().remove(&intent);
        if let Some(attempt) = self.attempts.borrow_mut().get_mut(&intent) {
            attempt.is_over = true;
        }
        self.agent.withdraw_wait(intent);
    }

    /// Takes a message if it is one of a worker.
    pub fn accept(&self, mail: &Delivery) -> bool {
        if let Some(LeaseProbe::IsWanted { term }) = mail.open() {
            self.agent.reply(mail, self.answer_to(mail.about(), mail.from(), *term));
            return true;
        }
        let Some(message) = mail.open::<StepMessage>() else { return false };
        let Some((task, step)) = message.step(&self.team.plan) else { return true };
        let intent = self.team.plan.intent(task, step);
        match *message {
            // Whichever attempt it was: the step is done.
            StepMessage::Done { receipt, .. } => {
                self.take_in(mail.from(), intent, None, ToolResult::Done(receipt));
            }
            StepMessage::Failed { attempt, result, .. } => {
                self.take_in(mail.from(), intent, Some(attempt), result);
            }
            StepMessage::Order { .. } => {}
        }
        true
    }

    /// A result comes in, from that worker, for the order that it names.
    fn take_in(&self, from: Name, intent: Name, attempt: Option<u32>, result: ToolResult) {
        let mut orders = self.orders.borrow_mut();
        let order = if self.team.safeguards().lacks::<ReplyCorrelation>() {
            orders.values_mut().find(|order| order.worker == from && order.result.is_none())
        } else {
            orders.get_mut(&intent).filter(|order| attempt.is_none_or(|number| number == order.attempt))
        };
        if let Some(order) = order {
            order.result.get_or_insert(result);
            order.changed.notify_one();
        }
    }

    /// The answer to a worker that asks whether its step is still wanted.
    fn answer_to(&self, intent: Name, from: Name, term: u32) -> LeaseProbe {
        let attempt = self.attempts.borrow().get(&intent).copied();
        let is_wanted = attempt.is_some_and(|attempt| {
            !attempt.is_over
                && attempt.number == term
                && self.worker(attempt.step, term) == from
                && self.states.borrow().has_open(attempt.task)
        });
        let Some(lease) = self.lease().filter(|_| is_wanted) else { return LeaseProbe::Unwanted };
        let now = self.agent.monotonic();
        let mut orders = self.orders.borrow_mut();
        // After a crash it is wanted, though the call has not been made again yet.
        let Some(order) = orders.get_mut(&intent) else { return LeaseProbe::Wanted { lease, left: None } };
        order.leased_until = now + lease;
        LeaseProbe::Wanted { lease, left: propagated(self.team.safeguards(), order.scope.left(now)) }
    }

    fn lease(&self) -> Option<SimSpan> {
        self.team.safeguards().get::<ParentLease>().map(|parent| parent.lease)
    }

    /// The number of the attempt that a call is: the last one again, if it may not have been answered.
    fn attempt(&self, intent: Name, tried_before: bool) -> u32 {
        let known = self.attempts.borrow().get(&intent).map(|attempt| attempt.number);
        known.map_or(1, |number| if tried_before { number } else { number + 1 })
    }

    /// The state of an order: its result, or that it is to be sent again, or that its worker is silent.
    fn state_of(&self, intent: Name) -> OrderState {
        let orders = self.orders.borrow();
        let Some(order) = orders.get(&intent) else { return OrderState::Silent };
        match order.result {
            Some(result) => OrderState::Answered(result),
            None if self.lease().is_some() && self.agent.monotonic() >= order.leased_until => {
                OrderState::Silent
            }
            None => OrderState::Open,
        }
    }
}

enum OrderState {
    Open,
    Answered(ToolResult),
    Silent,
}

/// The calls of sub-agents for one task.
#[derive(Clone)]
pub(super) struct TaskCalls {
    all: Rc<Delegations>,
    task: Name,
    ops: Arc<[OpId]>,
    scope: Rc<WorkScope>,
}

impl TaskCalls {
    fn step_of(&self, intent: Name) -> Option<usize> {
        let plan = &self.all.team.plan;
        (0..plan.steps.len()).find(|step| plan.intent(self.task, *step) == intent)
    }

    /// Gets ready for the result of a step. It can come before the step is ordered, if an earlier incarnation
    /// had ordered it.
    fn expect(&self, step: usize, intent: Name, attempt: u32) {
        let (all, changed) = (&self.all, Rc::new(Notify::new()));
        let leased_until = all.agent.monotonic() + all.lease().unwrap_or_default();
        let (worker, scope) = (all.worker(step, attempt), Rc::clone(&self.scope));
        let order = Order { worker, attempt, leased_until, scope, result: None, changed };
        all.orders.borrow_mut().insert(intent, order);
    }

    /// Orders an expected step from its worker until its result is there; `None` if the worker is silent.
    async fn order(&self, step: usize, intent: Name, attempt: u32) -> Option<ToolResult> {
        let (all, agent) = (&self.all, &self.all.agent);
        let (worker, changed) = {
            let mut orders = all.orders.borrow_mut();
            let order = orders.get_mut(&intent)?;
            order.leased_until = agent.monotonic() + all.lease().unwrap_or_default();
            (order.worker, Rc::clone(&order.changed))
        };
        let resend = ResendOrders::of_or(all.team.safeguards(), RESEND);
        let mut sending = ResendTimer::default();
        loop {
            match all.state_of(intent) {
                OrderState::Answered(result) => return Some(result),
                OrderState::Silent => return None,
                OrderState::Open => {}
            }
            if !sending.is_due(agent.monotonic(), resend) {
                self.wait(&changed, resend).await;
                continue;
            }
            agent.before("order", intent).await;
            let left = propagated(all.team.safeguards(), self.scope.left(agent.monotonic()));
            let (task, op) = (self.task, self.ops[step]);
            agent.declare_wait(worker, "the result of a step", intent);
            agent.send(worker, intent, StepMessage::Order { task, step, attempt, op, left });
            sending.restart(agent.monotonic());
            self.wait(&changed, resend).await;
        }
    }

    /// Waits for a result, until it is time to send the order again, or to look whether the worker is silent.
    async fn wait(&self, changed: &Notify, resend: SimSpan) {
        let (Ok(()) | Err(TimedOut)) =
            self.all.agent.within(resend.min(RESEND), "a result", changed.notified()).await;
    }
}

impl Calls for TaskCalls {
    /// A worker asks for what it does itself.
    fn is_irreversible(&self, _: &Operation) -> bool {
        false
    }

    /// The user has made the ids.
    fn operation_id(&self, call: &CallRequest, tried_before: bool) -> impl Future<Output = (OpId, bool)> {
        let step = self.step_of(call.operation.intent);
        ready((step.map_or(call.id, |step| self.ops[step]), tried_before))
    }

    async fn make(&self, call: &PreparedCall) -> ToolResult {
        let intent = call.operation.intent;
        let Some(step) = self.step_of(intent) else { return ToolResult::UnknownTool };
        let hands_on = self.all.lease().is_some();
        let (task, mut failures) = (self.task, 0);
        let mut attempt = self.all.attempt(intent, call.tried_before);
        loop {
            self.expect(step, intent, attempt);
            self.all.change(intent, Record::Handed { task, step, attempt }).await;
            if Defect::ResultDroppedWhileRecording.is_in(self.all.team.safeguards()) {
                self.expect(step, intent, attempt);
            }
            let result = self.order(step, intent, attempt).await;
            self.all.is_over(intent);
            match result {
                // The next worker asks for the same operation, under the same id.
                Some(ToolResult::Failed(ToolError::Indefinite(_)))
                    if hands_on && failures < MOST_FAILURES =>
                {
                    failures += 1;
                }
                None => {}
                Some(result) => return result,
            }
            attempt += 1;
        }
    }
}
