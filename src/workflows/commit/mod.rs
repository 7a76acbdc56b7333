//! Commit: a coordinator has each task's steps promised by participants, and then has all of them done, or
//! none (two-phase commit; Gray 1978, "Notes on Data Base Operating Systems").
//!
//! ```text
//!   user --submit--> coordinator --prepare--> participant
//!                     ^   ^ |   ^----vote----'   |  ^
//!                     |   | '---commit/abort---->|  |
//!   user <---report---'   '------finished--------'  '--inquiry--> participant, coordinator
//!                                                   '--call--> tool
//! ```
//!
//! Each participant has a branch of the task: every nth step of it. Asked to prepare, it has its model check
//! whether the branch can be done, and votes. A vote to commit is a promise: the participant is in doubt from
//! then on, and acts only on the decision. The coordinator decides to commit if all have voted so, and to
//! abort as soon as one votes against it or a vote does not come in time. Nothing is called before the
//! decision, so there is nothing to undo; steps have no order among them, and a scenario says of none what it
//! needs.
//!
//! A participant in doubt asks for the decision. Where the coordinator has no record of the transaction, the
//! answer is to abort. Where the coordinator is gone and no participant knows the decision, all of them are
//! blocked: that is what this protocol costs.

mod coordinator;
mod participant;

use crate::agent::{Headers, Message, Purpose};
use crate::safeguards::durable_decision::CommitDecision;
use crate::safeguards::durable_vote::BranchSteps;
use crate::workflows::{MOST_AGENTS, Role, Workflow};
use coordinator::Coordinator;
use participant::Participant;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("commit")
        .about("a coordinator has participants promise their steps, and commits all or none (2PC)")
        .agent(COORDINATOR, |agent, team| Coordinator::recover(agent, team).run())
        .agents(Role::new("participants", "participant", 1..=MOST_AGENTS, 3), |agent, team| {
            Participant::recover(agent, team).run()
        })
        .person_on_call()
        .steps_at_once()
        .safeguards(&[
            "call-timeout",
            "cooperative-termination",
            "dead-letter",
            "durable-decision",
            "durable-vote",
            "event-log",
            "idempotency-keys",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            "atomic-agreement",
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

const COORDINATOR: &str = "coordinator";

/// The messages of two-phase commit.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum CommitMessage {
    /// Promise these steps.
    Prepare { task: Name, steps: BranchSteps },
    /// The steps are promised, or nothing is.
    Vote { task: Name, is_yes: bool },
    /// Do what was promised, or drop it.
    Decided { task: Name, decision: CommitDecision },
    /// The participant has acted on the decision, and has kept its promise if it had given one.
    Finished { task: Name, is_kept: bool },
    /// What was decided?
    Inquiry { task: Name },
}

impl Message for CommitMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Prepare { .. } => "prepare",
            Self::Vote { .. } => "vote",
            Self::Decided { decision: CommitDecision::Commit, .. } => "commit",
            Self::Decided { decision: CommitDecision::Abort, .. } => "abort",
            Self::Finished { .. } => "finished",
            Self::Inquiry { .. } => "inquiry",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self {
            // Its sender waits for the decision, from whomever it comes, and not for this answer.
            Self::Inquiry { .. } => return Headers::NONE,
            Self::Prepare { .. } => Purpose::Prepare,
            Self::Vote { .. } => Purpose::Answer,
            Self::Decided { decision: CommitDecision::Commit, .. } => Purpose::Commit,
            Self::Decided { decision: CommitDecision::Abort, .. } => Purpose::Cancel,
            Self::Finished { .. } => Purpose::Done,
        })
    }
}
