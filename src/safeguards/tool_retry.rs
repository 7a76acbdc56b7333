//! Retries by tool: how often a call is tried again, and after what time, is up to the tool that it calls.
//!
//! One policy for all tools is wrong for some. A tool with long maintenance needs a long backoff, and a tool
//! that answers at once or not at all needs a short one, or its callers wait for nothing.

use crate::config::{Entry, Problem};
use crate::safeguards::retry::{Retry, RetryKeys};
use crate::safeguards::{Safeguard, Safeguards};
use perfidy_sim::Name;
use std::collections::BTreeMap;

/// The retries of calls of each of these tools.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ToolRetry(pub BTreeMap<Name, Retry>);

impl Safeguard for ToolRetry {
    const NAME: &'static str = "tool-retry";
    const ABOUT: &'static str = "calls of these tools are retried as each of them needs it";
    const EXAMPLE: &'static str = r#"tool-retry = { mail = { attempts = 10, backoff = "30s..5m" } }"#;
    const WITHOUT: &'static str = "calls of all tools are retried alike, as `retry` says";
    const NEEDS: &'static str = "a tool of that name";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let by_tool: BTreeMap<String, RetryKeys> = entry.read()?;
        if by_tool.is_empty() {
            return Err(entry.problem("it names no tool").help(format!("write it like {}", Self::EXAMPLE)));
        }
        let retry = |(tool, keys): (String, RetryKeys)| Ok((Name::new(&tool), keys.checked(entry)?));
        Ok(Some(Self(by_tool.into_iter().map(retry).collect::<Result<_, _>>()?)))
    }
}

impl ToolRetry {
    /// The retries by tool of a team with these safeguards; without waits in between, if it takes the backoff
    /// away.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::tool_retry::ToolRetry;
    /// assert_eq!(ToolRetry::of(&Safeguards::default()), ToolRetry::default());
    /// ```
    pub fn of(safeguards: &Safeguards) -> Self {
        let Self(by_tool) = safeguards.get::<Self>().cloned().unwrap_or_default();
        let paced = |(tool, retry): (Name, Retry)| (tool, retry.paced(safeguards));
        Self(by_tool.into_iter().map(paced).collect())
    }
}
