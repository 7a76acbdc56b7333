//! Messages and records: any serde type that implements `Hash`.

use crate::agent::{Headers, Purpose, json, kinds};
use perfidy_sim::{EventKinds, Name, Payload, Words};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A message to another agent, or a record in a journal: a serde type of yours.
///
/// Its owner reads it back as the original type ([`Body::open`]). Stories, faults that alter it, and
/// properties read it as JSON ([`Body::json`]), which is made only on demand. The digest of a history uses
/// `Hash`.
///
/// ```
/// use perfidy::agent::{Body, Message};
/// use serde::Serialize;
/// use serde_json::json;
///
/// #[derive(Hash, Serialize)]
/// enum Say {
///     Assign { step: u32 },
///     Done,
/// }
///
/// impl Message for Say {
///     fn kind(&self) -> &'static str {
///         match self {
///             Self::Assign { .. } => "assign",
///             Self::Done => "done",
///         }
///     }
/// }
///
/// #[derive(Hash, Serialize)]
/// struct Other;
///
/// impl Message for Other {
///     fn kind(&self) -> &'static str {
///         "other"
///     }
/// }
///
/// let body = Body::new(Say::Assign { step: 2 });
/// assert!(matches!(body.open::<Say>(), Some(Say::Assign { step: 2 })));
/// assert!(body.open::<Other>().is_none());
/// assert_eq!(body.json(), json!({ "Assign": { "step": 2 } }));
/// ```
pub trait Message: Hash + Serialize + Send + Sync + 'static {
    /// The kind of message, for addresses and stories.
    fn kind(&self) -> &'static str;

    /// Its headers. By default none.
    fn headers(&self) -> Headers {
        Headers::NONE
    }

    /// The message that its receiver reads out of JSON which a fault has altered on its way, if it is still
    /// one: `serde_json::from_value(json).ok()` for a type that serde can read. `None`, as it is unless you
    /// say otherwise, is a receiver that reads nothing but the original.
    fn of_json(json: Value) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = json;
        None
    }

    /// What a receiver reads if the message is corrupted by the network or by a torn journal write. `None`, the
    /// default, is a message with a checksum: it cannot be read at all. A message without one may read as
    /// something else.
    fn corrupted(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

trait Content: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn json(&self) -> Value;
    fn digest(&self) -> u64;
    fn corrupted(&self) -> Body;
    fn reread(&self, json: Value) -> Body;
    fn kind(&self) -> &'static str;
    fn headers(&self) -> Headers;
}

/// An unreadable message: only its digest is left.
#[derive(Hash, Debug, Serialize)]
struct Garbled(u64);

impl Message for Garbled {
    fn kind(&self) -> &'static str {
        "garbled"
    }
}

impl<M: Message> Content for M {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn json(&self) -> Value {
        json::of(self)
    }

    fn digest(&self) -> u64 {
        Words::digest(|words| words.hash(self))
    }

    fn corrupted(&self) -> Body {
        Message::corrupted(self).map_or_else(|| Body::new(Garbled(Content::digest(self))), Body::new)
    }

    fn reread(&self, json: Value) -> Body {
        M::of_json(json).map_or_else(|| Body::new(Garbled(Content::digest(self))), Body::new)
    }

    fn kind(&self) -> &'static str {
        Message::kind(self)
    }

    fn headers(&self) -> Headers {
        Message::headers(self)
    }
}

/// A message in flight, or a record in a journal. The history holds it too.
#[derive(Clone)]
pub struct Body(Arc<Kept<dyn Content>>);

/// A message, with the data that every history needs of it.
struct Kept<C: ?Sized> {
    kinds: EventKinds,
    digest: u64,
    message: C,
}

impl Body {
    /// Wraps a message.
    pub fn new(message: impl Message) -> Self {
        let (kinds, digest) = (Message::headers(&message).kinds(), Content::digest(&message));
        Self(Arc::new(Kept { kinds, digest, message }))
    }

    /// The message, if it is of this type.
    pub fn open<M: Message>(&self) -> Option<&M> {
        self.0.message.as_any().downcast_ref()
    }

    /// Its headers.
    pub fn headers(&self) -> Headers {
        self.0.message.headers()
    }

    /// Whether its headers have this purpose; cheaper than to read the headers.
    pub fn is_for(&self, purpose: Purpose) -> bool {
        self.0.kinds.contains(kinds::purpose(purpose))
    }

    /// Its content as JSON, computed on each call.
    pub fn json(&self) -> Value {
        self.0.message.json()
    }
}

impl Body {
    /// The message as its receiver reads it of which something has altered the JSON; `None` if it is the
    /// same.
    pub(crate) fn altered(&self, alter: impl FnOnce(&mut Value)) -> Option<Self> {
        let honest = self.json();
        let mut json = honest.clone();
        alter(&mut json);
        (json != honest).then(|| self.0.message.reread(json))
    }
}

/// A message within another, or a record within a record.
impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

/// Its content in one line, cut where it is long.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json::Brief::of_message(&self.json()).fmt(f)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest());
    }
}

/// Its whole content as JSON: different contents look different.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.json(), f)
    }
}

impl Payload for Body {
    fn digest(&self) -> u64 {
        self.0.digest
    }

    fn kinds(&self) -> EventKinds {
        self.0.kinds
    }

    fn corrupted(&self) -> Self {
        self.0.message.corrupted()
    }

    fn kind(&self) -> Name {
        Name::literal(self.0.message.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
    struct Sum(u64);

    impl Message for Sum {
        fn kind(&self) -> &'static str {
            "sum"
        }
    }

    /// A checksum that no reader checks.
    #[derive(PartialEq, Eq, Hash, Debug, Serialize)]
    struct Unchecked(u64);

    impl Message for Unchecked {
        fn kind(&self) -> &'static str {
            "unchecked"
        }

        fn corrupted(&self) -> Option<Self> {
            Some(Self(self.0 ^ 1))
        }
    }

    #[test]
    fn what_is_garbled_cannot_be_read_unless_nobody_checks_it() {
        let [one, two] = [1, 2].map(|sum| Body::new(Sum(sum)).corrupted());
        assert_eq!(one.open::<Sum>(), None);
        assert_ne!(one.digest(), two.digest());
        assert_eq!(one.digest(), Body::new(Sum(1)).corrupted().digest());
        assert_eq!(Body::new(Unchecked(6)).corrupted().open(), Some(&Unchecked(7)));
    }
}
