//! Retry-after: a caller that has sent too many requests waits as long as the API asks.
//!
//! A rate limit says when it ends. A caller with a backoff of its own uses up its tries while the limit
//! lasts, and gives up on work that only had to wait; and every try counts against the limit (`Retry-After`,
//! RFC 9110).

use crate::agent::ModelError;
use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};
use perfidy_sim::SimSpan;

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct RetryAfter;

impl Safeguard for RetryAfter {
    const NAME: &'static str = "retry-after";
    const ABOUT: &'static str =
        "built in: a caller whose model is rate-limited waits as long as its API asks for";
    const EXAMPLE: &'static str = "retry-after = true";
    const WITHOUT: &'static str = "a caller uses up its retries while the rate limit of its model lasts";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for RetryAfter {
    const USUAL: Self = Self;
}

/// How long to wait after an error of a model: as usual, or as long as its API asks for.
///
/// ```
/// use perfidy::agent::ModelError;
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::retry_after::pause_after;
/// use perfidy_sim::SimSpan;
/// let usual = SimSpan::from_secs(5);
/// let limited = ModelError::RateLimited { retry_after_secs: 60 };
/// assert_eq!(pause_after(&Safeguards::default(), usual, limited), SimSpan::from_secs(60));
/// assert_eq!(pause_after(&Safeguards::default(), usual, ModelError::Overloaded), usual);
/// ```
pub fn pause_after(safeguards: &Safeguards, usual: SimSpan, error: ModelError) -> SimSpan {
    if safeguards.lacks::<RetryAfter>() { usual } else { usual.max(error.retry_after()) }
}
