//! Tool loop: an assistant calls its model with the transcript of a task and makes the tool calls that the
//! model asks for, until the model says that the task is done.
//!
//! ```text
//!   user --submit--> assistant --transcript--> model
//!                     |  ^ |  ^------reply-------'
//!                     |  | '--call--> tool
//!                     |  '---result-----'
//!   user <---report---'            assistant --request approval--> approver
//!                                  assistant --check--> guardrail
//!                                  assistant --dead letter--> on-call
//! ```
//!
//! The loop itself is an [`AgentLoop`]; this is the smallest agent around one. It works on one task at a
//! time. Whether the model may ask for several calls in one reply says `parallel-tool-calls` in `[model]`;
//! the assistant then makes them at the same time. Where a step cannot be undone, and the gate is on, it asks
//! a person before it makes the call. Where a step is guarded, it asks a guardrail.

use crate::agent::Agent;
use crate::workflows::agent_loop::{AgentLoop, Approvals, LoopTask, ToolCalls};
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{TeamContext, Workflow};
use perfidy_sim::Name;
use std::rc::Rc;
use tokio::sync::Notify;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("tool-loop")
        .about("an assistant calls its model and the tools that the model asks for, until a task is done")
        .agent(ASSISTANT, assistant)
        .approver()
        .guardrail()
        .person_on_call()
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
            "drain-on-shutdown",
            "durable-approvals",
            "effect-permissions",
            "event-log",
            "give-up-after",
            "guardrail",
            "idempotency-keys",
            "intent-keys",
            "isolated-steps",
            "journal-fencing",
            "observe-before-retry",
            "paired-results",
            "persist-before-call",
            "reply-correlation",
            "reset-between-tasks",
            "resume-from-results",
            "retry",
            "retry-after",
            "retry-backoff",
            "retry-writes",
            "run-retry",
            "tool-dedupe",
            "tool-retry",
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
            "within-context-budget",
        ])
}

const ASSISTANT: &str = "assistant";

/// Receives messages, and has a task of its own work on what they submit.
async fn assistant(agent: Agent, team: TeamContext) {
    let tracker = Rc::new(TaskTracker::recover(&agent, &team));
    let approvals = Approvals::new(&agent, &team);
    let work = Work {
        calls: ToolCalls::recover(&agent, &team),
        agent_loop: AgentLoop::recover(&agent, &team, &approvals),
        team,
        tracker: Rc::clone(&tracker),
        submitted: Rc::default(),
    };
    let submitted = Rc::clone(&work.submitted);
    agent.spawn(work.run());
    loop {
        let mail = agent.receive().await;
        if !approvals.accept(&mail) && tracker.accept(&mail).await.is_some() {
            submitted.notify_one();
        }
    }
}

struct Work {
    team: TeamContext,
    tracker: Rc<TaskTracker>,
    agent_loop: AgentLoop,
    calls: ToolCalls,
    submitted: Rc<Notify>,
}

impl Work {
    async fn run(mut self) {
        loop {
            while let Some(task) = self.next_task() {
                let assignment = LoopTask::of(&self.team, task);
                let outcome = self.agent_loop.run(&assignment, &self.calls).await;
                self.agent_loop.escalate_failures(&assignment, &self.calls, &outcome).await;
                self.tracker.close(task, outcome.is_done).await;
            }
            self.submitted.notified().await;
        }
    }

    fn next_task(&self) -> Option<Name> {
        self.agent_loop.next_task(&self.tracker.states())
    }
}
