//! Approval gate: a step that cannot be undone waits for a person's approval.
//!
//! The agent asks, and does nothing about that step until the answer is there. The wait survives a crash:
//! what is asked for is part of the agent's record, and it asks again.

use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use crate::safeguards::setup::{Missing, Setup};
use perfidy_sim::SimSpan;
use serde::Deserialize;
use std::ops::RangeInclusive;

/// How long an approval can count: a person needs a minute, and does not think of it for a day.
const POSSIBLE: RangeInclusive<SimSpan> = SimSpan::from_secs(60)..=SimSpan::from_secs(24 * 60 * 60);

/// The switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApprovalGate {
    /// How long an answer counts, from when it is asked for.
    pub expires_after: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    expires_after: Span,
}

impl Safeguard for ApprovalGate {
    const NAME: &'static str = "approval-gate";
    const ABOUT: &'static str = "a step that cannot be undone is not taken before a person has approved it";
    const EXAMPLE: &'static str = r#"approval-gate = { expires-after = "2m" }"#;
    const WITHOUT: &'static str = "a step that cannot be undone is taken like any other";
    const NEEDS: &'static str = "a step that is `irreversible`";
    const PROTECTS: &'static [&'static str] = &["approved-before-irreversible"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { expires_after: Span(expires_after) } = entry.read()?;
        if !POSSIBLE.contains(&expires_after) {
            let (least, most) = POSSIBLE.into_inner();
            let message = format!("`expires-after` is {expires_after}; it can be {least} to {most}");
            return Err(entry.problem(message));
        }
        Ok(Some(Self { expires_after }))
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs_step(Self::NAME, "irreversible = true", |step| step.irreversible)
    }
}
