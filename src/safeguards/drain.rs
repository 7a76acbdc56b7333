//! Drain on shutdown: an agent that is asked to shut down first finishes the steps that it works on.
//!
//! Rollouts and autoscalers ask processes to end at any time. An agent that drops its work then has sent
//! calls whose outcome it will never know; and one that reports the dropped steps as cancelled or failed says
//! something that is not known: what they called may have happened, or is about to.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct DrainOnShutdown;

impl Safeguard for DrainOnShutdown {
    const NAME: &'static str = "drain-on-shutdown";
    const ABOUT: &'static str = "an agent that is asked to shut down finishes the steps that it works on";
    const EXAMPLE: &'static str = "drain-on-shutdown = true";
    const WITHOUT: &'static str =
        "a shutdown counts as a cancel: steps under way are dropped, and reported failed";
    const PROTECTS: &'static [&'static str] = &["no-orphan-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
