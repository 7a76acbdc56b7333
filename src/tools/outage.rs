//! Outages: a tool serves no caller, or only those that know how it has changed, for a while or forever.
//!
//! A tool that moves has another endpoint, and a schema that rolls has another version. Each is counted from
//! one, and a call can state which of them its caller knows ([`Capability`]). What a caller does not know, it
//! is told in the refusal ([`ToolChange`]): a typed refusal.

use super::Outage;
use crate::agent::{Capability, Content, Definite, Refused, ToolChange};
use perfidy_sim::{SimSpan, SimTime};

/// The outages of one tool.
#[derive(Default)]
pub(super) struct Outages(Vec<Begun>);

/// An outage that has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Begun {
    outage: Outage,
    /// When it ends, if it does.
    until: Option<SimTime>,
    /// The endpoint, or the version of the schema, that the tool has since then.
    version: u32,
}

/// What a tool does about a request, instead of working on it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum OutOfOrder {
    /// It says nothing.
    Silent,
    /// It refuses.
    Refuses(Refused),
}

impl Outages {
    /// An outage that begins now, for good if it does not last any time.
    pub fn next(&self, outage: Outage, now: SimTime, lasting: SimSpan) -> Begun {
        let until = (lasting > SimSpan::ZERO).then_some(now + lasting);
        let earlier = self.0.iter().filter(|begun| begun.outage == outage).count();
        Begun { outage, until, version: u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(2) }
    }

    /// One more outage.
    pub fn begin(&mut self, begun: Begun) {
        self.0.push(begun);
    }

    /// What the tool does about a request of a caller that knows this; `None` if it works on it. The earliest
    /// outage counts.
    pub fn response(&self, now: SimTime, known: Capability) -> Option<OutOfOrder> {
        let lasting = self.0.iter().filter(|begun| begun.until.is_none_or(|until| now < until));
        lasting.into_iter().find_map(|begun| begun.response(now, known))
    }
}

impl Begun {
    /// The version of the schema that the tool has from now on, if that is what changes.
    pub fn schema(self) -> Option<u32> {
        (self.outage == Outage::SchemaRolled).then_some(self.version)
    }

    /// What the tool does about a request of a caller that knows this; `None` if it works on it.
    pub fn response(self, now: SimTime, known: Capability) -> Option<OutOfOrder> {
        let refuses = |error| Some(OutOfOrder::Refuses(Refused::of(error)));
        let says = |error, change: ToolChange| {
            Some(OutOfOrder::Refuses(Refused { error, why: Content::new(change) }))
        };
        match self.outage {
            Outage::NoResponse => Some(OutOfOrder::Silent),
            Outage::RateLimit => {
                let left = self.until.map_or(SimSpan::ZERO, |until| until.since(now));
                let retry_after_secs = left.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u32::MAX);
                refuses(Definite::RateLimited { retry_after_secs })
            }
            Outage::Down => refuses(Definite::Unavailable),
            Outage::EndpointMoved if known.endpoint.is_some_and(|known| known >= self.version) => None,
            Outage::EndpointMoved => says(Definite::Moved, ToolChange::Endpoint(self.version)),
            Outage::PermissionRevoked => refuses(Definite::Forbidden),
            Outage::SchemaChanged => refuses(Definite::OtherSchema),
            // A call that states no version is read as one of the new version.
            Outage::SchemaRolled if known.schema.is_none_or(|known| known >= self.version) => None,
            Outage::SchemaRolled => says(Definite::OtherSchema, ToolChange::Schema(self.version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SimTime = SimTime::ZERO;

    fn known(endpoint: u32, schema: u32) -> Capability {
        Capability { endpoint: Some(endpoint), schema: Some(schema) }
    }

    fn refusal(error: Definite, change: ToolChange) -> OutOfOrder {
        OutOfOrder::Refuses(Refused { error, why: Content::new(change) })
    }

    fn after(outages: &[Outage]) -> Outages {
        outages.iter().fold(Outages::default(), |mut so_far, outage| {
            let begun = so_far.next(*outage, NOW, SimSpan::ZERO);
            so_far.begin(begun);
            so_far
        })
    }

    #[test]
    fn a_tool_that_has_moved_says_where_and_serves_those_who_know() {
        let outages = after(&[Outage::EndpointMoved, Outage::EndpointMoved]);
        let told = |endpoint| outages.response(NOW, known(endpoint, 1));
        assert_eq!(told(1), Some(refusal(Definite::Moved, ToolChange::Endpoint(2))));
        assert_eq!(told(2), Some(refusal(Definite::Moved, ToolChange::Endpoint(3))));
        assert_eq!(told(3), None);
        let nothing = outages.response(NOW, Capability::default());
        assert_eq!(nothing, Some(refusal(Definite::Moved, ToolChange::Endpoint(2))));
    }

    #[test]
    fn a_schema_that_rolls_refuses_those_who_state_another_and_misreads_those_who_state_none() {
        let outages = after(&[Outage::SchemaRolled]);
        assert_eq!(outages.response(NOW, Capability::default()), None);
        let told = outages.response(NOW, known(1, 1));
        assert_eq!(told, Some(refusal(Definite::OtherSchema, ToolChange::Schema(2))));
        assert_eq!(outages.response(NOW, known(1, 2)), None);
    }

    #[test]
    fn whoever_knows_of_one_change_still_meets_another() {
        let outages = after(&[Outage::EndpointMoved, Outage::PermissionRevoked]);
        let told = outages.response(NOW, known(2, 1));
        assert_eq!(told, Some(OutOfOrder::Refuses(Refused::of(Definite::Forbidden))));
    }
}
