//! Handoff: specialists pass a task to the colleague that their model chooses, until all its steps are done.
//!
//! ```text
//!   user --submit--> desk --transfer--> specialist-3 --transfer--> specialist-1 --call--> tool
//!                     ^                                                |
//!                     '-------------transfer (finished or given up)----'
//! ```
//!
//! Each task has one task file. The agent that holds it asks its model whether to take the next step itself
//! or to pass the task to a colleague. The file contains all data of the task: which steps are done, the
//! operation ids, how many times it was passed on and what it has cost. At the end it goes back to the desk.

use crate::agent::{Agent, Content, Delivery, Headers, Message, OpId, Purpose, Route, UNKNOWN_AGENT};
use crate::protocols::{Question, choose_agent};
use crate::safeguards::budgets::{Budgets, Spent};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::checkpoint;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::transfer_acks::{TransferAcks, UnknownAgent, hand_over};
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("handoff")
        .about("specialists hand a task over to the colleague their model chooses, until it is done")
        .agent(DESK, desk)
        .agents(Role::new("specialists", "specialist", 2..=MOST_AGENTS, 4), specialist_loop)
        .safeguards(&[
            "budgets",
            "call-timeout",
            "checkpoint",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "journal-fencing",
            "reply-correlation",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "transfer-acks",
        ])
        .properties(&[
            "bounded-handoffs",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

const DESK: &str = "desk";

/// Tokens the desk reads to choose the first specialist.
const TRIAGE_TOKENS: u32 = 300;

/// What the desk asks its model.
const TRIAGE: &str = "Choose the specialist that begins with this task.";

/// Tokens a specialist reads to see what is to be done next.
const READING_TOKENS: u32 = 900;

/// All data of a task.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct TaskFile {
    task: Name,
    ops: Arc<[OpId]>,
    done: Vec<bool>,
    spent: Spent,
    /// How many times it was passed on, by the desk too; distinguishes a transfer from its repetition.
    number: u32,
    given_up: bool,
}

impl TaskFile {
    fn is_finished(&self) -> bool {
        self.done.iter().all(|done| *done)
    }
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum HandoffMessage {
    Transfer(TaskFile),
    Received,
}

impl Message for HandoffMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Transfer(_) => "transfer",
            Self::Received => "received",
        }
    }

    fn headers(&self) -> Headers {
        let Self::Transfer(file) = self else { return Headers::NONE };
        let purpose = match (file.is_finished(), file.given_up) {
            (true, _) => Purpose::Done,
            (false, true) => Purpose::Failed,
            (false, false) => Purpose::Handoff,
        };
        Headers { attempt: Some(file.number), ..Headers::of(purpose) }
    }
}

/// A journal record of an agent about a task file.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum TaskFileRecord {
    /// The agent holds it, in this state.
    Holds(TaskFile),
    /// The agent passes it on, and must repeat that until it has arrived.
    PassesOn(TaskFile, Name),
    /// It has arrived. By then the agent may hold it again, under a higher number.
    Gone { task: Name, number: u32 },
}

impl Message for TaskFileRecord {
    fn kind(&self) -> &'static str {
        "task file"
    }
}

/// The task files that an agent holds, and the numbers of those it has seen.
struct Inbox {
    handler: Handler,
    seen: BTreeMap<Name, u32>,
}

/// Task files by task, each with the agent to which it must go.
type Left = BTreeMap<Name, (TaskFile, Option<Name>)>;

/// Recovers a record about a task file. A failed write is repeated, so the record of an older transfer can
/// come after that of a newer one, and must not replace it.
fn restore(left: &mut Left, seen: &mut BTreeMap<Name, u32>, file: &TaskFile, to: Option<Name>) {
    if seen.get(&file.task).is_none_or(|number| file.number >= *number) {
        seen.insert(file.task, file.number);
        left.insert(file.task, (file.clone(), to));
    }
}

/// Handles task files. Each file is handled in a separate async task.
#[derive(Clone)]
struct Handler {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    /// The possible receivers of task files: the colleagues, and the desk.
    colleagues: Arc<[Name]>,
}

impl Inbox {
    /// The inbox, recovered from the journal, with the files in it and where each must go.
    fn recover(agent: Agent, team: TeamContext) -> (Self, Vec<(TaskFile, Option<Name>)>) {
        let mut left = Left::new();
        let mut seen = BTreeMap::new();
        checkpoint::recover(&agent, |page| match page {
            TaskFileRecord::Holds(file) => restore(&mut left, &mut seen, file, None),
            TaskFileRecord::PassesOn(file, to) => restore(&mut left, &mut seen, file, Some(*to)),
            TaskFileRecord::Gone { task, number } => {
                if left.get(task).is_some_and(|(file, _)| file.number <= *number) {
                    left.remove(task);
                }
            }
        });
        let me = agent.name();
        let all = team.workers.iter().copied().chain([Name::literal(DESK)]);
        let colleagues = all.filter(|name| *name != me).collect();
        let answers = ModelAnswers::recover(&agent);
        let handler = Handler { agent, team, answers, colleagues };
        (Self { handler, seen }, left.into_values().collect())
    }

    /// Takes in a file and acknowledges it; `None` if it has come before.
    async fn take(&mut self, mail: &Delivery) -> Option<TaskFile> {
        let Some(HandoffMessage::Transfer(file)) = mail.open().cloned() else { return None };
        let Handler { agent, team, .. } = &self.handler;
        let steps = team.plan.steps.len();
        if (file.ops.len(), file.done.len()) != (steps, steps) {
            return None;
        }
        let is_new = self.seen.get(&file.task).is_none_or(|number| file.number > *number);
        if is_new {
            self.seen.insert(file.task, file.number);
            checkpoint::save(agent, team.safeguards(), file.task, TaskFileRecord::Holds(file.clone())).await;
        }
        if team.safeguards().has::<TransferAcks>() {
            agent.reply(mail, HandoffMessage::Received);
        }
        is_new.then_some(file)
    }
}

impl Handler {
    async fn write(&self, task: Name, record: TaskFileRecord) {
        checkpoint::save(&self.agent, self.team.safeguards(), task, record).await;
    }

    /// Passes a file on, if the receiver exists.
    async fn pass_on(&self, file: TaskFile, to: Name) -> Result<(), UnknownAgent> {
        let (task, number, safeguards) = (file.task, file.number, self.team.safeguards());
        if self.colleagues.contains(&to) {
            self.write(task, TaskFileRecord::PassesOn(file.clone(), to)).await;
        }
        self.agent.before("transfer", task).await;
        hand_over(&self.agent, safeguards, &self.colleagues, to, task, HandoffMessage::Transfer(file))
            .await?;
        self.write(task, TaskFileRecord::Gone { task, number }).await;
        Ok(())
    }

    /// Continues a transfer that a crash interrupted.
    fn go_on_passing(&self, file: TaskFile, to: Name) {
        let handler = self.clone();
        self.agent.spawn(async move {
            handler.pass_on(file, to).await.expect("only a colleague is written down");
        });
    }

    /// Works on a file as the model decides, step by step, until it is passed on.
    async fn work_on(&self, mut file: TaskFile) {
        let safeguards = self.team.safeguards();
        let budgets = safeguards.get::<Budgets>().copied();
        let mut failures = 0;
        while !file.is_finished() && !file.given_up {
            if budgets.is_some_and(|budgets| !budgets.allow_turn(&file.spent))
                || GiveUpAfter::is_reached(safeguards, failures)
            {
                file.given_up = true;
                break;
            }
            match self.choose(&mut file).await {
                Route::Myself => failures += u32::from(!self.take_a_step(&mut file).await),
                _ if budgets.is_some_and(|budgets| !budgets.allow_hop(&file.spent)) => {
                    file.given_up = true;
                }
                pick if self.pass_on(file.handed_on(), self.named(pick)).await.is_ok() => return,
                // There is no agent of that name, so the file stays here for another turn.
                _ => {}
            }
            self.write(file.task, TaskFileRecord::Holds(file.clone())).await;
        }
        file.number += 1;
        self.pass_on(file, Name::literal(DESK)).await.expect("the desk is on the team of each specialist");
    }

    /// Asks the model which agent should take the next step.
    async fn choose(&self, file: &mut TaskFile) -> Route {
        let turn = Name::new(&format!("{}/turn-{}", file.task, file.spent.turns + 1));
        let colleagues = self.team.workers.len() as u32 - 1;
        let question =
            Question::new("Take the next step, or name a colleague to hand the file to.", file.task);
        let prompt = question.knowing(Content::new(file.clone())).prompt(READING_TOKENS);
        let ask = async || {
            let said = self.agent.route(turn, &prompt, colleagues).await;
            (said.value, said.tokens_in + said.tokens_out)
        };
        let (route, tokens) =
            self.answers.complete(&self.agent, self.team.safeguards(), (turn, 0), ask).await;
        file.spent.turns += 1;
        file.spent.tokens += tokens;
        route
    }

    fn named(&self, pick: Route) -> Name {
        match pick {
            Route::Colleague(which) => self.colleagues[which as usize],
            Route::Myself | Route::Unknown => Name::literal(UNKNOWN_AGENT),
        }
    }

    /// Takes the next possible step; returns whether that succeeded.
    async fn take_a_step(&self, file: &mut TaskFile) -> bool {
        let plan = &self.team.plan;
        let can_be_taken =
            |step: &usize| !file.done[*step] && plan.steps[*step].needs.iter().all(|need| file.done[*need]);
        let Some(step) = (0..plan.steps.len()).find(can_be_taken) else { return false };
        let operation = plan.operation_of(file.task, step);
        let (policy, op) = (CallPolicy::of(self.team.safeguards()), file.ops[step]);
        // Another incarnation may have tried under this id and crashed.
        file.done[step] = call_with_retry(&self.agent, &policy, &operation, op, true).await.is_ok();
        file.done[step]
    }
}

impl TaskFile {
    /// The file as its next holder gets it.
    fn handed_on(&self) -> Self {
        let spent = Spent { hops: self.spent.hops + 1, ..self.spent };
        Self { spent, number: self.number + 1, ..self.clone() }
    }
}

/// Works on every file that comes, concurrently.
async fn specialist_loop(agent: Agent, team: TeamContext) {
    let (mut inbox, left) = Inbox::recover(agent, team);
    let begin =
        |handler: Handler, file| handler.agent.clone().spawn(async move { handler.work_on(file).await });
    for (file, to) in left {
        match to {
            Some(to) => inbox.handler.go_on_passing(file, to),
            None => begin(inbox.handler.clone(), file),
        }
    }
    loop {
        let mail = inbox.handler.agent.receive().await;
        let Some(file) = inbox.take(&mail).await else { continue };
        begin(inbox.handler.clone(), file);
    }
}

/// Opens a file for each task, passes it to the first specialist, and closes it when it comes back.
async fn desk(agent: Agent, team: TeamContext) {
    let tracker = TaskTracker::recover(&agent, &team);
    let (mut inbox, left) = Inbox::recover(agent.clone(), team);
    for (file, to) in left {
        match to {
            Some(to) => inbox.handler.go_on_passing(file, to),
            None => close(&agent, &tracker, &file).await,
        }
    }
    let open = tracker.states().open();
    for task in open {
        if !inbox.seen.contains_key(&task) {
            send_round(&inbox.handler, &tracker, task);
        }
    }
    loop {
        let mail = agent.receive().await;
        if let Some(task) = tracker.accept(&mail).await {
            send_round(&inbox.handler, &tracker, task);
        }
        if let Some(file) = inbox.take(&mail).await {
            close(&agent, &tracker, &file).await;
        }
    }
}

async fn close(agent: &Agent, tracker: &TaskTracker, file: &TaskFile) {
    let task = file.task;
    if tracker.states().has_open(task) {
        agent.withdraw_wait(task);
        tracker.close(task, file.is_finished()).await;
    }
}

fn send_round(handler: &Handler, tracker: &TaskTracker, task: Name) {
    let states = tracker.states();
    let Some(state) = states.get(task) else { return };
    let (ops, done) = (Arc::clone(&state.ops), state.complete.clone());
    let file = TaskFile {
        task,
        ops,
        done,
        spent: Spent { hops: 1, ..Spent::default() },
        number: 1,
        given_up: false,
    };
    let (handler, states) = (handler.clone(), tracker.shared_states());
    handler.agent.clone().spawn(async move {
        let Handler { agent, team, answers, .. } = &handler;
        let specialists = &team.workers;
        let ask = async || choose_agent(agent, task, TRIAGE, specialists, TRIAGE_TOKENS).await;
        let first = answers.complete(agent, team.safeguards(), (task, 0), ask).await;
        let to = specialists[first];
        let passed_on = handler.pass_on(file, to).await.is_ok();
        if passed_on && states.borrow().has_open(task) {
            handler.agent.declare_wait(to, "end of the task", task);
        }
    });
}
