//! Checkpoints: a coordinator writes down what it has learnt before it acts on it, and reads it after a crash.
//!
//! The order is the whole of it: write, sync, and only then tell anybody. What was promised is then always on
//! disk; what is on disk and was not yet promised can be promised again.

use crate::agent::{Agent, Body, Claim, Message};
use crate::safeguards::checksummed_log::{ChecksummedLog, Sealed};
use crate::safeguards::{Safeguard, Safeguards, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Name, Payload, Words};

/// The switch.
#[derive(Default)]
pub struct Checkpoint;

impl Safeguard for Checkpoint {
    const NAME: &'static str = "checkpoint";
    const ABOUT: &'static str =
        "the coordinator syncs what it learns before acting on it, and recovers it after a crash";
    const EXAMPLE: &'static str = "checkpoint = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Writes a record down for good, if checkpoints are on. The agent can crash before or after it.
pub async fn save(agent: &Agent, safeguards: &Safeguards, about: Name, record: impl Message) {
    if !safeguards.has::<Checkpoint>() {
        return;
    }
    agent.before("record", about).await;
    if safeguards.has::<ChecksummedLog>() {
        agent.persist(Sealed::new(record)).await;
    } else {
        agent.persist(record).await;
    }
    agent.after("record", about).await;
}

/// Shows every record of this type that survived, oldest first. One that carries a checksum is shown only if it is whole.
pub fn recover<R: Message>(agent: &Agent, mut show: impl FnMut(&R)) {
    each(&agent.journal(), |_, record| show(record));
}

/// The same for an agent whose whole state this is: it says what it goes on from, also if that is nothing.
pub fn restore<R: Message>(agent: &Agent, mut show: impl FnMut(&R)) {
    let (mut records, mut digest) = (0, 0);
    each(&agent.journal(), |written, record| {
        records += 1;
        digest = chain(digest, written);
        show(record);
    });
    agent.claim(Claim::Recovered { records, digest });
}

/// Hands on every record of a type with the digest of what was written, if what was written is whole.
fn each<R: Message>(journal: &[Body], mut hand_on: impl FnMut(u64, &R)) {
    for written in journal {
        let record = match written.open::<Sealed>() {
            Some(sealed) => sealed.intact(),
            None => Some(written),
        };
        if let Some(record) = record.and_then(Body::open) {
            hand_on(written.digest(), record);
        }
    }
}

/// The digest of a list of records with one more.
pub fn chain(before: u64, record: u64) -> u64 {
    Words::digest(|words| {
        words.put(before).put(record);
    })
}
