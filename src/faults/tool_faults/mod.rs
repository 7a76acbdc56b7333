//! Tool faults: what a tool did and what it says it did are two things.
//!
//! Each is a word in a plan. The wrapper of a tool asks what happens as it handles a request and turns the
//! word into a [`ToolFault`], which says what it does to which kind of request.
//!
//! Three families: about what was done ([`effects`]), about what was said ([`answers`]), and what keeps a
//! tool from doing anything for a while or for good ([`unavailability`]). A fault that would make no
//! difference to a request (a key ignored that was not handed over) is not injected, so a scenario in which
//! it never can is vacuous.

pub mod answers;
pub mod effects;
pub mod unavailability;

use super::{FaultKind, MakeFault, Target, Time, targets};
use crate::agent::Request;
use crate::config::problem::listed;
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use crate::tools::ToolFault;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;

/// Every kind, family by family.
pub fn kinds() -> impl Iterator<Item = &'static FaultKind> {
    [effects::KINDS, answers::KINDS, unavailability::KINDS].into_iter().flatten()
}

/// A fault that alters what a tool answers.
const fn altering(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    fault: fn(SimSpan) -> ToolFault,
) -> FaultKind {
    let target = Target::Tools { fault: MakeFault::Shipped(fault), time: Time::None };
    FaultKind { name, about, example, target, read: read_altering }
}

/// A fault without a time.
const fn plain(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    fault: fn(SimSpan) -> ToolFault,
) -> FaultKind {
    FaultKind {
        name,
        about,
        example,
        target: Target::Tools { fault: MakeFault::Shipped(fault), time: Time::None },
        read: read_plain,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CallOutcome {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
}

pub(super) fn read_plain(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    entry.read::<CallOutcome>()?.add_rule((entry.name, None), None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AlteredAnswer {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    field: Option<String>,
    chance: Spanned<Ratio>,
}

/// A fault that alters what a tool answers: one of its fields, or any.
pub(super) fn read_altering(
    entry: &Entry<'_>,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let AlteredAnswer { at, operation, field, chance } = entry.read()?;
    let field = field.as_deref().map(Name::new);
    CallOutcome { at, operation, chance }.add_rule((entry.name, field), None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ToldBy {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

/// A fault that comes with a time, `by` which something is off.
pub(super) fn read_by(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let ToldBy { at, operation, chance, by } = entry.read()?;
    CallOutcome { at, operation, chance }.add_rule(
        (entry.name, None),
        Some(targets::time(&by)?),
        directory,
        chaos,
    )
}

/// Says that a fault of tools concerns requests that no agent of the workflow makes; `asked` are those that
/// they do make.
pub(crate) fn never_told(
    (kind, directory): (&FaultKind, &Directory),
    place: Range<usize>,
    asked: &BTreeSet<Request>,
) -> Problem {
    let (word, workflow) = (kind.name, directory.workflow);
    let can_be_injected = |kind: &&FaultKind| kind.requests().any(|request| asked.contains(&request));
    let message = if can_be_injected(&kind) {
        format!("no agent of the workflow `{workflow}` asks anything there where `{word}` could be injected")
    } else {
        let requests: Vec<String> = kind.requests().map(|request| request.to_string()).collect();
        let never = requests.join(" or ");
        format!("`{word}` needs agents that {never}, and none of the workflow `{workflow}` does")
    };
    let possible: Vec<&str> =
        directory.faults.of_tools().filter(can_be_injected).map(|kind| kind.name).collect();
    let help = match possible.as_slice() {
        [] => "its agents ask nothing of tools; leave it out".to_owned(),
        possible => format!("the tool faults that can be injected there are {}", listed(possible)),
    };
    Problem::at(place, message).help(help)
}

impl CallOutcome {
    fn add_rule(
        &self,
        (word, field): (&str, Option<Name>),
        span: Option<RangeInclusive<SimSpan>>,
        directory: &Directory,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let word = Name::new(word);
        let tools = targets::tools(&self.at, directory)?;
        let what = self.operation.as_ref().map_or(Selector::Any, handled_as);
        chaos.rules.push(Rule {
            kind: word,
            hook: Hook::Service,
            from: Selector::Of(tools),
            to: Selector::Any,
            what,
            chance: targets::chance(&self.chance)?,
            action: Action::Custom { word, detail: field, span: SimSpan::ZERO },
            span,
        });
        Ok(())
    }
}

/// Requests of these operations, in all the ways a tool can be asked about them.
pub(crate) fn handled_as<'a>(operations: impl IntoIterator<Item = &'a targets::Word>) -> Selector {
    let each = operations
        .into_iter()
        .flat_map(|operation| Request::ALL.map(|request| request.of(Name::new(operation.get_ref()))));
    Selector::Of(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::tests::{chaos_of, refusal_of};

    #[test]
    fn every_kind_is_a_fault_of_its_own_that_does_something_to_some_request() {
        let faults: Vec<_> = kinds().map(|kind| kind.tool_fault(SimSpan::from_secs(1))).collect();
        for (place, fault) in faults.iter().enumerate() {
            assert!(fault.is_some_and(|fault| Request::ALL.iter().any(|request| fault.concerns(*request))));
            assert!(!faults[..place].contains(fault), "{fault:?}");
        }
    }

    #[test]
    fn every_word_reads_back_from_a_plan() {
        for kind in kinds() {
            for span in [SimSpan::ZERO, SimSpan::from_secs(7)] {
                let action = Action::of_word(Name::new(kind.name)).with_span(span);
                assert_eq!(action.to_string().parse(), Ok(action));
            }
        }
    }

    #[test]
    fn a_late_reply_draws_how_late() {
        let chaos = chaos_of(r#"late-reply = { at = "ticketing", chance = "5%", by = "10s..2m" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.kind, Name::new("late-reply"));
        assert_eq!(rule.hook, Hook::Service);
        assert_eq!(rule.from, Selector::Of(vec![Name::new("ticketing")]));
        assert_eq!(rule.span, Some(SimSpan::from_secs(10)..=SimSpan::from_secs(120)));
    }

    #[test]
    fn an_operation_is_meant_in_every_way_a_tool_is_asked_about_it() {
        let chaos =
            chaos_of(r#"stale-read = { at = "ticketing", operation = "create", chance = "5%", by = "1s" }"#);
        for what in ["create", "read of create", "look-up of create", "cancel of create"] {
            assert!(chaos.rules[0].what.covers(Name::new(what)), "{what}");
        }
        assert!(!chaos.rules[0].what.covers(Name::new("close")));
    }

    #[test]
    fn an_agent_has_no_fault_of_tools() {
        assert_eq!(
            refusal_of(r#"no-response = { at = "planner", chance = "5%" }"#),
            "`planner` is an agent; only tools have this fault"
        );
        assert_eq!(
            refusal_of(r#"no-response = { at = "tickets", chance = "5%" }"#),
            "unknown tool `tickets`"
        );
    }
}
