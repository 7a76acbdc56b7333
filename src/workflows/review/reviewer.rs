//! The reviewer: takes in changes while it reviews one after the other, and merges what it approves.

mod withdrawal;

use super::{ReviewMessage, StepKey, SubmittedChange, file_of};
use crate::agent::{
    Agent, Confirmation, Definite, Delivery, Indefinite, Message, OpId, Operation, ToolError, Version,
};
use crate::protocols::Question;
use crate::safeguards::bounded_queue::RequestQueue;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::checkpoint;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::merge_queue::{MergeQueue, PresentVersions};
use crate::safeguards::persist::PersistBeforeCall;
use crate::tools::FileReply;
use crate::workflows::TeamContext;
use crate::workflows::on_call::ON_CALL;
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;
use withdrawal::Withdrawals;

/// How long the reviewer waits before it begins anew with a call whose outcome is unclear after all tries.
const PAUSE: SimSpan = SimSpan::from_secs(10);

/// Tokens that its model reads to review a change.
const TOKENS: u32 = 600;

/// What its model says of a change.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Review {
    is_approved: bool,
}

/// A record: a change that is approved, and is about to be merged.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Merging {
    change: SubmittedChange,
}

impl Message for Merging {
    fn kind(&self) -> &'static str {
        "merging"
    }
}

/// A record: how a step has ended, with what its tool has confirmed if it is merged.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Settled {
    task: Name,
    step: usize,
    confirmed: Option<Confirmation>,
}

impl Message for Settled {
    fn kind(&self) -> &'static str {
        "settled"
    }
}

/// A change, and the message that is to be answered.
struct Submission {
    mail: Delivery,
    change: SubmittedChange,
}

pub(super) struct Reviewer {
    work: Rc<Work>,
    /// What it was merging when it crashed.
    unfinished: Vec<SubmittedChange>,
}

/// What its tasks share.
struct Work {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    queue: RefCell<RequestQueue<StepKey, Submission>>,
    came: Notify,
    settled: RefCell<BTreeMap<StepKey, Option<Confirmation>>>,
    present: RefCell<PresentVersions>,
    /// The change of each step that went back to its worker last, to be made again.
    returned: RefCell<BTreeMap<StepKey, (OpId, Option<Version>)>>,
    /// How often the tool has refused the changes of a step.
    refusals: RefCell<BTreeMap<StepKey, u32>>,
    withdrawals: Withdrawals,
}

impl Reviewer {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let (mut merging, mut settled) = (BTreeMap::new(), BTreeMap::new());
        checkpoint::recover(&agent, |Merging { change }| {
            merging.insert(change.key(), change.clone());
        });
        checkpoint::recover(&agent, |Settled { task, step, confirmed }| {
            settled.insert((*task, *step), confirmed.clone());
        });
        merging.retain(|key, _| !settled.contains_key(key));
        let withdrawals = Withdrawals::recover(&agent, merging.keys().copied());
        let work = Work {
            answers: ModelAnswers::recover(&agent),
            queue: RefCell::new(RequestQueue::of(team.safeguards())),
            agent,
            team,
            came: Notify::new(),
            settled: RefCell::default(),
            present: RefCell::default(),
            returned: RefCell::default(),
            refusals: RefCell::default(),
            withdrawals,
        };
        for ((task, step), confirmed) in settled {
            work.remember(task, step, confirmed);
        }
        Self { work: Rc::new(work), unfinished: merging.into_values().collect() }
    }

    pub async fn run(self) {
        let (work, unfinished) = (Rc::clone(&self.work), self.unfinished);
        self.work.agent.spawn(async move {
            for change in unfinished {
                work.merge(&change, true).await;
            }
            loop {
                while let Some(change) = work.next() {
                    Rc::clone(&work).serve(change).await;
                }
                work.came.notified().await;
            }
        });
        loop {
            let mail = self.work.agent.receive().await;
            match mail.open().cloned() {
                Some(ReviewMessage::RequestReview(change)) if self.work.team.plan.has_step(change.step) => {
                    self.work.take_in(&mail, change);
                }
                Some(ReviewMessage::Withdraw { task }) => self.work.withdraw(mail, task),
                _ => {}
            }
        }
    }
}

impl Work {
    /// Answers what is decided, and takes in what is not, if there is room.
    fn take_in(&self, mail: &Delivery, change: SubmittedChange) {
        let (task, step) = change.key();
        if let Some(outcome) = self.outcome(task, step) {
            return self.agent.reply(mail, outcome);
        }
        if self.queue.borrow_mut().offer((task, step), Submission { mail: mail.clone(), change }) {
            self.came.notify_one();
        } else {
            self.agent.reply(mail, ReviewMessage::Busy { task, step });
        }
    }

    /// The next change to review.
    fn next(&self) -> Option<SubmittedChange> {
        self.queue.borrow_mut().take().map(|(_, submission)| submission.change.clone())
    }

    /// Answers a change, as it was submitted last.
    fn answer(&self, change: &SubmittedChange, answer: ReviewMessage) {
        if let Some(submission) = self.queue.borrow_mut().finish(change.key()) {
            self.agent.reply(&submission.mail, answer);
        }
    }

    /// How a step has ended, if it has. Of a task that is withdrawn, no step begins any more.
    fn outcome(&self, task: Name, step: usize) -> Option<ReviewMessage> {
        let settled = self.settled.borrow().get(&(task, step)).cloned();
        match settled {
            Some(Some(confirmed)) => Some(ReviewMessage::Merged { task, step, confirmed }),
            Some(None) => Some(ReviewMessage::NotMerged { task, step }),
            None => {
                self.withdrawals.excludes((task, step)).then_some(ReviewMessage::NotMerged { task, step })
            }
        }
    }

    fn remember(&self, task: Name, step: usize, confirmed: Option<Confirmation>) {
        let of_step = self.team.plan.operation_of(task, step);
        if let (Some(file), Some(confirmed)) = (file_of(&of_step), &confirmed)
            && let Ok(FileReply::File(merged)) = confirmed.result.read()
        {
            self.present.borrow_mut().merged(&file, Version(merged.version));
        }
        self.settled.borrow_mut().insert((task, step), confirmed);
    }

    /// Reviews a change, and merges it if it is approved. Without `merge-queue`, the next review begins while
    /// it is written.
    async fn serve(self: Rc<Self>, change: SubmittedChange) {
        let (task, step) = change.key();
        if let Some(outcome) = self.outcome(task, step) {
            return self.answer(&change, outcome);
        }
        if self.is_outdated(&change) {
            let outdated = self.give_back(&change);
            return self.answer(&change, outdated);
        }
        if !self.approves(&change).await {
            return self.answer(&change, ReviewMessage::Rejected { task, step });
        }
        let work = Rc::clone(&self);
        let merge = async move {
            let outcome = work.merge(&change, false).await;
            work.answer(&change, outcome);
        };
        if self.team.safeguards().has::<MergeQueue>() {
            merge.await;
        } else {
            self.agent.spawn(merge);
        }
    }

    /// Whether a change has to be made again, as far as the reviewer knows: its worker was told so already,
    /// or its file has a newer version. If it was made again on the same version, what the reviewer knows of
    /// versions is wrong, and the tool has to say.
    fn is_outdated(&self, change: &SubmittedChange) -> bool {
        if !self.team.safeguards().has::<MergeQueue>() {
            return false;
        }
        let returned = self.returned.borrow().get(&change.key()).copied();
        if let Some((op, base)) = returned
            && (op == change.op || base == change.base)
        {
            return op == change.op;
        }
        let file = file_of(&self.team.plan.operation_of(change.task, change.step));
        let known = file.zip(change.base);
        known.is_some_and(|(file, base)| self.present.borrow().is_outdated(&file, base))
    }

    /// Gives a change back to its worker, to be made again.
    fn give_back(&self, change: &SubmittedChange) -> ReviewMessage {
        self.returned.borrow_mut().insert(change.key(), (change.op, change.base));
        ReviewMessage::Outdated { task: change.task, step: change.step }
    }

    async fn approves(&self, change: &SubmittedChange) -> bool {
        let intent = self.team.plan.intent(change.task, change.step);
        let ask = async || {
            let question = Question::new("Review this change.", intent).knowing(change.arguments.clone());
            let approve = |_| Review { is_approved: true };
            self.agent.complete_valid(intent, &question.prompt(TOKENS), 1, approve, |_| true).await.value
        };
        let number = change.op.0;
        let Review { is_approved } =
            self.answers.complete(&self.agent, self.team.safeguards(), (intent, number), ask).await;
        is_approved
    }

    /// Merges a change, unless its task was withdrawn while it was reviewed.
    async fn merge(&self, change: &SubmittedChange, tried_before: bool) -> ReviewMessage {
        if let Some(outcome) = self.outcome(change.task, change.step) {
            return outcome;
        }
        self.withdrawals.begins(change.key());
        let outcome = self.write(change, tried_before).await;
        self.withdrawals.ends(change.key());
        outcome
    }

    /// Writes a change. With `merge-queue` its version is a precondition. A tool that refuses it for that
    /// reason does not say whether it was another change that came first, or an earlier try of this one.
    async fn write(&self, change: &SubmittedChange, tried_before: bool) -> ReviewMessage {
        let safeguards = self.team.safeguards();
        let operation = self.operation(change);
        self.agent.before("merge", operation.intent).await;
        if safeguards.has::<PersistBeforeCall>() && !tried_before {
            self.agent.persist(Merging { change: change.clone() }).await;
        }
        let agent = self.agent.under(MergeQueue::headers(safeguards, change.base));
        let policy = CallPolicy::of(safeguards);
        let (mut unclear, mut failures) = (tried_before, 0);
        loop {
            let called = call_with_retry(&agent, &policy, &operation, change.op, unclear).await;
            let error = match called {
                Ok(confirmed) => return self.settle(change, Some(confirmed)).await,
                Err(error) => error,
            };
            match refusal(error) {
                Some(Definite::Refused | Definite::Declined) => {
                    if !self.has_refused_too_often(change) {
                        if let ToolError::Indefinite(_) = error {
                            self.withdrawals.is_in_doubt(change, error);
                        }
                        return self.give_back(change);
                    }
                    return self.give_up(change, error).await;
                }
                Some(refused) if !refused.can_pass() => {
                    return self.give_up(change, error).await;
                }
                Some(_) | None => {}
            }
            failures += 1;
            if GiveUpAfter::is_reached(safeguards, failures) {
                return self.give_up(change, error).await;
            }
            unclear = true;
            self.agent.sleep(PAUSE).await;
        }
    }

    /// The call that writes a change.
    fn operation(&self, change: &SubmittedChange) -> Operation {
        self.team.plan.operation_of(change.task, change.step).with(change.arguments.clone())
    }

    fn has_refused_too_often(&self, change: &SubmittedChange) -> bool {
        let mut refusals = self.refusals.borrow_mut();
        let count = refusals.entry(change.key()).or_default();
        *count += 1;
        GiveUpAfter::is_reached(self.team.safeguards(), *count)
    }

    /// Leaves a change to the person on call.
    async fn give_up(&self, change: &SubmittedChange, error: ToolError) -> ReviewMessage {
        if self.team.safeguards().has::<DeadLetter>() {
            escalate(&self.agent, Name::literal(ON_CALL), &self.operation(change), change.op, error).await;
        }
        self.settle(change, None).await
    }

    /// Records how a step has ended, and says it.
    async fn settle(&self, change: &SubmittedChange, confirmed: Option<Confirmation>) -> ReviewMessage {
        let (task, step) = change.key();
        let record = Settled { task, step, confirmed: confirmed.clone() };
        let intent = self.team.plan.intent(task, step);
        checkpoint::save(&self.agent, self.team.safeguards(), intent, record).await;
        self.remember(task, step, confirmed.clone());
        match confirmed {
            Some(confirmed) => ReviewMessage::Merged { task, step, confirmed },
            None => ReviewMessage::NotMerged { task, step },
        }
    }
}

/// Why the tool has refused the last try, if it has.
fn refusal(error: ToolError) -> Option<Definite> {
    match error {
        ToolError::Definite(refused) | ToolError::Indefinite(Indefinite::Refused(refused)) => Some(refused),
        ToolError::Indefinite(_) => None,
    }
}
