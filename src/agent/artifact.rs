//! Artifacts: pieces of work with an identity of their own.
//!
//! What a piece of work *is* and what somebody says of it are two things. Its identity is the digest of all
//! it says, what it was made from included, so a piece that was retold wrongly has another identity than the
//! one that was made, and so has everything made from it (content addressing, as in Merkle 1987, "A digital
//! signature based on a conventional encryption function").

use perfidy_sim::{Name, Words};
use serde::{Serialize, Serializer};
use std::fmt;

/// The identity of a piece of work: the digest of what it says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ArtifactId(pub u64);

/// As sixteen hexadecimal digits: not every reader of JSON has numbers of 64 bits.
impl Serialize for ArtifactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "artifact {:04x}", self.0 >> 48)
    }
}

/// A piece of work, or what somebody takes to be one.
///
/// ```
/// use perfidy::agent::Artifact;
/// use perfidy_sim::Name;
/// let brief = Artifact { about: Name::new("task-1/file"), from: None, body: 7 };
/// let retold = Artifact { body: 8, ..brief };
/// assert_ne!(brief.id(), retold.id());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Artifact {
    /// The intent it serves.
    pub about: Name,
    /// What it was made from, if from anything.
    pub from: Option<ArtifactId>,
    /// What it says, as a number.
    pub body: u64,
}

impl Artifact {
    /// Its identity.
    pub fn id(&self) -> ArtifactId {
        ArtifactId(Words::digest(|words| words.hash(self)))
    }
}
