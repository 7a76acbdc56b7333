//! Faults of models: an answer that is well-formed and wrong, or another one than last time.
//!
//! An agent asks its model something at a *call site*, such as `summary`; what goes wrong there is a word in
//! a plan, at the site `agent, summary`. What each word makes of the answer is said where the call site is
//! ([`Agent`](crate::agent::Agent)). At the call site `completion`, whatever the model was asked, faults
//! alter the JSON of what it completes, as faults of tools do with their answers; one that leaves it as it
//! was is not injected.

use super::{FaultKind, Target, Time, targets};
use crate::agent::{Alteration, ModelFault};
use crate::config::problem::listed;
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector};
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

pub use crate::agent::{
    ANSWER, COMPLETION, FIRST_TOKEN, HANDOFF, ROLE, SLOW_FIRST_TOKEN, SUMMARY, UNKNOWN_TARGET,
};

/// The question is answered otherwise than at other times.
pub const DIFFERENT_ANSWER: &str = "different-answer";
/// The summary says something else than what was summed up.
pub const WRONG_SUMMARY: &str = "wrong-summary";
/// The model hands every task off to another agent.
pub const ALWAYS_HAND_OFF: &str = "always-hand-off";
/// The agent takes the role of another agent on the team.
pub const ROLE_CONFUSION: &str = "role-confusion";

/// A value in a completion is well formed, and wrong.
pub const WRONG_COMPLETION: &str = "wrong-completion";
/// A field of a completion is not there.
pub const MISSING_FIELD: &str = "missing-field";
/// A value in a completion is of another type.
pub const MISTYPED_FIELD: &str = "mistyped-field";
/// A completion stops early, as at a limit of tokens, and is still well formed.
pub const TRUNCATED_COMPLETION: &str = "truncated-completion";
/// A completion is not the JSON that was asked for.
pub const MALFORMED_COMPLETION: &str = "malformed-completion";

const fn at(call_site: &'static str) -> Target {
    Target::CallSite { call_site, time: Time::None }
}

/// The faults of models.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: DIFFERENT_ANSWER,
        about: "a model gives another answer than on an earlier call",
        example: r#"different-answer = { at = "executors", chance = "20%" }"#,
        target: at(ANSWER),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: WRONG_SUMMARY,
        about: "a model's summary says something other than the work it summarises",
        example: r#"wrong-summary = { at = "everyone", chance = "5%" }"#,
        target: at(SUMMARY),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: SLOW_FIRST_TOKEN,
        about: "the first token of a model's answer comes late, as from a queue at the provider",
        example: r#"slow-first-token = { at = "everyone", chance = "5%", by = "10s..2m" }"#,
        target: Target::CallSite {
            call_site: FIRST_TOKEN,
            time: Time::Needed("by how much the answer is late"),
        },
        read: read_slow,
    },
    FaultKind {
        name: ALWAYS_HAND_OFF,
        about: "a model hands the task to another agent, every time",
        example: r#"always-hand-off = { at = "everyone", chance = "60%" }"#,
        target: at(HANDOFF),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: UNKNOWN_TARGET,
        about: "a model hands the task to an agent that does not exist",
        example: r#"unknown-target = { at = "everyone", chance = "5%" }"#,
        target: at(HANDOFF),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: ROLE_CONFUSION,
        about: "an agent approves its own work, which is not its role",
        example: r#"role-confusion = { at = "executors", chance = "10%" }"#,
        target: at(ROLE),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: WRONG_COMPLETION,
        about: "a value in what a model completes is well formed, and wrong (a hallucination)",
        example: r#"wrong-completion = { at = "executors", chance = "5%" }"#,
        target: at(COMPLETION),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MISSING_FIELD,
        about: "a field of what a model completes is not there",
        example: r#"missing-field = { at = "executors", chance = "5%" }"#,
        target: at(COMPLETION),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MISTYPED_FIELD,
        about: "a value in what a model completes is of another type, such as a number that comes as a text",
        example: r#"mistyped-field = { at = "executors", chance = "5%" }"#,
        target: at(COMPLETION),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: TRUNCATED_COMPLETION,
        about: "most of what a model completes is left out, as at a limit of tokens",
        example: r#"truncated-completion = { at = "executors", chance = "5%" }"#,
        target: at(COMPLETION),
        read: read_at_its_call_site,
    },
    FaultKind {
        name: MALFORMED_COMPLETION,
        about: "what a model completes is not the JSON that it was asked for",
        example: r#"malformed-completion = { at = "executors", chance = "5%" }"#,
        target: at(COMPLETION),
        read: read_at_its_call_site,
    },
];

/// What the fault of a name does to a completion, if it is a shipped one of completions.
pub fn fault_of(word: Name) -> Option<ModelFault> {
    match word.as_str() {
        WRONG_COMPLETION => Some(ModelFault::Altered(Alteration::WrongValue)),
        MISSING_FIELD => Some(ModelFault::Altered(Alteration::DroppedField)),
        MISTYPED_FIELD => Some(ModelFault::Altered(Alteration::WrongType)),
        TRUNCATED_COMPLETION => Some(ModelFault::Altered(Alteration::Truncated)),
        MALFORMED_COMPLETION => Some(ModelFault::Malformed),
        _ => None,
    }
}

/// The problem that no agent of the workflow calls its model where this fault could be injected; `possible`
/// are the faults that could.
pub(crate) fn never_asked(word: &str, place: Range<usize>, possible: &[&str], workflow: &str) -> Problem {
    let message =
        format!("no model of the workflow `{workflow}` is asked anything where `{word}` could be injected");
    let help = match possible {
        [] => "its models are asked nothing that can go wrong: leave it out".to_owned(),
        possible => format!("what can be injected there is {}", listed(possible)),
    };
    Problem::at(place, message).help(help)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistaken {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slow {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

pub(super) fn read_slow(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Slow { at, chance, by } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&by), directory, chaos)
}

pub(super) fn read_at_its_call_site(
    entry: &Entry<'_>,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let Mistaken { at, chance } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), None, directory, chaos)
}

/// Adds the rule of a fault of agents at its moment, with a range of times if it takes one.
pub(super) fn add_at_its_call_site(
    entry: &Entry<'_>,
    (at, chance): (&OneOrMany<String>, &Spanned<Ratio>),
    span: Option<&Spanned<Spread>>,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    if let Some(tool) = at.iter().find(|word| directory.tools.contains(&Name::new(word.get_ref()))) {
        let message = format!("`{}` is a tool; only agents have models", tool.get_ref());
        return Err(Problem::at(tool.span(), message));
    }
    let word = Name::new(entry.name);
    let call_site = directory.faults.find(entry.name).and_then(FaultKind::call_site);
    chaos.rules.push(Rule {
        kind: word,
        hook: Hook::Service,
        from: Selector::Of(targets::agents(at, directory)?),
        to: Selector::Any,
        what: Selector::Of(call_site.map(Name::new).into_iter().collect()),
        chance: targets::chance(chance)?,
        action: Action::of_word(word),
        span: span.map(targets::time).transpose()?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::tests::{chaos_of, refusal_of};

    #[test]
    fn a_wrong_summary_is_injected_as_agents_sum_up() {
        let chaos = chaos_of(r#"wrong-summary = { at = "planner", chance = "5%" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.from, Selector::Of(vec![Name::new("planner")]));
        assert_eq!(rule.what, Selector::Of(vec![Name::new("summary")]));
    }

    #[test]
    fn only_agents_have_models() {
        let refusal = refusal_of(r#"wrong-summary = { at = "ticketing", chance = "5%" }"#);
        assert_eq!(refusal, "`ticketing` is a tool; only agents have models");
        let refusal = refusal_of(r#"unknown-target = { at = "planer", chance = "5%" }"#);
        assert_eq!(refusal, "unknown agent `planer`");
    }
}
