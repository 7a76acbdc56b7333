//! Drain on shutdown: an agent that is asked to shut down first finishes the steps that it works on.
//!
//! Rollouts and autoscalers ask processes to end at any time. An agent that drops its work then has sent
//! calls whose outcome it will never know; and one that reports the dropped steps as cancelled or failed says
//! something that is not known: what they called may have happened, or is about to.

use crate::agent::Agent;
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::{Name, SimSpan};
use std::pin::Pin;

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

/// After how long work about something that begins now is dropped, because its agent is asked to shut down;
/// `None` if it is not asked, or finishes its work first.
pub fn dropped_after(agent: &Agent, safeguards: &Safeguards, about: Name) -> Option<SimSpan> {
    agent.shutdown_after(about).filter(|_| !safeguards.has::<DrainOnShutdown>())
}

/// Does some work, unless a shutdown drops it: then `None`. In a box, because a future that holds another one
/// across two waits holds it twice.
pub async fn unless_shut_down<T>(
    agent: &Agent,
    safeguards: &Safeguards,
    about: Name,
    work: Pin<Box<impl Future<Output = T>>>,
) -> Option<T> {
    match dropped_after(agent, safeguards, about) {
        None => Some(work.await),
        Some(after) => agent.within(after, "a shutdown", work).await.ok(),
    }
}
