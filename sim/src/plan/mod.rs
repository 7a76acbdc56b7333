//! Plans: which faults are injected in a run, as data.
//!
//! Wherever a fault is possible, the world asks the plan. The place has an [`Address`] (site, logical id, nth
//! occurrence) and the plan returns at most one [`Action`].
//!
//! * [`Plan::Fuzz`] decides by chance, from rules; every injected fault is reported with its drawn action.
//! * [`Plan::Explicit`] decides from a list. The faults reported by a fuzzed run, given back as an explicit
//!   plan with the same seed, make the same run, event for event.
//!
//! Shrinking, exhaustive search, saved failures and hand-written fault patterns all use explicit plans.
//!
//! ```
//! use perfidy_sim::{Action, Fault};
//! let fault: Fault = Fault {
//!     at: "ticketing > executor-1, reply to create, task-2, try 1".parse().unwrap(),
//!     action: "delay 3s".parse().unwrap(),
//! };
//! assert!(matches!(fault.action, Action::Delay(_)));
//! assert_eq!(fault.to_string(), "ticketing > executor-1, reply to create, task-2, try 1: delay 3s");
//! ```

mod action;
mod address;
mod degradation;
mod quoted;
mod rename;
mod rule;
mod text;

pub use action::Action;
pub use address::{Address, NotAnAddress};
pub use degradation::{ClockDirection, Degradation};
pub use rename::Renames;
pub use rule::{Aftershocks, Chaos, Hook, Rule, Selector, TimedEffect, TimedFault};
pub use text::NotAnAction;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One fault at one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Where.
    pub at: Address,
    /// What.
    #[serde(rename = "do")]
    pub action: Action,
}

impl Fault {
    /// The same fault with some words of its text replaced: node names and logical ids. A word consists of
    /// letters, digits and hyphens. If the new text does not parse as a fault, the fault stays as it was.
    ///
    /// ```
    /// use perfidy_sim::Fault;
    /// let fault = Fault { at: "a > b-2, ask, task-2, try 1".parse().unwrap(), action: "drop".parse().unwrap() };
    /// let renamed = fault.with_words(|word| (word == "task-2").then(|| "task-1".to_owned()));
    /// assert_eq!(renamed.to_string(), "a > b-2, ask, task-1, try 1: drop");
    /// ```
    #[must_use]
    pub fn with_words(&self, replace: impl Fn(&str) -> Option<String>) -> Self {
        let at = replaced(&self.at.to_string(), &replace).parse();
        let action = replaced(&self.action.to_string(), &replace).parse();
        match (at, action) {
            (Ok(at), Ok(action)) => Self { at, action },
            _ => *self,
        }
    }
}

fn replaced(text: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.split_inclusive(|c| !is_of_word(c))
        .map(|part| {
            let word = part.trim_end_matches(|c| !is_of_word(c));
            replace(word).map_or_else(|| part.to_owned(), |new| part.replacen(word, &new, 1))
        })
        .collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.action)
    }
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub enum Plan {
    /// By chance.
    Fuzz(Arc<Chaos>),
    /// Exactly these faults.
    Explicit(Arc<[Fault]>),
}

impl Plan {
    /// The plan without faults.
    pub fn fault_free() -> Self {
        Self::Explicit(Arc::new([]))
    }

    /// Whether both are the same plan by identity, not by equality.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fuzz(left), Self::Fuzz(right)) => Arc::ptr_eq(left, right),
            (Self::Explicit(left), Self::Explicit(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }

    /// The pinned faults of the plan.
    pub fn pinned(&self) -> &[Fault] {
        match self {
            Self::Fuzz(chaos) => &chaos.pinned,
            Self::Explicit(faults) => faults,
        }
    }
}
