//! Reports: what a team tells its user about a task.
//!
//! The user's node records every report that reaches it, as it came and from which agent. Properties judge a
//! team by these reports, never by what an agent claims to have reported.

use crate::agent::Content;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// How a task ended, according to a report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// All effects of the task have happened, and its questions are answered.
    Done,
    /// The team has given the task up.
    Failed,
    /// The task was cancelled: no effect of it will happen or remain.
    Cancelled,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// The part of an answer for one intent of its task: a question, or an effect.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AnswerPart {
    /// The intent.
    pub intent: Name,
    /// The content that the answer is based on, for an effect what its tool has confirmed
    /// ([`Confirmation`](crate::agent::Confirmation)); `None` if this part is missing.
    pub content: Option<Content>,
}

/// What a team tells its user about a task.
///
/// ```
/// use perfidy::agent::{Outcome, Report};
/// use perfidy_sim::Name;
///
/// let report = Report::of(Name::new("task-1"), Outcome::Done);
/// assert_eq!(report.to_string(), "task-1 is done");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The task.
    pub task: Name,
    /// How it ended.
    pub outcome: Outcome,
    /// The parts of the answer: those for questions, and those for effects as far as the team passes on what
    /// their tools have confirmed.
    pub answer: Arc<[AnswerPart]>,
}

impl Report {
    /// A report without an answer.
    pub fn of(task: Name, outcome: Outcome) -> Self {
        Self { task, outcome, answer: Arc::default() }
    }

    /// Done or failed, without an answer.
    pub fn done_or_failed(task: Name, is_done: bool) -> Self {
        Self::of(task, if is_done { Outcome::Done } else { Outcome::Failed })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.task, self.outcome)?;
        for AnswerPart { intent, content } in &*self.answer {
            match content {
                Some(content) => write!(f, "; {intent}: {content}")?,
                None => write!(f, "; {intent} is missing")?,
            }
        }
        Ok(())
    }
}
