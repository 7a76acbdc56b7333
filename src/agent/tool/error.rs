//! Tool errors: definite (it did not happen) and indefinite (it may have happened).

use crate::agent::{CallOutcome, Content, TypeMismatch};
use perfidy_sim::SimSpan;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// It did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Definite {
    /// The tool does not do this operation, or not this time. Another try may have another outcome.
    Refused,
    /// The tool has rejected the operation: under its key, nothing has happened and nothing ever will.
    Declined,
    /// The caller has sent too many requests (HTTP 429).
    RateLimited {
        /// How long the tool will go on refusing, as it says itself.
        retry_after_secs: u32,
    },
    /// The tool is down (connection refused, or HTTP 503 from a proxy).
    Unavailable,
    /// The tool has another address (HTTP 410).
    Moved,
    /// The caller has no permission, or no longer (HTTP 403).
    Forbidden,
    /// The tool uses another version of its schema than the caller.
    OtherSchema,
    /// The tool could not parse the call (HTTP 400).
    Unreadable,
    /// The call does not say for which task it is made (HTTP 428).
    Untraced,
}

impl Definite {
    /// Whether the error is transient, so that a retry makes sense.
    pub fn can_pass(self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable | Self::Unreadable | Self::Untraced)
    }

    /// How long the tool asks to wait before a retry; zero if it does not say.
    pub fn retry_after(self) -> SimSpan {
        match self {
            Self::RateLimited { retry_after_secs } => SimSpan::from_secs(retry_after_secs.into()),
            _ => SimSpan::ZERO,
        }
    }
}

impl fmt::Display for Definite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the tool refused the call"),
            Self::Declined => f.write_str("the tool turned it down for good"),
            Self::RateLimited { retry_after_secs } => {
                write!(f, "too many calls, try again after {retry_after_secs}s")
            }
            Self::Unavailable => f.write_str("the tool is down"),
            Self::Moved => f.write_str("the tool is no longer there"),
            Self::Forbidden => f.write_str("the caller has no permission"),
            Self::Unreadable => f.write_str("the tool could not read the call"),
            Self::Untraced => f.write_str("the call does not say for which task it is made"),
            Self::OtherSchema => f.write_str("the tool speaks another version of its schema"),
        }
    }
}

/// It may have happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Indefinite {
    /// No answer came in time.
    TimedOut,
    /// The tool reported an internal error.
    Failed,
    /// An answer came that cannot be read.
    Malformed,
    /// The tool refused this try, which says nothing about an earlier try, or about the operation to be
    /// looked up.
    Refused(Definite),
    /// An answer came that names another request.
    OfAnotherRequest,
}

impl fmt::Display for Indefinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Failed => f.write_str("an error inside the tool"),
            Self::Malformed => f.write_str("an answer that cannot be read"),
            Self::Refused(why) => write!(f, "{why}, and what happened before is not known"),
            Self::OfAnotherRequest => f.write_str("an answer to another request"),
        }
    }
}

/// Why a call did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ToolError {
    /// It did not happen.
    Definite(Definite),
    /// It may have happened.
    Indefinite(Indefinite),
}

/// Why a call was not confirmed, with the tool's own explanation, such as the balance that is too low.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallError {
    /// What is known of the call.
    pub error: ToolError,
    /// What the tool says of it: nothing, unless it refused with a reason.
    pub why: Content,
}

impl CallError {
    pub(crate) const MALFORMED: Self =
        Self { error: ToolError::Indefinite(Indefinite::Malformed), why: Content::NOTHING };

    /// The explanation as a value of this type.
    ///
    /// # Errors
    /// [`TypeMismatch`] if it is not one.
    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T, TypeMismatch> {
        self.why.read()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", CallOutcome::from(self.error))?;
        if self.why.is_nothing() { Ok(()) } else { write!(f, ": {}", self.why) }
    }
}

impl std::error::Error for CallError {}

impl From<Indefinite> for CallError {
    fn from(error: Indefinite) -> Self {
        Self { error: ToolError::Indefinite(error), why: Content::NOTHING }
    }
}

impl From<CallError> for ToolError {
    fn from(refused: CallError) -> Self {
        refused.error
    }
}

impl ToolError {
    /// Whether a retry makes sense.
    pub fn can_pass(self) -> bool {
        match self {
            Self::Definite(error) => error.can_pass(),
            Self::Indefinite(_) => true,
        }
    }

    /// How long the tool asks to wait before a retry; zero if it does not say.
    pub fn retry_after(self) -> SimSpan {
        match self {
            Self::Definite(error) | Self::Indefinite(Indefinite::Refused(error)) => error.retry_after(),
            Self::Indefinite(_) => SimSpan::ZERO,
        }
    }

    /// The error after an earlier try with an unclear outcome: a refusal of this try does not mean that
    /// nothing has happened, unless it concerns the operation and not only the try.
    #[must_use]
    pub fn after_an_unclear_try(self) -> Self {
        match self {
            Self::Definite(Definite::Declined) => self,
            Self::Definite(error) => Self::Indefinite(Indefinite::Refused(error)),
            unclear @ Self::Indefinite(_) => unclear,
        }
    }
}
