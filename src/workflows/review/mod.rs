//! Review: workers change shared files, and one reviewer looks at each change and merges it.
//!
//! ```text
//!   user --submit--> lead --assign--> worker --read--> files
//!    |                ^                 |  ^
//!    '<---report------'----done---------'  |--request review--> reviewer --edit--> files
//!                                          '<--merged/outdated--'  ^
//!                     lead --withdraw------------------------------'
//! ```
//!
//! Every step of a task is an edit: one line that is to be in a file. A worker reads the file, has its model
//! make the change on the text that it has read, and submits the whole text, with the version that it was
//! made of. The reviewer has its model look at one change at a time, and writes what it approves. So there is
//! one place through which all work has to go, and it is slow; and between the read of a file and the write
//! of its change other changes of the same file come in.
//!
//! A change that the reviewer does not merge goes back to its worker, which reads the file again and makes
//! the change again. A worker keeps what it has submitted until it is answered, and takes up other work
//! meanwhile. If a step has failed for good, the lead withdraws the task from the reviewer, and reports that
//! it has failed when none of its changes is under way any more. A step that asks for something else than an
//! edit is reviewed as it is, and called. Edits have no order among them: a scenario says of none what it
//! needs.

mod lead;
mod reviewer;
mod worker;

use crate::agent::{Confirmation, Content, Headers, Message, OpId, Operation, Purpose, Version};
use crate::tools::FileEdit;
use crate::workflows::{MOST_AGENTS, Role, Workflow};
use lead::Lead;
use perfidy_sim::Name;
use reviewer::Reviewer;
use serde::{Deserialize, Serialize};
use worker::Worker;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("review")
        .about("workers change shared files, and one reviewer looks at each change and merges it")
        .agent(LEAD, |agent, team| Lead::recover(agent, team).run())
        .agent(REVIEWER, |agent, team| Reviewer::recover(agent, team).run())
        .agents(Role::new("workers", "worker", 1..=MOST_AGENTS, 3), |agent, team| {
            Worker::recover(agent, team).run()
        })
        .person_on_call()
        .steps_at_once()
        .safeguards(&[
            "bounded-queue",
            "call-timeout",
            "checkpoint",
            "dead-letter",
            "event-log",
            "fan-out-cap",
            "file-ownership",
            "give-up-after",
            "idempotency-keys",
            "merge-queue",
            "persist-before-call",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            "effects-as-wanted",
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-lost-update",
            "no-phantom-completion",
        ])
}

const LEAD: &str = "lead";
const REVIEWER: &str = "reviewer";

/// A step of a task.
type StepKey = (Name, usize);

/// What a worker has made of a step, for the reviewer.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct SubmittedChange {
    task: Name,
    step: usize,
    /// The version of the file on which it was made; none of what is no edit.
    base: Option<Version>,
    /// With which arguments the tool is to be called.
    arguments: Content,
    /// The operation id of the call. A change that is made again has another, since a tool stays by its
    /// refusal of an id.
    op: OpId,
}

impl SubmittedChange {
    fn key(&self) -> StepKey {
        (self.task, self.step)
    }
}

/// The file that an operation edits, by its tool and path; `None` if it edits none.
fn file_of(operation: &Operation) -> Option<String> {
    FileEdit::of(operation).map(|edit| format!("{}/{}", operation.tool, edit.path))
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum ReviewMessage {
    /// Make this change, and see that it is merged.
    Assign { task: Name, step: usize },
    /// It is merged.
    Done { task: Name, step: usize, confirmed: Confirmation },
    /// It could not be made or merged.
    Failed { task: Name, step: usize },
    /// Look at this change, and merge it.
    RequestReview(SubmittedChange),
    /// It is in the file.
    Merged { task: Name, step: usize, confirmed: Confirmation },
    /// The file has changed since: make it again.
    Outdated { task: Name, step: usize },
    /// The reviewer is not content with it: make it again.
    Rejected { task: Name, step: usize },
    /// There is too much to review: keep it, and come again later.
    Busy { task: Name, step: usize },
    /// The tool does not take it, or its task is withdrawn.
    NotMerged { task: Name, step: usize },
    /// The task is given up: begin with none of its changes, and bring those to an end that are under way.
    Withdraw { task: Name },
    /// None of its changes is under way any more, and these are merged.
    Withdrawn { task: Name, merged: Vec<MergedStep> },
}

/// A step whose change is in the file.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct MergedStep {
    step: usize,
    confirmed: Confirmation,
}

impl Message for ReviewMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Assign { .. } => "assign",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::RequestReview(_) => "request review",
            Self::Merged { .. } => "merged",
            Self::Outdated { .. } => "outdated",
            Self::Rejected { .. } => "changes requested",
            Self::Busy { .. } => "busy",
            Self::NotMerged { .. } => "not merged",
            Self::Withdraw { .. } => "withdraw",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self {
            Self::Assign { .. } => Purpose::Order,
            Self::Done { .. } => Purpose::Done,
            Self::Failed { .. } | Self::NotMerged { .. } => Purpose::Failed,
            Self::RequestReview(_) | Self::Withdraw { .. } => Purpose::Ask,
            Self::Merged { .. } | Self::Withdrawn { .. } => Purpose::Answer,
            Self::Outdated { .. } | Self::Rejected { .. } => Purpose::Rejection,
            Self::Busy { .. } => Purpose::Refused,
        })
    }
}
