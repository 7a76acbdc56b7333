//! Merge queues: approved changes are applied one at a time, each to the version on which it was made.
//!
//! Two changes that were made on the same version of a file are each right alone, and the second to be
//! written takes the first one back. With a queue, the one that comes second is made again on the version
//! with the first ("not rocket science rule", Hoare 2014; `bors`, GitHub's merge queue). What counts in the
//! end is the tool: a change carries its version as a precondition, and is refused if it is not the present
//! one. What the merger knows of versions only saves it from reviewing a change that would be refused.
//!
//! ```
//! use perfidy::agent::Version;
//! use perfidy::safeguards::merge_queue::PresentVersions;
//!
//! let mut present = PresentVersions::default();
//! assert!(!present.is_outdated("guide.md", Version(1)), "it knows nothing of it");
//! present.merged("guide.md", Version(2));
//! assert!(present.is_outdated("guide.md", Version(1)), "its author makes it again");
//! assert!(!present.is_outdated("guide.md", Version(2)));
//! ```

use crate::agent::{Headers, Version};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use std::collections::BTreeMap;

/// The switch.
#[derive(Default)]
pub struct MergeQueue;

impl Safeguard for MergeQueue {
    const NAME: &'static str = "merge-queue";
    const ABOUT: &'static str =
        "approved changes are applied one at a time, and one of an earlier version is made again";
    const EXAMPLE: &'static str = "merge-queue = true";
    const WITHOUT: &'static str =
        "an approved change is written as it was submitted, over whatever is there by then";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

impl MergeQueue {
    /// The headers under which a change of this version is merged: with the queue, the version is its
    /// precondition.
    pub fn headers(safeguards: &Safeguards, base: Option<Version>) -> Headers {
        let precondition = base.filter(|_| safeguards.has::<Self>());
        Headers { precondition, ..Headers::NONE }
    }
}

/// The versions of files, as far as the agent that merges knows them.
#[derive(Default, Debug)]
pub struct PresentVersions(BTreeMap<String, Version>);

impl PresentVersions {
    /// A change of this file was merged, and the file has this version since.
    pub fn merged(&mut self, path: &str, version: Version) {
        let known = self.0.entry(path.to_owned()).or_insert(version);
        *known = version.max(*known);
    }

    /// Whether a change that was made on this version of a file has to be made again.
    pub fn is_outdated(&self, path: &str, base: Version) -> bool {
        self.0.get(path).is_some_and(|present| base < *present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_about_an_earlier_merge_makes_no_file_older() {
        let mut present = PresentVersions::default();
        present.merged("guide.md", Version(3));
        present.merged("guide.md", Version(2));
        assert!(present.is_outdated("guide.md", Version(2)));
        assert!(!present.is_outdated("faq.md", Version(1)), "each file has versions of its own");
    }

    #[test]
    fn only_with_the_queue_a_change_has_a_precondition() {
        let (with, without) = (Safeguards::default().with(MergeQueue), Safeguards::default());
        assert_eq!(MergeQueue::headers(&with, Some(Version(2))).precondition, Some(Version(2)));
        assert_eq!(MergeQueue::headers(&with, None), Headers::NONE);
        assert_eq!(MergeQueue::headers(&without, Some(Version(2))), Headers::NONE);
    }
}
