//! Isolation of siblings: a step that fails ends itself, and not the steps beside it.
//!
//! Many runtimes run what an agent does at a time as one group, and cancel the whole group when one of it
//! raises an error (`TaskGroup` in Python, `errgroup` in Go, `Promise.all` with an abort signal). What the
//! others have called goes on at their tools, and nothing waits for it any more.

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct IsolatedSteps;

impl Safeguard for IsolatedSteps {
    const NAME: &'static str = "isolated-steps";
    const ABOUT: &'static str = "built in: a step that fails does not end the other steps of its agent";
    const EXAMPLE: &'static str = "isolated-steps = true";
    const WITHOUT: &'static str = "a step that fails cancels all steps that its agent works on";
    const PROTECTS: &'static [&'static str] = &["no-orphan-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for IsolatedSteps {
    const USUAL: Self = Self;
}
