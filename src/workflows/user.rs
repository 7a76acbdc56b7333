//! The user: submits tasks to the team, resubmits without an answer, cancels some if the scenario says so,
//! and ends the run when all tasks have ended.

use crate::agent::{
    Agent, Content, Headers, Message, OpId, Operation, Outcome, Purpose, Report, TeamEvent, UserEvent,
};
use crate::protocols::ResendTimer;
use crate::workflows::TeamContext;
use crate::workflows::task_state::TaskPlan;
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The user's name.
pub const USER: &str = "user";

/// How long the user waits before asking again.
const PATIENCE: SimSpan = SimSpan::from_secs(30);

/// How long a run continues after the last report, for messages in flight.
pub(super) const AFTERMATH: SimSpan = SimSpan::from_secs(60);

/// Messages between the user and the team.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub enum UserMessage {
    /// Do this task. Each of its steps has an operation id, made here, once.
    Submit {
        /// The task.
        task: Name,
        /// The operation id of each step.
        ops: Arc<[OpId]>,
    },
    /// Cancel this task.
    Cancel {
        /// The task.
        task: Name,
    },
    /// The report on how it ended.
    Report(Report),
}

impl UserMessage {
    /// The task that a message submits, with the operation ids of its steps. `None` if it submits none, or
    /// one that is no task of this plan, since something has altered it on its way.
    pub fn task_in(&self, plan: &TaskPlan) -> Option<(Name, Arc<[OpId]>)> {
        match self {
            Self::Submit { task, ops } if ops.len() == plan.steps.len() => Some((*task, Arc::clone(ops))),
            Self::Submit { .. } | Self::Cancel { .. } | Self::Report(_) => None,
        }
    }
}

impl Message for UserMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submit",
            Self::Cancel { .. } => "cancel",
            Self::Report(Report { outcome: Outcome::Cancelled, .. }) => "cancelled",
            Self::Report(_) => "report",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self {
            Self::Submit { .. } => Purpose::Order,
            Self::Cancel { .. } => Purpose::Cancel,
            Self::Report(report) => match report.outcome {
                Outcome::Done => Purpose::Done,
                Outcome::Failed => Purpose::Failed,
                Outcome::Cancelled => Purpose::Cancelled,
            },
        })
    }
}

/// Reports to the user how a task ended.
pub async fn report(agent: &Agent, report: Report) {
    let task = report.task;
    report_if(agent, task, || Some(report)).await;
}

/// Reports to the user how a task ended, if `compose` returns a report: it is called just before the report
/// is sent, so that no time passes in between. Returns whether a report was sent.
pub async fn report_if(agent: &Agent, task: Name, compose: impl FnOnce() -> Option<Report>) -> bool {
    agent.before("report", task).await;
    let report = compose();
    let is_sent = report.is_some();
    if let Some(report) = report {
        agent.send(Name::literal(USER), task, UserMessage::Report(report));
    }
    is_sent
}

/// A task that has not ended, as far as the user knows.
struct Open {
    ops: Arc<[OpId]>,
    cancel_at: Option<SimTime>,
    was_cancelled: bool,
}

/// How a user says for the record what a task wants of a step.
pub(super) type StatesWanted = fn(&TaskPlan, Name, usize) -> Vec<UserEvent>;

pub(super) const AN_EFFECT: StatesWanted = |plan, task, step| {
    let Operation { tool, name: operation, intent, arguments } = plan.operation_of(task, step);
    let wanted = UserEvent::Wanted { task, intent, tool, operation, arguments };
    // The evidence of a step is read on behalf of its own intent.
    let record = plan.steps[step].evidence.map(|_| UserEvent::RecordOf { task, intent, source: intent });
    [wanted].into_iter().chain(record).collect()
};
const AN_ANSWER: StatesWanted =
    |plan, task, step| vec![UserEvent::Question { task, intent: plan.intent(task, step) }];

/// What is filed is up to the sources, so the user does not say with which arguments.
const A_RECORD: StatesWanted = |plan, task, step| {
    if plan.steps[step].needs.is_empty() {
        return Vec::new();
    }
    let Operation { tool, name: operation, intent, .. } = plan.operation_of(task, step);
    let wanted = UserEvent::Wanted { task, intent, tool, operation, arguments: Content::NOTHING };
    let sources = plan.first_steps_of(step).into_iter().map(|source| plan.intent(task, source));
    [wanted].into_iter().chain(sources.map(|source| UserEvent::RecordOf { task, intent, source })).collect()
};

/// Submits every task of the case to each of the `contacts`, until one of them has reported on it. Each
/// intent of a task is an effect, wanted once.
pub async fn user(agent: Agent, team: TeamContext, contacts: Arc<[Name]>) {
    submit_all(agent, team, &contacts, AN_EFFECT).await;
}

/// The same for tasks in which a step that needs others is an effect that records what these have read from
/// sources. Steps that need no other only read.
pub async fn record_keeper(agent: Agent, team: TeamContext, contacts: Arc<[Name]>) {
    submit_all(agent, team, &contacts, A_RECORD).await;
}

/// The same for tasks whose intents are questions, without effects.
pub async fn inquirer(agent: Agent, team: TeamContext, contacts: Arc<[Name]>) {
    submit_all(agent, team, &contacts, AN_ANSWER).await;
}

async fn submit_all(agent: Agent, team: TeamContext, contacts: &[Name], wants: StatesWanted) {
    assert_eq!(agent.name().as_str(), USER, "only the node of that name is the user");
    let mut open: BTreeMap<Name, Open> = BTreeMap::new();
    // When the user will cancel which task.
    let mut cancels: BTreeSet<(SimTime, Name)> = BTreeSet::new();
    let mut coming = team.plan.tasks.iter().copied();
    let mut next = coming.next();
    let mut next_at = SimTime::ZERO;
    let mut asked = ResendTimer::default();
    asked.restart(SimTime::ZERO);
    for demand in team.demands() {
        agent.record_event(demand);
    }
    loop {
        while let Some(task) = next.filter(|_| agent.monotonic() >= next_at) {
            let given = give(&agent, &team, task, wants);
            ask(&agent, contacts, task, &given);
            cancels.extend(given.cancel_at.map(|at| (at, task)));
            open.insert(task, given);
            next = coming.next();
            next_at += agent.draw("gap after", task, |draw| draw.span("gap", &team.tasks.every));
        }
        if open.is_empty() && next.is_none() {
            return agent.finish_after(AFTERMATH);
        }
        let mut cancelled = Vec::new();
        while let Some((_, task)) = cancels.first().copied().filter(|(at, _)| agent.monotonic() >= *at) {
            cancels.pop_first();
            cancelled.push(task);
        }
        cancelled.sort_unstable();
        for task in cancelled {
            let Some(given) = open.get_mut(&task) else { continue };
            given.was_cancelled = true;
            agent.record_event(TeamEvent::User(UserEvent::Withdrawn { task }));
            ask(&agent, contacts, task, given);
        }
        if asked.is_due(agent.monotonic(), PATIENCE) {
            for (task, given) in &open {
                ask(&agent, contacts, *task, given);
            }
            asked.restart(agent.monotonic());
        }
        let next_cancel = cancels.first().map(|(at, _)| *at);
        let wake_at =
            [next_cancel, next.map(|_| next_at), asked.due_at(PATIENCE)].into_iter().flatten().min();
        let wait = wake_at.map_or(PATIENCE, |at| at.since(agent.monotonic()));
        let Ok(mail) = agent.receive_within(wait, "a report").await else { continue };
        if let Some(UserMessage::Report(report)) = mail.open() {
            agent.record_event(TeamEvent::User(UserEvent::Informed {
                by: mail.from(),
                report: report.clone(),
            }));
            if let Some(given) = open.remove(&report.task) {
                if let Some(at) = given.cancel_at {
                    cancels.remove(&(at, report.task));
                }
                agent.withdraw_wait(report.task);
            }
        }
    }
}

/// Records in the history that the user wants a task done, and what that is.
pub(super) fn record_task(agent: &Agent, team: &TeamContext, task: Name, wants: StatesWanted) {
    for said in stated(&team.plan, task, wants) {
        agent.record_event(TeamEvent::User(said));
    }
}

/// What a user says who wants a task done whose steps are effects, each wanted once.
#[cfg(feature = "clients")]
pub(crate) fn statements(plan: &TaskPlan, task: Name) -> Vec<UserEvent> {
    stated(plan, task, AN_EFFECT).collect()
}

/// What a user says who wants a task done.
fn stated(plan: &TaskPlan, task: Name, wants: StatesWanted) -> impl Iterator<Item = UserEvent> {
    let steps = 0..plan.steps.len();
    let undoings = steps.clone().filter_map(move |step| plan.undoing(task, step));
    let undone_by =
        |Operation { tool, name: operation, intent, .. }| UserEvent::UndoneBy { intent, tool, operation };
    [UserEvent::TaskGiven { task }]
        .into_iter()
        .chain(steps.flat_map(move |step| wants(plan, task, step)))
        .chain(undoings.map(undone_by))
}

/// Records a task, and decides whether it will be cancelled.
fn give(agent: &Agent, team: &TeamContext, task: Name, wants: StatesWanted) -> Open {
    let plan = &team.plan;
    record_task(agent, team, task, wants);
    let intents = (0..plan.steps.len()).map(|step| plan.intent(task, step));
    let ops = intents.map(|intent| agent.new_operation_id(intent)).collect();
    let cancel_after = team.tasks.cancelled.as_ref().and_then(|cancelled| {
        agent.draw("change of mind about", task, |draw| {
            draw.happens("change of mind", cancelled.chance).then(|| draw.span("after", &cancelled.after))
        })
    });
    Open { ops, cancel_at: cancel_after.map(|after| agent.monotonic() + after), was_cancelled: false }
}

/// Submits a task, or cancels it.
fn ask(agent: &Agent, contacts: &[Name], task: Name, given: &Open) {
    for contact in contacts {
        agent.declare_wait(*contact, "a report on the task", task);
        let say = if given.was_cancelled {
            UserMessage::Cancel { task }
        } else {
            UserMessage::Submit { task, ops: Arc::clone(&given.ops) }
        };
        agent.send(*contact, task, say);
    }
}
