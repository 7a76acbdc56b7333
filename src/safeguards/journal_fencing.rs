//! Journal fencing: of two incarnations of an agent, only the later one acts on its journal.
//!
//! A rolling update or an impatient supervisor starts a process before the old one has ended. Both recover
//! from one journal, and both go on: a task is worked on twice from there, and what the old one acknowledges
//! in its last seconds the new one never learns. With the switch on, each incarnation opens the journal with
//! its number, and an earlier one exits at its next durable record, before it acts on it
//! ([`Agent::open_journal`]).
//!
//! It needs a journal that both can read. Where the old process runs on another machine, an agent needs a
//! lease with a [fencing token](super::fencing) instead.

use crate::agent::Agent;
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};

/// The switch.
#[derive(Default)]
pub struct JournalFencing;

impl Safeguard for JournalFencing {
    const NAME: &'static str = "journal-fencing";
    const ABOUT: &'static str = "an agent exits when a later incarnation of it has opened its journal";
    const EXAMPLE: &'static str = "journal-fencing = true";
    const WITHOUT: &'static str =
        "two incarnations of an agent act on one journal, each without what the other learnt";
    const PROTECTS: &'static [&'static str] =
        &["eventual-termination", "no-duplicate-effects", "no-orphans", "results-paired"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The agent with its journal opened, if the switch is on: for the first line of an agent's code, before it
/// reads the journal.
pub async fn open(agent: Agent, safeguards: &Safeguards) -> Agent {
    if safeguards.has::<JournalFencing>() { agent.open_journal().await } else { agent }
}
