//! Durable storage of a node: a log of records, of which a crash takes whatever was not synced.
//!
//! ```
//! use perfidy_sim::Disk;
//! let mut disk = Disk::default();
//! disk.append("promised");
//! disk.sync();
//! disk.append("hoped");
//! assert_eq!(disk.crash(), 1);
//! assert!(disk.records().eq(&["promised"]));
//! ```

use std::ops::Range;

/// An append-only log with a durable part and a tail that is not.
#[derive(Clone, Debug)]
pub struct Disk<R> {
    records: Vec<R>,
    durable: usize,
    /// The durable records that this life of the node does not see.
    unseen: Range<usize>,
}

impl<R> Default for Disk<R> {
    fn default() -> Self {
        Self { records: Vec::new(), durable: 0, unseen: 0..0 }
    }
}

impl<R> Disk<R> {
    /// Writes a record, which the next crash may take.
    pub fn append(&mut self, record: R) {
        self.records.push(record);
    }

    /// How many records have been written so far, durable or not.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many records the next crash would take.
    pub fn unsynced(&self) -> usize {
        self.records.len() - self.durable
    }

    /// Makes everything written so far durable.
    pub fn sync(&mut self) {
        self.sync_up_to(self.records.len());
    }

    /// Makes the first `count` records durable: what had been written when a sync began.
    pub fn sync_up_to(&mut self, count: usize) {
        self.durable = self.durable.max(count.min(self.records.len()));
    }

    /// Loses what was not durable and says how many records that was.
    pub fn crash(&mut self) -> usize {
        let lost = self.unsynced();
        self.records.truncate(self.durable);
        self.unseen = 0..0;
        lost
    }

    /// Loses what was not durable, but for the first of it: that was being written, and `tear` says what is
    /// left of it. Says how many records are not as they were written.
    pub fn crash_tearing(&mut self, tear: impl FnOnce(&R) -> R) -> usize {
        let torn = self.records.get(self.durable).map(tear);
        let lost = self.crash();
        self.records.extend(torn);
        self.durable = self.records.len();
        lost
    }

    /// Keeps the last durable records from being seen until the next crash.
    pub fn miss_last(&mut self, count: usize) {
        self.unseen = self.durable.saturating_sub(count)..self.durable;
    }

    /// Loses everything.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.records.shrink_to(crate::spare::MOST);
        self.durable = 0;
        self.unseen = 0..0;
    }

    /// What a reader sees: all records while the node is up, but for those it misses.
    pub fn records(&self) -> impl Iterator<Item = &R> {
        let (before, after) = (&self.records[..self.unseen.start], &self.records[self.unseen.end..]);
        before.iter().chain(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_covers_what_was_written_when_it_began() {
        let mut disk = Disk::default();
        disk.append(1);
        let begun = disk.len();
        disk.append(2);
        disk.sync_up_to(begun);
        assert_eq!(disk.crash(), 1);
        assert!(disk.records().eq(&[1]));
    }

    #[test]
    fn a_torn_record_is_the_first_that_was_not_durable_and_stays() {
        let mut disk = Disk::default();
        disk.append(1);
        disk.sync();
        disk.append(2);
        disk.append(3);
        assert_eq!(disk.crash_tearing(|record| -record), 2);
        assert!(disk.records().eq(&[1, -2]));
        assert_eq!(disk.crash_tearing(|record| -record), 0);
        assert!(disk.records().eq(&[1, -2]), "what is durable is not torn");
    }

    #[test]
    fn what_is_missed_is_missed_for_one_life() {
        let mut disk = Disk::default();
        (1..=3).for_each(|record| disk.append(record));
        disk.sync();
        disk.crash();
        disk.miss_last(2);
        disk.append(4);
        assert!(disk.records().eq(&[1, 4]));
        disk.sync();
        disk.crash();
        assert!(disk.records().eq(&[1, 2, 3, 4]));
        disk.miss_last(9);
        assert_eq!(disk.records().count(), 0);
    }
}
