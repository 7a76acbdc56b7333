//! Events of a guardrail.

use perfidy_sim::Name;
use std::fmt;

/// An event of a guardrail's node.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum GuardrailEvent {
    /// A guardrail must check this operation.
    #[non_exhaustive]
    MustCheck { tool: Name, operation: Name },
    /// A guardrail has given its verdict on the operation with this digest.
    #[non_exhaustive]
    Judged { intent: Name, digest: u64, is_allowed: bool },
}

impl fmt::Display for GuardrailEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MustCheck { tool, operation } => write!(f, "must check {tool}.{operation}"),
            Self::Judged { intent, is_allowed: true, .. } => write!(f, "ALLOWS {intent}"),
            Self::Judged { intent, is_allowed: false, .. } => write!(f, "FORBIDS {intent}"),
        }
    }
}

impl GuardrailEvent {
    /// The intent of the event, if any.
    pub fn about(&self) -> Option<Name> {
        match *self {
            Self::MustCheck { .. } => None,
            Self::Judged { intent, .. } => Some(intent),
        }
    }
}
