//! What is simulated of a guardrail: how long a check takes, and what it forbids.
//!
//! A guardrail is a model of its own that is asked about work, beside the model that does the work. Its
//! latency has the same long tail, so it is now and then the slower of the two.

use crate::agent::{Agent, Operation};
use perfidy_sim::{DrawPurpose, Name, SimSpan};
use std::ops::RangeInclusive;

/// The name of the guardrail.
pub const GUARDRAIL: &str = "guardrail";

/// The place at which a guardrail checks something.
pub const CHECK: &str = "check";

/// The verdict comes late.
pub const LATE_VERDICT: &str = "late-verdict";

/// How long a verdict is, in tokens.
const VERDICT_TOKENS: RangeInclusive<u64> = 5..=20;

/// One operation in so many is forbidden.
const FORBIDDEN: u64 = 5;

const VERDICT: DrawPurpose = DrawPurpose::new("verdict");

impl Agent {
    /// How long a guardrail takes to check some work.
    pub(crate) fn time_to_check(&self, about: Name) -> SimSpan {
        self.draw("checks", about, |draw| self.model.time_to_reply(&draw, &VERDICT_TOKENS))
    }

    /// Whether a guardrail forbids an operation: the same answer however often it is asked.
    pub(crate) fn forbids(&self, operation: &Operation) -> bool {
        let site = self.site("forbids");
        self.context.draw_once(site, operation.intent, |draw| draw.below(VERDICT, FORBIDDEN) == 0)
    }
}
