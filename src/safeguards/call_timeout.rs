//! Call timeouts: a caller stops waiting for a tool after a while, and treats the outcome as unknown.
//!
//! A reply can be lost, or never sent. A caller that waits for it without a limit holds its work, its place
//! in a pool and everything that waits for it, for ever; many HTTP clients have no timeout unless one is set.
//! The timeout turns silence into an indefinite error, which [retry](super::retry) and
//! [observe](super::observe) can deal with. It must be longer than a call usually takes.

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards, span_or_none};
use perfidy_sim::SimSpan;

/// How long a caller waits for the reply of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallTimeout(pub SimSpan);

/// How long an agent waits that has no timeout: longer than any run.
pub(crate) const UNLIMITED: SimSpan = SimSpan::from_secs(10 * 365 * 24 * 3_600);

impl Safeguard for CallTimeout {
    const NAME: &'static str = "call-timeout";
    const ABOUT: &'static str = "built in: a caller waits for the reply of a tool for a limited time";
    const EXAMPLE: &'static str = r#"call-timeout = "5s""#;
    const WITHOUT: &'static str = "a caller waits for a reply for ever";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let possible = SimSpan::from_millis(10)..=SimSpan::from_secs(3_600);
        Ok(span_or_none(entry, &possible)?.map(Self))
    }
}

impl BuiltIn for CallTimeout {
    const USUAL: Self = Self(SimSpan::from_secs(5));
}

impl CallTimeout {
    /// How long a caller with these safeguards waits.
    pub fn of(safeguards: &Safeguards) -> SimSpan {
        safeguards.built_in::<Self>().map_or(UNLIMITED, |Self(timeout)| timeout)
    }
}
