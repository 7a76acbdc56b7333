//! Retry with exponential backoff and full jitter.
//!
//! Without jitter, callers that failed together retry together; with full jitter each waits a time drawn from
//! zero to the backoff (Brooker 2015, "Exponential backoff and jitter", AWS Architecture Blog).

use crate::agent::{Agent, ToolError};
use crate::config::{Entry, Problem, Spread};
use crate::safeguards::retry_backoff::RetryBackoff;
use crate::safeguards::{Safeguard, Safeguards};
use perfidy_sim::{DrawSite, Name, SimSpan};
use serde::Deserialize;
use std::ops::RangeInclusive;

/// How often to try, and how long to wait in between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retry {
    /// How many tries in all, the first included.
    pub attempts: u32,
    /// The backoff after the first try, and the maximum backoff.
    pub backoff: RangeInclusive<SimSpan>,
}

/// How a file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryKeys {
    pub attempts: u32,
    pub backoff: Spread,
}

impl RetryKeys {
    /// The retries that an entry asks for.
    pub fn checked(self, entry: &Entry<'_>) -> Result<Retry, Problem> {
        let Self { attempts, backoff: Spread(backoff) } = self;
        if !(1..=20).contains(&attempts) {
            return Err(entry.problem(format!("`attempts` is {attempts}; it can be 1 to 20")));
        }
        Ok(Retry { attempts, backoff })
    }
}

impl Safeguard for Retry {
    const NAME: &'static str = "retry";
    const ABOUT: &'static str =
        "a call with an indefinite error is retried with exponential backoff and jitter";
    const EXAMPLE: &'static str = r#"retry = { attempts = 4, backoff = "1s..30s" }"#;
    const WITHOUT: &'static str = "a call is made once; its error is the outcome";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        entry.read::<RetryKeys>()?.checked(entry).map(Some)
    }
}

impl Retry {
    /// The retries that a scenario asks for: without waits in between, if it takes the backoff away.
    pub fn of(safeguards: &Safeguards) -> Option<Self> {
        Some(safeguards.get::<Self>()?.clone().paced(safeguards))
    }

    /// The same tries, without waits in between if a team takes the backoff away.
    pub(super) fn paced(self, safeguards: &Safeguards) -> Self {
        let at_once = SimSpan::ZERO..=SimSpan::ZERO;
        if safeguards.lacks::<RetryBackoff>() { Self { backoff: at_once, ..self } } else { self }
    }

    /// How long to wait after the `failed`th try (counted from one) has failed.
    ///
    /// ```
    /// use perfidy::safeguards::retry::Retry;
    /// use perfidy_sim::{Draws, Name, Seed, SimSpan};
    /// let retry = Retry { attempts: 5, backoff: SimSpan::from_secs(1)..=SimSpan::from_secs(30) };
    /// let draws = Draws::new(Seed(1));
    /// let wait = retry.wait(3, draws.draw_site(Name::new("a"), Name::new("b"), 3));
    /// assert!(wait <= SimSpan::from_secs(4));
    /// ```
    pub fn wait(&self, failed: u32, draw: DrawSite<'_>) -> SimSpan {
        let doubled = self.backoff.start().saturating_mul(1 << failed.saturating_sub(1).min(40));
        draw.span("jitter", &(SimSpan::ZERO..=doubled.min(*self.backoff.end())))
    }
}

/// Retries until success, an error that is not transient, or the last try; without a [`Retry`], tries once.
/// Between two tries it waits for the backoff, and at least as long as the tool asks for.
///
/// ```
/// use perfidy::agent::{Agent, Operation, ReadResult, ToolError};
/// use perfidy::safeguards::retry::{Retry, with_retry};
/// use perfidy_sim::SimSpan;
///
/// async fn read(agent: &Agent, retry: &Retry, query: Operation) -> Result<ReadResult, ToolError> {
///     with_retry(agent, Some(retry), query.intent, async || {
///         agent.read(query.clone(), SimSpan::from_secs(5)).await
///     })
///     .await
/// }
/// ```
///
/// # Errors
/// The error of the last try.
pub async fn with_retry<T>(
    agent: &Agent,
    retry: Option<&Retry>,
    about: Name,
    attempt: impl AsyncFnMut() -> Result<T, ToolError>,
) -> Result<T, ToolError> {
    with_retry_while(agent, retry, about, || true, attempt).await
}

/// The same while `may_retry` says so, which is asked before each try after the first.
///
/// # Errors
/// The error of the last try.
pub async fn with_retry_while<T>(
    agent: &Agent,
    retry: Option<&Retry>,
    about: Name,
    may_retry: impl Fn() -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, ToolError>,
) -> Result<T, ToolError> {
    let mut failed = 0;
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        failed += 1;
        let goes_on = |retry: &&Retry| error.can_pass() && failed < retry.attempts;
        let Some(retry) = retry.filter(goes_on).filter(|_| may_retry()) else { return Err(error) };
        let wait = agent.draw("backoff", about, |draw| retry.wait(failed, draw));
        agent.sleep(wait.max(error.retry_after())).await;
    }
}
