//! Roundtable: planner, coder, tester and docs each contribute a part, and each may want to see another
//! part first.
//!
//! ```text
//!   user --submit--> chair --contribute--> planner   coder   tester   docs --call--> tool
//!                      ^                      |  '---request part---^
//!                      '---------done---------'
//! ```
//!
//! The steps of a task are assigned in turn: the first to the planner, the second to the coder, and so on.
//! The steps that a step *needs* must be complete first. In addition, the model of a member may want to see
//! another part before it contributes. If such waits form a cycle, no member continues.

use crate::agent::{Agent, Confirmation, Delivery, Headers, Message, OpId, Purpose};
use crate::protocols::{Question, SingleFlight};
use crate::safeguards::deadlock_detection::{DeadlockDetection, OwnWaits, ProbeOutcome, Wait, WaitProbe};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::wait_limit::{BoundedWait, WaitLimit};
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::worker::{StepStatus, StepWorker};
use crate::workflows::{TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    let chair = Workflow::new("roundtable")
        .about("planner, coder, tester and docs each contribute a part, and may wait for each other")
        .agent(CHAIR, |agent, team| Chair::recover(agent, team).run());
    let whole = MEMBERS
        .iter()
        .fold(chair, |team, member| team.agent(member, |agent, team| Member::recover(agent, team).run()));
    whole
        .safeguards(&[
            "call-timeout",
            "checkpoint",
            "checksummed-log",
            "deadlock-detection",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "journal-fencing",
            "observe-before-retry",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "wait-limit",
        ])
        .properties(&[
            "eventual-termination",
            "no-deadlock",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

const CHAIR: &str = "chair";
const MEMBERS: [&str; 4] = ["planner", "coder", "tester", "docs"];

/// How long the chair waits for a part before it asks again.
const RESEND: SimSpan = SimSpan::from_secs(20);

/// How long a member waits before it asks again for a part, and sends a probe for cycles.
const ASK_AGAIN: SimSpan = SimSpan::from_secs(4);

/// Tokens a member reads to decide whether it wants to see another part first.
const READING_TOKENS: u32 = 600;

/// The part that a member wants to see before it begins, if it wants to see any.
#[derive(Clone, Copy, Hash, Serialize, Deserialize)]
struct ToSee {
    step: Option<usize>,
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum RoundtableMessage {
    Contribute {
        task: Name,
        step: usize,
        op: OpId,
    },
    Done {
        task: Name,
        step: usize,
        confirmed: Confirmation,
    },
    Failed {
        task: Name,
        step: usize,
    },
    /// Is this part there? `for_step` is the step of the asking member.
    RequestPart {
        task: Name,
        step: usize,
        for_step: Name,
    },
    Part,
    NotReady,
}

impl RoundtableMessage {
    /// A member's answer to an order.
    fn outcome(task: Name, step: usize, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, confirmed },
            None => Self::Failed { task, step },
        }
    }
}

impl Message for RoundtableMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Contribute { .. } => "contribute",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::RequestPart { .. } => "request part",
            Self::Part => "part",
            Self::NotReady => "not ready",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Contribute { op, .. } => {
                Headers { idempotency_key: Some(op), ..Headers::of(Purpose::Order) }
            }
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
            Self::RequestPart { for_step, .. } => {
                Headers { correlation: Some(for_step), ..Headers::of(Purpose::Ask) }
            }
            Self::Part => Headers::of(Purpose::Answer),
            Self::NotReady => Headers::of(Purpose::Pending),
        }
    }
}

/// The member that a step is assigned to.
fn owner(step: usize) -> Name {
    Name::literal(MEMBERS[step % MEMBERS.len()])
}

/// Asks for every part until it is there.
struct Chair {
    agent: Agent,
    team: TeamContext,
    dispatcher: Dispatcher,
}

impl Chair {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let resend = ResendOrders::of_or(team.safeguards(), RESEND);
        let dispatcher = Dispatcher::recover(&agent, &team, resend);
        Self { agent, team, dispatcher }
    }

    async fn run(mut self) {
        self.dispatcher.resume();
        loop {
            while let Some((task, duty)) = self.dispatcher.next_action() {
                match duty {
                    DispatchAction::Step(step) => self.ask_for(task, step).await,
                    DispatchAction::End => self.dispatcher.end_if_complete(task).await,
                    DispatchAction::Plan => {}
                }
            }
            let Ok(mail) = self.dispatcher.receive().await else { continue };
            if let Some(task) = self.dispatcher.tracker().accept(&mail).await {
                self.dispatcher.bring_up_steps(task);
            }
            match mail.open() {
                Some(RoundtableMessage::Done { task, step, confirmed }) => {
                    self.dispatcher.completed(*task, *step, Some(confirmed.clone())).await;
                }
                Some(RoundtableMessage::Failed { task, step }) => self.dispatcher.failed(*task, *step).await,
                _ => {}
            }
        }
    }

    /// Asks for a missing part, unless that was done recently. Members wait for each other themselves, so a
    /// part is requested before the parts it needs are there.
    async fn ask_for(&mut self, task: Name, step: usize) {
        let duty = DispatchAction::Step(step);
        let is_open = self.dispatcher.states().is_open(task, step);
        if !is_open || !self.dispatcher.is_due(task, duty) {
            return;
        }
        let Some(op) = self.dispatcher.states().get(task).map(|state| state.ops[step]) else { return };
        let Self { agent, team, dispatcher } = self;
        let intent = team.plan.intent(task, step);
        agent.declare_wait(owner(step), "a part", intent);
        agent.before("contribute", intent).await;
        dispatcher.sent(task, duty);
        agent.send(owner(step), intent, RoundtableMessage::Contribute { task, step, op });
    }
}

/// A member of the roundtable.
#[derive(Clone)]
struct Member {
    agent: Agent,
    team: TeamContext,
    worker: StepWorker,
    /// The parts that the member has begun.
    begun: SingleFlight<Name>,
    waits: Rc<OwnWaits>,
}

impl Member {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let worker = StepWorker::recover(&agent, team.safeguards());
        Self { agent, team, worker, begun: SingleFlight::default(), waits: Rc::default() }
    }

    async fn run(self) {
        let has_step = |step| self.team.plan.has_step(step);
        loop {
            let mail = self.agent.receive().await;
            if let Some(probe) = mail.open::<WaitProbe>() {
                self.follow(*probe);
            }
            match mail.open() {
                Some(RoundtableMessage::Contribute { task, step, op }) if has_step(*step) => {
                    self.begin(&mail, *task, *step, *op);
                }
                Some(RoundtableMessage::RequestPart { task, step, .. }) if has_step(*step) => {
                    let status = self.worker.status(self.team.plan.intent(*task, *step), 0);
                    let is_there = status == StepStatus::Done;
                    self.agent.reply(
                        &mail,
                        if is_there { RoundtableMessage::Part } else { RoundtableMessage::NotReady },
                    );
                }
                _ => {}
            }
        }
    }

    fn follow(&self, probe: WaitProbe) {
        match self.waits.follow(probe) {
            ProbeOutcome::Forward(to, probe) => probe.send(&self.agent, to),
            ProbeOutcome::CycleFound(Some(wait)) => self.give_up(wait),
            ProbeOutcome::CycleFound(None) | ProbeOutcome::Dropped => {}
        }
    }

    fn begin(&self, mail: &Delivery, task: Name, step: usize, op: OpId) {
        let intent = self.team.plan.intent(task, step);
        if self.worker.status(intent, 0) == StepStatus::Done {
            let outcome = RoundtableMessage::outcome(task, step, self.worker.confirmed(intent));
            return self.agent.send(mail.from(), intent, outcome);
        }
        self.begun.start(&self.agent, intent, self.clone().contribute(task, step, op));
    }

    /// Waits for the needed parts and for those it wants to see, and then does the step.
    async fn contribute(self, task: Name, step: usize, op: OpId) {
        let plan = Arc::clone(&self.team.plan);
        for need in &plan.steps[step].needs {
            self.wait_for(task, step, *need, false).await;
        }
        if let Some(other) = self.would_like_to_see(task, step).await {
            self.wait_for(task, step, other, true).await;
        }
        let operation = plan.operation_of(task, step);
        let intent = operation.intent;
        let confirmed = self.worker.take_turn((operation, Headers::NONE), 0, KeySource::Given(op)).await;
        self.agent.send(Name::literal(CHAIR), intent, RoundtableMessage::outcome(task, step, confirmed));
    }

    /// A colleague's part that the model wants to see first, if any: every third time it wants one.
    async fn would_like_to_see(&self, task: Name, step: usize) -> Option<usize> {
        let steps = self.team.plan.steps.len();
        let intent = self.team.plan.intent(task, step);
        let question = Question::new("Name another part of this task to see first, or none.", intent);
        let choose = |nth: u32| ToSee { step: ((nth as usize) < steps).then_some(nth as usize) };
        let is_step = |see: &ToSee| see.step.is_none_or(|step| step < steps);
        let (prompt, most) = (question.prompt(READING_TOKENS), 3 * steps as u32);
        let ask = async || self.agent.complete_valid(intent, &prompt, most, choose, is_step).await.value;
        let answers = self.worker.answers();
        let other = answers.complete(&self.agent, self.team.safeguards(), (intent, 1), ask).await.step?;
        let known = self.team.plan.steps[step].needs.contains(&other);
        (owner(other) != self.agent.name() && !known).then_some(other)
    }

    /// Waits until a colleague's part is there, or until the wait is given up.
    async fn wait_for(&self, task: Name, step: usize, other: usize, optional: bool) {
        let plan = &self.team.plan;
        let (intent, needs, on) = (plan.intent(task, step), plan.intent(task, other), owner(other));
        let wait = Wait { intent, needs, on, optional };
        let limit = self.team.safeguards().get::<WaitLimit>().copied();
        let bounded = BoundedWait::begin(self.agent.monotonic(), limit);
        self.waits.begin(wait);
        self.agent.declare_wait(on, "another part", intent);
        while self.waits.is_waiting(intent) {
            let question = RoundtableMessage::RequestPart { task, step: other, for_step: intent };
            let answer = self.agent.request(on, needs, question, ASK_AGAIN).await;
            if matches!(answer.as_ref().map(Delivery::open), Ok(Some(RoundtableMessage::Part))) {
                self.waits.end(intent);
                break;
            }
            self.agent.sleep(ASK_AGAIN).await;
            if optional && bounded.is_over(self.agent.monotonic()) {
                self.give_up(wait);
            } else if self.team.safeguards().has::<DeadlockDetection>() {
                self.waits.send_probe(&self.agent, intent);
            }
        }
        self.agent.withdraw_wait(intent);
    }

    fn give_up(&self, wait: Wait) {
        self.waits.end(wait.intent);
    }
}
