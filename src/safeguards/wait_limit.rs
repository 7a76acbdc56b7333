//! Wait limits: an agent does not wait forever for something it can continue without.
//!
//! This is the simplest remedy for a deadlock, and it needs no other agent. It cannot distinguish a cycle of
//! waits from a slow agent, so the limit must be longer than the awaited work.
//!
//! ```
//! use perfidy::safeguards::wait_limit::{BoundedWait, WaitLimit};
//! use perfidy_sim::{SimSpan, SimTime};
//! let start = SimTime::ZERO;
//! let wait = BoundedWait::begin(start, Some(WaitLimit(SimSpan::from_secs(60))));
//! assert!(!wait.is_over(start + SimSpan::from_secs(59)));
//! assert!(wait.is_over(start + SimSpan::from_secs(60)));
//! assert!(!BoundedWait::begin(start, None).is_over(start + SimSpan::from_secs(60)));
//! ```

use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use perfidy_sim::{SimSpan, SimTime};

/// How long an agent waits for something it can continue without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitLimit(pub SimSpan);

impl Safeguard for WaitLimit {
    const NAME: &'static str = "wait-limit";
    const ABOUT: &'static str = "after a limit, an agent continues without an optional input";
    const EXAMPLE: &'static str = r#"wait-limit = "1m""#;
    const WITHOUT: &'static str = "an agent waits for optional input without a limit";
    const PROTECTS: &'static [&'static str] = &["no-deadlock"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Span(limit) = entry.read()?;
        let range = SimSpan::from_secs(1)..=SimSpan::from_secs(3_600);
        if !range.contains(&limit) {
            return Err(entry.problem(format!("a limit of {limit} makes no sense; it can be 1s to 1h")));
        }
        Ok(Some(Self(limit)))
    }
}

/// A wait that may have a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoundedWait {
    until: Option<SimTime>,
}

impl BoundedWait {
    /// A wait that begins now, by the agent's monotonic clock, and has no end without a limit.
    pub fn begin(now: SimTime, limit: Option<WaitLimit>) -> Self {
        Self { until: limit.map(|WaitLimit(limit)| now + limit) }
    }

    /// Whether the limit has passed.
    pub fn is_over(self, now: SimTime) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_at_its_limit_and_never_without_one() {
        let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
        let wait = BoundedWait::begin(at(5), Some(WaitLimit(SimSpan::from_secs(60))));
        assert!(!wait.is_over(at(64)) && wait.is_over(at(65)) && wait.is_over(at(66)));
        assert!(!BoundedWait::begin(at(5), None).is_over(at(1_000_000)));
    }
}
