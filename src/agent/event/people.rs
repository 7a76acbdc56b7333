//! Events of the user and of the person on call.

use crate::agent::{CallOutcome, Consistency, Content, OpId, Operation, Report};
use perfidy_sim::{Name, SimTime};
use std::fmt;

/// An event of the user's node.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UserEvent {
    /// The user sets a bound of a property: nanoseconds for a span, otherwise a number.
    #[non_exhaustive]
    Bound { property: Name, at_most: u64 },
    /// The user wants a task done.
    #[non_exhaustive]
    TaskGiven { task: Name },
    /// The user withdraws a task.
    #[non_exhaustive]
    Withdrawn { task: Name },
    /// The user got a report on a task from that agent.
    #[non_exhaustive]
    Informed { by: Name, report: Report },
    /// What the task wants to have happened, exactly once: which operation of which tool, and with which
    /// arguments, if it matters.
    #[non_exhaustive]
    Wanted { task: Name, intent: Name, tool: Name, operation: Name, arguments: Content },
    /// The user says what the team's readers of the store rely on.
    #[non_exhaustive]
    Declared { reads: Consistency },
    /// The operation that undoes the effect of an intent, if its task fails.
    #[non_exhaustive]
    UndoneBy { intent: Name, tool: Name, operation: Name },
    /// A question of the task.
    #[non_exhaustive]
    Question { task: Name, intent: Name },
    /// What the run of a job that `trigger` begins wants to have happened.
    #[non_exhaustive]
    Triggered { trigger: Name, job: Name, intent: Name },
}

impl fmt::Display for UserEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound { property, at_most } => write!(f, "asks for {property}, at most {at_most}"),
            Self::TaskGiven { task } => write!(f, "wants {task} done"),
            Self::Withdrawn { task } => write!(f, "wants {task} no more"),
            Self::Informed { by, report } => write!(f, "is told by {by}: {report}"),
            Self::Wanted { intent, tool, operation, arguments, .. } => {
                write!(f, "wants {intent}, once, by {tool}.{operation}")?;
                if arguments.is_nothing() { Ok(()) } else { write!(f, ": {arguments}") }
            }
            Self::Declared { reads } => write!(f, "relies on {reads} reads"),
            Self::UndoneBy { intent, tool, operation } => {
                write!(f, "would have {intent} undone by {tool}.{operation}")
            }
            Self::Question { intent, .. } => write!(f, "wants to know {intent}"),
            Self::Triggered { trigger, job, intent } => {
                write!(f, "wants {intent} in the run of {job} that {trigger} begins")
            }
        }
    }
}

impl UserEvent {
    /// The task or intent of the event, if any.
    pub fn about(&self) -> Option<Name> {
        match *self {
            Self::TaskGiven { task } | Self::Withdrawn { task } => Some(task),
            Self::Informed { ref report, .. } => Some(report.task),
            Self::Wanted { intent, .. }
            | Self::UndoneBy { intent, .. }
            | Self::Question { intent, .. }
            | Self::Triggered { intent, .. } => Some(intent),
            Self::Bound { .. } | Self::Declared { .. } => None,
        }
    }
}

/// An event of a person: on call, or asked for approvals.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PersonEvent {
    /// There is a person to whom the team can escalate failed calls.
    #[non_exhaustive]
    IsOnCall,
    /// A person must approve this operation before it is called.
    #[non_exhaustive]
    MustApprove { tool: Name, operation: Name },
    /// A person has decided on the call of this operation under this operation id.
    #[non_exhaustive]
    Decided { operation: Operation, op: OpId, is_approved: bool, expires_at: SimTime },
    /// The person on call has recorded a failed call that `by` escalated.
    #[non_exhaustive]
    DeadLetterRecorded {
        tool: Name,
        operation: Name,
        intent: Name,
        op: OpId,
        told: CallOutcome,
        at: SimTime,
        by: Name,
    },
}

impl fmt::Display for PersonEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsOnCall => f.write_str("is on call"),
            Self::MustApprove { tool, operation } => write!(f, "must approve {tool}.{operation}"),
            Self::Decided { operation, op, is_approved: true, expires_at } => {
                write!(f, "APPROVES {operation} ({op}), until {expires_at}")
            }
            Self::Decided { operation, op, is_approved: false, .. } => write!(f, "VETOES {operation} ({op})"),
            Self::DeadLetterRecorded { tool, operation, intent, op, told, at, by } => {
                write!(f, "learns that {by} gave up {tool}.{operation} for {intent} ({op}) at {at}: {told}")
            }
        }
    }
}

impl PersonEvent {
    /// The intent of the event, if any.
    pub fn about(&self) -> Option<Name> {
        match *self {
            Self::IsOnCall | Self::MustApprove { .. } => None,
            Self::DeadLetterRecorded { intent, .. } => Some(intent),
            Self::Decided { ref operation, .. } => Some(operation.intent),
        }
    }
}
