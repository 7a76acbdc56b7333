//! Supervisor: an agent whose model hands the steps of a task to workers, as it would call tools. Each worker
//! runs a loop of its own, with its own session.
//!
//! ```text
//!   user --submit--> supervisor --transcript--> model
//!                     |  ^  ^ ^----reply---------'
//!                     |  |  '--done/failed--.
//!                     |  |--order--> worker-1 --transcript--> model, --call--> tool
//!                     |  |--order--> worker-2 --transcript--> model, --call--> tool
//!   user <---report---'  '<---is wanted--- workers, with `parent-lease`
//! ```
//!
//! Sub-agents as tools: a call of the supervisor's model is an order to a worker, and what the worker answers
//! is the result of the call in the supervisor's transcript. An order is part of one chain of calls. It
//! carries the task as its correlation id, the time that is left, and the id of the operation that the user
//! has made for the step, under which any worker calls the tool.
//!
//! Workers ask the approver and the guardrail, as the assistant of a [tool loop](super::tool_loop) does:
//! what one of these forbids is the result of the order, and is not given to another worker.
//!
//! An order is sent until it is answered, so a worker gets it more than once: it takes each
//! [once](crate::safeguards::inbox). A worker that is silent for the length of a
//! [lease](crate::safeguards::parent_lease) has stopped, and the next one gets the step, as another
//! *attempt*.

mod delegations;
mod worker;

use crate::agent::{Agent, Headers, Message, OpId, Purpose, Receipt, RequestedStep, ToolResult};
use crate::workflows::agent_loop::{AgentLoop, Approvals, LoopTask};
use crate::workflows::task_state::TaskPlan;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use delegations::Delegations;
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("supervisor")
        .about("a supervisor's model hands steps to workers as it would call tools; each runs its own loop")
        .agent(SUPERVISOR, supervisor)
        .agents(Role::new("workers", "worker", 1..=MOST_AGENTS, 2), worker::worker)
        .approver()
        .guardrail()
        .person_on_call()
        .deadlines()
        .safeguards(&[
            "approval-binding",
            "approval-gate",
            "budgets",
            "call-timeout",
            "check-arguments",
            "checkpoint",
            "checksummed-log",
            "compaction",
            "dead-letter",
            "deadline-propagation",
            "drain-on-shutdown",
            "durable-approvals",
            "effect-permissions",
            "event-log",
            "give-up-after",
            "guardrail",
            "idempotency-keys",
            "inbox-dedupe",
            "intent-keys",
            "journal-fencing",
            "observe-before-retry",
            "paired-results",
            "parent-lease",
            "reply-correlation",
            "resend-orders",
            "reset-between-tasks",
            "resume-from-results",
            "retry",
            "retry-after",
            "retry-backoff",
            "retry-writes",
            "run-retry",
            "tool-dedupe",
            "tool-retry",
            "traced-calls",
            "verify",
        ])
        .properties(&[
            "bounded-turns",
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
            "required-facts-survive",
            "results-paired",
            "tasks-do-not-leak",
        ])
}

const SUPERVISOR: &str = "supervisor";

/// How long the supervisor waits for a result before it sends the order again.
const RESEND: SimSpan = SimSpan::from_secs(5);

/// Messages between the supervisor and the workers, about a step of a task.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum StepMessage {
    /// Do this step, under the id that the user has made for it.
    Order { task: Name, step: usize, attempt: u32, op: OpId, left: Option<SimSpan> },
    /// It is done. The receipt is that of the tool, or zero if there is none.
    Done { task: Name, step: usize, attempt: u32, receipt: Receipt },
    /// It is not done, or that is not known.
    Failed { task: Name, step: usize, attempt: u32, result: ToolResult },
}

impl StepMessage {
    /// The task and the step, if the plan has that step.
    fn step(&self, plan: &TaskPlan) -> Option<(Name, usize)> {
        let (Self::Order { task, step, .. }
        | Self::Done { task, step, .. }
        | Self::Failed { task, step, .. }) = *self;
        plan.has_step(step).then_some((task, step))
    }
}

impl Message for StepMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order { .. } => "order",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Order { task, attempt, op, left, .. } => Headers {
                correlation: Some(task),
                attempt: Some(attempt),
                idempotency_key: Some(op),
                deadline: left,
                ..Headers::of(Purpose::Order)
            },
            Self::Done { task, attempt, .. } => {
                Headers { correlation: Some(task), attempt: Some(attempt), ..Headers::of(Purpose::Done) }
            }
            Self::Failed { task, attempt, .. } => {
                Headers { correlation: Some(task), attempt: Some(attempt), ..Headers::of(Purpose::Failed) }
            }
        }
    }
}

/// Receives messages, and has a task of its own work on what they submit.
async fn supervisor(agent: Agent, team: TeamContext) {
    let tracker = Rc::new(TaskTracker::recover(&agent, &team));
    let approvals = Approvals::new(&agent, &team);
    let delegations = Delegations::recover(&agent, &team, tracker.shared_states());
    let work = Work {
        agent_loop: AgentLoop::recover(&agent, &team, &approvals),
        agent: agent.clone(),
        team,
        tracker: Rc::clone(&tracker),
        delegations: Rc::clone(&delegations),
        submitted: Rc::default(),
    };
    let submitted = Rc::clone(&work.submitted);
    agent.spawn(work.run());
    loop {
        let mail = agent.receive().await;
        if !delegations.accept(&mail) && tracker.accept(&mail).await.is_some() {
            submitted.notify_one();
        }
    }
}

/// The work of the supervisor, one task at a time.
struct Work {
    agent: Agent,
    team: TeamContext,
    tracker: Rc<TaskTracker>,
    agent_loop: AgentLoop,
    delegations: Rc<Delegations>,
    submitted: Rc<Notify>,
}

impl Work {
    async fn run(mut self) {
        loop {
            while let Some((task, ops)) = self.next_task() {
                let assignment = self.assignment(task).await;
                let calls = self.delegations.of(task, ops, &assignment.scope);
                let outcome = self.agent_loop.run(&assignment, &calls).await;
                self.delegations.withdraw(task);
                self.agent_loop.escalate_failures(&assignment, &calls, &outcome).await;
                self.tracker.close(task, outcome.is_done).await;
            }
            self.submitted.notified().await;
        }
    }

    /// The task to work on, with the ids of its operations.
    fn next_task(&self) -> Option<(Name, Arc<[OpId]>)> {
        let states = self.tracker.states();
        let task = self.agent_loop.next_task(&states)?;
        Some((task, Arc::clone(&states.get(task)?.ops)))
    }

    /// A task as its supervisor works on it: each step is a call of a worker, and the time is limited.
    async fn assignment(&self, task: Name) -> LoopTask {
        let mut assignment = LoopTask::of(&self.team, task);
        let steps = assignment.request.steps.iter().enumerate();
        let delegated = steps.map(|(number, RequestedStep { operation, needs })| RequestedStep {
            operation: self.delegations.order_for(number, operation),
            needs: Arc::clone(needs),
        });
        assignment.request.steps = delegated.collect();
        if let Some(within) = self.team.tasks.within {
            // After a crash only the wall clock shows how much of the time is used.
            let spent = self.agent.now().since(self.delegations.took_on(task).await);
            assignment.scope.set_deadline(self.agent.monotonic() + (within - spent));
        }
        assignment
    }
}
