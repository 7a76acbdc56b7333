//! Snapshots with a maximum age: a reading carries the time of which it is, and one that is too old is read
//! again.
//!
//! Data does not grow old where it is stored but on its way: in a replica that lags, in a message that is
//! late, with an agent that waits for another. So its age is checked where it is used, against the time of
//! which it is, and never against the time at which it arrived. This is bounded staleness as databases offer
//! it (Terry 2013, "Replicated data consistency explained through baseball").
//!
//! An age is a time between the clocks of two machines. By as much as these can differ, the maximum has to be
//! shorter than what was promised.

use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use perfidy_sim::{SimSpan, SimTime};
use serde::Deserialize;

/// How old something may be when it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snapshots {
    /// The greatest age.
    pub max_age: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    max_age: Span,
}

impl Safeguard for Snapshots {
    const NAME: &'static str = "snapshots";
    const ABOUT: &'static str =
        "what was read carries the time of which it is, and is read again when it is too old";
    const EXAMPLE: &'static str = r#"snapshots = { max-age = "30s" }"#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { max_age: Span(max_age) } = entry.read()?;
        if max_age < SimSpan::from_secs(1) {
            let message = format!("a maximum age of {max_age} makes no sense; it can be 1s or more");
            return Err(entry.problem(message));
        }
        Ok(Some(Self { max_age }))
    }
}

impl Snapshots {
    /// Whether something of that time may still be used.
    ///
    /// ```
    /// use perfidy::safeguards::snapshots::Snapshots;
    /// use perfidy_sim::{SimSpan, SimTime};
    /// let at = |secs| SimTime::ZERO + SimSpan::from_secs(secs);
    /// let snapshots = Snapshots { max_age: SimSpan::from_secs(30) };
    /// assert!(snapshots.admits(at(10), at(40)));
    /// assert!(!snapshots.admits(at(10), at(41)));
    /// ```
    pub fn admits(&self, as_of: SimTime, now: SimTime) -> bool {
        now.since(as_of) <= self.max_age
    }
}
