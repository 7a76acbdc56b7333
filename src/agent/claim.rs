//! Claims: what an agent says of itself or its work.
//!
//! A claim is evidence of what somebody believed, not of what is so; what is so stands in the ledger and in what
//! services wrote down. Each is one variant and one line of words.

use crate::agent::{ArtifactId, OpId, Token, Version};
use perfidy_sim::{Name, SimSpan};
use std::fmt;

/// What an agent says of itself or its work. A claim is evidence of what somebody believed, not of what is so.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Claim {
    /// A step was handed to somebody.
    Ordered { intent: Name, to: Name },
    /// A task is no longer to be done, and whatever was begun of it is to end.
    CallsOff { task: Name },
    /// A step counts as complete.
    Completed { intent: Name },
    /// A step that counted as complete turned out not to be.
    Reopened { intent: Name },
    /// The agent believes it leads.
    Leads { token: Token },
    /// It no longer believes so.
    StepsDown { token: Token },
    /// The agent carried out an order of that leader.
    Obeyed { leader: Name, token: Token, intent: Name },
    /// It refused one.
    Rejected { leader: Name, token: Token, intent: Name },
    /// The agent owns a piece of work from now on: for that long, or until it says otherwise.
    Took { work: Name, lasting: Option<SimSpan> },
    /// It owns it no more.
    LetGo { work: Name },
    /// The agent made a plan for a task, having seen the evidence at that version.
    Drafted { task: Name, plan: u64, evidence: Version },
    /// It acts on that plan.
    Follows { task: Name, plan: u64 },
    /// Work is asked for in a new version, to be acted on under this operation id; older ones no longer count.
    Issued { intent: Name, version: u32, op: OpId },
    /// The agent decided what to do, on the basis of what it takes to be this piece of work.
    Decided { intent: Name, on: ArtifactId },
    /// The agent has taken over a task from somebody.
    TookOver { task: Name, from: Name },
    /// It waits for a colleague's work before it goes on.
    Awaits { intent: Name, on: Name },
    /// It has waited long enough and goes on without.
    GoesWithout { intent: Name, on: Name },
    /// The undoing of a step was handed to somebody.
    Recalled { intent: Name, to: Name },
    /// A step counts as undone.
    Undone { intent: Name },
    /// Somebody is there to whom the team can turn with what it cannot bring to a good end.
    IsOnCall,
    /// An approval of a task by somebody counts.
    Approved { task: Name, by: Name },
    /// The agent came back with so many records, which together have this digest.
    Recovered { records: u32, digest: u64 },
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordered { intent, to } => write!(f, "hands {intent} to {to}"),
            Self::CallsOff { task } => write!(f, "calls {task} off"),
            Self::Completed { intent } => write!(f, "counts {intent} as complete"),
            Self::Reopened { intent } => write!(f, "opens {intent} again"),
            Self::Issued { intent, version, op } => {
                write!(f, "asks for {intent} in version {version} ({op})")
            }
            Self::Decided { intent, on } => write!(f, "decides on {intent}, going by {on}"),
            Self::TookOver { task, from } => write!(f, "takes {task} over from {from}"),
            Self::Awaits { intent, on } => write!(f, "waits for {on} before it goes on with {intent}"),
            Self::GoesWithout { intent, on } => write!(f, "goes on with {intent} without {on}"),
            Self::Approved { task, by } => write!(f, "takes {by}'s word that {task} is as it should be"),
            Self::Recovered { records, .. } => write!(f, "goes on from {records} records"),
            Self::Leads { token } => write!(f, "leads, with token {token}"),
            Self::StepsDown { token } => write!(f, "steps down, token {token}"),
            Self::Obeyed { leader, token, intent } => {
                write!(f, "obeys {leader} (token {token}): {intent}")
            }
            Self::Rejected { leader, token, intent } => {
                write!(f, "rejects {leader} (token {token}): {intent}")
            }
            Self::Took { work, lasting: Some(span) } => write!(f, "owns {work} for {span}"),
            Self::Took { work, lasting: None } => write!(f, "owns {work}"),
            Self::LetGo { work } => write!(f, "lets go of {work}"),
            Self::Drafted { task, plan, evidence } => {
                write!(f, "makes plan {:04x} for {task}, having seen {evidence} of the evidence", plan >> 48)
            }
            Self::Follows { task, plan } => write!(f, "follows plan {:04x} for {task}", plan >> 48),
            Self::Recalled { intent, to } => write!(f, "asks {to} to undo {intent}"),
            Self::Undone { intent } => write!(f, "counts {intent} as undone"),
            Self::IsOnCall => f.write_str("is on call"),
        }
    }
}

impl Claim {
    /// The task or intent it is about, if it is about one.
    pub fn about(&self) -> Option<Name> {
        match *self {
            Self::CallsOff { task }
            | Self::TookOver { task, .. }
            | Self::Approved { task, .. }
            | Self::Drafted { task, .. }
            | Self::Follows { task, .. } => Some(task),
            Self::Ordered { intent, .. }
            | Self::Completed { intent }
            | Self::Reopened { intent }
            | Self::Issued { intent, .. }
            | Self::Decided { intent, .. }
            | Self::Awaits { intent, .. }
            | Self::GoesWithout { intent, .. }
            | Self::Obeyed { intent, .. }
            | Self::Rejected { intent, .. }
            | Self::Recalled { intent, .. }
            | Self::Undone { intent } => Some(intent),
            Self::Took { work, .. } | Self::LetGo { work } => Some(work),
            Self::Leads { .. } | Self::StepsDown { .. } | Self::IsOnCall | Self::Recovered { .. } => None,
        }
    }
}
