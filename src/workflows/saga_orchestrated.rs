//! Orchestrated saga: an orchestrator orders the steps of each task one after the other; when one fails for
//! good, it has the earlier ones undone, last first.
//!
//! ```text
//!   user --submit--> orchestrator --do--> worker --call--> tool
//!                        |   ^----done/failed---'  '--dead letter--> on-call
//!                        |--undo--> worker --call--> tool
//!   user <---report------'
//! ```
//!
//! The orchestrator makes the ids of all operations before the first action and keeps them in the saga log.
//! An operation takes effect once per id, however often and by whichever agent it is ordered, and any agent
//! that knows the id can undo it. An orchestrator that forgets the ids can do neither.

use crate::agent::{Agent, Delivery, Headers, Message, OpId, Purpose, Report};
use crate::protocols::{Resend, SingleFlight};
use crate::safeguards::compensate::Compensate;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::saga_log::{Next, Saga, SagaAction, SagaEvent, Sagas};
use crate::workflows::saga::carry_out;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow, one_at_a_time};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("saga-orchestrated")
        .about("an orchestrator orders steps one after the other, and their compensation if one fails")
        .agent(ORCHESTRATOR, |agent, team| Orchestrator::recover(agent, team).run())
        .agents(Role::new("workers", "worker", 1..=MOST_AGENTS, 2), worker_loop)
        .person_on_call()
        .safeguards(&[
            "call-timeout",
            "compensate",
            "dead-letter",
            "event-log",
            "idempotency-keys",
            "journal-fencing",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "saga-log",
            "tool-dedupe",
        ])
        .properties(&[
            "all-or-compensated",
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

const ORCHESTRATOR: &str = "orchestrator";

/// How long the orchestrator waits for the outcome of an action before it orders it again.
const RESEND: SimSpan = SimSpan::from_secs(15);

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum SagaMessage {
    Order { task: Name, action: SagaAction, op: OpId },
    Done { task: Name, action: SagaAction },
    Failed { task: Name, action: SagaAction },
}

impl Message for SagaMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order { action: SagaAction::Do(_), .. } => "do",
            Self::Order { action: SagaAction::Undo(_), .. } => "undo",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Order { action, op, .. } => {
                let purpose =
                    if matches!(action, SagaAction::Do(_)) { Purpose::Order } else { Purpose::Undo };
                Headers { idempotency_key: Some(op), ..Headers::of(purpose) }
            }
            Self::Done { action: SagaAction::Do(_), .. } => Headers::of(Purpose::Done),
            Self::Done { action: SagaAction::Undo(_), .. } => Headers::of(Purpose::Undone),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
        }
    }
}

struct Orchestrator {
    agent: Agent,
    team: TeamContext,
    sagas: Sagas,
    /// The order for the next action of each task.
    orders: Resend<Name>,
}

impl Orchestrator {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let sagas = Sagas::recover(&agent, &one_at_a_time(&team.plan.steps));
        let resend = ResendOrders::of_or(team.safeguards(), RESEND);
        Self { agent, team, sagas, orders: Resend::every(resend) }
    }

    async fn run(mut self) {
        self.sagas.open().into_iter().for_each(|task| self.orders.add(task));
        loop {
            while let Some(task) = self.orders.next(self.agent.monotonic()) {
                self.drive(task).await;
            }
            if let Ok(mail) = self.agent.receive_within(RESEND, "a message").await {
                self.hear(&mail).await;
            }
        }
    }

    async fn hear(&mut self, mail: &Delivery) {
        if let Some(UserMessage::Submit { task, .. }) = mail.open() {
            match self.sagas.get(*task).map(Saga::ended) {
                None => self.begin(*task).await,
                Some(Some(done)) => report(&self.agent, Report::done_or_failed(*task, done)).await,
                Some(None) => {}
            }
        }
        match mail.open::<SagaMessage>() {
            Some(SagaMessage::Done { task, action }) => self.ended(*task, *action, true).await,
            Some(SagaMessage::Failed { task, action }) => self.ended(*task, *action, false).await,
            _ => {}
        }
    }

    async fn begin(&mut self, task: Name) {
        let steps = 0..self.team.plan.steps.len();
        let ops = steps.map(|step| self.agent.new_operation_id(self.team.plan.intent(task, step))).collect();
        self.sagas.begin(&self.agent, self.team.safeguards(), task, ops).await;
        self.orders.add(task);
    }

    /// An action has ended, if it is the one that its saga waits for.
    async fn ended(&mut self, task: Name, action: SagaAction, was_done: bool) {
        if self
            .sagas
            .get(task)
            .is_none_or(|saga| saga.ended().is_some() || saga.next() != Next::Action(action))
        {
            return;
        }
        let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
        let intent = self.team.plan.intent(task, step);
        self.agent.withdraw_wait(intent);
        let event = match (action, was_done) {
            (SagaAction::Do(step), true) => SagaEvent::Did(step),
            (SagaAction::Do(step), false) => SagaEvent::Failed(step),
            (SagaAction::Undo(step), true) => SagaEvent::Undid(step),
            (SagaAction::Undo(step), false) => SagaEvent::LeftBehind(step),
        };
        self.sagas.record(&self.agent, self.team.safeguards(), task, event).await;
        self.orders.answered(task);
        self.orders.add(task);
    }

    /// Takes the next action for a task.
    async fn drive(&mut self, task: Name) {
        let Some(saga) = self.sagas.get(task).filter(|saga| saga.ended().is_none()) else { return };
        match saga.next() {
            Next::End { done } => self.end(task, done).await,
            Next::Action(SagaAction::Undo(_)) if !self.team.safeguards().has::<Compensate>() => {
                self.end(task, false).await;
            }
            Next::Action(action) => {
                let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
                let op = saga.op(step);
                self.order(task, action, op).await;
            }
        }
    }

    async fn order(&mut self, task: Name, action: SagaAction, op: OpId) {
        if !self.orders.send_if_due(task, self.agent.monotonic()) {
            return;
        }
        let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
        let (intent, workers) = (self.team.plan.intent(task, step), &self.team.workers);
        let worker = workers[step % workers.len()];
        self.agent.before("order", intent).await;
        self.agent.declare_wait(worker, "completion or undo of a step", intent);
        self.agent.send(worker, intent, SagaMessage::Order { task, action, op });
    }

    async fn end(&mut self, task: Name, done: bool) {
        self.sagas.record(&self.agent, self.team.safeguards(), task, SagaEvent::Ended { done }).await;
        self.orders.answered(task);
        report(&self.agent, Report::done_or_failed(task, done)).await;
    }
}

/// Carries out orders, several actions at a time. A worker remembers nothing but what its model has answered:
/// the id in an order makes repetition harmless.
async fn worker_loop(agent: Agent, team: TeamContext) {
    let (actions, answers) = (SingleFlight::default(), ModelAnswers::recover(&agent));
    loop {
        let mail = agent.receive().await;
        let Some(SagaMessage::Order { task, action, op }) = mail.open().cloned() else { continue };
        let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
        if !team.plan.has_step(step) {
            continue;
        }
        let (worker, team, answers) = (agent.clone(), team.clone(), answers.clone());
        actions.start(&agent, (task, action), async move {
            let was_done = carry_out(&worker, &team, &answers, (task, action), op).await;
            let say = if was_done {
                SagaMessage::Done { task, action }
            } else {
                SagaMessage::Failed { task, action }
            };
            worker.send(mail.from(), mail.about(), say);
        });
    }
}
