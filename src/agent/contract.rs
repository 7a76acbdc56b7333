//! Contracts of handovers: what one agent hands to the next, field by field, and in which version.
//!
//! An agent that hands work to another passes data with it: the amount, the account, the path. Both sides
//! rely on the same *contract*: which fields there are, of which types, and in which version of the contract
//! they are written. A reader that takes what it finds (a tolerant reader) does not notice that a field is
//! missing or means something else by now.
//!
//! A message shows what it hands over ([`Message::handover`](crate::agent::Message::handover)), as it was
//! really delivered. So a property can judge what a receiver acted on, and a receiver can
//! [check](crate::safeguards::contract_check) it.
//!
//! ```
//! use perfidy::agent::{Breach, Content, Contract, Handover};
//! use perfidy_sim::Name;
//! use serde_json::json;
//!
//! let contract = Contract::of(&Content::of_json(json!({ "amount": 120, "to": "alice" }))).unwrap();
//! let handover = |fields| Handover::in_version(1, Content::of_json(fields));
//! assert_eq!(contract.check(&handover(json!({ "amount": 7, "to": "bob", "note": "thanks" }))), Ok(()));
//! let amount = Name::new("amount");
//! assert_eq!(contract.check(&handover(json!({ "to": "bob" }))), Err(Breach::Missing(amount)));
//! let text = handover(json!({ "amount": "7", "to": "bob" }));
//! assert_eq!(contract.check(&text), Err(Breach::WrongType(amount)));
//! ```

use crate::agent::{Content, Fact};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::hash::{Hash, Hasher};

/// What one agent hands over to the next: fields, the version of the contract in which they are written, and
/// the facts behind them.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// The version of the contract, as the sender states it; `None` if it states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<u32>,
    /// The fields, by name.
    #[serde(default, skip_serializing_if = "Content::is_nothing")]
    pub fields: Content,
    /// The evidence on which the work rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

/// One that hands over nothing adds nothing to the digest of its message.
impl Hash for Handover {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.is_nothing() {
            (self.contract, &self.fields).hash(state);
            self.facts.iter().for_each(|fact| fact.hash(state));
        }
    }
}

impl Handover {
    /// These fields in this version of their contract.
    pub fn in_version(contract: u32, fields: Content) -> Self {
        Self { contract: Some(contract), fields, facts: Vec::new() }
    }

    /// These fields as a sender of the current version hands them over; nothing if there are none.
    pub fn of(fields: Content) -> Self {
        if fields.is_nothing() { Self::default() } else { Self::in_version(Contract::VERSION, fields) }
    }

    /// Whether nothing is handed over.
    pub fn is_nothing(&self) -> bool {
        self.contract.is_none() && self.fields.is_nothing() && self.facts.is_empty()
    }
}

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FieldType {
    Nothing,
    Truth,
    Number,
    Text,
    List,
    Table,
}

impl FieldType {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Truth,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Table,
        }
    }
}

/// What a handover must contain: each field with its type, in one version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    version: u32,
    fields: Vec<(Name, FieldType)>,
}

impl Contract {
    /// The version in which a team begins.
    pub const VERSION: u32 = 1;

    /// The contract of a handover of what was ordered: the fields of the order with their types, in the
    /// version in which a team begins. `None` if the order has no fields.
    pub fn of(order: &Content) -> Option<Self> {
        let Value::Object(table) = order.json() else { return None };
        let fields: Vec<_> =
            table.iter().map(|(key, value)| (Name::new(key), FieldType::of(value))).collect();
        (!fields.is_empty()).then_some(Self { version: Self::VERSION, fields })
    }

    /// Whether a handover fits the contract. A field that the contract does not have is no breach.
    ///
    /// # Errors
    /// The first [`Breach`]: another version, or else of the fields in order.
    pub fn check(&self, handover: &Handover) -> Result<(), Breach> {
        if handover.contract != Some(self.version) {
            return Err(Breach::OtherVersion(handover.contract));
        }
        let found = handover.fields.json();
        for (field, wanted) in &self.fields {
            match found.get(field.as_str()) {
                None => return Err(Breach::Missing(*field)),
                Some(value) if FieldType::of(value) != *wanted => return Err(Breach::WrongType(*field)),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// How a handover breaks its contract.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Breach {
    /// It is written in another version, or states none.
    OtherVersion(Option<u32>),
    /// A field is missing.
    Missing(Name),
    /// A field has another type.
    WrongType(Name),
    /// A fact about this item is not what its source says.
    WrongFact(Name),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherVersion(Some(version)) => write!(f, "it is in version {version} of the contract"),
            Self::OtherVersion(None) => f.write_str("it states no version of the contract"),
            Self::Missing(field) => write!(f, "`{field}` is missing"),
            Self::WrongFact(item) => write!(f, "what it says of {item} is not what the source says"),
            Self::WrongType(field) => write!(f, "`{field}` has another type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::Words;
    use serde_json::json;

    #[test]
    fn an_order_without_fields_has_no_contract() {
        for order in [Value::Null, json!(7), json!({})] {
            assert_eq!(Contract::of(&Content::of_json(order)), None);
        }
    }

    #[test]
    fn another_version_is_a_breach_whatever_the_fields() {
        let fields = || Content::of_json(json!({ "amount": 120 }));
        let contract = Contract::of(&fields()).unwrap();
        assert_eq!(contract.check(&Handover::of(fields())), Ok(()));
        let next = Handover::in_version(2, fields());
        assert_eq!(contract.check(&next), Err(Breach::OtherVersion(Some(2))));
        let unstated = Handover { fields: fields(), ..Handover::default() };
        assert_eq!(contract.check(&unstated), Err(Breach::OtherVersion(None)));
        assert_eq!(contract.check(&Handover::default()), Err(Breach::OtherVersion(None)));
    }

    #[test]
    fn each_type_of_json_is_a_type_of_its_own() {
        let values = [json!(null), json!(true), json!(7), json!("7"), json!([7]), json!({ "seven": 7 })];
        for ordered in &values {
            let contract = Contract::of(&Content::of_json(json!({ "field": ordered }))).unwrap();
            for found in &values {
                let found_one = Handover::of(Content::of_json(json!({ "field": found })));
                assert_eq!(contract.check(&found_one).is_ok(), ordered == found, "{ordered} {found}");
            }
        }
    }

    #[test]
    fn a_handover_of_nothing_is_no_part_of_a_digest_and_reads_back() {
        let digest = |handover: &Handover| Words::digest(|words| words.hash(handover));
        assert_eq!(digest(&Handover::default()), Words::digest(|_| {}));
        let handover = Handover::of(Content::of_json(json!({ "amount": 7 })));
        assert_ne!(digest(&handover), digest(&Handover::default()));
        for handover in [handover, Handover::default()] {
            let json = serde_json::to_value(&handover).unwrap();
            assert_eq!(serde_json::from_value::<Handover>(json).unwrap(), handover);
        }
    }
}
