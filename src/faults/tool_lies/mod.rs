//! Lies of tools: what a tool did and what it says it did are two things.
//!
//! Each lie is a word in a plan. A tool asks what happens as it handles a request and turns the answer into a
//! [`Lie`], which says all there is to know about it:
//!
//! ```
//! use perfidy::faults::tool_lies::Lie;
//! use perfidy_sim::{Name, SimSpan};
//! assert_eq!(Lie::from_word(Name::new("ack-lost"), SimSpan::ZERO), Lie::AckLost);
//! ```
//!
//! Three families: about what was done ([`effects`]), about what was said ([`answers`]), and what keeps a tool from
//! doing anything for a while or for good ([`troubles`]). A lie that would make no difference to a request (a key
//! ignored that was not handed over) does not strike, so a scenario in which it never can is vacuous.

pub mod answers;
pub mod effects;
pub mod troubles;

use super::{FaultKind, passages, who};
use crate::agent::Request;
use crate::scenario::problem::listed;
use crate::scenario::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::workflows::Cast;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;

/// A kind of lie.
pub struct LieKind {
    /// Its name, what it does and how a file configures it.
    pub fault: FaultKind,
    /// The requests that it can be told of.
    pub of: &'static [Request],
    /// Whether it takes a time.
    pub time: Time,
    tell: fn(SimSpan) -> Lie,
}

/// Whether a lie takes a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// It does not.
    None,
    /// It does; the words say what is missing without it.
    Needed(&'static str),
    /// It lasts for that long, or for good.
    OrForGood,
}

/// How a tool betrays its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// The effect happens; the answer is lost.
    AckLost,
    /// It is done or read; the answer comes so much later.
    LateReply(SimSpan),
    /// The effect happens; the answer is an error.
    ErrorWithEffect,
    /// Nothing happens; the answer is success.
    SuccessWithoutEffect,
    /// Nothing happens; no answer comes.
    Mute,
    /// Nothing happens; the answer is that it was refused. A tool that deduplicates stays by that answer to a key.
    Refused,
    /// The call is handled twice, as by a queue that delivers at least once.
    DuplicateEffect,
    /// The call is carried out as if it had no key, which is not remembered either.
    KeyIgnored,
    /// Keys that are so old are forgotten.
    KeyForgotten(SimSpan),
    /// It is done or read; the answer is that to another request.
    WrongReply,
    /// What is read or looked up is as it was so long ago.
    StaleRead(SimSpan),
    /// What is read is well formed and wrong.
    WrongValue,
    /// Most of what is read is left out.
    PartialResult,
    /// It is done or read; the answer cannot be understood.
    MalformedResult,
    /// What is read tells the reader to do something.
    InjectedInstruction,
    /// What is read is many times as long as it should be.
    OversizeResult,
    /// From here on the tool is in trouble, for so long or, if that is no time, for good.
    Trouble(Trouble, SimSpan),
}

/// What keeps a tool from doing anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It does not answer.
    Mute,
    /// It has had too many requests.
    RateLimit,
    /// It is down.
    Outage,
    /// It is somewhere else.
    EndpointMoved,
    /// It lets nobody in.
    PermissionRevoked,
    /// It speaks another version of its schema.
    SchemaChanged,
}

/// Every kind of lie, family by family.
pub fn kinds() -> impl Iterator<Item = &'static LieKind> {
    [effects::KINDS, answers::KINDS, troubles::KINDS].into_iter().flatten()
}

/// The kind of that name.
pub fn find(word: &str) -> Option<&'static LieKind> {
    kinds().find(|kind| kind.fault.name == word)
}

/// Every lie as a plan writes it.
pub fn words() -> Vec<&'static str> {
    kinds().map(|kind| kind.fault.name).collect()
}

impl Lie {
    /// The lie of that word, with the span it was drawn with.
    ///
    /// # Panics
    /// If the word is not one of [`words`]. Whoever reads a plan from a file checks that first.
    pub fn from_word(word: Name, span: SimSpan) -> Self {
        let kind = find(word.as_str()).unwrap_or_else(|| panic!("no tool tells the lie `{word}`"));
        (kind.tell)(span)
    }
}

/// A lie without a time.
const fn plain(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    of: &'static [Request],
    tell: fn(SimSpan) -> Lie,
) -> LieKind {
    LieKind { fault: FaultKind { name, about, example, read: read_plain }, of, time: Time::None, tell }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Told {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
}

fn read_plain(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    entry.read::<Told>()?.add_rule(entry.name, None, cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ToldBy {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

/// A lie that comes with a time, `by` which something is off.
fn read_by(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let ToldBy { at, operation, chance, by } = entry.read()?;
    Told { at, operation, chance }.add_rule(entry.name, Some(who::time(&by)?), cast, chaos)
}

/// Says that a lie is about requests that no agent of the workflow makes; `asked` are those that they do make, in words.
pub(crate) fn never_told(
    word: &str,
    place: Range<usize>,
    asked: &BTreeSet<String>,
    workflow: &str,
) -> Problem {
    let can_strike = |kind: &LieKind| kind.of.iter().any(|request| asked.contains(&request.to_string()));
    let kind = find(word).filter(|kind| !can_strike(kind));
    let message = match kind.map_or(&[] as &[Request], |kind| kind.of) {
        [first, others @ ..] => {
            let never =
                others.iter().fold(first.to_string(), |never, request| format!("{never} or {request}"));
            format!("`{word}` strikes agents that {never}, and none of the workflow `{workflow}` does")
        }
        [] => format!("no agent of the workflow `{workflow}` asks anything there that `{word}` could strike"),
    };
    let possible: Vec<&str> = kinds().filter(|kind| can_strike(kind)).map(|kind| kind.fault.name).collect();
    let help = match possible.as_slice() {
        [] => "its agents ask nothing of tools; leave it out".to_owned(),
        possible => format!("the lies that can strike them are {}", listed(possible)),
    };
    Problem::at(place, message).help(help)
}

impl Told {
    fn add_rule(
        &self,
        word: &str,
        span: Option<RangeInclusive<SimSpan>>,
        cast: &Cast,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let word = Name::new(word);
        let tools = who::tools(&self.at, cast)?;
        for operation in self.operation.iter().flatten() {
            passages::is_called(operation.get_ref(), operation.span(), &tools, cast)?;
        }
        let what = self.operation.as_ref().map_or(Selector::Any, handled_as);
        chaos.rules.push(Rule {
            kind: word,
            hook: Hook::Service,
            from: Selector::Of(tools),
            to: Selector::Any,
            what,
            chance: who::chance(&self.chance)?,
            action: Action::Custom { word, span: SimSpan::ZERO },
            span,
        });
        Ok(())
    }
}

/// Requests of these operations, in all the ways a tool can be asked about them.
pub(crate) fn handled_as<'a>(operations: impl IntoIterator<Item = &'a who::Word>) -> Selector {
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
    fn every_word_is_a_lie_of_its_own() {
        let lies: Vec<Lie> =
            kinds().map(|kind| Lie::from_word(Name::new(kind.fault.name), SimSpan::from_secs(1))).collect();
        for (place, lie) in lies.iter().enumerate() {
            assert!(!lies[..place].contains(lie), "{lie:?}");
        }
    }

    #[test]
    fn every_word_reads_back_from_a_plan() {
        for word in words() {
            for span in [SimSpan::ZERO, SimSpan::from_secs(7)] {
                let action = Action::Custom { word: Name::new(word), span };
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
        for what in ["create", "read of create", "look-up of create", "call-off of create"] {
            assert!(chaos.rules[0].what.covers(Name::new(what)), "{what}");
        }
        assert!(!chaos.rules[0].what.covers(Name::new("close")));
    }

    #[test]
    fn only_tools_lie() {
        assert_eq!(
            refusal_of(r#"mute = { at = "planner", chance = "5%" }"#),
            "`planner` is an agent; only tools lie"
        );
        assert_eq!(refusal_of(r#"mute = { at = "tickets", chance = "5%" }"#), "unknown tool `tickets`");
    }
}
