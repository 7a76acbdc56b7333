//! Evaluator-optimizer: a generator makes a draft, an evaluator judges it, and the generator makes another
//! one until a draft is accepted. What is accepted is carried out.
//!
//! ```text
//!   user --submit--> generator --review--> evaluator
//!    ^                |  ^---accepted/rejected--'
//!    '-----report-----'--call--> tool
//! ```
//!
//! A draft is the call of a step, as the generator's model composes it. The evaluator's model says whether it
//! is what the step asks for. Both err: the generator writes something else, and the evaluator accepts it; or
//! the evaluator rejects what is right, again and again, and each round costs two calls of models.
//!
//! The generator works on all of its tasks at once, on the steps of each one after the other, and keeps what
//! its tracker has on record and what its model has answered. The evaluator keeps its verdicts. After a crash
//! the rounds are gone through again, and cost nothing if the answers are on record (`event-log`).

mod evaluator;
mod generator;

use crate::agent::{Content, Headers, Message, Purpose};
use crate::workflows::Workflow;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("evaluator-optimizer")
        .about("a generator makes drafts until an evaluator accepts one, which is carried out")
        .agent(GENERATOR, generator::generator)
        .agent(EVALUATOR, evaluator::evaluator)
        .safeguards(&[
            "budgets",
            "call-timeout",
            "check-arguments",
            "checkpoint",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "observe-before-retry",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "traced-calls",
        ])
        .properties(&[
            "effects-as-wanted",
            "effects-traceable",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

const GENERATOR: &str = "generator";
const EVALUATOR: &str = "evaluator";

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum EvaluatorMessage {
    /// Is this draft what the step asks for?
    Review { task: Name, step: usize, round: u32, draft: Content },
    /// Whether it is.
    Verdict { is_accepted: bool },
}

impl Message for EvaluatorMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Review { .. } => "review",
            Self::Verdict { is_accepted: true } => "accepted",
            Self::Verdict { is_accepted: false } => "rejected",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Review { task, round, .. } => {
                Headers { attempt: Some(*round), correlation: Some(*task), ..Headers::of(Purpose::Ask) }
            }
            Self::Verdict { .. } => Headers::of(Purpose::Answer),
        }
    }
}
