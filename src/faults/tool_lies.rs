//! Lies of tools: what a tool did and what it says it did are two things.
//!
//! Each lie is a word in a plan. A tool asks what happens as it handles a call and turns the answer into a
//! [`Lie`], which says all there is to know about it:
//!
//! ```
//! use perfidy::faults::tool_lies::{ACK_LOST, Lie};
//! use perfidy_sim::{Name, SimSpan};
//! assert_eq!(Lie::from_word(Name::new(ACK_LOST), SimSpan::ZERO), Lie::AckLost);
//! ```

use super::{FaultKind, who};
use crate::scenario::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::workflows::Cast;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// The effect happened and the answer is lost.
pub const ACK_LOST: &str = "ack-lost";
/// The effect happened and the answer comes later than anybody waits.
pub const LATE_REPLY: &str = "late-reply";
/// The effect happened and the answer is an error.
pub const ERROR_WITH_EFFECT: &str = "error-with-effect";
/// Nothing happened and the answer is success.
pub const SUCCESS_WITHOUT_EFFECT: &str = "success-without-effect";
/// Nothing happened and no answer comes.
pub const MUTE: &str = "mute";
/// Nothing happened and the answer says so, which for once is the truth.
pub const REFUSED: &str = "refused";

/// Every lie as a plan writes it.
pub const WORDS: &[&str] = &[ACK_LOST, LATE_REPLY, ERROR_WITH_EFFECT, SUCCESS_WITHOUT_EFFECT, MUTE, REFUSED];

/// How a tool betrays its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// The effect happens; the answer is lost.
    AckLost,
    /// The effect happens; the answer comes so much later.
    LateReply(SimSpan),
    /// The effect happens; the answer is an error.
    ErrorWithEffect,
    /// Nothing happens; the answer is success.
    SuccessWithoutEffect,
    /// Nothing happens; no answer comes.
    Mute,
    /// Nothing happens; the answer is that it was refused. A tool that deduplicates stays by that answer to a key.
    Refused,
}

impl Lie {
    /// The lie of that word, with the span it was drawn with.
    ///
    /// # Panics
    /// If the word is not one of [`WORDS`]. Whoever reads a plan from a file checks that first.
    pub fn from_word(word: Name, span: SimSpan) -> Self {
        match word.as_str() {
            ACK_LOST => Self::AckLost,
            LATE_REPLY => Self::LateReply(span),
            ERROR_WITH_EFFECT => Self::ErrorWithEffect,
            SUCCESS_WITHOUT_EFFECT => Self::SuccessWithoutEffect,
            MUTE => Self::Mute,
            REFUSED => Self::Refused,
            _ => panic!("no tool tells the lie `{word}`"),
        }
    }
}

/// The lies of tools.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: ACK_LOST,
        about: "a tool does what it was asked to, and its answer is lost",
        example: r#"ack-lost = { at = "ticketing", operation = "create", chance = "5%" }"#,
        read: read_lie,
    },
    FaultKind {
        name: LATE_REPLY,
        about: "a tool does what it was asked to, and answers late",
        example: r#"late-reply = { at = "ticketing", chance = "5%", by = "10s..2m" }"#,
        read: read_late_reply,
    },
    FaultKind {
        name: ERROR_WITH_EFFECT,
        about: "a tool does what it was asked to, and answers with an error",
        example: r#"error-with-effect = { at = "ticketing", chance = "5%" }"#,
        read: read_lie,
    },
    FaultKind {
        name: SUCCESS_WITHOUT_EFFECT,
        about: "a tool does nothing, and answers that it did",
        example: r#"success-without-effect = { at = "ticketing", chance = "5%" }"#,
        read: read_lie,
    },
    FaultKind {
        name: MUTE,
        about: "a tool does nothing and never answers",
        example: r#"mute = { at = ["ticketing"], chance = "5%" }"#,
        read: read_lie,
    },
    FaultKind {
        name: REFUSED,
        about: "a tool refuses a call for good, and does nothing",
        example: r#"refused = { at = "ticketing", operation = "create", chance = "20%" }"#,
        read: read_lie,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Told {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
}

fn read_lie(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    entry.read::<Told>()?.add_rule(entry.name, None, cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ToldLate {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

fn read_late_reply(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let ToldLate { at, operation, chance, by } = entry.read()?;
    Told { at, operation, chance }.add_rule(entry.name, Some(who::time(&by)?), cast, chaos)
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
        let what = match &self.operation {
            None => Selector::Any,
            Some(operations) => {
                Selector::Of(operations.iter().map(|name| Name::new(name.get_ref())).collect())
            }
        };
        chaos.rules.push(Rule {
            kind: word,
            hook: Hook::Service,
            from: Selector::Of(who::tools(&self.at, cast)?),
            to: Selector::Any,
            what,
            chance: who::chance(&self.chance)?,
            action: Action::Custom { word, span: SimSpan::ZERO },
            span,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::tests::{chaos_of, refusal_of};

    #[test]
    fn every_lie_is_a_kind_and_a_word_and_back() {
        assert_eq!(KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(), WORDS);
        for word in WORDS {
            Lie::from_word(Name::new(word), SimSpan::from_secs(1));
        }
    }

    #[test]
    fn a_late_reply_draws_how_late() {
        let chaos = chaos_of(r#"late-reply = { at = "ticketing", chance = "5%", by = "10s..2m" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.kind, Name::new(LATE_REPLY));
        assert_eq!(rule.hook, Hook::Service);
        assert_eq!(rule.from, Selector::Of(vec![Name::new("ticketing")]));
        assert_eq!(rule.span, Some(SimSpan::from_secs(10)..=SimSpan::from_secs(120)));
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
