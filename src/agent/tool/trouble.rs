//! What is wrong with a tool for a while, or for good, whoever asks.

use crate::agent::Definite;
use crate::faults::tool_lies::Trouble;
use perfidy_sim::{SimSpan, SimTime};

/// The troubles of one tool.
#[derive(Default)]
pub(super) struct Troubles(Vec<(Trouble, Option<SimTime>)>);

impl Troubles {
    /// One more trouble; for good if it does not last any time.
    pub fn begin(&mut self, trouble: Trouble, now: SimTime, lasting: SimSpan) {
        let until = (lasting > SimSpan::ZERO).then_some(now + lasting);
        self.0.push((trouble, until));
    }

    /// The trouble that the tool is in, if any, and until when if not for good. The earliest counts.
    pub fn at(&self, now: SimTime) -> Option<(Trouble, Option<SimTime>)> {
        self.0.iter().copied().find(|(_, until)| until.is_none_or(|until| now < until))
    }
}

/// What the tool says while it is in trouble; nothing if it does not say anything.
pub(super) fn refusal(trouble: Trouble, until: Option<SimTime>, now: SimTime) -> Option<Definite> {
    match trouble {
        Trouble::Mute => None,
        Trouble::RateLimit => {
            let left = until.map_or(SimSpan::ZERO, |until| until.since(now));
            let retry_after_secs = left.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u32::MAX);
            Some(Definite::RateLimited { retry_after_secs })
        }
        Trouble::Outage => Some(Definite::Unavailable),
        Trouble::EndpointMoved => Some(Definite::Moved),
        Trouble::PermissionRevoked => Some(Definite::Forbidden),
        Trouble::SchemaChanged => Some(Definite::OtherSchema),
    }
}
