//! Conductor: a coordinator orders the steps of each task from executors, as planned by a planner, and has a
//! verifier check the result.
//!
//! ```text
//!   user --submit--> coordinator --request plan--> planner
//!                        |  ^--------plan----------'
//!                        |--assign--> executor --call--> tool
//!                        |  ^--done/failed--'
//!                        |--verify--> verifier --look-up--> tool
//!   user <---report------'  ^--verdict--'
//! ```
//!
//! Messages can be lost, late or duplicated, so the coordinator resends each order until it is answered, and
//! the others answer each copy. A [`Dispatcher`] selects what to do next.
//!
//! A step stays with its executor, however long the executor is silent: a second executor would make a new
//! operation id, and the first may only be slow. A team that must survive the permanent loss of an executor
//! needs ids that travel with the orders, as in the [standby team](crate::workflows::standby).

use crate::agent::{Agent, ArtifactId, Body, Confirmation, Delivery, Headers, Message, Purpose, StoreError};
use crate::protocols::{Coalesced, choose_agent};
use crate::safeguards::Safeguards;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::plan_commit::{PlanCommit, agree};
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::roles::Permissions;
use crate::safeguards::verify::{Verify, effects_on_record};
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::task_state::{TaskEvent, TaskState};
use crate::workflows::worker::{StepStatus, StepWorker};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, Payload};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("conductor")
        .about("a coordinator hands steps to executors, with a planner before and a verifier after")
        .agent(COORDINATOR, |agent, team| Coordinator::recover(agent, team).run())
        .agent(PLANNER, planner)
        .agent(VERIFIER, verifier)
        .agents(Role::new("executors", "executor", 1..=MOST_AGENTS, 2), executor_loop)
        .store_if(Safeguards::has::<PlanCommit>)
        .safeguards(&[
            "call-timeout",
            "check-arguments",
            "checkpoint",
            "checksummed-log",
            "circuit-breaker",
            "drain-on-shutdown",
            "event-log",
            "fan-out-cap",
            "give-up-after",
            "idempotency-keys",
            "intent-keys",
            "isolated-steps",
            "journal-fencing",
            "observe-before-retry",
            "persist-before-call",
            "plan-commit",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-budget",
            "retry-writes",
            "roles",
            "tool-dedupe",
            "tool-retry",
            "verify",
        ])
        .properties(&[
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

/// The decision whether a task is done correctly.
const JUDGE: &str = "judge";

const COORDINATOR: &str = "coordinator";
const PLANNER: &str = "planner";
const VERIFIER: &str = "verifier";

/// Tokens a planner reads for one plan.
const PLANNING_TOKENS: u32 = 1_200;

/// What the planner asks its model.
const FIRST_STEP: &str = "Choose the executor of the first step. The others follow in turn.";

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum ConductorMessage {
    RequestPlan { task: Name },
    Planned { task: Name, workers: Arc<[Name]> },
    Assign { task: Name, step: usize, round: u32, plan: ArtifactId },
    Done { task: Name, step: usize, round: u32, confirmed: Confirmation },
    Failed { task: Name, step: usize, round: u32 },
    Verify { task: Name, rounds: Arc<[u32]> },
    Unverified { task: Name, rounds: Arc<[u32]> },
    Verdict { task: Name, rounds: Arc<[u32]>, missing: Arc<[usize]>, found: Arc<[Option<Confirmation>]> },
}

impl ConductorMessage {
    /// An executor's answer to an order.
    fn outcome(task: Name, step: usize, round: u32, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, round, confirmed },
            None => Self::Failed { task, step, round },
        }
    }
}

impl Message for ConductorMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::RequestPlan { .. } => "request plan",
            Self::Planned { .. } => "plan",
            Self::Assign { .. } => "assign",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Verify { .. } => "verify",
            Self::Unverified { .. } => "no verdict",
            Self::Verdict { .. } => "verdict",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::RequestPlan { .. } | Self::Verify { .. } => Headers::of(Purpose::Ask),
            Self::Planned { .. } => Headers::of(Purpose::Answer),
            Self::Assign { round, plan, .. } => {
                Headers { attempt: Some(*round), plan: Some(*plan), ..Headers::of(Purpose::Order) }
            }
            Self::Done { round, .. } => Headers { attempt: Some(*round), ..Headers::of(Purpose::Done) },
            Self::Failed { round, .. } => Headers { attempt: Some(*round), ..Headers::of(Purpose::Failed) },
            Self::Unverified { .. } => Headers::of(Purpose::Pending),
            Self::Verdict { missing, .. } if missing.is_empty() => Headers::of(Purpose::Approval),
            Self::Verdict { .. } => Headers::of(Purpose::Rejection),
        }
    }
}

/// Which executor does which step, as a plan that can be committed.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Assignment(Arc<[Name]>);

impl Message for Assignment {
    fn kind(&self) -> &'static str {
        "assignment"
    }
}

struct Coordinator {
    agent: Agent,
    team: TeamContext,
    dispatcher: Dispatcher,
    verified: Lookup<Name, bool>,
    /// How often the tools of a task did not say what is done.
    unverified: Lookup<Name, u32>,
}

impl Coordinator {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let dispatcher = Dispatcher::recover(&agent, &team, ResendOrders::of(team.safeguards()));
        Self { agent, team, dispatcher, verified: Lookup::default(), unverified: Lookup::default() }
    }

    async fn run(mut self) {
        self.dispatcher.resume();
        loop {
            while let Some((task, duty)) = self.dispatcher.next_action() {
                self.see_to(task, duty).await;
            }
            let Ok(mail) = self.dispatcher.receive().await else { continue };
            if let Some(task) = self.dispatcher.tracker().accept(&mail).await {
                self.dispatcher.bring_up(task, DispatchAction::Plan);
            }
            if let Some(say) = mail.open::<ConductorMessage>() {
                self.on_say(mail.from(), say.clone()).await;
            }
        }
    }

    async fn on_say(&mut self, from: Name, say: ConductorMessage) {
        match say {
            ConductorMessage::Planned { task, workers } if self.awaits_plan(task) && self.fits(&workers) => {
                self.dispatcher.answered(task, DispatchAction::Plan);
                let Ok(Assignment(workers)) = self.settle(task, Assignment(workers)).await else {
                    return self.dispatcher.bring_up(task, DispatchAction::Plan);
                };
                self.dispatcher.tracker().record(TaskEvent::Assigned { task, workers }).await;
                self.dispatcher.bring_up_steps(task);
            }
            ConductorMessage::Done { task, step, round, confirmed }
                if self.awaits_step(task, step, round) =>
            {
                self.dispatcher.completed(task, step, Some(confirmed)).await;
            }
            ConductorMessage::Failed { task, step, round } if self.awaits_step(task, step, round) => {
                self.dispatcher.failed(task, step).await;
            }
            ConductorMessage::Unverified { task, rounds }
                if self.awaits_verdict(task, &rounds) && self.may_judge(from, task) =>
            {
                let failures = self.unverified.get_or_insert_with(task, || 0);
                *failures += 1;
                if GiveUpAfter::is_reached(self.team.safeguards(), *failures) {
                    self.agent.withdraw_wait(task);
                    self.dispatcher.tracker().close(task, false).await;
                }
            }
            ConductorMessage::Verdict { task, rounds, missing, found }
                if self.awaits_verdict(task, &rounds) && self.may_judge(from, task) =>
            {
                self.dispatcher.answered(task, DispatchAction::End);
                self.verified.insert(task, missing.is_empty());
                self.correct(task, &found).await;
                for step in missing.iter().filter(|step| self.team.plan.has_step(**step)) {
                    // In memory it is reopened before the record is durable, just as it counted as complete
                    // only afterwards.
                    self.dispatcher.tracker().record(TaskEvent::Reopened { task, step: *step }).await;
                    self.dispatcher.bring_up(task, DispatchAction::Step(*step));
                }
                self.dispatcher.bring_up(task, DispatchAction::End);
            }
            _ => {}
        }
    }

    /// Replaces what the executors said that a tool has confirmed by what the verifier found there.
    async fn correct(&mut self, task: Name, found: &[Option<Confirmation>]) {
        for (step, confirmed) in found.iter().enumerate() {
            let known =
                self.dispatcher.states().get(task).and_then(|state| state.confirmed.get(step).cloned());
            if confirmed.is_some() && known.is_some_and(|known| known != *confirmed) {
                let confirmed = confirmed.clone();
                self.dispatcher.tracker().record(TaskEvent::Completed { task, step, confirmed }).await;
            }
        }
    }

    /// The plan to follow: the new one, or one that another incarnation of the coordinator has committed
    /// already.
    async fn settle(&self, task: Name, plan: Assignment) -> Result<Assignment, StoreError> {
        if !self.team.safeguards().has::<PlanCommit>() {
            return Ok(plan);
        }
        agree(&self.agent, self.team.safeguards(), (task, task), async || Ok(plan)).await
    }

    /// Whether a plan gives each step to an agent of this team.
    fn fits(&self, workers: &[Name]) -> bool {
        workers.len() == self.team.plan.steps.len()
            && workers.iter().all(|worker| self.team.place_of(*worker).is_some())
    }

    fn awaits_plan(&self, task: Name) -> bool {
        let states = self.dispatcher.states();
        states.get(task).is_some_and(|state| state.workers.is_none() && state.closed.is_none())
    }

    fn awaits_step(&self, task: Name, step: usize, round: u32) -> bool {
        let states = self.dispatcher.states();
        states.is_open(task, step) && states.round(task, step) == round
    }

    fn awaits_verdict(&self, task: Name, rounds: &[u32]) -> bool {
        let states = self.dispatcher.states();
        let is_current = |state: &TaskState| state.closed.is_none() && state.rounds == rounds;
        states.get(task).is_some_and(is_current) && states.is_complete(task)
    }

    /// Whether an agent's verdict on a task counts. Without `roles`, every agent's verdict does.
    fn may_judge(&self, judge: Name, task: Name) -> bool {
        let workers = self.workers(task).unwrap_or_default();
        let permissions = Permissions::default().allow(Name::literal(VERIFIER), JUDGE);
        permissions.accept(self.team.safeguards(), judge, JUDGE, &workers)
    }

    /// Sends the order for a duty of a task, if it is due.
    async fn see_to(&mut self, task: Name, duty: DispatchAction) {
        if !self.dispatcher.states().has_open(task) {
            return;
        }
        match (duty, self.workers(task)) {
            (DispatchAction::Plan, None) => self.ask_for_plan(task).await,
            (DispatchAction::Step(step), Some(workers)) => self.assign(task, step, workers).await,
            (DispatchAction::End, Some(_)) => self.come_to_an_end(task).await,
            (DispatchAction::Plan, Some(_)) | (DispatchAction::Step(_) | DispatchAction::End, None) => {}
        }
    }

    async fn ask_for_plan(&mut self, task: Name) {
        let planner = Name::literal(PLANNER);
        if self.must_ask(task, DispatchAction::Plan, (planner, "a plan")) {
            self.agent.before("plan", task).await;
            self.agent.send(planner, task, ConductorMessage::RequestPlan { task });
        }
    }

    async fn assign(&mut self, task: Name, step: usize, workers: Arc<[Name]>) {
        let worker = workers[step];
        let is_ready = self.dispatcher.states().is_ready(task, step);
        if is_ready && self.must_ask(task, DispatchAction::Step(step), (worker, "completion of a step")) {
            let intent = self.team.plan.intent(task, step);
            let round = self.dispatcher.states().round(task, step);
            self.agent.before("assign", intent).await;
            let plan = ArtifactId(Body::new(Assignment(workers)).digest());
            self.agent.send(worker, intent, ConductorMessage::Assign { task, step, round, plan });
        }
    }

    /// Closes a task whose steps are all complete, or has it verified first.
    async fn come_to_an_end(&mut self, task: Name) {
        let is_taken_on_trust = !self.team.safeguards().has::<Verify>();
        if is_taken_on_trust || self.verified.get(task) == Some(&true) {
            return self.dispatcher.end_if_complete(task).await;
        }
        let verifier = Name::literal(VERIFIER);
        let is_complete = self.dispatcher.states().is_complete(task);
        if is_complete
            && self.must_ask(task, DispatchAction::End, (verifier, "a verdict"))
            && let Some(state) = self.dispatcher.states().get(task)
        {
            let rounds = state.rounds.as_slice().into();
            self.agent.send(verifier, task, ConductorMessage::Verify { task, rounds });
        }
    }

    /// The agents of the steps of a task, once they are assigned.
    fn workers(&self, task: Name) -> Option<Arc<[Name]>> {
        self.dispatcher.states().get(task)?.workers.clone()
    }

    /// Whether the order for a duty is due; if so, it counts as sent.
    fn must_ask(&mut self, task: Name, duty: DispatchAction, (whom, why): (Name, &'static str)) -> bool {
        let is_due = self.dispatcher.is_due(task, duty);
        if is_due {
            self.dispatcher.sent(task, duty);
            self.agent.declare_wait(whom, why, self.dispatcher.about(task, duty));
        }
        is_due
    }
}

/// Assigns the steps: its model picks the agent of the first step, and the next steps go to the next agents
/// in turn.
async fn planner(agent: Agent, team: TeamContext) {
    let executors = &team.workers;
    let answers = ModelAnswers::recover(&agent);
    loop {
        let mail = agent.receive().await;
        let Some(ConductorMessage::RequestPlan { task }) = mail.open() else { continue };
        let ask = async || choose_agent(&agent, *task, FIRST_STEP, executors, PLANNING_TOKENS).await;
        let first = answers.complete(&agent, team.safeguards(), (*task, 0), ask).await;
        let workers =
            (0..team.plan.steps.len()).map(|step| executors[(first + step) % executors.len()]).collect();
        agent.send(mail.from(), *task, ConductorMessage::Planned { task: *task, workers });
    }
}

/// Looks up the effects of a task at the tools.
async fn verifier(agent: Agent, team: TeamContext) {
    let mut requests = Coalesced::default();
    let take_in = |requests: &mut Coalesced<_, _>, mail: &Delivery| {
        if let Some(ConductorMessage::Verify { task, rounds }) = mail.open().cloned() {
            requests.push(task, (mail.from(), rounds));
        }
    };
    loop {
        if requests.is_empty() {
            take_in(&mut requests, &agent.receive().await);
        }
        while let Some(mail) = agent.receive_now() {
            take_in(&mut requests, &mail);
        }
        let Some((task, (coordinator, rounds))) = requests.pop() else { continue };
        let effects = (0..team.plan.steps.len()).map(|step| team.plan.operation_of(task, step));
        let verdict = match effects_on_record(&agent, effects).await {
            Some(found) => {
                let missing = (0..found.len()).filter(|step| found[*step].is_none()).collect();
                ConductorMessage::Verdict { task, rounds, missing, found: found.into() }
            }
            None => ConductorMessage::Unverified { task, rounds },
        };
        agent.send(coordinator, task, verdict);
    }
}

/// Carries out the coordinator's orders.
async fn executor_loop(agent: Agent, team: TeamContext) {
    let worker = StepWorker::recover(&agent, team.safeguards());
    let source = KeySource::of(team.safeguards());
    let steps = team.plan.steps.len();
    loop {
        let mail = agent.receive().await;
        let Some(ConductorMessage::Assign { task, step, round, plan }) = mail.open().cloned() else {
            continue;
        };
        if !team.plan.has_step(step) {
            continue;
        }
        let headers = Headers { attempt: Some(round), plan: Some(plan), ..Headers::NONE };
        let (coordinator, operation) = (mail.from(), team.plan.operation_of(task, step));
        let intent = operation.intent;
        match worker.status(intent, round) {
            StepStatus::Running => {}
            StepStatus::Done => {
                let outcome = ConductorMessage::outcome(task, step, round, worker.confirmed(intent));
                agent.send(coordinator, intent, outcome);
            }
            StepStatus::New => {
                worker.start((operation, headers), round, source, move |agent, confirmed| {
                    let succeeded = confirmed.is_some();
                    agent.send(coordinator, intent, ConductorMessage::outcome(task, step, round, confirmed));
                    if succeeded && !agent.stays_in_role(intent) {
                        let mut rounds = vec![0; steps];
                        rounds[step] = round;
                        let (rounds, missing, found) = (rounds.into(), Arc::default(), Arc::default());
                        let verdict = ConductorMessage::Verdict { task, rounds, missing, found };
                        agent.send(coordinator, task, verdict);
                    }
                });
            }
        }
    }
}
