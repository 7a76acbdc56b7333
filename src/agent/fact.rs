//! Facts: items of evidence, each with its origin.
//!
//! What an agent knows it has read at a source, or another agent has said it. A fact that travels keeps its
//! value and says on what it rests. So it can be checked against its source, and it can be seen whether
//! anything but other agents stands behind it.
//!
//! ```
//! use perfidy::agent::{Content, Fact, Origin};
//! use perfidy_sim::Name;
//!
//! let [filings, revenue] = ["filings", "revenue"].map(Name::new);
//! let read = Fact::read(filings, revenue, Content::new(120_u64));
//! assert_eq!(read.origin, Origin::Reading);
//! let told = read.told_by(Name::new("link-1"));
//! assert_eq!((told.origin, told.value), (Origin::Statement { by: Name::new("link-1") }, read.value));
//! ```

use crate::agent::Content;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// An item of evidence: what a source says of something, as its bearer has it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// The tool that is its source.
    pub source: Name,
    /// What it is about: the item that was asked for there.
    pub item: Name,
    /// What the source says.
    pub value: Content,
    /// On what it rests.
    pub origin: Origin,
}

/// On what a fact rests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// A reading of the source.
    Reading,
    /// The word of another agent.
    Statement {
        /// Who said so.
        by: Name,
    },
}

impl Fact {
    /// What was read at a source.
    pub fn read(source: Name, item: Name, value: Content) -> Self {
        Self { source, item, value, origin: Origin::Reading }
    }

    /// The same on the word of another agent.
    #[must_use]
    pub fn told_by(&self, by: Name) -> Self {
        Self { origin: Origin::Statement { by }, ..self.clone() }
    }
}
