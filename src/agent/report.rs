//! Reports: what a team tells its user about a task.
//!
//! The user's node writes every report that reaches it into the history, as it came and from which agent.
//! Properties judge a team by what its user was told, and never by what an agent says that it has told.

use crate::agent::Content;
use perfidy_sim::Name;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// How a task ended, according to a report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Outcome {
    /// Everything that the task wanted has happened, or is in the answer.
    Done,
    /// The team has given the task up.
    Failed,
    /// The task was cancelled: nothing of it is going to happen, or to stay.
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

/// What an answer says about one of the things that its task wanted to know.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct AnswerPart {
    /// The intent of the question.
    pub intent: Name,
    /// What the answer rests on; `None` if it says that this part is missing.
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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Report {
    /// The task.
    pub task: Name,
    /// How it ended.
    pub outcome: Outcome,
    /// The parts of the answer, if the task wanted to know something.
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
