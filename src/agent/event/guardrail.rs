//! Events of a guardrail.

use crate::agent::Operation;
use perfidy_sim::Name;
use std::fmt;

/// An event of a guardrail's node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum GuardrailEvent {
    /// A guardrail must check this operation.
    #[non_exhaustive]
    MustCheck {
        /// The tool.
        tool: Name,
        /// The operation by name.
        operation: Name,
    },
    /// A guardrail has given its verdict on this operation, with these arguments.
    #[non_exhaustive]
    Judged {
        /// The operation with its arguments.
        operation: Operation,
        /// Whether the call may be made.
        is_allowed: bool,
    },
}

impl fmt::Display for GuardrailEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MustCheck { tool, operation } => write!(f, "must check {tool}.{operation}"),
            Self::Judged { operation, is_allowed: true } => write!(f, "ALLOWS {}", operation.intent),
            Self::Judged { operation, is_allowed: false } => write!(f, "FORBIDS {}", operation.intent),
        }
    }
}

impl GuardrailEvent {
    /// The intent of the event, if any.
    pub fn about(&self) -> Option<Name> {
        match self {
            Self::MustCheck { .. } => None,
            Self::Judged { operation, .. } => Some(operation.intent),
        }
    }
}
