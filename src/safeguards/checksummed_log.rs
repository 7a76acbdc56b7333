//! Checksummed log: a record that was half-written when its writer crashed is recognised as such.
//!
//! A crash in the middle of a write can leave data that reads as a valid record: an old one, or one with a
//! missing field that reads as zero. A checksum over the whole record, written with it, lets the reader skip
//! it. That is safe because no promise relied on it yet: its sync never returned.
//!
//! It does not help against a disk that comes back without its last records (the fault `stale-journal`): the
//! remaining records are intact, and only another agent can know that there were more. A team survives that
//! if the workers recognise an operation by its id, as in `standby/bad-workers`; the property
//! `recovered-state-is-a-prefix` then still holds.

use crate::agent::{Body, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::checkpoint::Checkpoint;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Payload;
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// The switch.
#[derive(Default)]
pub struct ChecksummedLog;

impl Safeguard for ChecksummedLog {
    const NAME: &'static str = "checksummed-log";
    const ABOUT: &'static str = "checkpoint records carry a checksum; recovery skips a half-written one";
    const EXAMPLE: &'static str = "checksummed-log = true";
    const WITHOUT: &'static str = "a record that a crash left half-written is read back as if it were whole";
    const NEEDS: &'static str = "`checkpoint`";
    const PROTECTS: &'static [&'static str] = &["recovered-state-is-a-prefix"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<Checkpoint>(Self::NAME)
    }
}

/// A record with its checksum.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checksummed {
    record: Body,
    checksum: u64,
}

impl Checksummed {
    /// Seals a record.
    pub fn new(record: impl Message) -> Self {
        let record = Body::new(record);
        Self { checksum: record.digest(), record }
    }

    /// The record, if it is intact.
    pub fn intact(&self) -> Option<&Body> {
        (self.record.digest() == self.checksum).then_some(&self.record)
    }
}

impl Hash for Checksummed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.record.digest(), self.checksum).hash(state);
    }
}

impl Message for Checksummed {
    fn kind(&self) -> &'static str {
        self.record.kind().as_str()
    }

    /// Only the record is torn; its checksum is still that of the intact record.
    fn corrupted(&self) -> Option<Self> {
        Some(Self { record: self.record.corrupted(), checksum: self.checksum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Hash, Debug, Serialize, Deserialize)]
    struct Step(u32);

    impl Message for Step {
        fn kind(&self) -> &'static str {
            "step"
        }

        fn corrupted(&self) -> Option<Self> {
            Some(Self(0))
        }
    }

    #[test]
    fn a_whole_record_is_read_and_a_torn_one_is_not_even_if_it_reads_as_another() {
        let sealed = Checksummed::new(Step(3));
        assert_eq!(sealed.intact().and_then(Body::open).map(|Step(number)| *number), Some(3));
        let torn = Message::corrupted(&sealed).unwrap();
        assert!(torn.record.open::<Step>().is_some() && torn.intact().is_none());
    }
}
