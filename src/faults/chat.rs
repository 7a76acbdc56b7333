//! Faults of models in a model-tool loop: no reply to a transcript, or one that is of no use, or a false one.
//!
//! They are injected at the call site `chat`, as a model replies to a transcript. The first that is due and
//! makes a difference is injected: a reply without a call has none to be mistaken, so a fault of calls leaves
//! it as it is. What each makes of a reply is code of the [chat model](crate::agent::Agent::chat).

use super::model::{add_at_its_call_site, read_at_its_call_site};
use super::{FaultKind, Target, Time};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::Chaos;
use serde::Deserialize;
use toml::Spanned;

pub use crate::agent::{
    CHAT, CONTEXT_OVERFLOW, FALSE_COMPLETION, IGNORED_VETO, INVALID_ARGUMENTS, MODEL_ERROR, MODEL_RATE_LIMIT,
    MODEL_REFUSAL, MODEL_TIMEOUT, OBEYED_INSTRUCTION, REPEATED_CALL, TRUNCATED_REPLY, UNKNOWN_TOOL,
    VERBOSE_REPLY,
};

const AT_CHAT: Target = Target::CallSite { call_site: CHAT, time: Time::None };

/// The faults of replies.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: MODEL_ERROR,
        about: "the API of a model answers with an error, as when it is overloaded",
        example: r#"model-error = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MODEL_TIMEOUT,
        about: "a model does not reply in time",
        example: r#"model-timeout = { at = "everyone", chance = "2%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: TRUNCATED_REPLY,
        about: "a reply is cut off at the limit of output tokens, without its last tool call",
        example: r#"truncated-reply = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MODEL_REFUSAL,
        about: "a model declines to answer",
        example: r#"model-refusal = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: INVALID_ARGUMENTS,
        about: "a model asks for a tool call with arguments that are not JSON",
        example: r#"invalid-arguments = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: UNKNOWN_TOOL,
        about: "a model asks for a tool that does not exist",
        example: r#"unknown-tool = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: FALSE_COMPLETION,
        about: "a model says that the task is done, in the place of the tool calls that would do it",
        example: r#"false-completion = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: VERBOSE_REPLY,
        about: "the text of a reply is very long, and from then on part of the transcript",
        example: r#"verbose-reply = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: CONTEXT_OVERFLOW,
        about: "the API of a model counts more tokens than fit into its context window",
        example: r#"context-overflow = { at = "everyone", chance = "2%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: IGNORED_VETO,
        about: "a model asks again for a tool call that a person did not approve",
        example: r#"ignored-veto = { at = "everyone", chance = "20%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: OBEYED_INSTRUCTION,
        about: "a model obeys an instruction in a text that a tool has said (with `injected-instruction`)",
        example: r#"obeyed-instruction = { at = "everyone", chance = "50%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MODEL_RATE_LIMIT,
        about: "the API of a model rejects all requests for a while, and says when to retry (HTTP 429)",
        example: r#"model-rate-limit = { at = "everyone", chance = "2%", lasting = "10s..5m" }"#,
        target: Target::CallSite { call_site: CHAT, time: Time::Needed("how long the limit lasts") },
        read: read_lasting,
    },
    FaultKind {
        name: REPEATED_CALL,
        about: "a model asks again for tool calls whose results it has",
        example: r#"repeated-call = { at = "everyone", chance = "5%" }"#,
        target: AT_CHAT,
        read: read_at_its_call_site,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtModels {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    lasting: Spanned<Spread>,
}

fn read_lasting(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let AtModels { at, chance, lasting } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&lasting), directory, chaos)
}
