//! Limits on waiting: what would merely be good to have is not waited for without end.
//!
//! The crudest cure for a deadlock, and the one that needs nobody's help. It cannot tell a circle from a slow colleague,
//! so the limit has to be longer than honest work takes.

use crate::safeguards::Safeguard;
use crate::scenario::{Entry, Problem, Span};
use perfidy_sim::SimSpan;

/// How long to wait for what one could go on without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitLimit(pub SimSpan);

impl Safeguard for WaitLimit {
    const NAME: &'static str = "wait-limit";
    const ABOUT: &'static str = "after so long, an agent goes on without what it could do without";
    const EXAMPLE: &'static str = r#"wait-limit = "1m""#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Span(limit) = entry.read()?;
        let range = SimSpan::from_secs(1)..=SimSpan::from_secs(3_600);
        if !range.contains(&limit) {
            return Err(entry.problem(format!("a limit of {limit} makes no sense; it can be 1s to 1h")));
        }
        Ok(Some(Self(limit)))
    }
}
