//! Service levels: what a team promises of a share of its runs.
//!
//! A property holds in every run, or it is broken. Some promises are not of that kind: where a tool can be
//! out for longer than anyone waits, or a model can be wrong, a team completes in 99 runs of 100, or accepts
//! a wrong result in one of 1,000. A file says so in a `[[service-level]]`, and a campaign
//! [judges](crate::explore::LevelReport) it over its runs. (The term is that of site reliability
//! engineering: Beyer et al. 2016, "Site Reliability Engineering", chapter 4.)

use perfidy_sim::{Chance, SimSpan};
use std::fmt;

/// A promise, the share of runs that must keep it, and how sure the answer must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServiceLevel {
    /// The promise.
    pub promise: Promise,
    /// The share of runs that keep it, at least. Neither none nor all.
    pub at_least: Chance,
    /// How often the answer may be relied on, if runs are repeated with other seeds. More than a half.
    pub confidence: Chance,
}

/// What a run keeps or does not keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// The user is informed of every task as done, within this time after it was given.
    Completes {
        /// At most so long after the task was given.
        within: SimSpan,
    },
    /// The property holds.
    Keeps {
        /// Which.
        property: &'static str,
    },
}

impl ServiceLevel {
    /// How sure the answer must be if the file does not say.
    pub const USUAL_CONFIDENCE_PER_MILLION: u32 = 950_000;

    /// The property of which a share of runs may break it.
    pub fn property(&self) -> Option<&'static str> {
        match self.promise {
            Promise::Keeps { property } => Some(property),
            Promise::Completes { .. } => None,
        }
    }
}

/// Such as `completes within 10m in at least 99% of runs`.
impl fmt::Display for ServiceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.promise {
            Promise::Completes { within } => write!(f, "completes within {within}")?,
            Promise::Keeps { property } => write!(f, "{property} holds")?,
        }
        write!(f, " in at least {} of runs", percent(self.at_least))
    }
}

/// A chance in percent, without needless zeros: `99%`, `99.95%`.
pub(crate) fn percent(chance: Chance) -> String {
    let per_million = chance.as_per_million();
    let (whole, rest) = (per_million / 10_000, per_million % 10_000);
    if rest == 0 {
        return format!("{whole}%");
    }
    format!("{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
}
