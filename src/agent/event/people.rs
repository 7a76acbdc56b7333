//! Events of the user and of the person on call.

use crate::agent::{CallOutcome, Consistency, Content, OpId, Operation, Report};
use perfidy_sim::{Name, SimTime};
use std::fmt;

/// An event of the user's node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UserEvent {
    /// The user sets a bound of a property: nanoseconds for a span, otherwise a number.
    #[non_exhaustive]
    Bound {
        /// The property.
        property: Name,
        /// The bound: nanoseconds or a number.
        at_most: u64,
    },
    /// The user wants a task done.
    #[non_exhaustive]
    TaskGiven {
        /// The task.
        task: Name,
    },
    /// The user withdraws a task.
    #[non_exhaustive]
    Withdrawn {
        /// The task.
        task: Name,
    },
    /// The user got a report on a task from that agent.
    #[non_exhaustive]
    Informed {
        /// The agent that reported.
        by: Name,
        /// The report.
        report: Report,
    },
    /// What the task wants to have happened, exactly once: which operation of which tool, and with which
    /// arguments, if it matters.
    #[non_exhaustive]
    Wanted {
        /// The task that wants it.
        task: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
        /// The arguments; nothing if any will do.
        arguments: Content,
    },
    /// The user says what the team's readers of the store rely on.
    #[non_exhaustive]
    Declared {
        /// The consistency of the reads.
        reads: Consistency,
    },
    /// The operation that undoes the effect of an intent, if its task fails.
    #[non_exhaustive]
    UndoneBy {
        /// The intent whose effect is undone.
        intent: Name,
        /// The tool that undoes it.
        tool: Name,
        /// The operation that undoes it.
        operation: Name,
    },
    /// A question of the task.
    #[non_exhaustive]
    Question {
        /// The task.
        task: Name,
        /// The question.
        intent: Name,
    },
    /// What the run of a job that `trigger` begins wants to have happened.
    #[non_exhaustive]
    Triggered {
        /// The trigger.
        trigger: Name,
        /// The job.
        job: Name,
        /// What the run must have happened.
        intent: Name,
    },
    /// What an effect of the task is to say: what a source says that is read for `source`.
    #[non_exhaustive]
    RecordOf {
        /// The task that wants it.
        task: Name,
        /// What the operation is for: the effect that the task wants.
        intent: Name,
        /// What the read is for.
        source: Name,
    },
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
            Self::RecordOf { intent, source, .. } => {
                write!(f, "wants {intent} to say what a source says for {source}")
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
            | Self::Triggered { intent, .. }
            | Self::RecordOf { intent, .. } => Some(intent),
            Self::Bound { .. } | Self::Declared { .. } => None,
        }
    }
}

/// An event of a person: on call, or asked for approvals.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PersonEvent {
    /// There is a person to whom the team can escalate failed calls.
    #[non_exhaustive]
    IsOnCall,
    /// A person must approve this operation before it is called.
    #[non_exhaustive]
    MustApprove {
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
    },
    /// A person has decided on the call of this operation under this operation id.
    #[non_exhaustive]
    Decided {
        /// The operation with its arguments.
        operation: Operation,
        /// The operation id.
        op: OpId,
        /// Whether it is approved.
        is_approved: bool,
        /// Until when the decision counts.
        expires_at: SimTime,
    },
    /// The person on call has recorded a failed call that `by` escalated.
    #[non_exhaustive]
    DeadLetterRecorded {
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
        /// What the operation is for: one effect that a task wants.
        intent: Name,
        /// The operation id.
        op: OpId,
        /// The outcome of the last try, as the agent knew it.
        told: CallOutcome,
        /// When the agent gave up.
        at: SimTime,
        /// The agent that gave up.
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
                write!(f, "records that {by} gave up {tool}.{operation} for {intent} ({op}) at {at}: {told}")
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
