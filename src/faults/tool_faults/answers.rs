//! Wrong answers: a tool answers with content that is old, wrong, cut short, unreadable, or meant for another
//! request.

use super::{Time, ToolFaultKind, plain, read_by};
use crate::agent::Alteration;
use crate::faults::FaultKind;
use crate::tools::{CallFault, ReadFault, ToolFault};

/// Lies about what was said.
pub const KINDS: &[ToolFaultKind] = &[
    plain(
        "wrong-reply",
        "a tool carries out the call, and replies with the answer to another request",
        r#"wrong-reply = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::WrongReply, ReadFault::WrongReply),
    ),
    ToolFaultKind {
        fault: FaultKind {
            name: "stale-read",
            about: "a tool answers from an older state, and says how old",
            example: r#"stale-read = { at = "ticketing", chance = "5%", by = "30s..2m" }"#,
            read: read_by,
        },
        time: Time::Needed("how old the answer is"),
        fault_of: ToolFault::stale,
    },
    plain(
        "wrong-value",
        "a tool's result is well formed, and wrong",
        r#"wrong-value = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongValue),
    ),
    plain(
        "dropped-field",
        "a field of a tool's result is missing",
        r#"dropped-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::DroppedField),
    ),
    plain(
        "renamed-field",
        "a field of a tool's result has another name",
        r#"renamed-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::RenamedField),
    ),
    plain(
        "wrong-type",
        "a field of a tool's result has another type (for example, a number as a string)",
        r#"wrong-type = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongType),
    ),
    plain(
        "partial-result",
        "a tool's result is truncated to a part of it",
        r#"partial-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::Truncated),
    ),
    plain(
        "malformed-result",
        "a tool carries out the call, and its reply cannot be parsed",
        r#"malformed-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::MalformedResult, ReadFault::MalformedResult),
    ),
    plain(
        "injected-instruction",
        "a tool's result carries an instruction (prompt injection)",
        r#"injected-instruction = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::InjectedText),
    ),
    plain(
        "oversize-result",
        "a tool's result is fifty times as long as usual",
        r#"oversize-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::Oversize),
    ),
];
