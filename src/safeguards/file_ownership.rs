//! File ownership: all changes of one file are made by one agent, one after the other.
//!
//! Agents that change a file at the same time do not see each other's changes: at best one of them does its
//! work again. If a file has one owner, and its next change begins when the last one is in, every change is
//! made on the text with all earlier ones ("code owners"; the single-writer principle, Thompson 2011). It is
//! a plan and no lock: an agent that writes all the same is not stopped. Where a
//! [merge queue](super::merge_queue) stops it, owners save what would be made again.
//!
//! ```
//! use perfidy::safeguards::file_ownership::{FileTurns, owner_of};
//!
//! let mut turns = FileTurns::default();
//! turns.add("guide.md", "task-1");
//! turns.add("guide.md", "task-2");
//! turns.add("faq.md", "task-2");
//! assert!(turns.is_next("guide.md", &"task-1") && turns.is_next("faq.md", &"task-2"));
//! assert!(!turns.is_next("guide.md", &"task-2"));
//! assert_eq!(turns.ended("guide.md", &"task-1"), Some(&"task-2"), "it is the next");
//!
//! assert_eq!(owner_of("guide.md", 3), owner_of("guide.md", 3), "the same one, also after a crash");
//! ```

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Words;
use std::collections::{BTreeMap, VecDeque};

/// The switch.
#[derive(Default)]
pub struct FileOwnership;

impl Safeguard for FileOwnership {
    const NAME: &'static str = "file-ownership";
    const ABOUT: &'static str = "all changes of one file are made by one agent, one after the other";
    const EXAMPLE: &'static str = "file-ownership = true";
    const WITHOUT: &'static str = "changes are dealt in turn, and agents change one file at the same time";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Which of so many agents owns a file. It follows from the path alone, so that agents need not remember or
/// tell each other.
///
/// # Panics
/// If there are none.
pub fn owner_of(path: &str, agents: usize) -> usize {
    let digest = Words::digest(|words| {
        words.text(path);
    });
    (digest % agents as u64) as usize
}

/// The changes that are to be made of each file, in order.
#[derive(Debug)]
pub struct FileTurns<C> {
    changes: BTreeMap<String, VecDeque<C>>,
}

impl<C> Default for FileTurns<C> {
    fn default() -> Self {
        Self { changes: BTreeMap::new() }
    }
}

impl<C: PartialEq> FileTurns<C> {
    /// Adds a change of a file, after those that are there.
    pub fn add(&mut self, path: &str, change: C) {
        self.changes.entry(path.to_owned()).or_default().push_back(change);
    }

    /// Whether a change is among those that are to be made.
    pub fn has(&self, path: &str, change: &C) -> bool {
        self.changes.get(path).is_some_and(|changes| changes.contains(change))
    }

    /// Whether it is the turn of a change.
    pub fn is_next(&self, path: &str, change: &C) -> bool {
        self.changes.get(path).and_then(VecDeque::front).is_some_and(|next| next == change)
    }

    /// A change is in, or will not be made; the one whose turn it is now, if it was the turn of the first.
    pub fn ended(&mut self, path: &str, change: &C) -> Option<&C> {
        let changes = self.changes.get_mut(path)?;
        let place = changes.iter().position(|waiting| waiting == change)?;
        changes.remove(place);
        if place == 0 { changes.front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_change_that_is_given_up_before_its_turn_lets_no_other_pass() {
        let mut turns = FileTurns::default();
        for change in ["a", "b", "c"] {
            turns.add("guide.md", change);
        }
        assert_eq!(turns.ended("guide.md", &"b"), None);
        assert!(turns.is_next("guide.md", &"a"));
        assert_eq!(turns.ended("guide.md", &"a"), Some(&"c"));
        assert_eq!(turns.ended("guide.md", &"a"), None, "it has ended before");
        assert_eq!(turns.ended("guide.md", &"c"), None, "there is no more");
        assert_eq!(turns.ended("faq.md", &"c"), None);
    }

    #[test]
    fn every_agent_owns_some_files() {
        let owners: BTreeSet<usize> = (0..100).map(|nth| owner_of(&format!("{nth}.md"), 3)).collect();
        assert_eq!(owners, BTreeSet::from([0, 1, 2]));
    }
}
