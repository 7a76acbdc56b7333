//! A radix heap: a priority queue for keys that are not smaller than what was taken last.
//!
//! Entries are in buckets, one for equal keys and one for each bit of a key, by the highest bit in which
//! their key differs from the base, the greatest key of which it is known that none is smaller. All of a
//! bucket come before all of the next. When a bucket is reached and is large, its first key becomes the
//! base, and its entries go into lower buckets. So an entry is moved a few times, always to the end of a
//! list, while a binary heap jumps through its memory with every entry (Ahuja, Mehlhorn, Orlin and
//! Tarjan 1990, "Faster algorithms for the shortest path problem").

use super::Entry;
use crate::pool;

#[derive(Default)]
pub(super) struct RadixHeap {
    base: u128,
    /// As many as were ever needed, so that a small world, which needs none, has none to clear.
    buckets: Vec<Vec<Entry>>,
    /// Which buckets are not empty, except the first: a bit for each, from the second on.
    occupied: u128,
}

impl RadixHeap {
    /// Adds an entry that is not before the base.
    #[inline]
    pub fn push(&mut self, entry: Entry) {
        let bucket = (u128::BITS - (entry.time_and_tie ^ self.base).leading_zeros()) as usize;
        if bucket >= self.buckets.len() {
            self.buckets.resize_with(bucket + 1, Vec::new);
        }
        self.buckets[bucket].push(entry);
        self.occupied |= bit(bucket);
    }

    /// Adds entries, the first of which has that key. It may be before the base.
    pub fn extend(&mut self, entries: &[Entry], first: u128) {
        if first < self.base {
            self.base = first;
            let all: Vec<Entry> = self.buckets.iter_mut().flat_map(|bucket| bucket.drain(..)).collect();
            self.occupied = 0;
            for entry in all {
                self.push(entry);
            }
        }
        for entry in entries {
            self.push(*entry);
        }
    }

    /// Moves the first entries, about so many, to a list that is empty, in no order. Returns a key that is
    /// greater than theirs and not greater than that of any entry left.
    pub fn pop_first(&mut self, to: &mut Vec<Entry>, about: usize) -> u128 {
        let mut emptied = 0;
        while let Some(bucket) = self.first_bucket() {
            let count = self.buckets[bucket].len();
            let is_enough = to.len() >= about / 2;
            if bucket > 0 && to.len() + count > about {
                if is_enough {
                    return self.least_above(emptied);
                }
                self.spread(bucket);
                continue;
            }
            to.append(&mut self.buckets[bucket]);
            self.occupied &= !bit(bucket);
            emptied = bucket;
        }
        u128::MAX
    }

    fn first_bucket(&self) -> Option<usize> {
        if self.buckets.first().is_some_and(|equal| !equal.is_empty()) {
            return Some(0);
        }
        (self.occupied != 0).then(|| self.occupied.trailing_zeros() as usize + 1)
    }

    /// Moves the entries of the first bucket to lower ones.
    fn spread(&mut self, bucket: usize) {
        let mut entries = std::mem::take(&mut self.buckets[bucket]);
        self.occupied &= !bit(bucket);
        self.base = entries.iter().map(|entry| entry.time_and_tie).min().unwrap_or(self.base);
        for entry in entries.drain(..) {
            self.push(entry);
        }
        self.buckets[bucket] = entries;
    }

    /// The least key that would be in a higher bucket.
    fn least_above(&self, bucket: usize) -> u128 {
        let higher = self.base.checked_shr(bucket as u32).unwrap_or(0);
        let least = (higher + 1).checked_shl(bucket as u32);
        least.filter(|key| *key > self.base).unwrap_or(u128::MAX)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        for bucket in &mut self.buckets {
            bucket.clear();
            bucket.shrink_to(pool::MOST);
        }
        (self.base, self.occupied) = (0, 0);
    }
}

/// The bit of a bucket among those that are occupied.
fn bit(bucket: usize) -> u128 {
    bucket.checked_sub(1).map_or(0, |place| 1 << place)
}
