//! Solo: one agent does all steps of its tasks itself, one after the other. It is the baseline with which
//! teams are compared: it sends no orders, and can lose none.
//!
//! ```text
//!   user --submit--> agent --call--> tool
//!   user <--report----'  '--dead letter--> on-call
//! ```
//!
//! What is left of the failures of a team is what happens between an agent and its tools, and what a crash of
//! the agent forgets.

use crate::agent::{Agent, Confirmation, Content, OpId, Operation, ToolError};
use crate::protocols::compose_call;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::check_arguments::{CheckArguments, are_as_ordered};
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::{GiveUpAfter, ask_until_given_up};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::persist::Operations;
use crate::safeguards::verify::{Verify, effects_on_record};
use crate::workflows::on_call::ON_CALL;
use crate::workflows::task_state::TaskEvent;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{TeamContext, Workflow, one_at_a_time};
use perfidy_sim::{Name, SimSpan};
use std::rc::Rc;
use tokio::sync::Notify;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("solo")
        .about("one agent does all steps of its tasks itself: the baseline for teams")
        .agent("agent", solo)
        .person_on_call()
        .safeguards(&[
            "call-timeout",
            "check-arguments",
            "checkpoint",
            "dead-letter",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "intent-keys",
            "observe-before-retry",
            "persist-before-call",
            "reply-correlation",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "verify",
        ])
        .properties(&[
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

/// How long the agent waits before it begins anew with a step that has failed, or asks a tool again.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// Tokens that it reads to compose the arguments of a call.
const COMPOSING_TOKENS: u32 = 400;

/// How many different wordings its model can use for one call.
const WORDINGS: u32 = 3;

/// Receives messages, and has a task of its own work on what they submit.
async fn solo(agent: Agent, team: TeamContext) {
    let tracker = Rc::new(TaskTracker::recover(&agent, &team));
    let submitted = Rc::new(Notify::new());
    let work = Work {
        answers: ModelAnswers::recover(&agent),
        operations: Operations::recover(&agent),
        agent: agent.clone(),
        team,
        tracker: Rc::clone(&tracker),
    };
    let notified = Rc::clone(&submitted);
    agent.spawn(async move {
        loop {
            while let Some(task) = work.next_task() {
                work.work_on(task).await;
            }
            notified.notified().await;
        }
    });
    loop {
        let mail = agent.receive().await;
        if tracker.accept(&mail).await.is_some() {
            submitted.notify_one();
        }
    }
}

struct Work {
    agent: Agent,
    team: TeamContext,
    tracker: Rc<TaskTracker>,
    answers: ModelAnswers,
    operations: Operations,
}

impl Work {
    fn next_task(&self) -> Option<Name> {
        self.tracker.states().open().first().copied()
    }

    /// Takes the steps of a task until all are done and, with `verify`, on record; or until one is given up.
    async fn work_on(&self, task: Name) {
        loop {
            for step in one_at_a_time(&self.team.plan.steps) {
                if self.tracker.states().is_open(task, step) && !self.take_step(task, step).await {
                    return self.tracker.close(task, false).await;
                }
            }
            match self.verify(task).await {
                Some(true) => return self.tracker.close(task, true).await,
                Some(false) => {}
                None => return self.tracker.close(task, false).await,
            }
        }
    }

    /// Takes a step, as often as it may fail; whether it was taken.
    async fn take_step(&self, task: Name, step: usize) -> bool {
        let operation = self.team.plan.operation_of(task, step);
        let mut failures = 0;
        loop {
            match self.try_step(&operation).await {
                Ok(confirmed) => {
                    let confirmed = Some(confirmed);
                    self.tracker.record(TaskEvent::Completed { task, step, confirmed }).await;
                    return true;
                }
                Err((called, op, error)) => {
                    failures += 1;
                    if GiveUpAfter::is_reached(self.team.safeguards(), failures) {
                        if self.team.safeguards().has::<DeadLetter>() {
                            escalate(&self.agent, Name::literal(ON_CALL), &called, op, error).await;
                        }
                        return false;
                    }
                }
            }
            self.agent.sleep(PAUSE).await;
        }
    }

    /// Makes the call of a step as its model composes it, with all tries; or the call that failed, with its
    /// id.
    async fn try_step(&self, wanted: &Operation) -> Result<Confirmation, (Operation, OpId, ToolError)> {
        let (agent, safeguards) = (&self.agent, self.team.safeguards());
        let checks = safeguards.has::<CheckArguments>();
        let are_right = |arguments: &Content| !checks || are_as_ordered(arguments, wanted);
        let compose = async || compose_call(agent, wanted, (COMPOSING_TOKENS, WORDINGS), are_right).await;
        let call = self.answers.complete(agent, safeguards, (wanted.intent, 0), compose).await;
        let operation = wanted.clone().with(call.arguments);
        let source = KeySource::of(safeguards);
        let (op, tried_before) =
            source.operation_id(agent, safeguards, &self.operations, &operation, call.wording).await;
        let result = call_with_retry(agent, &CallPolicy::of(safeguards), &operation, op, tried_before).await;
        result.map_err(|error| (operation, op, error))
    }

    /// Whether the tools have every effect of a task on record, and what they have; `None` if they do not
    /// say. An effect that is missing is to be brought about again. Without `verify`, what they confirmed
    /// counts.
    async fn verify(&self, task: Name) -> Option<bool> {
        if !self.team.safeguards().has::<Verify>() {
            return Some(true);
        }
        let steps = 0..self.team.plan.steps.len();
        let ask = async || {
            let effects = steps.clone().map(|step| self.team.plan.operation_of(task, step));
            effects_on_record(&self.agent, effects).await
        };
        let found = ask_until_given_up(&self.agent, self.team.safeguards(), PAUSE, ask).await?;
        let mut is_whole = true;
        for (step, confirmed) in found.into_iter().enumerate() {
            let known = self.tracker.states().get(task).map(|state| state.confirmed[step].clone());
            if confirmed.is_none() {
                is_whole = false;
                self.tracker.record(TaskEvent::Reopened { task, step }).await;
            } else if known.is_some_and(|known| known != confirmed) {
                self.tracker.record(TaskEvent::Completed { task, step, confirmed }).await;
            }
        }
        Some(is_whole)
    }
}
