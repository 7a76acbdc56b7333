//! Content: a typed value for its owner, and JSON for every other reader.

use crate::agent::{Brief, json};
use perfidy_sim::Words;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The arguments of a call, its result, or the content of a source: any serde value, or nothing.
///
/// Cheap to clone. Two are equal if they are values of the same type with the same hash; a typed value and
/// its JSON form are not equal.
///
/// ```
/// use perfidy::agent::Content;
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Clone, PartialEq, Hash, Debug, Serialize, Deserialize)]
/// struct Transferred { balance: u64 }
///
/// let said = Content::new(Transferred { balance: 95 });
/// assert_eq!(said.json(), json!({ "balance": 95 }));
/// assert_eq!(said.read(), Ok(Transferred { balance: 95 }));
/// assert!(Content::of_json(json!({ "balance": "95" })).read::<Transferred>().is_err());
/// ```
#[derive(Clone, Default)]
pub struct Content(Option<Arc<dyn Said>>);

/// Content that does not fit the expected type, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeMismatch(pub String);

impl fmt::Display for TypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TypeMismatch {}

trait Said: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn json(&self) -> Value;
    fn digest(&self) -> u64;
}

impl<T: Serialize + Hash + Send + Sync + 'static> Said for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn json(&self) -> Value {
        json::of(self)
    }

    fn digest(&self) -> u64 {
        Words::digest(|words| words.hash(self))
    }
}

impl Content {
    /// No content: `null` in JSON, without an allocation.
    pub const NOTHING: Self = Self(None);

    /// A value of a type.
    pub fn new(value: impl Serialize + Hash + Send + Sync + 'static) -> Self {
        // The unit value is no content: tools without a result answer with it.
        if size_of_val(&value) == 0 { Self::NOTHING } else { Self(Some(Arc::new(value))) }
    }

    /// A value that is JSON.
    pub fn of_json(value: Value) -> Self {
        if value.is_null() { Self::NOTHING } else { Self(Some(Arc::new(value))) }
    }

    /// Whether there is no content.
    pub fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// Its content as JSON.
    pub fn json(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, |said| said.as_ref().json())
    }

    /// Its content as a value of this type: the value itself if it is one, otherwise deserialised from its
    /// JSON.
    ///
    /// # Errors
    /// [`TypeMismatch`] if the JSON does not fit the type.
    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T, TypeMismatch> {
        if let Some(value) = self.0.as_ref().and_then(|said| said.as_ref().as_any().downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        serde_json::from_value(self.json()).map_err(|error| TypeMismatch(error.to_string()))
    }

    fn digest(&self) -> u64 {
        self.0.as_ref().map_or(0, |said| said.as_ref().digest())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(left), Some(right)) => Arc::ptr_eq(left, right) || self.digest() == other.digest(),
            _ => false,
        }
    }
}

impl Eq for Content {}

/// Ordered by digest: the same in every process, but without meaning.
impl Ord for Content {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |content: &Self| (content.0.is_some(), content.digest());
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Content {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Content {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest());
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of_json)
    }
}

/// Its whole content as JSON.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.json(), f)
    }
}

/// Its content in one line, cut where it is long.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Brief(&self.json()).fmt(f)
    }
}
