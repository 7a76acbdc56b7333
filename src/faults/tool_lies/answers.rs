//! Lies about what was said: an answer comes, and it is old, wrong, cut short, unreadable, or somebody else's.

use super::{Lie, LieKind, Time, plain, read_by};
use crate::agent::Request::{Call, LookUp, Read};
use crate::faults::FaultKind;

/// Lies about what was said.
pub const KINDS: &[LieKind] = &[
    plain(
        "wrong-reply",
        "a tool does what it was asked to, and gives the answer to another request",
        r#"wrong-reply = { at = "ticketing", chance = "5%" }"#,
        &[Call, Read],
        |_| Lie::WrongReply,
    ),
    LieKind {
        fault: FaultKind {
            name: "stale-read",
            about: "a tool answers from an older state, and says of when it is",
            example: r#"stale-read = { at = "ticketing", chance = "5%", by = "30s..2m" }"#,
            read: read_by,
        },
        of: &[Read, LookUp],
        time: Time::Needed("how old the answer is"),
        tell: Lie::StaleRead,
    },
    plain(
        "wrong-value",
        "what a tool says is well formed, and wrong",
        r#"wrong-value = { at = "ticketing", chance = "5%" }"#,
        &[Read],
        |_| Lie::WrongValue,
    ),
    plain(
        "partial-result",
        "a tool leaves most of what was read out",
        r#"partial-result = { at = "ticketing", chance = "5%" }"#,
        &[Read],
        |_| Lie::PartialResult,
    ),
    plain(
        "malformed-result",
        "a tool does what it was asked to, and its answer cannot be read",
        r#"malformed-result = { at = "ticketing", chance = "5%" }"#,
        &[Call, Read],
        |_| Lie::MalformedResult,
    ),
    plain(
        "injected-instruction",
        "what is read from a tool tells the reader to do something",
        r#"injected-instruction = { at = "ticketing", chance = "5%" }"#,
        &[Read],
        |_| Lie::InjectedInstruction,
    ),
    plain(
        "oversize-result",
        "what is read from a tool is fifty times as long as usual",
        r#"oversize-result = { at = "ticketing", chance = "5%" }"#,
        &[Read],
        |_| Lie::OversizeResult,
    ),
];
