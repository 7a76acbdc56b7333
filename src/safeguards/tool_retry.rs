//! Retries by tool: how often a call is tried again, and after what time, is up to the tool that it calls.
//!
//! One policy for all tools is wrong for some. A tool with long maintenance needs a long backoff, and a tool
//! that answers at once or not at all needs a short one, or its callers wait for nothing.

use crate::config::{Entry, OneOrMany, Problem, Spread};
use crate::safeguards::retry::{Retry, RetryKeys};
use crate::safeguards::{Safeguard, Safeguards};
use perfidy_sim::Name;
use serde::Deserialize;

/// The retries of calls of these tools.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolRetry {
    /// The tools.
    pub tools: Vec<Name>,
    /// How often a call of one of them is tried.
    pub retry: Retry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    at: OneOrMany<String>,
    attempts: u32,
    backoff: Spread,
}

impl Safeguard for ToolRetry {
    const NAME: &'static str = "tool-retry";
    const ABOUT: &'static str = "calls of these tools are retried as they need it, and not as the others";
    const EXAMPLE: &'static str = r#"tool-retry = { at = "mail", attempts = 10, backoff = "30s..5m" }"#;
    const WITHOUT: &'static str = "calls of all tools are retried alike, as `retry` says";
    const NEEDS: &'static str = "a tool of that name";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { at, attempts, backoff } = entry.read()?;
        let retry = RetryKeys { attempts, backoff }.checked(entry)?;
        let tools = at.iter().map(|tool| Name::new(tool.get_ref())).collect();
        Ok(Some(Self { tools, retry }))
    }
}

impl ToolRetry {
    /// The retries of a team with these safeguards; without waits in between, if it takes the backoff away.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::tool_retry::ToolRetry;
    /// assert_eq!(ToolRetry::of(&Safeguards::default()), None);
    /// ```
    pub fn of(safeguards: &Safeguards) -> Option<Self> {
        let Self { tools, retry } = safeguards.get::<Self>()?.clone();
        Some(Self { tools, retry: retry.paced(safeguards) })
    }
}
