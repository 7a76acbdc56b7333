//! Journal epochs: an incarnation that opens the journal fences off the earlier ones.
//!
//! In an overlapping restart, two incarnations of an agent write one journal. What the older one writes after
//! the newer one has read the journal, the newer one never learns, so a promise that rests on it is lost when
//! the older one ends. Therefore each incarnation writes its number into the journal before it reads it, and
//! an incarnation that has made a record durable looks for a higher number before it acts on the record. A
//! record before that number is read by the newer incarnation; on a record after it, no promise rests, so
//! each record names the incarnation that wrote it, and recovery skips those of an incarnation that was
//! fenced off ("ledger fencing", Apache `BookKeeper`).

use crate::agent::{Agents, Body, Headers, Message};
use perfidy_sim::{Context, Payload};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::hash::{Hash, Hasher};

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

/// A record of an incarnation that has opened the journal.
#[derive(Serialize, Deserialize)]
pub(super) struct InEpoch {
    pub incarnation: u32,
    pub record: Body,
}

impl Hash for InEpoch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.incarnation, self.record.digest()).hash(state);
    }
}

impl Message for InEpoch {
    fn kind(&self) -> &'static str {
        self.record.kind().as_str()
    }

    fn headers(&self) -> Headers {
        self.record.headers()
    }

    fn corrupted(&self) -> Option<Self> {
        Some(Self { record: self.record.corrupted(), incarnation: self.incarnation })
    }
}

/// Goes through a journal, oldest first, without the records of incarnations that were fenced off before they
/// wrote them.
#[derive(Default)]
pub(super) struct Unfenced {
    opened: u32,
}

impl Unfenced {
    /// The record as its agent wrote it, if it counts.
    pub fn next<'a>(&mut self, written: &'a Body) -> Option<&'a Body> {
        if let Some(Opened { incarnation }) = written.open() {
            self.opened = self.opened.max(*incarnation);
            return None;
        }
        match written.open::<InEpoch>() {
            Some(InEpoch { incarnation, record }) => (*incarnation >= self.opened).then_some(record),
            None => Some(written),
        }
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

    /// The record as it is written in this epoch.
    pub fn stamp(&self, record: Body) -> Body {
        Body::new(InEpoch { incarnation: self.incarnation, record })
    }

    /// Whether a later incarnation has opened the journal since.
    pub fn is_over(&self, context: &Context<Agents>) -> bool {
        let records = context.records_after(self.checked.get());
        self.checked.set(self.checked.get() + records.len());
        let opened = |record: &Body| record.open::<Opened>().map(|opened| opened.incarnation);
        records.iter().filter_map(opened).any(|incarnation| incarnation > self.incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Hash, Serialize, Deserialize)]
    struct Step(u32);

    impl Message for Step {
        fn kind(&self) -> &'static str {
            "step"
        }
    }

    #[test]
    fn what_an_incarnation_wrote_after_it_was_fenced_off_does_not_count() {
        let by = |incarnation, step| JournalEpoch::of(incarnation).stamp(Body::new(Step(step)));
        let journal =
            [by(0, 1), Body::new(Opened { incarnation: 1 }), by(0, 2), by(1, 3), Body::new(Step(4))];
        let mut unfenced = Unfenced::default();
        let counts = journal.iter().filter_map(|written| unfenced.next(written)?.open());
        assert_eq!(counts.map(|Step(step)| *step).collect::<Vec<_>>(), [1, 3, 4]);
    }
}
