//! Messages within messages, on their way through JSON.
//!
//! JSON has no types, so by itself a message that is part of another one comes back without its kind and its
//! headers. When a fault alters the JSON of a message, the messages within it are known: each comes back as
//! it was if nothing of it was altered, and otherwise as what its own type reads. JSON from elsewhere is
//! [`Untyped`] until it is opened.

use super::body::{Body, Message};
use perfidy_sim::scoped;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::any::Any;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

/// A message within another one, with its JSON.
struct Part {
    json: Value,
    body: Body,
}

/// The messages within the one that is read back, and how many were read so far.
struct Known {
    parts: Vec<Part>,
    read: usize,
}

thread_local! {
    /// The messages within the one whose JSON is made.
    static MADE: RefCell<Option<Vec<Part>>> = const { RefCell::new(None) };
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// What becomes of a message whose JSON is altered: `read` gets the altered JSON. `None` if its receiver
/// reads the same.
pub(super) fn altered(
    body: &Body,
    alter: impl FnOnce(&mut Value),
    read: impl FnOnce(Value) -> Body,
) -> Option<Body> {
    let (honest, parts) = scoped::within(&MADE, Some(Vec::new()), || {
        let json = body.json();
        (json, MADE.take().unwrap_or_default())
    });
    let mut json = honest.clone();
    alter(&mut json);
    let altered =
        (json != honest).then(|| scoped::within(&KNOWN, Some(Known { parts, read: 0 }), || read(json)))?;
    // A field that the type does not have is not read.
    (altered.json() != honest).then_some(altered)
}

/// The JSON of a message within the one whose JSON is made.
pub(super) fn json_of(body: &Body) -> Value {
    // What is within this one is no part of the message around it.
    let json = scoped::within(&MADE, None, || body.json());
    MADE.with_borrow_mut(|made| {
        if let Some(parts) = made {
            parts.push(Part { json: json.clone(), body: body.clone() });
        }
    });
    json
}

/// The message within the one that is read back whose JSON this is.
pub(super) fn read(json: Value) -> Body {
    match KNOWN.with_borrow_mut(|known| known.as_mut()?.original_of(&json)) {
        Some(original) => original.altered(|honest| *honest = json).unwrap_or(original),
        None => Body::new(Untyped { json, read: OnceLock::new() }),
    }
}

impl Known {
    /// The message that JSON comes from: the one with the same JSON, or else the one in its place.
    fn original_of(&mut self, json: &Value) -> Option<Body> {
        let place = self.read.min(self.parts.len().checked_sub(1)?);
        self.read += 1;
        let same = self.parts.iter().find(|part| part.json == *json);
        Some(same.unwrap_or(&self.parts[place]).body.clone())
    }
}

/// The JSON of a message of which nothing else is known. Its type is known where it is opened: the first type
/// that can read it is the one.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Untyped {
    json: Value,
    #[serde(skip)]
    read: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Untyped {
    #[cold]
    pub fn read<M: Message>(&self) -> Option<&M> {
        if self.read.get().is_none() {
            let value: M = serde_json::from_value(self.json.clone()).ok()?;
            self.read.get_or_init(|| Box::new(value));
        }
        self.read.get()?.downcast_ref()
    }
}

impl Hash for Untyped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.json.hash(state);
    }
}

impl Message for Untyped {
    fn kind(&self) -> &'static str {
        "untyped"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Purpose};
    use perfidy_sim::Payload;
    use serde_json::json;

    /// A message with an amount, and with headers.
    #[derive(PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
    struct Order {
        amount: u32,
    }

    impl Message for Order {
        fn kind(&self) -> &'static str {
            "order"
        }

        fn headers(&self) -> Headers {
            Headers { attempt: Some(self.amount), ..Headers::of(Purpose::Order) }
        }
    }

    /// A message with messages in it.
    #[derive(PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
    struct Letter {
        to: String,
        inner: Vec<Body>,
    }

    impl Message for Letter {
        fn kind(&self) -> &'static str {
            "letter"
        }
    }

    fn order(amount: u32) -> Body {
        Body::new(Order { amount })
    }

    fn letter(inner: Vec<Body>) -> Body {
        Body::new(Letter { to: "bob".to_owned(), inner })
    }

    fn altered(body: &Body, alter: impl FnOnce(&mut Value)) -> Letter {
        let altered = body.altered(alter).expect("another");
        let Letter { to, inner } = altered.open().expect("a letter");
        Letter { to: to.clone(), inner: inner.clone() }
    }

    #[test]
    fn messages_within_an_altered_one_keep_their_kind_and_headers() {
        let Letter { to, inner } =
            altered(&letter(vec![order(5), order(6)]), |json| json["to"] = "eve".into());
        assert_eq!((to.as_str(), inner.as_slice()), ("eve", [order(5), order(6)].as_slice()));
        assert_eq!((inner[1].kind(), inner[1].headers()), (order(6).kind(), order(6).headers()));
        assert_eq!(inner[1].kinds(), order(6).kinds());
        assert_eq!((inner[1].open(), inner[1].open::<Letter>()), (Some(&Order { amount: 6 }), None));
    }

    #[test]
    fn a_message_that_is_altered_within_another_one_is_read_as_its_own_type() {
        let Letter { inner, .. } = altered(&letter(vec![order(5), order(6)]), |json| {
            json["inner"][1]["amount"] = 7.into();
        });
        assert_eq!(inner, [order(5), order(7)]);
        assert_eq!(inner[1].headers(), order(7).headers());
        let Letter { inner, .. } = altered(&letter(vec![order(5), order(6)]), |json| {
            json["inner"][0] = "five".into();
        });
        assert_eq!((inner[0].open::<Order>(), inner[0].kind().as_str()), (None, "corrupted"));
        assert_eq!(inner[1], order(6));
    }

    #[test]
    fn messages_that_are_left_out_repeated_or_deep_within_others_keep_theirs() {
        let inner = letter(vec![order(5)]);
        let Letter { inner, .. } = altered(&letter(vec![order(4), inner.clone(), inner]), |json| {
            let inner = json["inner"][1].clone();
            json["inner"] = json!([inner, inner, inner]);
            json["inner"][2]["inner"][0]["amount"] = 6.into();
        });
        assert_eq!(inner, [letter(vec![order(5)]), letter(vec![order(5)]), letter(vec![order(6)])]);
    }

    #[test]
    fn json_from_elsewhere_is_read_where_it_is_opened() {
        let json = json!({ "to": "eve", "inner": [{ "amount": 6 }] });
        let Letter { inner, .. } = serde_json::from_value(json).expect("a letter");
        assert_eq!((inner[0].open::<Letter>(), inner[0].open()), (None, Some(&Order { amount: 6 })));
        assert_eq!(inner[0].json(), order(6).json());
    }
}
