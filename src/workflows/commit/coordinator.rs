//! The coordinator: collects votes, decides, and tells the decision until every participant has acted on it.

use super::CommitMessage;
use crate::agent::{Agent, Delivery, OpId, Report};
use crate::protocols::Resend;
use crate::safeguards::durable_decision::{CommitDecision, Decisions};
use crate::safeguards::durable_vote::BranchSteps;
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::TeamContext;
use crate::workflows::user::{UserMessage, report};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the coordinator waits for an answer before it sends a message again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// How long it waits for votes before it decides to abort.
const VOTING: SimSpan = SimSpan::from_secs(60);

/// A vote that is under way.
struct Ballot {
    ops: Arc<[OpId]>,
    began: SimTime,
    /// The participants that have voted to commit.
    promised: BTreeSet<usize>,
}

pub(super) struct Coordinator {
    agent: Agent,
    team: TeamContext,
    ballots: Lookup<Name, Ballot>,
    decisions: Decisions,
    /// The participants that have acted on the decision, and whether each has kept its promise.
    finished: Lookup<Name, BTreeMap<usize, bool>>,
    /// The message that each participant is to answer next.
    requests: Resend<(Name, usize)>,
}

impl Coordinator {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let (decisions, resend) =
            (Decisions::recover(&agent), ResendOrders::of_or(team.safeguards(), RESEND));
        Self {
            agent,
            team,
            ballots: Lookup::default(),
            decisions,
            finished: Lookup::default(),
            requests: Resend::every(resend),
        }
    }

    pub async fn run(mut self) {
        for task in self.decisions.open() {
            self.bring_up(task);
        }
        loop {
            while let Some((task, participant)) = self.requests.next(self.agent.monotonic()) {
                self.drive(task, participant).await;
            }
            if let Ok(mail) = self.agent.receive_within(RESEND, "a message").await {
                self.hear(&mail).await;
            }
        }
    }

    /// How many participants have a branch of each task.
    fn branches(&self) -> usize {
        self.team.workers.len().min(self.team.plan.steps.len())
    }

    /// The branch of a participant: every nth step.
    fn branch_of(&self, participant: usize, ops: &[OpId]) -> BranchSteps {
        let steps = ops.iter().copied().enumerate();
        steps.skip(participant).step_by(self.team.workers.len()).collect()
    }

    /// Has a message for each participant that has a branch of the task.
    fn bring_up(&mut self, task: Name) {
        for participant in 0..self.branches() {
            self.requests.answered((task, participant));
            self.requests.add((task, participant));
        }
    }

    async fn hear(&mut self, mail: &Delivery) {
        if let Some((task, ops)) =
            mail.open().and_then(|message| UserMessage::task_in(message, &self.team.plan))
        {
            self.submitted(task, ops).await;
        }
        let Some(message) = mail.open::<CommitMessage>() else { return };
        let from = self.team.workers.iter().position(|worker| *worker == mail.from());
        let Some(participant) = from.filter(|place| *place < self.branches()) else { return };
        match *message {
            CommitMessage::Vote { task, is_yes } => self.voted(task, participant, is_yes).await,
            CommitMessage::Finished { task, is_kept } => self.has_finished(task, participant, is_kept).await,
            CommitMessage::Inquiry { task } => self.inquired(task, participant).await,
            CommitMessage::Prepare { .. } | CommitMessage::Decided { .. } => {}
        }
    }

    async fn submitted(&mut self, task: Name, ops: Arc<[OpId]>) {
        if self.decisions.has_ended(task) {
            self.report(task).await;
        } else if self.decisions.get(task).is_none() && !self.ballots.contains(task) {
            let began = self.agent.monotonic();
            self.ballots.insert(task, Ballot { ops, began, promised: BTreeSet::new() });
            self.bring_up(task);
        }
    }

    async fn voted(&mut self, task: Name, participant: usize, is_yes: bool) {
        let everyone = self.branches();
        let Some(ballot) = self.ballots.get_mut(task) else { return };
        self.requests.answered((task, participant));
        if is_yes {
            ballot.promised.insert(participant);
            if ballot.promised.len() == everyone {
                self.decide(task, CommitDecision::Commit).await;
            }
        } else {
            self.decide(task, CommitDecision::Abort).await;
        }
    }

    async fn decide(&mut self, task: Name, decision: CommitDecision) {
        self.decisions.decide(&self.agent, self.team.safeguards(), task, decision).await;
        self.ballots.remove(task);
        self.bring_up(task);
    }

    /// A participant is in doubt. A transaction that is neither decided nor voted on was forgotten in a
    /// crash.
    async fn inquired(&mut self, task: Name, participant: usize) {
        if self.decisions.get(task).is_none() && !self.ballots.contains(task) {
            self.decide(task, CommitDecision::Abort).await;
        } else if self.decisions.has_ended(task) {
            self.tell(task, participant);
        } else {
            // What is decided and not yet told comes up by itself.
            self.requests.add((task, participant));
        }
    }

    async fn has_finished(&mut self, task: Name, participant: usize, is_kept: bool) {
        if self.decisions.get(task).is_none() || self.decisions.has_ended(task) {
            return;
        }
        self.requests.answered((task, participant));
        self.agent.withdraw_wait(self.wait_for(task, participant));
        let everyone = self.branches();
        let finished = self.finished.get_or_insert_with(task, BTreeMap::new);
        finished.insert(participant, is_kept);
        if finished.len() == everyone {
            let is_whole = finished.values().all(|is_kept| *is_kept);
            self.decisions.end(&self.agent, self.team.safeguards(), task, is_whole).await;
            self.finished.remove(task);
            self.report(task).await;
        }
    }

    async fn report(&self, task: Name) {
        report(&self.agent, Report::done_or_failed(task, self.decisions.is_done(task))).await;
    }

    /// Sends a participant what it is to answer next about a task, if that is due.
    async fn drive(&mut self, task: Name, participant: usize) {
        if self.decisions.has_ended(task) {
            return;
        }
        let now = self.agent.monotonic();
        if self.decisions.get(task).is_some() {
            let has_finished =
                self.finished.get(task).is_some_and(|finished| finished.contains_key(&participant));
            if !has_finished && self.requests.send_if_due((task, participant), now) {
                self.agent.before("decide", task).await;
                self.tell(task, participant);
            }
            return;
        }
        let Some(ballot) = self.ballots.get(task) else { return };
        if now >= ballot.began + VOTING {
            return self.decide(task, CommitDecision::Abort).await;
        }
        if ballot.promised.contains(&participant) {
            // It comes up again, so that the vote ends in time.
            self.requests.sent((task, participant), now);
            return;
        }
        let steps = self.branch_of(participant, &ballot.ops);
        if self.requests.send_if_due((task, participant), now) {
            let worker = self.team.workers[participant];
            self.agent.declare_wait(worker, "its vote", self.wait_for(task, participant));
            self.agent.send(worker, task, CommitMessage::Prepare { task, steps });
        }
    }

    fn tell(&self, task: Name, participant: usize) {
        let Some(decision) = self.decisions.get(task) else { return };
        let worker = self.team.workers[participant];
        self.agent.declare_wait(worker, "what it does about the decision", self.wait_for(task, participant));
        self.agent.send(worker, task, CommitMessage::Decided { task, decision });
    }

    /// Under which name the coordinator waits for a participant's part in a task.
    fn wait_for(&self, task: Name, participant: usize) -> Name {
        Name::joined(task, "/", self.team.workers[participant])
    }
}
