//! Chain: a pipeline of agents, each with a loop of its own; what one has done and found is the request of
//! the next.
//!
//! ```text
//!   user --submit--> lead --delegate--> stage-1 --delegate--> stage-2 --delegate--> ... --ended--> lead
//!                                        | loop                 | loop
//!                                        '--call--> tool        '--call--> tool
//!   user <---report--- lead --look-up--> tool
//! ```
//!
//! The steps of a task are divided among the stages, in their order. A stage runs one loop for each of its
//! steps, and then has its model write a *brief* for the next stage: the steps that are left, and the texts
//! that its tools have said. With `carry-request` the user's request travels beside the brief.
//!
//! A handoff is sent until it is acknowledged (`transfer-acks`), so a stage can get it twice; with
//! `inbox-dedupe` it takes each once. The lead verifies the effects in the end, and has the chain do once
//! more what is missing. Stages ask the approver and the guardrail before a call that must not be made
//! without them.

mod stage;

use crate::agent::{Agent, Headers, Message, Purpose, RequestedStep};
use crate::safeguards::carry_request::CarryRequest;
use crate::safeguards::checkpoint;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::transfer_acks::hand_over;
use crate::safeguards::verify::missing_intents;
use crate::workflows::agent_loop::LoopTask;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow, one_at_a_time};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("chain")
        .about("a pipeline of loops: what one has done and found is the request of the next")
        .agent(LEAD, lead)
        .agents(Role::new(STAGES, "stage", 1..=MOST_AGENTS, 2), stage::stage)
        .approver()
        .guardrail()
        .person_on_call()
        .safeguards(&[
            "approval-binding",
            "approval-gate",
            "budgets",
            "call-timeout",
            "carry-request",
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
            "inbox-dedupe",
            "intent-keys",
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
            "traced-calls",
            "transfer-acks",
            "verify",
        ])
        .properties(&[
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
            "no-tainted-effects",
            "required-facts-survive",
            "results-paired",
            "tasks-do-not-leak",
        ])
}

const LEAD: &str = "lead";
const STAGES: &str = "stages";

/// What a stage is told.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Brief {
    /// The steps that are left, as the model of the stage before puts it.
    steps: Arc<[RequestedStep]>,
    /// The steps as the user asked for them, if the request is carried along.
    request: Option<Arc<[RequestedStep]>>,
    /// The intents that an earlier run has done.
    done: Arc<[Name]>,
    /// What tools have said so far.
    notes: Arc<[Name]>,
}

/// Messages along the chain, about a run of it for a task.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum ChainMessage {
    /// Do your part, and pass on what is left.
    Delegate { task: Name, run: u32, brief: Brief },
    /// It has arrived, and is recorded.
    Accepted { task: Name, run: u32 },
    /// The run is over: every stage has done its part, or one could not.
    Ended { task: Name, run: u32, is_done: bool },
}

impl Message for ChainMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Delegate { .. } => "delegate",
            Self::Accepted { .. } => "accepted",
            Self::Ended { .. } => "ended",
        }
    }

    fn headers(&self) -> Headers {
        let (purpose, run) = match *self {
            Self::Delegate { run, .. } => (Some(Purpose::Handoff), run),
            Self::Accepted { run, .. } => (None, run),
            Self::Ended { run, is_done: true, .. } => (Some(Purpose::Done), run),
            Self::Ended { run, is_done: false, .. } => (Some(Purpose::Failed), run),
        };
        Headers { purpose, attempt: Some(run), ..Headers::NONE }
    }
}

/// A journal record of the lead.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Record {
    /// A run begins, in which these intents are done already.
    Began { task: Name, run: u32, done: Arc<[Name]> },
    /// It is over.
    Ended { task: Name, run: u32, is_done: bool },
}

impl Message for Record {
    fn kind(&self) -> &'static str {
        "run"
    }
}

/// The last run of a task.
#[derive(Clone)]
struct Run {
    number: u32,
    done: Arc<[Name]>,
    ended: Option<bool>,
}

/// The stage that has the step at this place of the order.
fn stage_of(place: usize, steps: usize, stages: usize) -> usize {
    place * stages / steps
}

/// Receives messages, and has a task of its own begin and end runs.
async fn lead(agent: Agent, team: TeamContext) {
    let tracker = Rc::new(TaskTracker::recover(&agent, &team));
    let lead = Rc::new(Lead::recover(&agent, team, Rc::clone(&tracker)));
    agent.spawn(Rc::clone(&lead).work());
    loop {
        let mail = agent.receive().await;
        if let Some(ChainMessage::Ended { task, run, is_done }) = mail.open().cloned() {
            lead.ended(task, run, is_done).await;
            agent.reply(&mail, ChainMessage::Accepted { task, run });
        } else if tracker.accept(&mail).await.is_some() {
            lead.changed.notify_one();
        }
    }
}

struct Lead {
    agent: Agent,
    team: TeamContext,
    tracker: Rc<TaskTracker>,
    runs: RefCell<BTreeMap<Name, Run>>,
    changed: Notify,
}

impl Lead {
    fn recover(agent: &Agent, team: TeamContext, tracker: Rc<TaskTracker>) -> Self {
        let (runs, changed) = (RefCell::default(), Notify::new());
        let lead = Self { agent: agent.clone(), team, tracker, runs, changed };
        checkpoint::recover(agent, |record| lead.apply(record));
        lead
    }

    async fn change(&self, about: Name, record: Record) {
        checkpoint::save(&self.agent, self.team.safeguards(), about, record.clone()).await;
        self.apply(&record);
    }

    fn apply(&self, record: &Record) {
        let mut runs = self.runs.borrow_mut();
        match record {
            Record::Began { task, run, done } => {
                let begun = Run { number: *run, done: Arc::clone(done), ended: None };
                runs.insert(*task, begun);
            }
            Record::Ended { task, run, is_done } => {
                if let Some(known) = runs.get_mut(task).filter(|known| known.number == *run) {
                    known.ended.get_or_insert(*is_done);
                }
            }
        }
    }

    /// The end of a run came in. What an earlier run came to does not count.
    async fn ended(&self, task: Name, run: u32, is_done: bool) {
        let is_new = |known: &Run| known.number == run && known.ended.is_none();
        if self.runs.borrow().get(&task).is_some_and(is_new) {
            self.change(task, Record::Ended { task, run, is_done }).await;
            self.changed.notify_one();
        }
    }

    /// Works on the tasks, one after the other.
    async fn work(self: Rc<Self>) {
        loop {
            let next = self.tracker.states().open().first().copied();
            let Some(task) = next else {
                self.changed.notified().await;
                continue;
            };
            let is_done = self.see_through(task).await;
            self.tracker.close(task, is_done).await;
        }
    }

    /// Has the chain work on a task, as often as it takes; whether it is done.
    async fn see_through(&self, task: Name) -> bool {
        let known = self.runs.borrow().get(&task).cloned();
        let mut run = match known {
            Some(run) => run,
            None => self.begin(task, 1, Arc::default()).await,
        };
        loop {
            if run.ended.is_none() {
                self.pass(task, &run).await;
            }
            if !self.end_of(task).await {
                return false;
            }
            let effects = LoopTask::of(&self.team, task).effects;
            let missing = missing_intents(&self.agent, self.team.safeguards(), &effects).await;
            let Some(missing) = missing else { return false };
            if missing.is_empty() {
                return true;
            }
            if GiveUpAfter::is_reached(self.team.safeguards(), run.number) {
                return false;
            }
            let steps = 0..self.team.plan.steps.len();
            let intents = steps.map(|step| self.team.plan.intent(task, step));
            let done = intents.filter(|intent| !missing.contains(intent)).collect();
            run = self.begin(task, run.number + 1, done).await;
        }
    }

    async fn begin(&self, task: Name, run: u32, done: Arc<[Name]>) -> Run {
        self.change(task, Record::Began { task, run, done: Arc::clone(&done) }).await;
        Run { number: run, done, ended: None }
    }

    /// Passes a task to the first stage.
    async fn pass(&self, task: Name, run: &Run) {
        let steps = LoopTask::of(&self.team, task).request.steps;
        let carries = self.team.safeguards().has::<CarryRequest>();
        let request = carries.then(|| Arc::clone(&steps));
        let brief = Brief { steps, request, done: Arc::clone(&run.done), notes: Arc::default() };
        let stages = self.team.group(STAGES);
        let message = ChainMessage::Delegate { task, run: run.number, brief };
        self.agent.before("delegate", task).await;
        // The first stage is on the team.
        let _ = hand_over(&self.agent, self.team.safeguards(), stages, stages[0], task, message).await;
    }

    /// Waits for the end of the run of a task; whether every stage has done its part.
    async fn end_of(&self, task: Name) -> bool {
        let stages = self.team.group(STAGES);
        self.agent.declare_wait(stages[stages.len() - 1], "end of the chain", task);
        loop {
            let ended = self.runs.borrow().get(&task).and_then(|run| run.ended);
            if let Some(is_done) = ended {
                self.agent.withdraw_wait(task);
                return is_done;
            }
            self.changed.notified().await;
        }
    }
}

/// The steps of each stage, in the order in which they are taken.
fn steps_of(team: &TeamContext, stage: Name) -> Vec<usize> {
    let stages = team.group(STAGES);
    let Some(mine) = stages.iter().position(|name| *name == stage) else { return Vec::new() };
    let order = one_at_a_time(&team.plan.steps);
    let steps = order.len();
    let is_mine = |place: &usize| stage_of(*place, steps, stages.len()) == mine;
    (0..steps).filter(is_mine).map(|place| order[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::stage_of;

    #[test]
    fn steps_are_divided_in_their_order_and_stages_can_be_idle() {
        let of = |steps, stages| (0..steps).map(|place| stage_of(place, steps, stages)).collect::<Vec<_>>();
        assert_eq!(of(4, 2), [0, 0, 1, 1]);
        assert_eq!(of(3, 2), [0, 0, 1]);
        assert_eq!(of(2, 4), [0, 2]);
    }
}
