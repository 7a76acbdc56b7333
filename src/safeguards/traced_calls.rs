//! Traced calls: a tool carries a call out only if the call says for which task it is made.
//!
//! A team notes which task each call serves in its traces. A record of a trace gets lost: a batch is not
//! exported, a gateway drops headers that it does not know. Then there is an effect without a reason on
//! record. So the provenance goes with the call itself, from the task to the effect, as headers that
//! the tool keeps with the effect; and a tool that gets a call without them refuses it (HTTP 428) before
//! anything happens. The error is definite and can pass, so the caller makes the call again.
//!
//! The wrapper of each tool checks this, as the gateway in front of a real one does.

use crate::config::{Entry, Problem};
use crate::safeguards::retry::Retry;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct TracedCalls;

impl Safeguard for TracedCalls {
    const NAME: &'static str = "traced-calls";
    const ABOUT: &'static str =
        "tools refuse a call that does not say which task it serves, and it is made again";
    const EXAMPLE: &'static str = "traced-calls = true";
    const WITHOUT: &'static str =
        "a tool carries out a call of which it does not know for which task it is made";
    const NEEDS: &'static str = "`retry`";
    const PROTECTS: &'static [&'static str] = &["effects-traceable"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    /// What is refused once would never be done.
    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<Retry>(Self::NAME)
    }
}
