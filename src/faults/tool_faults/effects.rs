//! Lies about what was done: the effect and the answer do not belong together.

use super::{CallOutcome, plain, read_by};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use crate::faults::{FaultKind, MakeFault, Target, Time, targets};
use crate::tools::{CallFault, ReadFault, ToolFault};
use perfidy_sim::{Chaos, Name};
use serde::Deserialize;
use toml::Spanned;

/// Lies about what was done.
pub const KINDS: &[FaultKind] = &[
    plain(
        "ack-lost",
        "a tool carries out the call, and its reply is lost",
        r#"ack-lost = { at = "ticketing", operation = "create", chance = "5%" }"#,
        |_| ToolFault::of_calls(CallFault::AckLost),
    ),
    FaultKind {
        name: "late-reply",
        about: "a tool carries out the call, and replies late",
        example: r#"late-reply = { at = "ticketing", chance = "5%", by = "10s..2m" }"#,
        target: Target::Tools {
            fault: MakeFault::Shipped(|span| {
                ToolFault::of_answers(CallFault::LateReply(span), ReadFault::LateReply(span))
            }),
            time: Time::Needed("how late the reply is"),
        },
        read: read_by,
    },
    FaultKind {
        name: "late-effect",
        about: "a tool works on a call late, also if its caller has given it up by then",
        example: r#"late-effect = { at = "ticketing", chance = "5%", by = "10s..1m" }"#,
        target: Target::Tools {
            fault: MakeFault::Shipped(|span| ToolFault::of_calls(CallFault::LateEffect(span))),
            time: Time::Needed("how late the call is worked on"),
        },
        read: read_by,
    },
    plain(
        "error-with-effect",
        "a tool carries out the call, and replies with an error",
        r#"error-with-effect = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_calls(CallFault::ErrorWithEffect),
    ),
    plain(
        "success-without-effect",
        "a tool does nothing, and replies that it did",
        r#"success-without-effect = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_calls(CallFault::SuccessWithoutEffect),
    ),
    plain(
        "no-response",
        "a tool does nothing and never replies",
        r#"no-response = { at = ["ticketing"], chance = "5%" }"#,
        |_| ToolFault::of_answers(CallFault::NoResponse, ReadFault::NoResponse),
    ),
    plain(
        "permanent-error",
        "a tool refuses a call with a permanent error, and does nothing",
        r#"permanent-error = { at = "ticketing", operation = "create", chance = "20%" }"#,
        |_| ToolFault::of_calls(CallFault::Refused),
    ),
    plain(
        "duplicate-effect",
        "a tool carries out one call twice (for example, behind an at-least-once queue)",
        r#"duplicate-effect = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_calls(CallFault::DuplicateEffect),
    ),
    plain(
        "trace-lost",
        "a tool gets a call without the headers that say for which task it is made (for example, from a gateway)",
        r#"trace-lost = { at = "ticketing", chance = "5%" }"#,
        |_| ToolFault::of_calls(CallFault::TraceLost),
    ),
    FaultKind {
        name: "key-ignored",
        about: "a tool ignores the idempotency key of a call",
        example: r#"key-ignored = { at = "ticketing", chance = "5%" }"#,
        target: Target::Tools {
            fault: MakeFault::Shipped(|_| ToolFault::of_calls(CallFault::KeyIgnored)),
            time: Time::None,
        },
        read: read_ignored,
    },
    FaultKind {
        name: "key-forgotten",
        about: "a tool forgets idempotency keys older than a retention period",
        example: r#"key-forgotten = { at = "ticketing", chance = "50%", after = "30s..2m" }"#,
        target: Target::Tools {
            fault: MakeFault::Shipped(|age| ToolFault::of_calls(CallFault::KeyForgotten(age))),
            time: Time::Needed("after what time keys are forgotten"),
        },
        read: read_forgotten,
    },
];

fn read_ignored(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let told: CallOutcome = entry.read()?;
    looks_at_keys(&told.at, directory)?;
    told.add_rule((entry.name, None), None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Forgotten {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    after: Spanned<Spread>,
}

fn read_forgotten(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Forgotten { at, operation, chance, after } = entry.read()?;
    looks_at_keys(&at, directory)?;
    CallOutcome { at, operation, chance }.add_rule(
        (entry.name, None),
        Some(targets::time(&after)?),
        directory,
        chaos,
    )
}

/// Refuses a tool that does not look at keys anyway.
fn looks_at_keys(tools: &OneOrMany<String>, directory: &Directory) -> Result<(), Problem> {
    let blind = tools.iter().find(|tool| {
        let name = Name::new(tool.get_ref());
        directory.tools.contains(&name) && !directory.deduplicating.contains(&name)
    });
    blind.map_or(Ok(()), |tool| {
        let message = format!("`{}` does not look at idempotency keys", tool.get_ref());
        Err(Problem::at(tool.span(), message).help("add deduplicates = true to its table"))
    })
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::SimSpan;

    #[test]
    fn keys_are_forgotten_after_a_drawn_time() {
        let chaos = chaos_of(r#"key-forgotten = { at = "ticketing", chance = "50%", after = "30s..2m" }"#);
        assert_eq!(chaos.rules[0].span, Some(SimSpan::from_secs(30)..=SimSpan::from_secs(120)));
    }

    #[test]
    fn a_tool_that_looks_at_no_keys_cannot_ignore_or_forget_them() {
        for text in [
            r#"key-ignored = { at = "mail", chance = "5%" }"#,
            r#"key-forgotten = { at = ["ticketing", "mail"], chance = "5%", after = "1m" }"#,
        ] {
            assert_eq!(refusal_of(text), "`mail` does not look at idempotency keys");
        }
    }
}
