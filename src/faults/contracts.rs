//! Broken contracts: a message arrives well formed, and without a field, with one of another type, or in
//! another version of its [contract](crate::agent::Contract).
//!
//! Models write most of what agents hand over, and a team is deployed agent by agent. So a field is left out,
//! a number comes as a text, or the sender is a version ahead of the receiver. The network has altered
//! nothing: no checksum helps. A message whose type cannot be read any more is lost; one that is read
//! leniently is not.

use super::byzantine::read_altering;
use super::{FaultKind, Target};
use crate::agent::{Alteration, into_next_version};
use perfidy_sim::{DrawSite, Name};
use serde_json::Value;

/// The faults of what agents hand over.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: OMITTED_FIELD,
        about: "a message between agents lacks a field",
        example: r#"omitted-field = { at = "executors", message = "done", field = "round", chance = "5%" }"#,
        target: Target::Messages,
        read: read_altering,
    },
    FaultKind {
        name: RETYPED_FIELD,
        about: "a field of a message between agents has another type (for example, a number as a string)",
        example: r#"retyped-field = { at = "executors", message = "done", field = "round", chance = "5%" }"#,
        target: Target::Messages,
        read: read_altering,
    },
    FaultKind {
        name: MIXED_VERSIONS,
        about: "an agent hands work over in the next version of the contract, in which a field has another name",
        example: r#"mixed-versions = { at = "executors", chance = "5%" }"#,
        target: Target::Messages,
        read: read_altering,
    },
];

const OMITTED_FIELD: &str = "omitted-field";
const RETYPED_FIELD: &str = "retyped-field";
const MIXED_VERSIONS: &str = "mixed-versions";

/// Does to a message what the fault of that name does, if it is one of these; to one of its fields, if it is
/// to be that one.
pub(super) fn alter((fault, field): (Name, Option<Name>), message: &mut Value, draw: DrawSite<'_>) {
    match fault.as_str() {
        OMITTED_FIELD => Alteration::DroppedField.of_message(message, field, draw),
        RETYPED_FIELD => Alteration::WrongType.of_message(message, field, draw),
        MIXED_VERSIONS => into_next_version(message, field, draw),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::{Draws, Seed};
    use serde_json::json;

    fn altered(fault: &str, field: Option<&str>) -> Value {
        let handover = json!({ "contract": 1, "fields": { "amount": 120, "to": "alice" } });
        let mut message = json!({ "WorkItem": { "step": 0, "handover": handover } });
        let draws = Draws::new(Seed(1));
        let draw = draws.draw_site(Name::new("link-1 > link-2"), Name::new("task-1/pay"), 1);
        alter((Name::new(fault), field.map(Name::new)), &mut message, draw);
        message["WorkItem"].take()
    }

    #[test]
    fn a_field_is_missing_or_has_another_type() {
        let omitted = altered(OMITTED_FIELD, Some("amount"));
        assert_eq!(omitted["handover"]["fields"], json!({ "to": "alice" }));
        let retyped = altered(RETYPED_FIELD, Some("amount"));
        assert_eq!(retyped["handover"]["fields"], json!({ "amount": "120", "to": "alice" }));
    }

    #[test]
    fn in_the_next_version_a_field_has_another_name() {
        let next = json!({ "contract": 2, "fields": { "amount_v2": 120, "to": "alice" } });
        assert_eq!(altered(MIXED_VERSIONS, Some("amount"))["handover"], next);
        let drawn = altered(MIXED_VERSIONS, None);
        assert_eq!(drawn["handover"]["contract"], json!(2));
        assert_eq!(drawn["handover"]["fields"].as_object().unwrap().len(), 2);
        assert_eq!(drawn["step"], json!(0));
    }

    #[test]
    fn a_message_without_a_version_of_its_contract_stays_as_it_is() {
        let mut message = json!({ "Done": { "round": 1 } });
        let draws = Draws::new(Seed(1));
        let draw = draws.draw_site(Name::new("a > b"), Name::new("task-1"), 1);
        alter((Name::new(MIXED_VERSIONS), None), &mut message, draw);
        assert_eq!(message, json!({ "Done": { "round": 1 } }));
    }
}
