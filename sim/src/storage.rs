//! Durable storage of a node: a log of records, of which a crash takes whatever was not synced.
//!
//! ```
//! use perfidy_sim::Disk;
//! let mut disk = Disk::default();
//! disk.append("promised");
//! disk.sync();
//! disk.append("hoped");
//! assert_eq!(disk.crash(), 1);
//! assert_eq!(disk.records(), ["promised"]);
//! ```

/// An append-only log with a durable part and a tail that is not.
#[derive(Clone, Debug)]
pub struct Disk<R> {
    records: Vec<R>,
    durable: usize,
}

impl<R> Default for Disk<R> {
    fn default() -> Self {
        Self { records: Vec::new(), durable: 0 }
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
        let lost = self.records.len() - self.durable;
        self.records.truncate(self.durable);
        lost
    }

    /// Loses everything.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.records.shrink_to(crate::spare::MOST);
        self.durable = 0;
    }

    /// What a reader sees: all records while the node is up.
    pub fn records(&self) -> &[R] {
        &self.records
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
        assert_eq!(disk.records(), [1]);
    }
}
