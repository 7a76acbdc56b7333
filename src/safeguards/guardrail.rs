//! Guardrail: no call is made before a guardrail has said that the work may be done.
//!
//! A guardrail that runs beside the model costs no time, and is now and then the slower of the two: the model
//! has asked for a call, and the call is made, by the time that the guardrail trips. Frameworks have such a
//! mode, and it is what they do if nothing is said (`run_in_parallel` of the guardrails of `openai-agents`).
//! What is forbidden is held back only if something waits for the verdict.
//!
//! A guardrail that sees the request before or beside the model does not see what the model makes of it; one
//! that runs after the model does.

use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use crate::safeguards::setup::{Missing, Setup};
use serde::Deserialize;

/// The switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guardrail {
    /// When the check runs.
    pub runs: Runs,
}

/// When a guardrail checks, from the model's point of view.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runs {
    /// It checks the request, and the model is called once that is allowed.
    Before,
    /// It checks the request while the model is called; the calls that the model asks for wait.
    Beside,
    /// It checks the calls that the model asks for, before they are made.
    After,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    runs: Runs,
}

impl Safeguard for Guardrail {
    const NAME: &'static str = "guardrail";
    const ABOUT: &'static str = "no call is made before a guardrail has allowed what it must check";
    const EXAMPLE: &'static str = r#"guardrail = { runs = "before" }"#;
    const WITHOUT: &'static str = "a guardrail runs beside the model, and no call waits for its verdict";
    const NEEDS: &'static str = "a step that is `guarded`";
    const PROTECTS: &'static [&'static str] = &["no-forbidden-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { runs } = entry.read()?;
        Ok(Some(Self { runs }))
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs_step(Self::NAME, "guarded = true", |step| step.guarded)
    }
}
