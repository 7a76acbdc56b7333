//! Standby: an orchestrator leads, a backup takes over when its lease expires, and workers carry out orders.
//!
//! ```text
//!   user --submit--> orchestrator <--lease--> leases <--lease--> backup <--submit-- user
//!                         |                                        |
//!                         '--order (token)--> worker <--order (token)--'
//!                                               '--call--> tool
//! ```
//!
//! Orchestrator and backup run the same code: each asks for the lease, leads while it believes that it holds
//! it, and then asks again. The lease alone does not make this safe, but the token in every order does: a
//! leader that was paused between a check of its lease and an order still sends the order, and only the
//! worker can refuse it.
//!
//! An order also carries the end of its leader's lease, so that a worker can reject it after that although it
//! has heard of no other leader.
//!
//! The user makes the id of each operation once, and it travels with the orders: two leaders that order the
//! same step ask for the same operation.

use crate::agent::{Agent, Confirmation, Delivery, Headers, Message, OpId, Purpose, Token};
use crate::protocols::choose_agent;
use crate::safeguards::election::{Candidate, Election, Leadership};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::fencing::{Fence, FencingTokens};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::lease_check::LeaseCheck;
use crate::safeguards::order_expiry::{OrderExpiry, is_expired};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::worker::{StepStatus, StepWorker};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("standby")
        .about("an orchestrator leads by lease, a backup takes over, workers accept or reject orders")
        .agent(ORCHESTRATOR, orchestrator)
        .agent(BACKUP, backup)
        .agents(Role::new("workers", "worker", 1..=MOST_AGENTS, 2), worker_loop)
        .tasks_to(&[ORCHESTRATOR, BACKUP])
        .safeguards(&[
            "call-timeout",
            "checkpoint",
            "election",
            "event-log",
            "fencing-tokens",
            "give-up-after",
            "idempotency-keys",
            "lease-check",
            "logical-clocks",
            "observe-before-retry",
            "order-expiry",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "no-split-brain",
            "reports-match-effects",
        ])
}

const ORCHESTRATOR: &str = "orchestrator";
const BACKUP: &str = "backup";

/// The resource of the lease.
const LEADERSHIP: &str = "leadership";

/// How long a leader waits for news before it looks at its lease again.
const LOOK_AT_LEASE: SimSpan = SimSpan::from_secs(15);

/// The lease of an orchestrator without a backup.
const LONELY_LEASE: SimSpan = SimSpan::from_secs(10);

/// Tokens a leader reads to choose a worker.
const CHOOSING_TOKENS: u32 = 300;

/// What an orchestrator asks its model.
const THIS_STEP: &str = "Choose the worker of this step.";

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum StandbyMessage {
    Order { task: Name, step: usize, op: OpId, token: Token, expiry: SimTime },
    Done { task: Name, step: usize, confirmed: Confirmation },
    Failed { task: Name, step: usize },
    Rejected { token: Token },
}

impl StandbyMessage {
    /// A worker's answer to an order.
    fn outcome(task: Name, step: usize, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, confirmed },
            None => Self::Failed { task, step },
        }
    }
}

impl Message for StandbyMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order { .. } => "order",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Order { op, token, expiry, .. } => Headers {
                idempotency_key: Some(*op),
                authority: Some(*token),
                expiry: Some(*expiry),
                ..Headers::of(Purpose::Order)
            },
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
            Self::Rejected { .. } => Headers::of(Purpose::Refused),
        }
    }
}

/// An announcement of a leader.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum LeadershipChange {
    /// It believes that it leads now.
    Begins(Token),
    /// It no longer believes it.
    Ends(Token),
}

impl Message for LeadershipChange {
    fn kind(&self) -> &'static str {
        "leadership"
    }
}

/// A candidate only if there are elections.
async fn backup(agent: Agent, team: TeamContext) {
    if let Some(election) = team.safeguards().get::<Election>().copied() {
        let mut leader = Leader::recover(agent.clone(), team);
        election.run_as_backup(&agent, Name::literal(LEADERSHIP), &mut leader).await;
    }
}

/// Leads, or stands by if another agent does.
async fn orchestrator(agent: Agent, team: TeamContext) {
    let election = team.safeguards().get::<Election>().copied();
    let election = election.unwrap_or(Election { lease: LONELY_LEASE });
    let mut leader = Leader::recover(agent.clone(), team);
    election.run(&agent, Name::literal(LEADERSHIP), &mut leader).await;
}

/// An agent that may lead.
struct Leader {
    agent: Agent,
    team: TeamContext,
    dispatcher: Dispatcher,
    answers: ModelAnswers,
    /// How often each step was ordered.
    orders: Lookup<(Name, usize), usize>,
}

impl Candidate for Leader {
    /// Takes in the user's messages while another agent leads.
    async fn follow(&mut self, until: SimTime) {
        while self.agent.monotonic() < until {
            let left = until.since(self.agent.monotonic());
            if let Ok(mail) = self.agent.receive_within(left, "a message").await {
                self.hear(&mail).await;
            }
        }
    }

    async fn lead(&mut self, leadership: Leadership) {
        let token = leadership.token();
        self.agent.announce(Name::literal(LEADERSHIP), LeadershipChange::Begins(token));
        // Orders under an older token may never have been carried out.
        self.dispatcher.expire_orders();
        self.dispatcher.resume();
        loop {
            while let Some((task, duty)) = self.dispatcher.next_action() {
                self.see_to(task, duty, &leadership).await;
            }
            if !leadership.holds() {
                break;
            }
            let wait = leadership.left().min(LOOK_AT_LEASE);
            if let Ok(mail) = self.agent.receive_within(wait, "a message").await
                && self.catch_up(mail, token).await
            {
                break;
            }
        }
        self.agent.announce(Name::literal(LEADERSHIP), LeadershipChange::Ends(token));
    }
}

impl Leader {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let dispatcher = Dispatcher::recover(&agent, &team, ResendOrders::of(team.safeguards()));
        let answers = ModelAnswers::recover(&agent);
        Self { agent, team, dispatcher, answers, orders: Lookup::default() }
    }

    /// Takes in a message and all others that have arrived; returns whether one of them shows a newer leader.
    /// Every order takes a model call, so a leader that took in one message for each round of orders would
    /// never catch up with the answers.
    async fn catch_up(&mut self, mail: Delivery, leading: Token) -> bool {
        let mut newest = self.hear(&mail).await;
        while let Some(mail) = self.agent.receive_now() {
            newest = newest.max(self.hear(&mail).await);
        }
        newest > Some(leading)
    }

    /// Takes in a message; returns the token of the newest leader, if the message has one.
    async fn hear(&mut self, mail: &Delivery) -> Option<Token> {
        if let Some(task) = self.dispatcher.tracker().accept(mail).await {
            self.dispatcher.bring_up_steps(task);
        }
        match mail.open() {
            Some(StandbyMessage::Done { task, step, confirmed }) => {
                self.dispatcher.completed(*task, *step, Some(confirmed.clone())).await;
            }
            Some(StandbyMessage::Failed { task, step }) => self.dispatcher.failed(*task, *step).await,
            Some(StandbyMessage::Rejected { token }) => return Some(*token),
            Some(StandbyMessage::Order { .. }) | None => {}
        }
        None
    }

    async fn see_to(&mut self, task: Name, duty: DispatchAction, leadership: &Leadership) {
        match duty {
            DispatchAction::Step(step) if self.dispatcher.is_step_due(task, step) => {
                if !self.order(task, step, leadership).await {
                    self.dispatcher.bring_up(task, duty);
                }
            }
            DispatchAction::End => self.dispatcher.end_if_complete(task).await,
            DispatchAction::Step(_) | DispatchAction::Plan => {}
        }
    }

    /// Sends an order if the lease holds when it is checked; returns whether it does. Without `lease-check`,
    /// a leader looks at its lease only between its rounds of orders.
    async fn order(&mut self, task: Name, step: usize, leadership: &Leadership) -> bool {
        let Some(op) = self.dispatcher.states().get(task).map(|state| state.ops[step]) else { return true };
        let (intent, workers) = (self.team.plan.intent(task, step), &self.team.workers);
        let ask = async || choose_agent(&self.agent, intent, THIS_STEP, workers, CHOOSING_TOKENS).await;
        let chosen = self.answers.complete(&self.agent, self.team.safeguards(), (intent, 0), ask).await;
        // A worker that has not answered may be dead, and the model would choose the same again.
        let orders = self.orders.get_or_insert_with((task, step), || 0);
        let worker = workers[(chosen + *orders) % workers.len()];
        *orders += 1;
        if !self.team.safeguards().lacks::<LeaseCheck>() && !leadership.holds() {
            return false;
        }
        let (token, expiry) = (leadership.token(), leadership.until());
        // The process can be paused between the check of the lease and the order.
        self.agent.before("order", intent).await;
        self.agent.declare_wait(worker, "completion of a step", intent);
        self.agent.send(worker, intent, StandbyMessage::Order { task, step, op, token, expiry });
        self.dispatcher.sent(task, DispatchAction::Step(step));
        true
    }
}

/// Carries out orders, and rejects those of an older leader.
async fn worker_loop(agent: Agent, team: TeamContext) {
    let worker = StepWorker::recover(&agent, team.safeguards());
    let fenced = team.safeguards().has::<FencingTokens>();
    let forgets_fence = Defect::FenceInMemory.is_in(team.safeguards());
    let mut fence = if forgets_fence { Fence::default() } else { Fence::recover(&agent) };
    loop {
        let mail = agent.receive().await;
        let Some(StandbyMessage::Order { task, step, op, token, .. }) = mail.open().cloned() else {
            continue;
        };
        if !team.plan.has_step(step) {
            continue;
        }
        let (leader, operation, order) = (mail.from(), team.plan.operation_of(task, step), mail.headers());
        let intent = operation.intent;
        if fenced && !fence.admits(&order) {
            agent.send(leader, intent, StandbyMessage::Rejected { token: fence.highest() });
            continue;
        }
        if team.safeguards().has::<OrderExpiry>() && is_expired(&order, agent.now()) {
            // If it still leads, it sends the order again.
            agent.send(leader, intent, StandbyMessage::Rejected { token });
            continue;
        }
        if fenced {
            fence.raise(&agent, &order).await;
        }
        match worker.status(intent, 0) {
            StepStatus::Running => {}
            StepStatus::Done => {
                agent.send(leader, intent, StandbyMessage::outcome(task, step, worker.confirmed(intent)));
            }
            StepStatus::New => {
                let headers = Headers { authority: order.authority, ..Headers::NONE };
                worker.start((operation, headers), 0, KeySource::Given(op), move |agent, confirmed| {
                    agent.send(leader, intent, StandbyMessage::outcome(task, step, confirmed));
                });
            }
        }
    }
}
