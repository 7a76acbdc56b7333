//! Messages and records: any serde type that implements `Hash`.
//!
//! A message travels as the value that its sender made, and its receiver reads that value: no JSON is made on
//! the way. Only a fault that alters content turns the message into JSON, and then the receiver gets what its
//! type reads out of the altered JSON. What is no such message any more is corrupted, as by the network. The
//! same is true of messages within messages.

use crate::agent::nested::{self, Untyped};
use crate::agent::{Handover, Headers, Purpose, Stamp, json, kinds};
use perfidy_sim::{EventKinds, Name, Payload, Words};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// A message to another agent, or a record in a journal: a serde type of yours.
///
/// Its owner reads it back as the original type ([`Body::open`]). Stories, faults that alter it, and
/// properties read it as JSON ([`Body::json`]), which is made only on demand. The digest of a history uses
/// `Hash`.
///
/// ```
/// use perfidy::agent::{Body, Message};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Hash, Serialize, Deserialize)]
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
/// #[derive(Hash, Serialize, Deserialize)]
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
pub trait Message: Hash + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of message, for addresses and stories.
    fn kind(&self) -> &'static str;

    /// Its headers. By default none.
    fn headers(&self) -> Headers {
        Headers::NONE
    }

    /// What it hands over to its receiver under a [contract](crate::agent::Contract). By default it is under
    /// none.
    fn handover(&self) -> Option<&Handover> {
        None
    }

    /// What a receiver reads if the message is corrupted by the network or by a torn journal write. `None`,
    /// the default, is a message with a checksum: it cannot be read at all. A message without one may read as
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
    /// What a receiver reads if it is corrupted, if it can read anything.
    fn corrupted(&self) -> Option<Body>;
    /// The message of this type with that content, if there is one.
    fn read_back(&self, json: Value) -> Option<Body>;
    fn kind(&self) -> &'static str;
    fn headers(&self) -> Headers;
    fn handover(&self) -> Option<&Handover>;
}

/// A message that its receiver cannot read. What it was is for those who look at the history.
#[derive(Hash, Debug, Serialize, Deserialize)]
struct Unreadable {
    unreadable: Body,
}

impl Message for Unreadable {
    fn kind(&self) -> &'static str {
        "corrupted"
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

    fn corrupted(&self) -> Option<Body> {
        Message::corrupted(self).map(Body::new)
    }

    fn read_back(&self, json: Value) -> Option<Body> {
        serde_json::from_value::<M>(json).ok().map(Body::new)
    }

    fn kind(&self) -> &'static str {
        Message::kind(self)
    }

    fn headers(&self) -> Headers {
        Message::headers(self)
    }

    fn handover(&self) -> Option<&Handover> {
        Message::handover(self)
    }
}

/// A message in flight, or a record in a journal. The history holds it too.
#[derive(Clone)]
pub struct Body(Arc<Kept<dyn Content>>);

/// A message, with what histories need of it; few need its digest.
struct Kept<C: ?Sized> {
    kinds: EventKinds,
    digest: OnceLock<u64>,
    /// The stamp that its sender's handle has put on it.
    stamp: Option<Stamp>,
    message: C,
}

impl Body {
    /// Wraps a message.
    pub fn new(message: impl Message) -> Self {
        let kinds = Message::headers(&message).kinds();
        let kinds = if Message::handover(&message).is_some() { kinds.and(kinds::HANDOVER) } else { kinds };
        Self(Arc::new(Kept { kinds, digest: OnceLock::new(), stamp: None, message }))
    }

    /// The same with a stamp, if it is to have one.
    ///
    /// # Panics
    /// If it is shared already.
    pub(crate) fn stamped(mut self, stamp: Option<Stamp>) -> Self {
        if stamp.is_some() {
            Arc::get_mut(&mut self.0).expect("a new message is not shared").stamp = stamp;
        }
        self
    }

    /// The stamp that it carries, if it does.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.headers().stamp
    }

    /// The message, if it is of this type.
    pub fn open<M: Message>(&self) -> Option<&M> {
        let message = self.0.message.as_any();
        message.downcast_ref().or_else(|| message.downcast_ref::<Untyped>()?.read())
    }

    /// Its headers.
    pub fn headers(&self) -> Headers {
        let headers = self.0.message.headers();
        Headers { stamp: headers.stamp.or(self.0.stamp), ..headers }
    }

    /// What it hands over under a contract, if it is under one.
    pub fn handover(&self) -> Option<&Handover> {
        self.0.message.handover()
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
    /// Whether its receiver cannot read it.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.0.message.as_any().is::<Unreadable>()
    }

    fn unreadable(&self) -> Self {
        Self::new(Unreadable { unreadable: self.clone() })
    }

    /// The message as its receiver reads it after its JSON was altered; `None` if the JSON is the same.
    pub(crate) fn altered(&self, alter: impl FnOnce(&mut Value)) -> Option<Self> {
        nested::altered(self, alter, |json| {
            let read = self.0.message.read_back(json).map(|read| read.stamped(self.0.stamp));
            read.unwrap_or_else(|| self.unreadable())
        })
    }
}

/// A message within another, or a record within a record.
impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nested::json_of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(nested::read)
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
        let Kept { digest, stamp, message, .. } = &*self.0;
        *digest.get_or_init(|| match stamp {
            None => message.digest(),
            Some(stamp) => Words::digest(|words| words.hash(&(message.digest(), stamp))),
        })
    }

    fn kinds(&self) -> EventKinds {
        self.0.kinds
    }

    fn corrupted(&self) -> Self {
        self.0.message.corrupted().unwrap_or_else(|| self.unreadable())
    }

    fn kind(&self) -> Name {
        Name::literal(self.0.message.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Run;
    use crate::scenario::{self, Case};
    use crate::suite::Suite;
    use perfidy_sim::{Engine, EventKind, Seed};
    use std::collections::BTreeSet;

    #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
    struct Sum(u64);

    impl Message for Sum {
        fn kind(&self) -> &'static str {
            "sum"
        }
    }

    /// A checksum that no reader checks.
    #[derive(PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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
    fn what_is_corrupted_cannot_be_read_unless_it_has_no_checksum() {
        let [one, two] = [1, 2].map(|sum| Body::new(Sum(sum)).corrupted());
        assert_eq!(one.open::<Sum>(), None);
        assert_eq!(one.json().to_string(), r#"{"unreadable":1}"#);
        assert_ne!(one.digest(), two.digest());
        assert_eq!(one.digest(), Body::new(Sum(1)).corrupted().digest());
        assert_eq!(Body::new(Unchecked(6)).corrupted().open(), Some(&Unchecked(7)));
    }

    #[test]
    fn an_altered_message_is_read_as_its_type_and_what_is_none_any_more_as_nothing() {
        let sum = Body::new(Sum(6));
        assert_eq!(sum.altered(|_| {}), None);
        assert_eq!(sum.altered(|json| *json = 7.into()).expect("another").open(), Some(&Sum(7)));
        let other = sum.altered(|json| *json = "seven".into()).expect("another");
        assert_eq!((other.open::<Sum>(), other.digest()), (None, sum.corrupted().digest()));
    }

    #[test]
    fn every_message_that_shipped_teams_send_reads_back_from_its_json() {
        let suite = Suite::shipped();
        let scenarios =
            scenario::read_all(&suite, &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
        let mut kinds = BTreeSet::new();
        for case in scenarios.iter().flat_map(Case::all) {
            for seed in 0..2 {
                let history = Run::fuzzed(&case, Engine::Native, Seed(seed)).outcome.history;
                for event in history.events() {
                    let EventKind::Sent { content, .. } = &event.what else { continue };
                    let again = content.0.message.read_back(content.json()).expect("it is of this type");
                    let again = again.stamped(content.0.stamp);
                    assert_eq!(again.json(), content.json(), "{case}, seed {seed}, {event:?}");
                    assert_eq!((again.kind(), again.headers()), (content.kind(), content.headers()));
                    kinds.insert((case.scenario.workflow.name, content.kind()));
                }
            }
        }
        let of = |workflow| kinds.iter().filter(|(of, _)| *of == workflow).count();
        for workflow in suite.workflows() {
            assert!(of(workflow.name) >= 4, "{}: {kinds:?}", workflow.name);
        }
    }
}
