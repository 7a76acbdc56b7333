//! Join policies: what happens to a combined answer when some of the asked agents do not reply.
//!
//! Most frameworks wait for all of them with a deadline and join the replies, which hides the missing ones. A
//! policy defines beforehand what an answer needs, and the answer names what is missing.

use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use serde::Deserialize;

/// What an answer needs. The answer always names what it lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Join {
    /// Everything that was asked for.
    All,
    /// More than half of it.
    Quorum,
    /// Anything at all.
    FlaggedPartial,
}

impl Safeguard for Join {
    const NAME: &'static str = "join";
    const ABOUT: &'static str =
        "an answer waits for `all` parts, a `quorum` or a `flagged-partial`, and says what is missing";
    const EXAMPLE: &'static str = r#"join = "quorum""#;
    const WITHOUT: &'static str = "an answer leaves out what is missing at the deadline, and does not say so";
    const PROTECTS: &'static [&'static str] = &["no-silent-partial"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        entry.read().map(Some)
    }
}

impl Join {
    /// Whether `there` of `asked` findings are enough for an answer.
    ///
    /// ```
    /// use perfidy::safeguards::join::Join;
    /// assert!(Join::Quorum.is_enough(2, 3) && !Join::Quorum.is_enough(2, 4));
    /// assert!(Join::FlaggedPartial.is_enough(1, 3) && !Join::FlaggedPartial.is_enough(0, 3));
    /// assert!(!Join::All.is_enough(2, 3));
    /// ```
    pub fn is_enough(self, there: usize, asked: usize) -> bool {
        match self {
            Self::All => there == asked,
            Self::Quorum => 2 * there > asked,
            Self::FlaggedPartial => there > 0,
        }
    }
}
