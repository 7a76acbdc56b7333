//! A worker: makes changes, several at a time, and submits each until it is merged.

use super::{REVIEWER, ReviewMessage, StepKey, SubmittedChange};
use crate::agent::{
    Agent, Confirmation, Content, Definite, Indefinite, Message, Operation, Purpose, ToolError, Version,
};
use crate::protocols::{Question, SingleFlight};
use crate::safeguards::calls::ReadPolicy;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::fan_out_cap::FanOutCap;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::retry::with_retry;
use crate::tools::{FileCall, FileEdit, FileReply, Stored};
use crate::workflows::TeamContext;
use perfidy_sim::{Lookup, Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::sync::Semaphore;

/// How long a worker waits for a review before it submits the change again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// How long it keeps a change that was refused, before it asks again, and how much longer each further time.
const BUSY: SimSpan = SimSpan::from_secs(5);

/// The longest that it keeps one.
const BUSIEST: SimSpan = SimSpan::from_secs(30);

/// Tokens that its model reads beside the text of the file.
const TOKENS: u32 = 300;

/// A text has about so many characters for each token.
const CHARACTERS_OF_A_TOKEN: usize = 4;

/// A file as its worker's model makes it.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct ChangedFile {
    content: String,
}

pub(super) struct Worker {
    work: Rc<Work>,
    running: SingleFlight<StepKey>,
}

/// What its changes share.
struct Work {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    /// For the changes that it makes at a time. One that waits for its review needs none.
    permits: Semaphore,
    merged: RefCell<Lookup<StepKey, Confirmation>>,
}

impl Worker {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let answers = ModelAnswers::recover(&agent);
        let permits = Semaphore::new(FanOutCap::of(team.safeguards()));
        let merged = RefCell::default();
        Self {
            work: Rc::new(Work { agent, team, answers, permits, merged }),
            running: SingleFlight::default(),
        }
    }

    pub async fn run(self) {
        loop {
            let mail = self.work.agent.receive().await;
            let Some(ReviewMessage::Assign { task, step }) = mail.open::<ReviewMessage>().cloned() else {
                continue;
            };
            if !self.work.team.plan.has_step(step) {
                continue;
            }
            let (work, lead) = (Rc::clone(&self.work), mail.from());
            self.running.start(&self.work.agent, (task, step), async move {
                let answer = match work.get_merged(task, step).await {
                    Some(confirmed) => ReviewMessage::Done { task, step, confirmed },
                    None => ReviewMessage::Failed { task, step },
                };
                work.agent.send(lead, work.team.plan.intent(task, step), answer);
            });
        }
    }
}

impl Work {
    /// Makes a change until it is merged; `None` if that cannot be.
    async fn get_merged(&self, task: Name, step: usize) -> Option<Confirmation> {
        let known = self.merged.borrow().get((task, step)).cloned();
        if known.is_some() {
            return known;
        }
        let mut rejections = 0;
        loop {
            let change = {
                // The semaphore is never closed, so this is always a permit.
                let _permit = self.permits.acquire().await;
                self.make(task, step, rejections).await?
            };
            match self.submit(change).await {
                ReviewMessage::Merged { confirmed, .. } => {
                    self.merged.borrow_mut().insert((task, step), confirmed.clone());
                    return Some(confirmed);
                }
                ReviewMessage::Rejected { .. } => rejections += 1,
                ReviewMessage::Outdated { .. } => {}
                _ => return None,
            }
        }
    }

    /// Makes the change of a step on the file as it is now; `None` if the file cannot be read.
    async fn make(&self, task: Name, step: usize, rejections: u32) -> Option<SubmittedChange> {
        let wanted = self.team.plan.operation_of(task, step);
        let op = self.agent.new_operation_id(wanted.intent);
        let Some(edit) = FileEdit::of(&wanted) else {
            return Some(SubmittedChange { task, step, base: None, arguments: wanted.arguments, op });
        };
        let (base, text) = self.read(&wanted, &edit.path).await?;
        let number = base.0 ^ (u64::from(rejections) << 32);
        let ChangedFile { content } = self.change(&wanted, number, &edit, text).await;
        let arguments = Content::new(FileEdit { content: Some(content), ..edit });
        Some(SubmittedChange { task, step, base: Some(base), arguments, op })
    }

    /// The version of a file and what it says: nothing, if it is not there.
    async fn read(&self, wanted: &Operation, path: &str) -> Option<(Version, String)> {
        let policy = ReadPolicy::of(self.team.safeguards());
        let query = Operation::calling(wanted.tool, wanted.intent, &FileCall::Read { path: path.to_owned() });
        let read = with_retry(&self.agent, policy.retry.as_ref(), wanted.intent, async || {
            match self.agent.read(query.clone(), policy.timeout).await?.read() {
                Ok(FileReply::File(file)) => Ok(file),
                Ok(FileReply::Paths { .. }) | Err(_) => Err(ToolError::Indefinite(Indefinite::Malformed)),
            }
        });
        match read.await {
            Ok(Stored { version, content }) => Some((Version(version), content.unwrap_or_default())),
            Err(ToolError::Definite(Definite::Refused)) => Some((Version::default(), String::new())),
            Err(_) => None,
        }
    }

    /// Has the model make an edit on a text; what it leaves out or forgets is asked for again.
    async fn change(&self, wanted: &Operation, number: u64, edit: &FileEdit, text: String) -> ChangedFile {
        let tokens = TOKENS + u32::try_from(text.len() / CHARACTERS_OF_A_TOKEN).unwrap_or(u32::MAX - TOKENS);
        let honest = edit.added_to(&text);
        let keeps_all = |changed: &ChangedFile| has_lines_of(&changed.content, &honest);
        let ask = async || {
            let write = |_| ChangedFile { content: honest.clone() };
            let known = Content::new(FileEdit { content: Some(text), ..edit.clone() });
            let question = Question::new("Make this change, and keep the rest of the file.", wanted.intent);
            let prompt = question.knowing(known).prompt(tokens);
            self.agent.complete_valid(wanted.intent, &prompt, 1, write, keeps_all).await.value
        };
        self.answers.complete(&self.agent, self.team.safeguards(), (wanted.intent, number), ask).await
    }

    /// Submits a change until the reviewer has decided on it.
    async fn submit(&self, change: SubmittedChange) -> ReviewMessage {
        let (agent, reviewer) = (&self.agent, Name::literal(REVIEWER));
        let intent = self.team.plan.intent(change.task, change.step);
        let patience = ResendOrders::of_or(self.team.safeguards(), RESEND);
        agent.declare_wait(reviewer, "a review", intent);
        let mut wait = BUSY;
        loop {
            let request = ReviewMessage::RequestReview(change.clone());
            let Ok(reply) = agent.request(reviewer, intent, request, patience).await else { continue };
            match reply.open::<ReviewMessage>().cloned() {
                Some(ReviewMessage::Busy { .. }) => {
                    agent.sleep(wait).await;
                    wait = BUSIEST.min(wait + BUSY);
                }
                Some(answer) if answer.headers().purpose.is_some_and(Purpose::is_final) => {
                    agent.withdraw_wait(intent);
                    return answer;
                }
                Some(_) | None => {}
            }
        }
    }
}

/// Whether a text has all lines of another one.
fn has_lines_of(text: &str, other: &str) -> bool {
    let there: BTreeSet<&str> = text.lines().collect();
    text == other || other.lines().all(|line| there.contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_leaves_a_line_out_is_not_whole() {
        assert!(has_lines_of("# Guide\nnew\nold", "# Guide\nold"));
        assert!(!has_lines_of("# Guide\nolder", "# Guide\nold"));
        assert!(!has_lines_of("", "# Guide"));
    }
}
