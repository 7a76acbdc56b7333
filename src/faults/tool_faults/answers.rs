//! Wrong answers: a tool answers with content that is old, wrong, cut short, unreadable, or meant for another
//! request.
//!
//! What an altered answer does depends on what its reader reads of it:
//!
//! | | a call of `records`, which answer with a receipt alone | a call of `accounts` or `files` | a read of `sources` |
//! |---|---|---|---|
//! | `wrong-value` | another receipt | another balance or account, version or text | another text, version or item |
//! | `dropped-field`, `renamed-field`, `wrong-type` | indefinite error | indefinite error | indefinite error |
//! | `partial-result` | indefinite error | indefinite error, or a shorter text | an answer that says that it is cut short |
//! | `malformed-result` | indefinite error | indefinite error | indefinite error |
//! | `oversize-result` | not injected | a longer text | more tokens for the reader's model |
//! | `injected-instruction` | not injected | a text with the instruction | a text with the instruction |
//!
//! The field that is altered is drawn, unless the file names one (`field = "balance"`).
//!
//! The client of every caller checks the result of a call against the type of the tool's replies
//! ([`Tool::Reply`](crate::tools::Tool::Reply)); what does not fit it is
//! [`Malformed`](crate::agent::Indefinite::Malformed): the call may have taken effect. So all workflows meet
//! the first kind of harm in the same way: they retry, and without an idempotency key the effect happens
//! twice. The receipt and the balance that a worker of the conductor, the standby team, the pipeline or the
//! roundtable is told go into the report to the user, so a wrong one breaks `reports-match-effects`.
//! Researchers read the document as well: one about another item or cut short they ask for again, and the
//! text of the others is what they answer with.

use super::{altering, plain, read_by};
use crate::agent::Alteration;
use crate::faults::{FaultKind, MakeFault, Target, Time};
use crate::tools::{CallFault, ReadFault, ToolFault};

/// Lies about what was said.
pub const KINDS: &[FaultKind] = &[
    plain(
        "wrong-reply",
        "a tool carries out the call, and replies with the answer to another request",
        r#"wrong-reply = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::WrongReply, ReadFault::WrongReply),
    ),
    FaultKind {
        name: "stale-read",
        about: "a tool answers from an older state, and says how old",
        example: r#"stale-read = { at = "ticketing", chance = "5%", by = "30s..2m" }"#,
        target: Target::Tools {
            fault: MakeFault::Shipped(ToolFault::stale),
            time: Time::Needed("how old the answer is"),
        },
        read: read_by,
    },
    altering(
        "wrong-value",
        "a tool's result is well formed, and wrong",
        r#"wrong-value = { at = "ticketing", field = "receipt", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongValue),
    ),
    altering(
        "dropped-field",
        "a field of a tool's result is missing",
        r#"dropped-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::DroppedField),
    ),
    altering(
        "renamed-field",
        "a field of a tool's result has another name",
        r#"renamed-field = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::RenamedField),
    ),
    altering(
        "wrong-type",
        "a field of a tool's result has another type (for example, a number as a string)",
        r#"wrong-type = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::WrongType),
    ),
    altering(
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
    altering(
        "injected-instruction",
        "a tool's result carries an instruction (prompt injection)",
        r#"injected-instruction = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::InjectedText),
    ),
    altering(
        "oversize-result",
        "a tool's result is fifty times as long as usual",
        r#"oversize-result = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::altering(Alteration::Oversize),
    ),
];
