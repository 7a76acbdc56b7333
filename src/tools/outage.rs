//! Outages: a tool serves no caller, for a while or forever.

use super::Outage;
use crate::agent::Definite;
use perfidy_sim::{SimSpan, SimTime};

/// The outages of one tool.
#[derive(Default)]
pub(super) struct Outages(Vec<(Outage, Option<SimTime>)>);

impl Outages {
    /// One more outage; for good if it does not last any time.
    pub fn begin(&mut self, outage: Outage, now: SimTime, lasting: SimSpan) {
        self.0.push((outage, Self::end(now, lasting)));
    }

    /// When an outage ends that begins now, if it does.
    pub fn end(now: SimTime, lasting: SimSpan) -> Option<SimTime> {
        (lasting > SimSpan::ZERO).then_some(now + lasting)
    }

    /// The outage that the tool is in, if any, and until when if not for good. The earliest counts.
    pub fn at(&self, now: SimTime) -> Option<(Outage, Option<SimTime>)> {
        self.0.iter().copied().find(|(_, until)| until.is_none_or(|until| now < until))
    }
}

/// What the tool says during an outage; nothing if it does not say anything.
pub(super) fn refusal(outage: Outage, until: Option<SimTime>, now: SimTime) -> Option<Definite> {
    match outage {
        Outage::NoResponse => None,
        Outage::RateLimit => {
            let left = until.map_or(SimSpan::ZERO, |until| until.since(now));
            let retry_after_secs = left.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u32::MAX);
            Some(Definite::RateLimited { retry_after_secs })
        }
        Outage::Down => Some(Definite::Unavailable),
        Outage::EndpointMoved => Some(Definite::Moved),
        Outage::PermissionRevoked => Some(Definite::Forbidden),
        Outage::SchemaChanged => Some(Definite::OtherSchema),
    }
}
