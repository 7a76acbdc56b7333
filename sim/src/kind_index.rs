//! Which events of a history are of which kinds: one bit for each event and each kind.
//!
//! A reader of a few kinds goes through the bits of these kinds, 64 events at a time, and never loads what it
//! does not want. So it pays for what it finds, and next to nothing for the rest of a history.

use crate::EventKinds;

/// How many events a block is about: one for each bit of a word.
const EVENTS_IN_A_BLOCK: usize = u64::BITS as usize;

/// For each kind, which of the events of the block are of it.
type Block = [u64; EventKinds::MOST];

/// The kinds of each event of a history, by its place.
#[derive(Clone, Default)]
pub(crate) struct KindIndex {
    blocks: Vec<Block>,
    len: usize,
}

impl KindIndex {
    /// Enters the kinds of the next event.
    #[inline]
    pub fn push(&mut self, kinds: EventKinds) {
        let place = self.len % EVENTS_IN_A_BLOCK;
        if place == 0 {
            self.blocks.push([0; EventKinds::MOST]);
        }
        self.len += 1;
        if let Some(block) = self.blocks.last_mut() {
            kinds.each(|kind| block[kind] |= 1 << place);
        }
    }

    /// The places of the events of at least one of these kinds, in order.
    pub fn places_of(&self, kinds: EventKinds) -> impl Iterator<Item = usize> {
        Places { blocks: self.blocks.iter(), kinds, next_block: 0, found: 0 }
    }

    /// How many events are of each kind.
    pub fn counts(&self) -> [u32; EventKinds::MOST] {
        let mut counts = [0; EventKinds::MOST];
        for block in &self.blocks {
            for (count, events) in counts.iter_mut().zip(block) {
                *count += events.count_ones();
            }
        }
        counts
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.len = 0;
    }
}

/// The places of the events of some kinds, from the next one on.
struct Places<'a> {
    blocks: std::slice::Iter<'a, Block>,
    kinds: EventKinds,
    /// The place of the first event of the next block.
    next_block: usize,
    /// The events of the block before that are of these kinds and still to come.
    found: u64,
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let block = self.blocks.next()?;
            self.next_block += EVENTS_IN_A_BLOCK;
            self.kinds.each(|kind| self.found |= block[kind]);
        }
        let place = self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(self.next_block - EVENTS_IN_A_BLOCK + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_some_kinds_are_found_wherever_they_are() {
        let first = EventKinds::SENT;
        let second = EventKinds::of_layer(EventKinds::OF_LAYER - 1);
        let at_edges = [0, 1, EVENTS_IN_A_BLOCK - 1, EVENTS_IN_A_BLOCK, 5 * EVENTS_IN_A_BLOCK + 3];
        let last = 6 * EVENTS_IN_A_BLOCK;
        let mut index = KindIndex::default();
        for place in 0..=last {
            let edge = if at_edges.contains(&place) { first } else { EventKinds::NONE };
            let end = if place == last { first.and(second) } else { EventKinds::LOST };
            index.push(edge.and(end));
        }
        let found = |kinds| index.places_of(kinds).collect::<Vec<_>>();
        let all: Vec<_> = at_edges.into_iter().chain([last]).collect();
        assert_eq!(found(first), all);
        assert_eq!(found(first.and(second)), all, "an event of two kinds is found once");
        assert_eq!(found(second), [last]);
        assert_eq!(found(EventKinds::LOST).len(), last);
        assert!(found(EventKinds::CRASHED).is_empty() && found(EventKinds::NONE).is_empty());
        index.clear();
        index.push(first);
        assert_eq!(index.places_of(first).collect::<Vec<_>>(), [0]);
    }
}
