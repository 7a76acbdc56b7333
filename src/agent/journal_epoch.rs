//! Journal epochs: an incarnation that opens the journal fences off the earlier ones.
//!
//! In an overlapping restart, two incarnations of an agent write one journal. What the older one writes after
//! the newer one has read the journal, the newer one never learns, so a promise that rests on it is lost when
//! the older one ends. Therefore each incarnation writes its number into the journal before it reads it, and
//! an incarnation that has made a record durable looks for a higher number before it acts on the record. A
//! record before that number is read by the newer incarnation; on a record after it, no promise rests ("ledger
//! fencing", Apache `BookKeeper`).

use crate::agent::{Agents, Body, Message};
use perfidy_sim::Context;
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The record with which an incarnation opens the journal.
#[derive(Hash, Serialize, Deserialize)]
pub(super) struct Opened {
    pub incarnation: u32,
}

impl Message for Opened {
    fn kind(&self) -> &'static str {
        "opened"
    }
}

/// The epoch in which an incarnation has opened its journal.
pub(super) struct JournalEpoch {
    incarnation: u32,
    /// How many records were checked.
    checked: Cell<usize>,
}

impl JournalEpoch {
    pub fn of(incarnation: u32) -> Self {
        Self { incarnation, checked: Cell::new(0) }
    }

    /// Whether a later incarnation has opened the journal since.
    pub fn is_over(&self, context: &Context<Agents>) -> bool {
        let records = context.records_after(self.checked.get());
        self.checked.set(self.checked.get() + records.len());
        let opened = |record: &Body| record.open::<Opened>().map(|opened| opened.incarnation);
        records.iter().filter_map(opened).any(|incarnation| incarnation > self.incarnation)
    }
}
