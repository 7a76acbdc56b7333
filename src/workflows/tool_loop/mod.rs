//! Tool loop: an assistant calls its model with the transcript of a task and makes the tool calls that the
//! model asks for, until the model says that the task is done.
//!
//! ```text
//!   user --submit--> assistant --transcript--> model
//!                     |  ^ |  ^------reply-------'
//!                     |  | '--call--> tool
//!                     |  '---result-----'
//!   user <---report---'            assistant --may I?--> approver
//! ```
//!
//! This is what agent frameworks run: a list of messages, a model, and tools. The transcript is durable in a
//! session, so after a crash the assistant goes on where it was. When a run of the loop fails,
//! because the model does, the whole run is retried, as frameworks do it.
//!
//! Where a step cannot be undone, and the gate is on, the assistant asks a person before it makes the call.
//!
//! The assistant works on one task at a time. Whether the model may ask for several calls in one reply says
//! `parallel-tool-calls` in `[model]`; the assistant then makes them at the same time.

mod caller;
mod session;

use crate::agent::{
    Agent, CallRequest, ChatMessage, Finish, ModelError, Operation, Reply, RequestedStep, TaskRequest,
    ToolResult,
};
use crate::protocols::{ApprovalMessage, ApprovalRequest, until_some};
use crate::safeguards::approval_binding::answers;
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::budgets::Budgets;
use crate::safeguards::compaction::{Compaction, compacted, trimmed};
use crate::safeguards::event_log::EventLog;
use crate::safeguards::paired_results::calls_to_repeat;
use crate::safeguards::reset_between_tasks::ResetBetweenTasks;
use crate::safeguards::resume_from_results::transcript_of_retry;
use crate::safeguards::retry_after::pause_after;
use crate::safeguards::verify::{Verify, missing_effects};
use crate::workflows::approver::APPROVER;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{Step, TeamContext, Workflow};
use caller::{Caller, Prepared, TOOL_PAUSE};
use perfidy_sim::{Name, SimSpan};
use session::{Session, SessionEvent};
use tokio::sync::mpsc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("tool-loop")
        .about("an assistant calls its model and the tools that the model asks for, until a task is done")
        .agent(ASSISTANT, |agent, team| Assistant::recover(agent, team).run())
        .approver()
        .safeguards(&[
            "approval-binding",
            "approval-gate",
            "budgets",
            "check-arguments",
            "checkpoint",
            "checksummed-log",
            "compaction",
            "event-log",
            "idempotency-keys",
            "intent-keys",
            "observe-before-retry",
            "paired-results",
            "persist-before-call",
            "reset-between-tasks",
            "resume-from-results",
            "retry",
            "retry-after",
            "tool-dedupe",
            "verify",
        ])
        .properties(&[
            "bounded-turns",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "required-facts-survive",
            "results-paired",
            "tasks-do-not-leak",
            "within-context-budget",
        ])
}

const ASSISTANT: &str = "assistant";

/// How the model is to behave.
const INSTRUCTIONS: &str = "Do what the user asks, with the tools. Say at the end whether it is done.";

/// How many runs a task gets, and how long the assistant waits before the second. The wait doubles.
const RUNS: u32 = 7;
const RETRY_PAUSE: SimSpan = SimSpan::from_secs(5);

/// How often the approver is asked for one call; each time the assistant waits until the request expires.
const ASKS: u32 = 5;

struct Assistant {
    agent: Agent,
    team: TeamContext,
    tracker: TaskTracker,
    session: Session,
    caller: Caller,
}

impl Assistant {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let tracker = TaskTracker::recover(&agent, &team);
        let session = Session::recover(&agent, team.safeguards());
        let caller = Caller::recover(&agent, &team);
        Self { agent, team, tracker, session, caller }
    }

    async fn run(mut self) {
        loop {
            while let Some(task) = self.next_task() {
                self.work_on(task).await;
                while let Some(mail) = self.agent.receive_now() {
                    self.tracker.accept(&mail).await;
                }
            }
            let mail = self.agent.receive().await;
            self.tracker.accept(&mail).await;
        }
    }

    /// The task of the session, as long as it is open, then the others.
    fn next_task(&self) -> Option<Name> {
        let states = self.tracker.states();
        self.session.task().filter(|task| states.has_open(*task)).or_else(|| states.open().first().copied())
    }

    /// Works on a task to its end, in as many runs of the loop as it takes.
    async fn work_on(&mut self, task: Name) {
        if self.session.task() != Some(task) {
            let is_durable = self.team.safeguards().has::<ResetBetweenTasks>();
            self.session.reset(task, is_durable).await;
        }
        let mut pause = RETRY_PAUSE;
        for _ in 0..RUNS {
            let error = match self.run_loop(task).await {
                Ok(is_done) => return self.tracker.close(task, is_done).await,
                Err(error) => error,
            };
            self.agent.sleep(pause_after(self.team.safeguards(), pause, error)).await;
            pause = pause.saturating_mul(2);
            let kept = transcript_of_retry(self.team.safeguards(), self.session.transcript());
            if kept != *self.session.transcript() {
                self.session.record(task, SessionEvent::Replaced(kept)).await;
            }
        }
        self.tracker.close(task, false).await;
    }

    /// One run of the loop: whether the task is done.
    async fn run_loop(&mut self, task: Name) -> Result<bool, ModelError> {
        self.ask_for(task).await;
        let interrupted = calls_to_repeat(self.team.safeguards(), self.session.transcript());
        self.make_calls(task, interrupted, true).await;
        loop {
            match self.last_word() {
                Some(true) => match self.missing_steps(task).await {
                    missing if missing.is_empty() => return Ok(true),
                    missing => self.say(task, ChatMessage::Reminder(missing.into())).await,
                },
                Some(false) => return Ok(false),
                None => {}
            }
            let (budgets, spent) = (self.team.safeguards().get::<Budgets>(), self.session.spent());
            if budgets.is_some_and(|budgets| !budgets.allow_turn(&spent)) {
                return Ok(false);
            }
            self.compact(task).await;
            self.session.record(task, SessionEvent::Turn(spent.turns + 1)).await;
            match self.agent.chat(task, spent.turns + 1, self.session.transcript()).await {
                Ok(reply) => self.take_in(task, reply).await,
                Err(error) => {
                    let can_go_on = error == ModelError::ContextOverflow && self.shorten(task).await;
                    if !can_go_on {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Shortens the transcript if it has become too long.
    async fn compact(&mut self, task: Name) {
        let compaction = self.team.safeguards().get::<Compaction>();
        if compaction.is_some_and(|compaction| self.session.transcript().tokens() > compaction.above) {
            self.shorten(task).await;
        }
    }

    /// Shortens the transcript; returns whether there was anything to leave out.
    async fn shorten(&mut self, task: Name) -> bool {
        let whole = self.session.transcript();
        let kept = if self.team.safeguards().has::<Compaction>() {
            compacted(whole)
        } else {
            trimmed(whole, self.team.chat.context_window / 2)
        };
        let kept = self.agent.summarised(task, &kept);
        let is_shorter = kept != *whole;
        if is_shorter {
            self.session.record(task, SessionEvent::Replaced(kept)).await;
        }
        is_shorter
    }

    /// Begins the transcript of a task with its request, if that is not there.
    async fn ask_for(&mut self, task: Name) {
        if self.session.transcript().request().is_some_and(|request| request.task == task) {
            return;
        }
        self.say(task, ChatMessage::System(INSTRUCTIONS)).await;
        self.say(task, ChatMessage::User(request_of(&self.team, task))).await;
    }

    async fn say(&mut self, task: Name, message: ChatMessage) {
        self.session.record(task, SessionEvent::Said(message)).await;
    }

    /// What the model said of the task in its last word, if it has said that.
    fn last_word(&self) -> Option<bool> {
        match self.session.transcript().messages().last()? {
            ChatMessage::Assistant(reply) if reply.calls.is_empty() => Some(reply.is_done),
            _ => None,
        }
    }

    /// The steps of a task that their tools do not have on record. None without `verify`.
    async fn missing_steps(&self, task: Name) -> Vec<Name> {
        if !self.team.safeguards().has::<Verify>() {
            return Vec::new();
        }
        let steps = 0..self.team.plan.steps.len();
        let effects: Vec<Operation> = steps.map(|step| self.team.plan.operation_of(task, step)).collect();
        let missing =
            until_some(&self.agent, TOOL_PAUSE, async || missing_effects(&self.agent, effects.clone()).await);
        missing.await.into_iter().map(|step| effects[step].intent).collect()
    }

    /// Acts on a reply. One that was cut off or is a refusal is dropped, and the model is asked again.
    async fn take_in(&mut self, task: Name, reply: Reply) {
        match reply.finish {
            Finish::Length | Finish::Refusal => return,
            Finish::Stop | Finish::ToolCalls => {}
        }
        let calls = reply.calls.to_vec();
        let said = SessionEvent::Said(ChatMessage::Assistant(reply));
        if self.team.safeguards().has::<EventLog>() {
            self.session.record(task, said).await;
        } else {
            self.session.record_later(task, said);
        }
        self.make_calls(task, calls, false).await;
    }

    /// Makes tool calls at the same time, and records each result as it comes; then, one by one, those that a
    /// person must approve. `tried_before` says that they may have been made before.
    async fn make_calls(&mut self, task: Name, calls: Vec<CallRequest>, tried_before: bool) {
        let gate = self.team.safeguards().get::<ApprovalGate>().copied();
        let mut guarded = Vec::new();
        let (sender, mut results) = mpsc::unbounded_channel();
        for call in calls {
            match self.caller.prepare(task, &call, tried_before).await {
                Ok(prepared) if prepared.is_irreversible && gate.is_some() => guarded.push(prepared),
                Ok(prepared) => {
                    let (caller, sender) = (self.caller.clone(), sender.clone());
                    self.agent.spawn(async move {
                        // The receiver waits for all of them.
                        let _ = sender.send((prepared.call, caller.make(&prepared).await));
                    });
                }
                Err(result) => self.say(task, ChatMessage::Tool { call: call.id, result }).await,
            }
        }
        drop(sender);
        while let Some((call, result)) = results.recv().await {
            self.say(task, ChatMessage::Tool { call, result }).await;
        }
        for (mut prepared, gate) in guarded.into_iter().zip(std::iter::repeat(gate).flatten()) {
            // A look-up between the approval and the call would take time, and the approval could expire.
            let result = match self.caller.earlier_receipt(&mut prepared).await {
                Some(receipt) => ToolResult::Done(receipt),
                None if self.is_approved(&prepared, gate).await => self.caller.make(&prepared).await,
                None => ToolResult::NotApproved,
            };
            self.say(task, ChatMessage::Tool { call: prepared.call, result }).await;
        }
    }

    /// Asks the approver for a call until there is an answer, so often that none means no. New tasks are
    /// accepted meanwhile. After a crash the call is still without a result, and the approver is asked again.
    async fn is_approved(&mut self, prepared: &Prepared, gate: ApprovalGate) -> bool {
        let (approver, intent) = (Name::literal(APPROVER), prepared.operation.intent);
        for _ in 0..ASKS {
            let expires_at = self.agent.now() + gate.expires_after;
            let request =
                ApprovalRequest { operation: prepared.operation.clone(), op: prepared.op, expires_at };
            self.agent.before("ask", intent).await;
            self.agent.declare_wait(approver, "an approval", intent);
            self.agent.send(approver, intent, ApprovalMessage::Requested(request.clone()));
            let left = |agent: &Agent| expires_at.since(agent.now());
            while let Ok(mail) = self.agent.receive_within(left(&self.agent), "an approval").await {
                if let Some(ApprovalMessage::Decided(decision)) = mail.open() {
                    if answers(self.team.safeguards(), decision, &request, self.agent.now()) {
                        self.agent.withdraw_wait(intent);
                        return decision.is_approved;
                    }
                } else {
                    self.tracker.accept(&mail).await;
                }
            }
        }
        self.agent.withdraw_wait(intent);
        false
    }
}

/// A task as its user asks for it.
fn request_of(team: &TeamContext, task: Name) -> TaskRequest {
    let plan = &team.plan;
    let step = |(number, step): (usize, &Step)| RequestedStep {
        operation: plan.operation_of(task, number),
        needs: step.needs.iter().map(|need| plan.intent(task, *need)).collect(),
    };
    TaskRequest { task, steps: plan.steps.iter().enumerate().map(step).collect() }
}
