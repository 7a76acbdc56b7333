//! The clerk: orders the steps, and reports a task as done when its effects exist.

use super::{Edit, RESEND, TeamMessage};
use perfidy::agent::{Agent, Report};
use perfidy::protocols::choose_agent;
use perfidy::safeguards::checkpoint;
use perfidy::safeguards::verify::Verify;
use perfidy::workflows::TeamContext;
use perfidy::workflows::task_state::{TaskEvent, TaskStates};
use perfidy::workflows::user::{USER, UserMessage};
use perfidy_sim::{Name, SimSpan, SimTime};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Clerk {
    agent: Agent,
    team: TeamContext,
    edit: Edit,
    states: TaskStates,
    /// When each step was last ordered.
    ordered_at: BTreeMap<(Name, usize), SimTime>,
}

impl Clerk {
    pub fn recover(agent: Agent, team: TeamContext, edit: Edit) -> Self {
        let mut states = TaskStates::new(Arc::clone(&team.plan));
        checkpoint::recover(&agent, |event| states.apply(event));
        Self { agent, team, edit, states, ordered_at: BTreeMap::new() }
    }

    pub async fn run(mut self) {
        loop {
            for task in self.states.open() {
                self.drive(task).await;
            }
            let Ok(mail) = self.agent.receive_within(RESEND, "a message").await else { continue };
            if let Some(UserMessage::Submit { task, ops }) = mail.open() {
                match self.states.get(*task).map(|progress| progress.closed) {
                    None => self.change(TaskEvent::Accepted { task: *task, ops: Arc::clone(ops) }).await,
                    Some(Some(done)) => self.report(*task, done).await,
                    Some(None) => {}
                }
            } else if let Some(say) = mail.open::<TeamMessage>() {
                self.on_say(*say).await;
            }
        }
    }

    async fn on_say(&mut self, say: TeamMessage) {
        let (TeamMessage::Assign { task, step, round }
        | TeamMessage::Done { task, step, round }
        | TeamMessage::Failed { task, step, round }) = say;
        let awaited = self.states.get(task).is_some_and(|progress| {
            progress.closed.is_none() && !progress.complete[step] && progress.rounds[step] == round
        });
        if !awaited {
            return;
        }
        self.agent.withdraw_wait(self.team.plan.intent(task, step));
        // A failed step is ordered again at its time.
        if let TeamMessage::Done { .. } = say {
            self.change(TaskEvent::Completed { task, step, confirmed: None }).await;
        }
    }

    /// Records a change and applies it.
    async fn change(&mut self, event: TaskEvent) {
        checkpoint::save(&self.agent, self.team.safeguards(), event.task(), event.clone()).await;
        self.states.apply(&event);
    }

    async fn drive(&mut self, task: Name) {
        let plan = Arc::clone(&self.team.plan);
        let Some(progress) = self.states.get(task) else { return };
        let Some(workers) = progress.workers.clone() else {
            let workers = Arc::clone(&self.team.workers);
            let first = choose_agent(&self.agent, task, "Choose a worker.", &workers, 900).await;
            let workers = (0..plan.steps.len()).map(|step| workers[(first + step) % workers.len()]).collect();
            return self.change(TaskEvent::Assigned { task, workers }).await;
        };
        for step in self.states.ready(task) {
            let now = self.agent.monotonic();
            let last = self.ordered_at.get(&(task, step));
            if last.is_some_and(|last| now < *last + RESEND) {
                continue;
            }
            self.ordered_at.insert((task, step), now);
            let (intent, to, round) = (plan.intent(task, step), workers[step], self.states.round(task, step));
            if self.edit == Edit::DrawMidway {
                self.agent.draw("second thought", intent, |draw| draw.bits("second thought"));
            }
            self.agent.declare_wait(to, "word that a step is done", intent);
            self.agent.before(self.edit.names().assign, intent).await;
            self.agent.send(to, intent, TeamMessage::Assign { task, step, round });
        }
        if self.states.is_complete(task) && self.is_verified(task).await {
            self.change(TaskEvent::Closed { task, done: true }).await;
            self.report(task, true).await;
        }
    }

    /// Whether the tools have every effect of a task on record. Steps without an effect are reopened.
    async fn is_verified(&mut self, task: Name) -> bool {
        if !self.team.safeguards().has::<Verify>() {
            return true;
        }
        let plan = Arc::clone(&self.team.plan);
        for step in 0..plan.steps.len() {
            match self.agent.look_up(&plan.operation_of(task, step), SimSpan::from_secs(5)).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.ordered_at.remove(&(task, step));
                    self.change(TaskEvent::Reopened { task, step }).await;
                    return false;
                }
                Err(_) => return false,
            }
        }
        true
    }

    async fn report(&self, task: Name, done: bool) {
        self.agent.before("report", task).await;
        self.agent.send(Name::new(USER), task, UserMessage::Report(Report::done_or_failed(task, done)));
    }
}
