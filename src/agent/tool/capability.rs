//! What a caller knows of a tool's interface, and what it is told when that has changed.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// What the caller of a tool states that it knows: for which of the tool's endpoints, and for which version
/// of its schema, a call is made. Both are counted from one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Capability {
    /// The endpoint; `None` if the call goes to the first one and says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<u32>,
    /// The version of the schema; `None` if the call states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
}

/// What a caller does not state is no part of a digest.
impl Hash for Capability {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.is_unstated() {
            (self.endpoint, self.schema).hash(state);
        }
    }
}

impl Capability {
    /// That of a tool that has not changed.
    pub const FIRST: Self = Self { endpoint: Some(1), schema: Some(1) };

    /// Whether nothing is stated.
    pub(crate) fn is_unstated(&self) -> bool {
        *self == Self::default()
    }
}

/// What is new about a tool, as its refusal says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ToolChange {
    /// It has another endpoint: this one.
    Endpoint(u32),
    /// Its schema has another version: this one.
    Schema(u32),
}
