//! The lead: divides the steps of its tasks among the workers, and reports.

use super::{MergedStep, REVIEWER, ReviewMessage, StepKey, file_of};
use crate::agent::{Agent, Confirmation, Delivery};
use crate::safeguards::checkpoint;
use crate::safeguards::file_ownership::{FileOwnership, FileTurns, owner_of};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::TeamContext;
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::task_state::TaskEvent;
use perfidy_sim::{Lookup, Name};
use std::collections::BTreeSet;

pub(super) struct Lead {
    agent: Agent,
    team: TeamContext,
    dispatcher: Dispatcher,
    /// With `file-ownership`: the steps that edit each file, in the order in which their tasks came.
    turns: FileTurns<StepKey>,
    /// The place of each task among all, by which its steps are dealt.
    places: Lookup<Name, usize>,
    /// The tasks of which a step has failed for good. They end when the reviewer is through with them.
    given_up: BTreeSet<Name>,
}

impl Lead {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let dispatcher = Dispatcher::recover(&agent, &team, ResendOrders::of(team.safeguards()));
        let mut places = Lookup::default();
        for (place, task) in team.plan.tasks.iter().enumerate() {
            places.insert(*task, place);
        }
        let (turns, given_up) = (FileTurns::default(), BTreeSet::new());
        let mut lead = Self { agent, team, dispatcher, turns, places, given_up };
        // The order of the turns is that from before a crash: a change may be under way.
        let mut accepted = Vec::new();
        checkpoint::recover(&lead.agent, |event| {
            if let TaskEvent::Accepted { task, .. } = event {
                accepted.push(*task);
            }
        });
        for task in accepted {
            lead.line_up(task);
        }
        lead
    }

    pub async fn run(mut self) {
        self.dispatcher.resume();
        loop {
            while let Some((task, action)) = self.dispatcher.next_action() {
                match action {
                    DispatchAction::Step(step) => self.assign(task, step).await,
                    DispatchAction::End if self.given_up.contains(&task) => self.withdraw(task),
                    DispatchAction::End => self.dispatcher.end_if_complete(task).await,
                    DispatchAction::Plan => {}
                }
            }
            let Ok(mail) = self.dispatcher.receive().await else { continue };
            if let Some(task) = self.dispatcher.tracker().accept(&mail).await {
                self.line_up(task);
                self.dispatcher.bring_up_steps(task);
            }
            self.hear(&mail).await;
        }
    }

    async fn hear(&mut self, mail: &Delivery) {
        match mail.open::<ReviewMessage>().cloned() {
            Some(ReviewMessage::Done { task, step, confirmed }) => self.done(task, step, confirmed).await,
            Some(ReviewMessage::Failed { task, step }) => self.failed(task, step),
            Some(ReviewMessage::Withdrawn { task, merged }) => self.withdrawn(task, merged).await,
            _ => {}
        }
    }

    /// The file of which a step has to wait for its turn, if it edits one and files have owners.
    fn owned_file(&self, task: Name, step: usize) -> Option<String> {
        let has_owners = self.team.safeguards().has::<FileOwnership>();
        has_owners.then(|| file_of(&self.team.plan.operation_of(task, step))).flatten()
    }

    /// Gives each step of a task its turn.
    fn line_up(&mut self, task: Name) {
        for step in 0..self.team.plan.steps.len() {
            if self.dispatcher.states().is_open(task, step)
                && let Some(file) = self.owned_file(task, step)
                && !self.turns.has(&file, &(task, step))
            {
                self.turns.add(&file, (task, step));
            }
        }
    }

    /// The worker that gets a step: the owner of the file, or else the next in turn.
    fn worker_of(&self, task: Name, step: usize, owned_file: Option<&str>) -> Name {
        let workers = &self.team.workers;
        let in_turn = || (self.places.get(task).copied().unwrap_or_default() + step) % workers.len();
        workers[owned_file.map_or_else(in_turn, |file| owner_of(file, workers.len()))]
    }

    async fn assign(&mut self, task: Name, step: usize) {
        if self.given_up.contains(&task) || !self.dispatcher.is_step_due(task, step) {
            return;
        }
        let file = self.owned_file(task, step);
        if file.as_ref().is_some_and(|file| !self.turns.is_next(file, &(task, step))) {
            return;
        }
        self.dispatcher.sent(task, DispatchAction::Step(step));
        let (worker, intent) =
            (self.worker_of(task, step, file.as_deref()), self.team.plan.intent(task, step));
        self.agent.declare_wait(worker, "a change that is merged", intent);
        self.agent.before("assign", intent).await;
        self.agent.send(worker, intent, ReviewMessage::Assign { task, step });
    }

    async fn done(&mut self, task: Name, step: usize, confirmed: Confirmation) {
        if self.dispatcher.states().is_open(task, step) {
            self.dispatcher.completed(task, step, Some(confirmed)).await;
            self.pass_turn_on(task, step);
        }
    }

    fn failed(&mut self, task: Name, step: usize) {
        if self.dispatcher.has_failed_too_often(task, step) && self.given_up.insert(task) {
            self.dispatcher.bring_up(task, DispatchAction::End);
        }
    }

    /// Has the reviewer bring to an end what is under way of a task that is given up.
    fn withdraw(&mut self, task: Name) {
        if self.dispatcher.states().has_open(task) && self.dispatcher.is_due(task, DispatchAction::End) {
            self.dispatcher.sent(task, DispatchAction::End);
            let reviewer = Name::literal(REVIEWER);
            self.agent.declare_wait(reviewer, "the end of its changes", task);
            self.agent.send(reviewer, task, ReviewMessage::Withdraw { task });
        }
    }

    /// Nothing of a task that is given up is under way any more.
    async fn withdrawn(&mut self, task: Name, merged: Vec<MergedStep>) {
        if !self.given_up.contains(&task) || !self.dispatcher.states().has_open(task) {
            return;
        }
        self.dispatcher.answered(task, DispatchAction::End);
        for MergedStep { step, confirmed } in merged {
            self.done(task, step, confirmed).await;
        }
        let is_complete = self.dispatcher.states().is_complete(task);
        self.dispatcher.tracker().close(task, is_complete).await;
        for step in 0..self.team.plan.steps.len() {
            self.agent.withdraw_wait(self.team.plan.intent(task, step));
            self.pass_turn_on(task, step);
        }
    }

    /// A step is over: the next one that edits its file can begin.
    fn pass_turn_on(&mut self, task: Name, step: usize) {
        if let Some(file) = self.owned_file(task, step)
            && let Some((task, step)) = self.turns.ended(&file, &(task, step)).copied()
        {
            self.dispatcher.bring_up(task, DispatchAction::Step(step));
        }
    }
}
