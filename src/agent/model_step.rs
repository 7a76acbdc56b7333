//! What is measured of a model step besides its content: its times, and how sure the model says it is.
//!
//! Neither is part of a digest. The time of the event is, and all of this follows from the seed and from what
//! the step is about, as the completion itself does.

use perfidy_sim::{DrawPurpose, DrawSite, SimSpan};
use serde::Serialize;
use std::fmt;
use std::hash::{Hash, Hasher};

const CONFIDENCE: DrawPurpose = DrawPurpose::new("stated confidence");
const BEFORE_FIRST_TOKEN: DrawPurpose = DrawPurpose::new("share before the first token");

/// How long a model took, counted from its request, on a node that is not slowed down. Not part of a digest:
/// the time of the event is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct ReplyTiming {
    /// Until the first token of the reply; `None` if there was no reply.
    pub first_token: Option<SimSpan>,
    /// Until the whole reply was there, or the error.
    pub total: SimSpan,
}

impl Hash for ReplyTiming {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl ReplyTiming {
    /// Of a completion that takes `total`, of which a drawn share of 20% to 80% passes before the first
    /// token.
    pub(super) fn of_completion(draw: DrawSite<'_>, total: SimSpan) -> Self {
        let percent = 20 + draw.below(BEFORE_FIRST_TOKEN, 61);
        Self { first_token: Some(SimSpan::from_nanos(total.as_nanos() / 100 * percent)), total }
    }

    /// The same, of a model that begins later by `delay`.
    pub(super) fn begun_after(self, delay: SimSpan) -> Self {
        Self { first_token: self.first_token.map(|first| first + delay), total: self.total + delay }
    }
}

/// How sure of its answer a model says it is, in percent.
///
/// The models of this world are as badly calibrated as real ones that are asked for a number: it is high, and
/// the same whether the answer is right or wrong. A safeguard that trusts it guards nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct StatedConfidence {
    percent: u8,
}

impl StatedConfidence {
    /// So many percent; `None` above a hundred.
    ///
    /// ```
    /// use perfidy::agent::StatedConfidence;
    ///
    /// let sure = StatedConfidence::of_percent(90).unwrap();
    /// assert_eq!((sure.percent(), sure.to_string()), (90, "90%".to_owned()));
    /// assert_eq!(StatedConfidence::of_percent(101), None);
    /// ```
    pub const fn of_percent(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self { percent }) } else { None }
    }

    /// In percent, from 0 to 100.
    pub const fn percent(self) -> u8 {
        self.percent
    }

    /// As a model states it at this place: from 70% to 99%.
    pub(super) fn drawn(draw: DrawSite<'_>) -> Self {
        Self { percent: 70 + draw.below(CONFIDENCE, 30) as u8 }
    }
}

impl Hash for StatedConfidence {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Display for StatedConfidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::{Draws, Name, Seed};

    #[test]
    fn the_first_token_comes_within_the_time_of_the_completion_and_after_the_delay() {
        let (span, delay) = (SimSpan::from_secs(2), SimSpan::from_secs(30));
        let draws = Draws::new(Seed(1));
        for nth in 0..1_000 {
            let draw = draws.draw_site(Name::new("agent, think"), Name::new("task-1"), nth);
            let timing = ReplyTiming::of_completion(draw, span).begun_after(delay);
            let first_token = timing.first_token.expect("there is a reply");
            assert!(delay < first_token && first_token < timing.total, "{timing:?}");
            assert!((70..=99).contains(&StatedConfidence::drawn(draw).percent()));
        }
    }
}
