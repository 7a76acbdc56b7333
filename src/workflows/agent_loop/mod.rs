//! The loop of an agent: it calls its model with a transcript and makes the calls that the model asks for,
//! until the model says that the work is done.
//!
//! ```text
//!   LoopTask --> AgentLoop --transcript--> model
//!                 |  ^  ^------reply---------'
//!                 |  '--result--.
//!                 '---call----> Calls: tools, or other agents
//! ```
//!
//! This is what agent frameworks run: a list of messages, a model, and tools. A loop works on one
//! [`LoopTask`] at a time and says how it ended. It brings along
//!
//! * a session: the transcript is durable, so after a crash the agent goes on where it was;
//! * retries: when a run of the loop fails, because the model does, the whole run is retried;
//! * limits: budgets of turns and tokens, and a [scope](crate::safeguards::work_scope) that says until when
//!   the work is wanted;
//! * compaction of a transcript that grows too long;
//! * [`Approvals`]: a person is asked before a call that cannot be undone, and a guardrail checks what it
//!   must;
//! * verification of the effects, before the model is believed that they are there;
//! * dead letters: what it could not get done is [escalated](AgentLoop::escalate_failures).
//!
//! Each is a safeguard that a scenario switches. Where the calls go is up to [`Calls`]: to tools
//! ([`ToolCalls`]), or to agents with loops of their own, as in the
//! [`supervisor`](crate::workflows::supervisor) team. The agent around the loop receives the messages; one
//! that does so while its loop works is in the [`tool_loop`](crate::workflows::tool_loop) workflow.
//!
//! ```
//! use perfidy::prelude::*;
//! use perfidy::workflows::agent_loop::{AgentLoop, Approvals, LoopTask, ToolCalls};
//! use std::collections::BTreeMap;
//!
//! /// Works on each task as it comes, and says how it ended.
//! async fn assistant(agent: Agent, team: TeamContext) {
//!     let approvals = Approvals::new(&agent, &team);
//!     let mut agent_loop = AgentLoop::recover(&agent, &team, &approvals);
//!     let calls = ToolCalls::recover(&agent, &team);
//!     let mut reports = BTreeMap::new();
//!     loop {
//!         let mail = agent.receive().await;
//!         let Some(UserMessage::Submit { task, .. }) = mail.open() else { continue };
//!         // A user asks again until the report is there.
//!         if !reports.contains_key(task) {
//!             let outcome = agent_loop.run(&LoopTask::of(&team, *task), &calls).await;
//!             reports.insert(*task, Report::done_or_failed(*task, outcome.is_done));
//!         }
//!         agent.send(mail.from(), *task, UserMessage::Report(reports[task].clone()));
//!     }
//! }
//!
//! let scenario = Scenario::of("helpdesk").step("file", "ticketing.create").tool("ticketing", json!({}));
//! perfidy::check(Workflow::new("helpdesk").agent("assistant", assistant), scenario).seeds(20).assert();
//! ```

mod approvals;
mod checks;
mod permission;
mod session;
mod tool_calls;
mod work;

pub use approvals::Approvals;
pub use tool_calls::ToolCalls;
pub use work::{Calls, LoopOutcome, LoopTask, PreparedCall};

use crate::agent::{
    Agent, CallRequest, ChatMessage, Finish, Indefinite, ModelError, OpId, Reply, TaskRequest, ToolError,
    ToolResult,
};
use crate::safeguards::budgets::Budgets;
use crate::safeguards::compaction::{Compaction, compacted, trimmed};
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::drain::unless_shut_down;
use crate::safeguards::event_log::EventLog;
use crate::safeguards::guardrail::Runs;
use crate::safeguards::intent_keys::IntentKeys;
use crate::safeguards::isolation::IsolatedSteps;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::paired_results::calls_to_repeat;
use crate::safeguards::reset_between_tasks::ResetBetweenTasks;
use crate::safeguards::resume_from_results::transcript_of_retry;
use crate::safeguards::retry_after::pause_after;
use crate::safeguards::run_retry::RunRetry;
use crate::safeguards::verify::{Verify, missing_intents};
use crate::workflows::TeamContext;
use crate::workflows::on_call::ON_CALL;
use crate::workflows::task_state::TaskStates;
use perfidy_sim::{Name, SimSpan};
use session::{Session, SessionEvent};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tokio::sync::mpsc;

/// How the model is to behave.
const INSTRUCTIONS: &str = "Do what the user asks, with the tools. Say at the end whether it is done.";

/// How long the agent waits before it asks tools again that do not say what is done.
const TOOL_PAUSE: SimSpan = SimSpan::from_secs(5);

/// The loop of an agent.
pub struct AgentLoop {
    agent: Agent,
    team: TeamContext,
    session: Session,
    approvals: Approvals,
}

impl AgentLoop {
    /// The loop, with the session that its agent's journal has.
    pub fn recover(agent: &Agent, team: &TeamContext, approvals: &Approvals) -> Self {
        let session = Session::recover(agent, team.safeguards());
        Self { agent: agent.clone(), team: team.clone(), session, approvals: approvals.clone() }
    }

    /// The work of its session, if it has begun any.
    pub fn work(&self) -> Option<Name> {
        self.session.work()
    }

    /// The task to work on: that of the session, as long as it is open, then the others.
    pub fn next_task(&self, states: &TaskStates) -> Option<Name> {
        self.work().filter(|task| states.has_open(*task)).or_else(|| states.open().first().copied())
    }

    /// Begins a new session for some work, also if the current one is about the same.
    pub async fn begin(&mut self, work: Name) {
        let is_durable = self.team.safeguards().has::<ResetBetweenTasks>();
        self.session.reset(work, is_durable).await;
    }

    /// Works to the end, in as many runs as it takes, or until the work is not wanted any more. It goes on
    /// with the session if that is about this work.
    pub async fn run(&mut self, task: &LoopTask, calls: &impl Calls) -> LoopOutcome {
        let (agent, safeguards) = (self.agent.clone(), self.team.safeguards().clone());
        let work = Box::pin(self.work_on(task, calls));
        let work = unless_shut_down(&agent, &safeguards, task.work(), work);
        let is_done = task.scope.run(&agent, work).await.ok().flatten().unwrap_or(false);
        let transcript = self.session.transcript();
        let is_veto =
            |said: &ChatMessage| matches!(said, ChatMessage::Tool { result: ToolResult::NotApproved, .. });
        LoopOutcome {
            is_done,
            receipts: self.session.receipts(),
            failures: transcript.unsettled(),
            is_vetoed: self.is_forbidden(task) || transcript.messages().iter().any(is_veto),
            said: transcript.said().collect(),
        }
    }

    /// Escalates what a loop could not get done to the person on call, and returns once that is recorded.
    /// What was verified has no failures that matter. Nothing without `dead-letter`.
    pub async fn escalate_failures(&self, task: &LoopTask, calls: &impl Calls, outcome: &LoopOutcome) {
        let safeguards = self.team.safeguards();
        let is_verified = outcome.is_done && safeguards.has::<Verify>();
        if !safeguards.has::<DeadLetter>() || is_verified {
            return;
        }
        for (call, error) in &outcome.failures {
            let intent = call.operation.intent;
            let effect = task.effects.iter().find(|effect| effect.intent == intent);
            let operation = effect.unwrap_or(&call.operation);
            let (op, _) = calls.operation_id(call, true).await;
            escalate(&self.agent, Name::literal(ON_CALL), operation, op, *error).await;
        }
    }

    async fn work_on(&mut self, task: &LoopTask, calls: &impl Calls) -> bool {
        let work = task.work();
        if self.session.work() != Some(work) {
            self.begin(work).await;
        }
        let retry = RunRetry::of(self.team.safeguards());
        for nth in 1..=retry.attempts {
            let error = match self.run_once(task, calls).await {
                Ok(is_done) => return is_done,
                Err(error) => error,
            };
            if nth == retry.attempts {
                break;
            }
            self.agent.sleep(pause_after(self.team.safeguards(), retry.wait(nth), error)).await;
            let kept = transcript_of_retry(self.team.safeguards(), self.session.transcript());
            if kept != *self.session.transcript() {
                self.session.record(work, SessionEvent::Replaced(kept)).await;
            }
        }
        false
    }

    /// One run of the loop: whether the work is done.
    async fn run_once(&mut self, task: &LoopTask, calls: &impl Calls) -> Result<bool, ModelError> {
        let work = task.work();
        self.ask_for(&task.request).await;
        let interrupted = calls_to_repeat(self.team.safeguards(), self.session.transcript());
        self.make_calls(task, calls, interrupted, true).await;
        if self.guardrail_runs() == Some(Runs::Before) && self.are_forbidden(task, &[]).await {
            return Ok(false);
        }
        loop {
            if self.has_tripped(task) {
                return Ok(false);
            }
            match self.last_word() {
                Some(true) => match missing_intents(&self.agent, self.team.safeguards(), &task.effects).await
                {
                    None => return Ok(false),
                    Some(missing) if missing.is_empty() => return Ok(true),
                    Some(missing) => self.say(work, ChatMessage::Reminder(missing.into())).await,
                },
                Some(false) => return Ok(false),
                None => {}
            }
            let (budgets, spent) = (self.team.safeguards().get::<Budgets>(), self.session.spent());
            if budgets.is_some_and(|budgets| !budgets.allow_turn(&spent)) {
                return Ok(false);
            }
            self.compact(work).await;
            self.session.record(work, SessionEvent::Turn(spent.turns + 1)).await;
            match self.agent.chat(work, spent.turns + 1, self.session.transcript()).await {
                Ok(reply) => self.take_in(task, calls, reply).await,
                Err(error) => {
                    let can_go_on = error == ModelError::ContextOverflow && self.shorten(work).await;
                    if !can_go_on {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Shortens the transcript if it has become too long.
    async fn compact(&mut self, work: Name) {
        let compaction = self.team.safeguards().get::<Compaction>();
        if compaction.is_some_and(|compaction| self.session.transcript().tokens() > compaction.above) {
            self.shorten(work).await;
        }
    }

    /// Shortens the transcript; returns whether there was anything to leave out.
    async fn shorten(&mut self, work: Name) -> bool {
        let whole = self.session.transcript();
        let kept = if self.team.safeguards().has::<Compaction>() {
            compacted(whole)
        } else {
            trimmed(whole, self.team.chat.context_window / 2)
        };
        let kept = self.agent.summarised(work, &kept);
        let is_shorter = kept != *whole;
        if is_shorter {
            self.session.record(work, SessionEvent::Replaced(kept)).await;
        }
        is_shorter
    }

    /// Begins the transcript with the request, if that is not there.
    async fn ask_for(&mut self, request: &TaskRequest) {
        let work = request.task;
        if self.session.transcript().request().is_some_and(|known| known.task == work) {
            return;
        }
        self.say(work, ChatMessage::System(INSTRUCTIONS)).await;
        self.say(work, ChatMessage::User(request.clone())).await;
    }

    async fn say(&mut self, work: Name, message: ChatMessage) {
        self.session.record(work, SessionEvent::Said(message)).await;
    }

    /// What the model said of the work in its last word, if it has said that.
    fn last_word(&self) -> Option<bool> {
        match self.session.transcript().messages().last()? {
            ChatMessage::Assistant(reply) if reply.calls.is_empty() => Some(reply.is_done),
            _ => None,
        }
    }

    /// The result of a call that the model asks for once more. With `intent-keys`, calls for one intent are
    /// one operation, and this loop knows how it ended.
    fn known_result(&self, call: &CallRequest) -> Option<ToolResult> {
        let result = || self.session.result_for(call.operation.intent);
        self.team.safeguards().has::<IntentKeys>().then(result).flatten()
    }

    /// Acts on a reply. One that was cut off or is a refusal is dropped, and the model is asked again.
    async fn take_in(&mut self, task: &LoopTask, calls: &impl Calls, reply: Reply) {
        match reply.finish {
            Finish::Length | Finish::Refusal => return,
            Finish::Stop | Finish::ToolCalls => {}
        }
        let asked = reply.calls.to_vec();
        let said = SessionEvent::Said(ChatMessage::Assistant(reply));
        if self.team.safeguards().has::<EventLog>() {
            self.session.record(task.work(), said).await;
        } else {
            self.session.record_later(task.work(), said);
        }
        self.make_calls(task, calls, asked, false).await;
    }

    /// Makes calls at the same time, and records each result as it comes; then, one by one, those that a
    /// person must approve. `were_interrupted` says that they may have been made before. Where a guardrail
    /// forbids one, none is made.
    async fn make_calls(
        &mut self,
        task: &LoopTask,
        calls: &impl Calls,
        asked: Vec<CallRequest>,
        were_interrupted: bool,
    ) {
        let (work, gate) = (task.work(), self.approvals.gate());
        let no = if were_interrupted {
            // Perhaps it was allowed before the crash, and made.
            ToolResult::Failed(ToolError::Indefinite(Indefinite::TimedOut))
        } else {
            ToolResult::NotApproved
        };
        let are_forbidden = !asked.is_empty() && self.are_forbidden(task, &asked).await;
        let mut guarded = Vec::new();
        let (sender, mut results) = mpsc::unbounded_channel();
        let mut under_way = Vec::new();
        for call in asked {
            let problem = self.problem_with(task, &call.operation);
            let known = || self.known_result(&call);
            if let Some(result) = problem.or_else(|| are_forbidden.then_some(no)).or_else(known) {
                self.say(work, ChatMessage::Tool { call: call.id, result }).await;
                continue;
            }
            let (op, tried_before) = calls.operation_id(&call, were_interrupted).await;
            let CallRequest { id, operation } = call;
            let prepared = PreparedCall { id, operation, op, tried_before };
            if gate.is_some() && calls.is_irreversible(&prepared.operation) {
                guarded.push(prepared);
                continue;
            }
            under_way.push(prepared.id);
            let (calls, sender) = (calls.clone(), sender.clone());
            self.agent.spawn(async move {
                if let Some(result) = while_awaited(&sender, calls.make(&prepared)).await {
                    // The receiver waits for all of them.
                    let _ = sender.send((prepared.id, result));
                }
            });
        }
        drop(sender);
        let are_isolated = !self.team.safeguards().lacks::<IsolatedSteps>();
        while let Some((call, result)) = results.recv().await {
            self.say(work, ChatMessage::Tool { call, result }).await;
            under_way.retain(|other| *other != call);
            if !are_isolated && matches!(result, ToolResult::Failed(_)) {
                break;
            }
        }
        // The first error ends the group: the other calls are cancelled here, and not at their tools.
        drop(results);
        for call in under_way {
            let result = ToolResult::Failed(ToolError::Indefinite(Indefinite::TimedOut));
            self.say(work, ChatMessage::Tool { call, result }).await;
        }
        for (mut prepared, gate) in guarded.into_iter().zip(std::iter::repeat(gate).flatten()) {
            // A look-up between the approval and the call would take time, and the approval could expire.
            let looks_up_later = Defect::ApprovalBeforeLookUp.is_in(self.team.safeguards());
            let result = if !looks_up_later && let Some(receipt) = calls.earlier_receipt(&mut prepared).await
            {
                ToolResult::Done(receipt)
            } else if self.is_approved(work, &prepared, gate).await {
                calls.make(&prepared).await
            } else {
                no
            };
            self.say(work, ChatMessage::Tool { call: prepared.id, result }).await;
        }
    }
}

/// Makes a call for as long as the loop awaits its result: a loop that is stopped takes its calls with it.
async fn while_awaited<T>(
    sender: &mpsc::UnboundedSender<(OpId, ToolResult)>,
    call: impl Future<Output = T>,
) -> Option<T> {
    let (mut call, mut closed) = (pin!(call), pin!(sender.closed()));
    poll_fn(|task| {
        if closed.as_mut().poll(task).is_ready() {
            return Poll::Ready(None);
        }
        call.as_mut().poll(task).map(Some)
    })
    .await
}
