//! What the history of a team says, beyond messages and faults.

use crate::agent::{Definite, Indefinite, OpId, Token};
use perfidy_sim::{Name, SimTime, Words};
use std::fmt;

/// What a caller was told about its call. Not what happened: that stands in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// It is done.
    Done,
    /// It was looked up: whether the tool knows of it.
    Found(bool),
    /// It did not happen.
    Not(Definite),
    /// Nobody knows.
    Unknown(Indefinite),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Found(true) => f.write_str("it is there"),
            Self::Found(false) => f.write_str("it is not there"),
            Self::Not(error) => write!(f, "refused: {error}"),
            Self::Unknown(error) => write!(f, "{error}"),
        }
    }
}

/// What an agent says of itself or its work. A claim is evidence of what somebody believed, not of what is so.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// A task is done, as reported to its user.
    TaskDone { task: Name },
    /// A task was given up, as reported to its user.
    TaskFailed { task: Name },
    /// The user has learnt how a task ended.
    Informed { task: Name },
    /// A step was handed to somebody.
    Ordered { intent: Name, to: Name },
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
}

/// One thing that an agent, a tool or a lock service did.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The user wants a task done.
    TaskGiven { task: Name },
    /// What the task wants to have happened, exactly once.
    Wanted { task: Name, intent: Name },
    /// An agent calls a tool.
    Called { tool: Name, operation: Name, intent: Name, op: OpId },
    /// An agent was told how its call went.
    Answered { tool: Name, operation: Name, intent: Name, told: Told },
    /// A line in the ledger of a tool: this really happened.
    Effect { operation: Name, intent: Name, op: OpId, receipt: u64 },
    /// A tool recognised a call it had carried out before, and did nothing.
    Recognised { operation: Name, intent: Name, op: OpId },
    /// An agent asked its model.
    Thought { about: Name, choice: u32, tokens_in: u32, tokens_out: u32 },
    /// The lock service granted a lease, or prolonged it.
    Granted { resource: Name, holder: Name, token: Token, until: SimTime },
    /// An agent said something of itself or its work.
    Claimed(Claim),
}

impl perfidy_sim::Note for Note {
    fn fold(&self, words: &mut Words) {
        match *self {
            Self::TaskGiven { task } => words.put(1).name(task),
            Self::Wanted { task, intent } => words.put(2).name(task).name(intent),
            Self::Called { tool, operation, intent, op } => {
                words.put(3).name(tool).name(operation).name(intent).put(op.0)
            }
            Self::Answered { tool, operation, intent, told } => {
                let told = match told {
                    Told::Done => 0,
                    Told::Found(found) => 1 + u64::from(found),
                    Told::Not(error) => 16 + error as u64,
                    Told::Unknown(error) => 32 + error as u64,
                };
                words.put(4).name(tool).name(operation).name(intent).put(told)
            }
            Self::Effect { operation, intent, op, receipt } => {
                words.put(5).name(operation).name(intent).put(op.0).put(receipt)
            }
            Self::Recognised { operation, intent, op } => words.put(6).name(operation).name(intent).put(op.0),
            Self::Thought { about, choice, tokens_in, tokens_out } => {
                let tokens = u64::from(tokens_in) << 32 | u64::from(tokens_out);
                words.put(7).name(about).put(u64::from(choice)).put(tokens)
            }
            Self::Granted { resource, holder, token, until } => {
                words.put(8).name(resource).name(holder).put(token.0).put(until.as_nanos())
            }
            Self::Claimed(claim) => claim.fold(words.put(9)),
        };
    }
}

impl Claim {
    fn fold<'a>(&self, words: &'a mut Words) -> &'a mut Words {
        match *self {
            Self::TaskDone { task } => words.put(1).name(task),
            Self::TaskFailed { task } => words.put(2).name(task),
            Self::Informed { task } => words.put(3).name(task),
            Self::Ordered { intent, to } => words.put(4).name(intent).name(to),
            Self::Completed { intent } => words.put(5).name(intent),
            Self::Reopened { intent } => words.put(6).name(intent),
            Self::Leads { token } => words.put(7).put(token.0),
            Self::StepsDown { token } => words.put(8).put(token.0),
            Self::Obeyed { leader, token, intent } => words.put(9).name(leader).put(token.0).name(intent),
            Self::Rejected { leader, token, intent } => words.put(10).name(leader).put(token.0).name(intent),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskDone { task } => write!(f, "reports {task} done"),
            Self::TaskFailed { task } => write!(f, "reports {task} failed"),
            Self::Informed { task } => write!(f, "has heard how {task} ended"),
            Self::Ordered { intent, to } => write!(f, "hands {intent} to {to}"),
            Self::Completed { intent } => write!(f, "counts {intent} as complete"),
            Self::Reopened { intent } => write!(f, "opens {intent} again"),
            Self::Leads { token } => write!(f, "leads, with token {token}"),
            Self::StepsDown { token } => write!(f, "steps down, token {token}"),
            Self::Obeyed { leader, token, intent } => {
                write!(f, "obeys {leader} (token {token}): {intent}")
            }
            Self::Rejected { leader, token, intent } => {
                write!(f, "rejects {leader} (token {token}): {intent}")
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskGiven { task } => write!(f, "wants {task} done"),
            Self::Wanted { intent, .. } => write!(f, "wants {intent}, once"),
            Self::Called { tool, operation, intent, op } => {
                write!(f, "calls {tool}.{operation} for {intent} ({op})")
            }
            Self::Answered { tool, operation, intent, told } => {
                write!(f, "is told by {tool}.{operation} about {intent}: {told}")
            }
            Self::Effect { operation, intent, op, receipt } => {
                write!(f, "EFFECT {operation} for {intent} ({op}), receipt {receipt}")
            }
            Self::Recognised { operation, intent, op } => {
                write!(f, "recognises {operation} for {intent} ({op}), does nothing")
            }
            Self::Thought { about, choice, tokens_in, tokens_out } => {
                write!(f, "thinks about {about}: answer {choice} ({tokens_in} tokens in, {tokens_out} out)")
            }
            Self::Granted { resource, holder, token, until } => {
                write!(f, "grants {resource} to {holder} until {until}, token {token}")
            }
            Self::Claimed(claim) => claim.fmt(f),
        }
    }
}

impl Note {
    /// The task or intent it is about, if it is about one.
    pub fn intent(&self) -> Option<Name> {
        match *self {
            Self::TaskGiven { task } => Some(task),
            Self::Wanted { intent, .. }
            | Self::Called { intent, .. }
            | Self::Answered { intent, .. }
            | Self::Effect { intent, .. }
            | Self::Recognised { intent, .. } => Some(intent),
            Self::Thought { about, .. } => Some(about),
            Self::Granted { .. } => None,
            Self::Claimed(claim) => match claim {
                Claim::TaskDone { task } | Claim::TaskFailed { task } | Claim::Informed { task } => {
                    Some(task)
                }
                Claim::Ordered { intent, .. }
                | Claim::Completed { intent }
                | Claim::Reopened { intent }
                | Claim::Obeyed { intent, .. }
                | Claim::Rejected { intent, .. } => Some(intent),
                Claim::Leads { .. } | Claim::StepsDown { .. } => None,
            },
        }
    }
}
