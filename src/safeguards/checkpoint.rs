//! Checkpoints: a coordinator records what it has learnt before it acts on it, and reads it back after a
//! crash.
//!
//! The order matters: write, sync, and only then tell other agents. So everything that was promised is on
//! disk, and what is on disk but was not yet promised can be promised again.

use crate::agent::{Agent, Body, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::checksummed_log::{Checksummed, ChecksummedLog};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct Checkpoint;

impl Safeguard for Checkpoint {
    const NAME: &'static str = "checkpoint";
    const ABOUT: &'static str =
        "an agent writes and syncs its progress before acting on it, and recovers it after a crash";
    const EXAMPLE: &'static str = "checkpoint = true";
    const WITHOUT: &'static str =
        "progress is only in memory: after a crash an agent begins anew or has lost its tasks";
    const PROTECTS: &'static [&'static str] =
        &["completed-work-not-rerun", "eventual-termination", "no-duplicate-effects", "no-lost-approval"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Makes a record durable, if checkpoints are on. The agent can crash before or after it.
pub async fn save(agent: &Agent, safeguards: &Safeguards, about: Name, record: impl Message) {
    if !safeguards.has::<Checkpoint>() {
        return;
    }
    agent.before("record", about).await;
    if safeguards.has::<ChecksummedLog>() {
        agent.persist(Checksummed::new(record)).await;
    } else {
        agent.persist(record).await;
    }
    agent.after("record", about).await;
}

/// Recovers every record of this type, oldest first. A record with a checksum is taken only if it is intact.
pub fn recover<R: Message>(agent: &Agent, take: impl FnMut(&R)) {
    agent.recover(read, take);
}

/// The content of a record, if it is of this type and intact.
fn read<R: Message>(written: &Body) -> Option<&R> {
    match written.open::<Checksummed>() {
        Some(sealed) => sealed.intact()?.open(),
        None => written.open(),
    }
}
