//! Snapshots with a maximum age: a reading carries the time it describes, and one that is too old is read
//! again.
//!
//! Data becomes stale on its way: in a lagging replica, in a late message, in an agent that waits for
//! another. So its age is checked where it is used, against the time it describes and never against the time
//! of its arrival. This is bounded staleness as databases offer it (Terry 2013, "Replicated data consistency
//! explained through baseball").
//!
//! An age compares the clocks of two machines. The maximum must be shorter than the promised age by as much
//! as these clocks can differ.

use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use perfidy_sim::{SimSpan, SimTime};
use serde::Deserialize;

/// How old a reading may be when it is used.
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
    const ABOUT: &'static str = "data carries the time it was read, and is read again when it is too old";
    const EXAMPLE: &'static str = r#"snapshots = { max-age = "30s" }"#;
    const WITHOUT: &'static str = "data is used however old it is";
    const PROTECTS: &'static [&'static str] = &["bounded-staleness"];

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
    /// Whether a reading of that time may still be used.
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
