//! Step workers: agents that carry out steps, several at a time, and remember what they have done.
//!
//! The executors of the conductor and the workers of the standby team are step workers. They share the code
//! between an order and its report; they differ in whose orders they take.

use crate::agent::{Agent, Confirmation, Content, Headers, Message, Operation};
use crate::protocols::compose_call;
use crate::safeguards::Safeguards;
use crate::safeguards::calls::{CallLimits, CallPolicy, call_within_limits};
use crate::safeguards::check_arguments::{CheckArguments, are_as_ordered};
use crate::safeguards::checkpoint;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::drain::dropped_after;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::fan_out_cap::FanOutCap;
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::isolation::IsolatedSteps;
use crate::safeguards::persist::{Operations, PersistBeforeCall};
use crate::workflows::on_call::ON_CALL;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use tokio::sync::{Notify, Semaphore};

/// Tokens an agent reads to compose the arguments of a call.
const COMPOSING_TOKENS: u32 = 400;

/// How many different wordings its model can use for one call.
const WORDINGS: u32 = 3;

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Finished {
    intent: Name,
    round: u32,
    confirmed: Confirmation,
}

impl Message for Finished {
    fn kind(&self) -> &'static str {
        "finished"
    }

    fn headers(&self) -> Headers {
        Headers { correlation: Some(self.intent), ..Headers::NONE }
    }
}

/// The state of an ordered step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepStatus {
    /// It was never ordered, or not in this round, or it has failed.
    New,
    /// The worker works on it.
    Running,
    /// It is done.
    Done,
}

/// The state of a worker's own work. Clones share it.
#[derive(Clone)]
pub struct StepWorker {
    agent: Agent,
    /// Behind a count of the run's own: every step clones the worker, and threads share the safeguards.
    safeguards: Rc<Safeguards>,
    operations: Rc<Operations>,
    answers: ModelAnswers,
    limits: CallLimits,
    /// The state of each step, in its latest round.
    work: Rc<RefCell<BTreeMap<Name, (StepStatus, u32)>>>,
    /// What the tool has confirmed of each step that is done.
    confirmed: Rc<RefCell<BTreeMap<Name, Confirmation>>>,
    permits: Rc<Semaphore>,
    /// Ends all steps that are under way.
    cancelled: Rc<Notify>,
}

impl StepWorker {
    /// The worker, recovered from its journal.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let (mut work, mut confirmations) = (BTreeMap::new(), BTreeMap::new());
        checkpoint::recover(agent, |Finished { intent, round, confirmed }| {
            work.insert(*intent, (StepStatus::Done, *round));
            confirmations.insert(*intent, confirmed.clone());
        });
        Self {
            agent: agent.clone(),
            safeguards: Rc::new(safeguards.clone()),
            operations: Rc::new(Operations::recover(agent)),
            answers: ModelAnswers::recover(agent),
            limits: CallLimits::of(safeguards),
            work: Rc::new(RefCell::new(work)),
            confirmed: Rc::new(RefCell::new(confirmations)),
            permits: Rc::new(Semaphore::new(FanOutCap::of(safeguards))),
            cancelled: Rc::default(),
        }
    }

    /// The state of a step in this round.
    pub fn status(&self, intent: Name, round: u32) -> StepStatus {
        match self.work.borrow().get(&intent) {
            Some((status, known)) if *known >= round => *status,
            Some(_) | None => StepStatus::New,
        }
    }

    /// What its agent's model has answered. The call of a step is the question of number 0 about it.
    pub fn answers(&self) -> &ModelAnswers {
        &self.answers
    }

    /// What the tool has confirmed of a step that is done.
    pub fn confirmed(&self, intent: Name) -> Option<Confirmation> {
        self.confirmed.borrow().get(&intent).cloned()
    }

    /// Starts a step concurrently with the worker, with calls under these headers; `report` gets what the
    /// tool confirmed, if it succeeded.
    pub fn start(
        &self,
        (operation, headers): (Operation, Headers),
        round: u32,
        source: KeySource,
        report: impl FnOnce(&Agent, Option<Confirmation>) + 'static,
    ) {
        self.work.borrow_mut().insert(operation.intent, (StepStatus::Running, round));
        let worker = self.clone();
        self.agent.spawn(async move {
            let intent = operation.intent;
            let work = Box::pin(worker.take_turn((operation, headers), round, source));
            let confirmed = worker.unless_cancelled(intent, work).await;
            report(&worker.agent, confirmed);
        });
    }

    /// Takes a step as one of all that the worker works on, which a shutdown ends if it does not drain them,
    /// and a step that fails if they are not isolated. What the tool confirmed, if it succeeded.
    async fn unless_cancelled(
        &self,
        intent: Name,
        mut work: Pin<Box<impl Future<Output = Option<Confirmation>>>>,
    ) -> Option<Confirmation> {
        if let Some(after) = dropped_after(&self.agent, &self.safeguards, intent) {
            let worker = self.clone();
            self.agent.spawn(async move {
                worker.agent.sleep(after).await;
                worker.cancelled.notify_waiters();
            });
        }
        let mut cancelled = pin!(self.cancelled.notified());
        let ended = poll_fn(|task| match work.as_mut().poll(task) {
            Poll::Ready(confirmed) => Poll::Ready(Some(confirmed)),
            Poll::Pending => cancelled.as_mut().poll(task).map(|()| None),
        });
        match ended.await {
            Some(Some(confirmed)) => return Some(confirmed),
            Some(None) if self.safeguards.lacks::<IsolatedSteps>() => self.cancelled.notify_waiters(),
            Some(None) => {}
            None => drop(self.work.borrow_mut().remove(&intent)),
        }
        None
    }

    /// Waits until fewer than the maximum number of steps run, carries this one out, and returns what the
    /// tool confirmed, if that succeeded.
    pub async fn take_turn(
        &self,
        (operation, headers): (Operation, Headers),
        round: u32,
        source: KeySource,
    ) -> Option<Confirmation> {
        self.work.borrow_mut().insert(operation.intent, (StepStatus::Running, round));
        // The semaphore is never closed, so this is always a permit.
        let _permit = self.permits.acquire().await;
        self.carry_out((operation, headers), round, source).await
    }

    /// Carries a step out with calls under these headers, and returns what the tool confirmed, if that
    /// succeeded. The future can be dropped at any point; the outcome of a call in flight is then unknown.
    pub async fn carry_out(
        &self,
        (operation, headers): (Operation, Headers),
        round: u32,
        source: KeySource,
    ) -> Option<Confirmation> {
        let (agent, safeguards) = (&self.agent.under(headers), &self.safeguards);
        let checks = safeguards.has::<CheckArguments>();
        let are_right = |arguments: &Content| !checks || are_as_ordered(arguments, &operation);
        let compose = async || compose_call(agent, &operation, (COMPOSING_TOKENS, WORDINGS), are_right).await;
        let call = self.answers.complete(agent, safeguards, (operation.intent, 0), compose).await;
        let operation = operation.with(call.arguments);
        let (op, tried_before) =
            source.operation_id(agent, safeguards, &self.operations, &operation, call.wording).await;
        let policy = CallPolicy::of(safeguards);
        let call = call_within_limits(agent, &policy, &self.limits, &operation, (op, tried_before));
        let confirmed = match call.await {
            Ok(confirmed) => confirmed,
            Err(error) => {
                if safeguards.has::<DeadLetter>() {
                    escalate(agent, Name::literal(ON_CALL), &operation, op, error).await;
                }
                self.work.borrow_mut().remove(&operation.intent);
                return None;
            }
        };
        if safeguards.has::<PersistBeforeCall>() || matches!(source, KeySource::Given(_)) {
            agent.before("record", operation.intent).await;
            let confirmed = confirmed.clone();
            agent.persist(Finished { intent: operation.intent, round, confirmed }).await;
            agent.after("record", operation.intent).await;
        }
        self.work.borrow_mut().insert(operation.intent, (StepStatus::Done, round));
        self.confirmed.borrow_mut().insert(operation.intent, confirmed.clone());
        Some(confirmed)
    }
}
