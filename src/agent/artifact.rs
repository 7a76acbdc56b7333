//! Artifacts: pieces of work, identified by their content.
//!
//! The identity of an artifact is the digest of its whole content, including the identity of the artifact it
//! was made from. So an artifact that was retold wrongly has another identity than the original, and so has
//! everything made from it (content addressing, as in Merkle 1987, "A digital signature based on a
//! conventional encryption function").

use perfidy_sim::{Name, Words};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The identity of an artifact: the digest of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ArtifactId(pub u64);

/// As sixteen hexadecimal digits: not every JSON reader has 64-bit numbers.
impl Serialize for ArtifactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for ArtifactId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "artifact {:04x}", self.0 >> 48)
    }
}

/// An artifact, or what an agent takes to be one.
///
/// ```
/// use perfidy::agent::Artifact;
/// use perfidy_sim::Name;
/// let brief = Artifact { about: Name::new("task-1/file"), from: None, body: 7 };
/// let retold = Artifact { body: 8, ..brief };
/// assert_ne!(brief.id(), retold.id());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Artifact {
    /// The intent it serves.
    pub about: Name,
    /// The artifact it was made from, if any.
    pub from: Option<ArtifactId>,
    /// Its content, as a number.
    pub body: u64,
}

impl Artifact {
    /// Its identity.
    pub fn id(&self) -> ArtifactId {
        ArtifactId(Words::digest(|words| words.hash(self)))
    }
}
