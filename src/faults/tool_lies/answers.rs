//! Wrong answers: a tool answers with content that is old, wrong, cut short, unreadable, or meant for another
//! request.

use super::{LieKind, Time, plain, read_by};
use crate::agent::Alteration;
use crate::faults::FaultKind;
use crate::tools::{CallFault, ReadFault, ToolFault};

/// Lies about what was said.
pub const KINDS: &[LieKind] = &[
    plain(
        "wrong-reply",
        "a tool does what it was asked to, and gives the answer to another request",
        r#"wrong-reply = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::WrongReply, ReadFault::WrongReply),
    ),
    LieKind {
        fault: FaultKind {
            name: "stale-read",
            about: "a tool answers from an older state, and says of when it is",
            example: r#"stale-read = { at = "ticketing", chance = "5%", by = "30s..2m" }"#,
            read: read_by,
        },
        time: Time::Needed("how old the answer is"),
        fault_of: ToolFault::stale,
    },
    plain(
        "wrong-value",
        "what a tool says is well formed, and wrong",
        r#"wrong-value = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongValue),
    ),
    plain(
        "dropped-field",
        "a field of what a tool says is not there",
        r#"dropped-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::DroppedField),
    ),
    plain(
        "renamed-field",
        "a field of what a tool says has another name",
        r#"renamed-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::RenamedField),
    ),
    plain(
        "wrong-type",
        "a value of what a tool says is of another type, such as a number that comes as a text",
        r#"wrong-type = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongType),
    ),
    plain(
        "partial-result",
        "a tool leaves most of what was read out",
        r#"partial-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::Truncated),
    ),
    plain(
        "malformed-result",
        "a tool does what it was asked to, and its answer cannot be read",
        r#"malformed-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::MalformedResult, ReadFault::MalformedResult),
    ),
    plain(
        "injected-instruction",
        "what is read from a tool tells the reader to do something",
        r#"injected-instruction = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::InjectedText),
    ),
    plain(
        "oversize-result",
        "what is read from a tool is fifty times as long as usual",
        r#"oversize-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::Oversize),
    ),
];
