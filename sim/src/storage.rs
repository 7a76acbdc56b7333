//! Durable storage of a node: an append-only log. A crash loses the records that were not synced.
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

/// An append-only log with a durable part and an unsynced tail.
#[derive(Clone, Debug)]
pub struct Disk<R> {
    records: Vec<R>,
    durable: usize,
    /// The durable records that this incarnation of the node does not see.
    unseen: Range<usize>,
}

impl<R> Default for Disk<R> {
    fn default() -> Self {
        Self { records: Vec::new(), durable: 0, unseen: 0..0 }
    }
}

impl<R> Disk<R> {
    /// Writes a record, which a crash may lose until it is synced.
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

    /// How many records a crash would lose now.
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

    /// Drops the unsynced records and returns their number.
    pub fn crash(&mut self) -> usize {
        let lost = self.unsynced();
        self.records.truncate(self.durable);
        self.unseen = 0..0;
        lost
    }

    /// Drops the unsynced records except the first, which is left torn, as `tear` returns it. Returns how
    /// many records were lost or changed.
    pub fn crash_tearing(&mut self, tear: impl FnOnce(&R) -> R) -> usize {
        let torn = self.records.get(self.durable).map(tear);
        let lost = self.crash();
        self.records.extend(torn);
        self.durable = self.records.len();
        lost
    }

    /// Hides the last durable records until the next crash.
    pub fn miss_last(&mut self, count: usize) {
        self.unseen = self.durable.saturating_sub(count)..self.durable;
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.records.shrink_to(crate::pool::MOST);
        self.durable = 0;
        self.unseen = 0..0;
    }

    /// The records that a reader sees: all while the node is up, except the hidden ones.
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
