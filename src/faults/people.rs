//! Faults of those who decide whether something may be done: an approval of a person that is late, missing,
//! doubled, contradicted, or for an older request, and a late verdict of a guardrail.
//!
//! A person is asked at the call site `approval`, at the site `approver, approval`. What each fault does is
//! said where the person is ([`approver`](crate::workflows::approver)). A
//! [`guardrail`](crate::workflows::guardrail) is asked at the site `guardrail, check`.

use super::{FaultKind, Target, Time, targets};
use crate::config::{Entry, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

pub use crate::agent::{
    APPROVAL, APPROVAL_ABSENT, APPROVAL_CONTRADICTED, APPROVAL_LATE, APPROVAL_OUTDATED, APPROVAL_TWICE,
    APPROVER, CHECK, GUARDRAIL, LATE_VERDICT,
};

/// The node that approves, and the call site at which it is asked.
const APPROVAL_SITE: (&str, &str) = (APPROVER, APPROVAL);

const AFTER_HOW_LONG: Time = Time::Needed("after how long the second answer comes");

const fn at_approval(time: Time) -> Target {
    Target::CallSite { call_site: APPROVAL, time }
}

/// The faults of people who approve, and of guardrails.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: APPROVAL_LATE,
        about: "a person decides late, when the request may have expired",
        example: r#"approval-late = { chance = "10%", by = "1m..5m" }"#,
        target: at_approval(Time::Needed("by how much the answer is late")),
        read: read_by,
    },
    FaultKind {
        name: APPROVAL_ABSENT,
        about: "a person does not answer a request for an approval",
        example: r#"approval-absent = { chance = "10%" }"#,
        target: at_approval(Time::None),
        read: read_plain,
    },
    FaultKind {
        name: APPROVAL_TWICE,
        about: "the answer to a request for an approval comes a second time",
        example: r#"approval-twice = { chance = "10%", after = "1s..2m" }"#,
        target: at_approval(AFTER_HOW_LONG),
        read: read_after,
    },
    FaultKind {
        name: APPROVAL_CONTRADICTED,
        about: "a person decides, and later decides the opposite",
        example: r#"approval-contradicted = { chance = "5%", after = "1s..2m" }"#,
        target: at_approval(AFTER_HOW_LONG),
        read: read_after,
    },
    FaultKind {
        name: APPROVAL_OUTDATED,
        about: "a person answers the request before the latest one, which was still open",
        example: r#"approval-outdated = { chance = "10%" }"#,
        target: at_approval(Time::None),
        read: read_plain,
    },
    FaultKind {
        name: LATE_VERDICT,
        about: "a guardrail is slow, so that its verdict comes late",
        example: r#"late-verdict = { chance = "20%", by = "5s..1m" }"#,
        target: Target::CallSite { call_site: CHECK, time: Time::Needed("by how much the verdict is late") },
        read: read_verdict_by,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    chance: Spanned<Ratio>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    chance: Spanned<Ratio>,
    after: Spanned<Spread>,
}

fn read_plain(entry: &Entry<'_>, _: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Plain { chance } = entry.read()?;
    add_rule((entry.name, APPROVAL_SITE), &chance, None, chaos)
}

fn read_by(entry: &Entry<'_>, _: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let By { chance, by } = entry.read()?;
    add_rule((entry.name, APPROVAL_SITE), &chance, Some(targets::time(&by)?), chaos)
}

fn read_after(entry: &Entry<'_>, _: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let After { chance, after } = entry.read()?;
    add_rule((entry.name, APPROVAL_SITE), &chance, Some(targets::time(&after)?), chaos)
}

fn read_verdict_by(entry: &Entry<'_>, _: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let By { chance, by } = entry.read()?;
    add_rule((entry.name, (GUARDRAIL, CHECK)), &chance, Some(targets::time(&by)?), chaos)
}

/// Adds a rule of that name for a node at a call site.
fn add_rule(
    (name, (node, call_site)): (&str, (&'static str, &'static str)),
    chance: &Spanned<Ratio>,
    span: Option<RangeInclusive<SimSpan>>,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let word = Name::new(name);
    chaos.rules.push(Rule {
        kind: word,
        hook: Hook::Service,
        from: Selector::only(Name::literal(node)),
        to: Selector::Any,
        what: Selector::only(Name::literal(call_site)),
        chance: targets::chance(chance)?,
        action: Action::of_word(word),
        span,
    });
    Ok(())
}
