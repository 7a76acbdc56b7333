//! Retry budgets: an agent repeats only so many calls of a tool, whichever of its tasks they belong to.
//!
//! Each caller that retries a few times is reasonable, and all of them together multiply the load of a tool
//! just when it is down. A budget is shared by all calls of an agent to a tool: once it is used up, a call
//! that fails is not repeated, and its error is the outcome (retry throttling in `gRPC`; "retry budget" in
//! *Site Reliability Engineering*, Beyer et al. 2016, chapter 21).

use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use crate::safeguards::retry::Retry;
use crate::safeguards::setup::{Missing, Setup};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::VecDeque;

/// How many calls of a tool may be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryBudget {
    /// How many, in that time.
    pub retries: u32,
    /// The time over which they are counted.
    pub per: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    retries: u32,
    per: Span,
}

impl Safeguard for RetryBudget {
    const NAME: &'static str = "retry-budget";
    const ABOUT: &'static str = "an agent repeats a limited number of calls of a tool, over all of its tasks";
    const EXAMPLE: &'static str = r#"retry-budget = { retries = 4, per = "10s" }"#;
    const WITHOUT: &'static str = "each task retries its calls, however many tasks do so at a time";
    const NEEDS: &'static str = "`retry`";
    const PROTECTS: &'static [&'static str] = &["calls-within-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { retries, per: Span(per) } = entry.read()?;
        if retries > 10_000 {
            return Err(entry.problem(format!("`retries` is {retries}; it can be 0 to 10000")));
        }
        if per == SimSpan::ZERO {
            return Err(entry
                .problem("`per` is no time at all")
                .help("write how long, such as per = \"10s\""));
        }
        Ok(Some(Self { retries, per }))
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<Retry>(Self::NAME)
    }
}

/// What an agent has used of its budget for each tool.
///
/// ```
/// use perfidy::safeguards::retry_budget::{RetryBudget, UsedRetries};
/// use perfidy_sim::{Name, SimSpan, SimTime};
/// let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
/// let used = UsedRetries::new(RetryBudget { retries: 2, per: SimSpan::from_secs(10) });
/// let tool = Name::new("ticketing");
/// assert!(used.take(tool, at(0)) && used.take(tool, at(1)) && !used.take(tool, at(9)));
/// assert!(used.take(tool, at(10)), "the first no longer counts");
/// assert!(!used.take(tool, at(10)));
/// ```
#[derive(Debug)]
pub struct UsedRetries {
    budget: RetryBudget,
    /// When the calls of each tool were repeated that still count.
    used: RefCell<Lookup<Name, VecDeque<SimTime>>>,
}

impl UsedRetries {
    /// Nothing is used of this budget.
    pub fn new(budget: RetryBudget) -> Self {
        Self { budget, used: RefCell::default() }
    }

    /// Whether a call of a tool may be repeated now. If so, it counts.
    pub fn take(&self, tool: Name, now: SimTime) -> bool {
        let mut used = self.used.borrow_mut();
        let times = used.get_or_insert_with(tool, VecDeque::new);
        while times.front().is_some_and(|time| *time + self.budget.per <= now) {
            times.pop_front();
        }
        let is_left = times.len() < self.budget.retries as usize;
        if is_left {
            times.push_back(now);
        }
        is_left
    }
}
