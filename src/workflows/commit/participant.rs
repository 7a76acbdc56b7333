//! A participant: promises its branch of a task, waits for the decision, and acts on it.
//!
//! It does one thing at a time about each task. A message that comes meanwhile is dropped: its sender sends
//! it again.

use super::{COORDINATOR, CommitMessage};
use crate::agent::{Agent, Delivery, Indefinite, OpId, ToolError};
use crate::protocols::{Question, Resend, SingleFlight, compose_call};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::cooperative_termination::CooperativeTermination;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::durable_decision::CommitDecision;
use crate::safeguards::durable_vote::{Branch, BranchSteps, Branches, save};
use crate::safeguards::event_log::ModelAnswers;
use crate::workflows::TeamContext;
use crate::workflows::on_call::ON_CALL;
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;

/// How long a participant is in doubt before it asks, and before it asks again.
const IN_DOUBT: SimSpan = SimSpan::from_secs(20);

/// How long it waits before it begins anew with a call whose outcome is unclear after all tries.
const PAUSE: SimSpan = SimSpan::from_secs(10);

/// Tokens that its model reads to check a branch, and to compose the arguments of a call.
const TOKENS: u32 = 400;

/// How many different wordings its model can use for one call.
const WORDINGS: u32 = 3;

/// One in so many branches cannot be done, as its model finds.
const CHECKS: u32 = 8;

/// What its model finds.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Check {
    can_be_done: bool,
}

pub(super) struct Participant {
    work: Rc<Work>,
    running: SingleFlight<Name>,
    inquiries: Resend<Name>,
}

/// What its tasks share.
struct Work {
    agent: Agent,
    team: TeamContext,
    branches: RefCell<Branches>,
    answers: ModelAnswers,
}

impl Participant {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let branches = RefCell::new(Branches::recover(&agent));
        let answers = ModelAnswers::recover(&agent);
        Self {
            work: Rc::new(Work { agent, team, branches, answers }),
            running: SingleFlight::default(),
            inquiries: Resend::every(IN_DOUBT),
        }
    }

    pub async fn run(mut self) {
        for task in self.work.branches.borrow().unfinished() {
            self.inquiries.add(task);
        }
        loop {
            while let Some(task) = self.inquiries.next(self.work.agent.monotonic()) {
                self.go_on(task);
            }
            if let Ok(mail) = self.work.agent.receive_within(IN_DOUBT, "a message").await {
                self.hear(&mail);
            }
        }
    }

    /// Goes on with what is unfinished: asks for the decision, or does what was promised.
    fn go_on(&mut self, task: Name) {
        let branch = self.work.branches.borrow().get(task).cloned();
        match branch {
            Some(Branch::Prepared { .. }) => {
                if self.inquiries.send_if_due(task, self.work.agent.monotonic()) {
                    self.work.inquire(task);
                }
            }
            Some(Branch::Committing { .. }) => self.start(task, async move |work| {
                work.act_on(task, CommitDecision::Commit).await;
            }),
            Some(Branch::Committed { .. } | Branch::Aborted) | None => {}
        }
    }

    fn start(&self, task: Name, what: impl AsyncFnOnce(Rc<Work>) + 'static) {
        let work = Rc::clone(&self.work);
        self.running.start(&self.work.agent, task, async move { what(work).await });
    }

    fn hear(&mut self, mail: &Delivery) {
        match mail.open::<CommitMessage>().cloned() {
            Some(CommitMessage::Prepare { task, steps }) => {
                if steps.iter().all(|(step, _)| self.work.team.plan.has_step(*step)) {
                    self.inquiries.sent(task, self.work.agent.monotonic());
                    self.start(task, async move |work| work.vote(task, steps).await);
                }
            }
            Some(CommitMessage::Decided { task, decision }) => {
                self.start(task, async move |work| work.act_on(task, decision).await);
            }
            Some(CommitMessage::Inquiry { task }) => {
                let from = mail.from();
                self.start(task, async move |work| work.answer_inquiry(task, from).await);
            }
            Some(CommitMessage::Vote { .. } | CommitMessage::Finished { .. }) | None => {}
        }
    }
}

impl Work {
    /// Records how far the branch of a task is.
    async fn advance(&self, task: Name, branch: Branch) {
        save(&self.agent, self.team.safeguards(), task, &branch).await;
        self.branches.borrow_mut().set(task, branch);
    }

    fn branch(&self, task: Name) -> Option<Branch> {
        self.branches.borrow().get(task).cloned()
    }

    async fn vote(&self, task: Name, steps: BranchSteps) {
        let is_yes = if let Some(branch) = self.branch(task) {
            branch != Branch::Aborted
        } else {
            let can_be_done = self.check(task, &steps).await;
            let branch = if can_be_done { Branch::Prepared { steps } } else { Branch::Aborted };
            self.advance(task, branch).await;
            can_be_done
        };
        if is_yes {
            self.agent.declare_wait(Name::literal(COORDINATOR), "the decision", task);
        }
        self.agent.send(Name::literal(COORDINATOR), task, CommitMessage::Vote { task, is_yes });
    }

    /// Asks the model whether the branch can be done.
    async fn check(&self, task: Name, steps: &BranchSteps) -> bool {
        let Some((first, _)) = steps.first() else { return true };
        let intent = self.team.plan.intent(task, *first);
        let ask = async || {
            let prompt = Question::new("Check whether these steps can be done.", intent).prompt(TOKENS);
            let check = |nth: u32| Check { can_be_done: nth != 0 };
            self.agent.complete_valid(intent, &prompt, CHECKS, check, |_| true).await.value
        };
        let Check { can_be_done } =
            self.answers.complete(&self.agent, self.team.safeguards(), (intent, 1), ask).await;
        can_be_done
    }

    /// Does what was promised, or drops it, and says so. A participant that knows of no promise has nothing
    /// to do.
    async fn act_on(&self, task: Name, decision: CommitDecision) {
        self.agent.withdraw_wait(task);
        match (decision, self.branch(task)) {
            (CommitDecision::Commit, Some(Branch::Prepared { steps })) => {
                self.advance(task, Branch::Committing { steps: steps.clone() }).await;
                self.carry_out(task, &steps, false).await;
            }
            (CommitDecision::Commit, Some(Branch::Committing { steps })) => {
                self.carry_out(task, &steps, true).await;
            }
            (CommitDecision::Abort, None | Some(Branch::Prepared { .. })) => {
                self.advance(task, Branch::Aborted).await;
            }
            (CommitDecision::Commit, None | Some(Branch::Committed { .. } | Branch::Aborted))
            | (
                CommitDecision::Abort,
                Some(Branch::Committing { .. } | Branch::Committed { .. } | Branch::Aborted),
            ) => {}
        }
        let is_kept = self.branch(task) != Some(Branch::Committed { is_kept: false });
        self.agent.send(Name::literal(COORDINATOR), task, CommitMessage::Finished { task, is_kept });
    }

    /// Takes all steps, of which some may have been taken before a crash.
    async fn carry_out(&self, task: Name, steps: &BranchSteps, tried_before: bool) {
        let mut is_kept = true;
        for (step, op) in steps.iter() {
            is_kept &= self.take_step(task, *step, *op, tried_before).await;
        }
        self.advance(task, Branch::Committed { is_kept }).await;
    }

    /// Takes a step that was promised, however long that takes; false if its tool refuses it for good.
    async fn take_step(&self, task: Name, step: usize, op: OpId, mut tried_before: bool) -> bool {
        let (agent, safeguards) = (&self.agent, self.team.safeguards());
        let wanted = self.team.plan.operation_of(task, step);
        let compose = async || compose_call(agent, &wanted, (TOKENS, WORDINGS), |_| true).await;
        let call = self.answers.complete(agent, safeguards, (wanted.intent, 0), compose).await;
        let operation = wanted.clone().with(call.arguments);
        let policy = CallPolicy::of(safeguards);
        while let Err(error) = call_with_retry(agent, &policy, &operation, op, tried_before).await {
            if let ToolError::Definite(refused) | ToolError::Indefinite(Indefinite::Refused(refused)) = error
                && !refused.can_pass()
            {
                // The promise cannot be kept: a person has to know.
                if safeguards.has::<DeadLetter>() {
                    escalate(agent, Name::literal(ON_CALL), &operation, op, error).await;
                }
                return false;
            }
            tried_before = true;
            agent.sleep(PAUSE).await;
        }
        true
    }

    /// Asks for the decision on a task.
    fn inquire(&self, task: Name) {
        let mut asked = vec![Name::literal(COORDINATOR)];
        if self.team.safeguards().has::<CooperativeTermination>() {
            // The others have no branch, and so nothing to do with it.
            let branches = self.team.workers.iter().take(self.team.plan.steps.len());
            asked.extend(branches.filter(|worker| **worker != self.agent.name()));
        }
        for to in asked {
            self.agent.send(to, task, CommitMessage::Inquiry { task });
        }
    }

    /// Tells another participant the decision, as far as this one knows it. What it has not promised yet, it
    /// can abort on its own.
    async fn answer_inquiry(&self, task: Name, from: Name) {
        if self.branch(task).is_none() {
            self.advance(task, Branch::Aborted).await;
        }
        if let Some(decision) = self.branch(task).as_ref().and_then(Branch::decision) {
            self.agent.send(from, task, CommitMessage::Decided { task, decision });
        }
    }
}
