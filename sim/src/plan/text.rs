//! The text form of actions: plain words that parse back exactly.

use super::quoted::{self, among_words as name};
use super::{Action, Degradation};
use crate::time::serde_as_text;
use crate::{Name, SimSpan, SimTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => write!(f, "drop"),
            Self::Delay(span) => write!(f, "delay {span}"),
            Self::Reorder(span) => write!(f, "reorder {span}"),
            Self::Duplicate(span) => write!(f, "duplicate after {span}"),
            Self::Crash(None) => write!(f, "crash for good"),
            Self::Crash(Some(span)) => write!(f, "crash, back after {span}"),
            Self::Pause(span) => write!(f, "pause {span}"),
            Self::Partition { left, right, one_way, at, lasting } => {
                let from = if *one_way { "towards" } else { "from" };
                write!(f, "cut {} {from} {} at {at} for {lasting}", name(*left), name(*right))
            }
            Self::CrashAt { node, at, back_after: None } => {
                write!(f, "crash {} at {at} for good", name(*node))
            }
            Self::CrashAt { node, at, back_after: Some(span) } => {
                write!(f, "crash {} at {at}, back after {span}", name(*node))
            }
            Self::PauseAt { node, at, lasting } => {
                write!(f, "pause {} at {at} for {lasting}", name(*node))
            }
            Self::Corrupt => write!(f, "corrupt"),
            Self::Zombie(span) => write!(f, "zombie {span}"),
            Self::WriteError => write!(f, "refuse"),
            Self::SlowSync(span) => write!(f, "slow by {span}"),
            Self::TornWrite => write!(f, "tear"),
            Self::StaleJournal { records: 1 } => write!(f, "stale by 1 record"),
            Self::StaleJournal { records } => write!(f, "stale by {records} records"),
            Self::Flap { left, right, at, lasting, turn } => {
                write!(f, "flap {} from {} at {at} for {lasting}, every {turn}", name(*left), name(*right))
            }
            Self::SlowLink { left, right, at, lasting, by } => {
                write!(f, "lag {} from {} at {at} for {lasting}, by {by}", name(*left), name(*right))
            }
            Self::Degrade { node, at, lasting, degradation } => {
                write!(f, "{} {} at {at} for {lasting}{degradation}", degradation.verb(), name(*node))
            }
            Self::CustomAt { word, node, at, lasting } => {
                write!(f, "{} of {} at {at} for {lasting}", custom(*word), name(*node))
            }
            Self::Custom { word, detail, span } => {
                write!(f, "{}", custom(*word))?;
                if let Some(detail) = detail {
                    write!(f, " in {}", name(*detail))?;
                }
                if *span == SimSpan::ZERO { Ok(()) } else { write!(f, " {span}") }
            }
        }
    }
}

/// The words of the world's own actions.
const VERBS: [&str; 21] = [
    "choke",
    "corrupt",
    "crash",
    "cut",
    "delay",
    "drift",
    "drop",
    "duplicate",
    "flap",
    "lag",
    "pause",
    "refuse",
    "reorder",
    "skew",
    "slow",
    "stale",
    "step",
    "tear",
    "overlapping-restart",
    "runtime-restart",
    "zombie",
];

/// The kinds of the world's own faults that are written with another word, each with that word.
const KINDS: [(&str, &str); 11] = [
    ("clock-drift", "drift"),
    ("clock-skew", "skew"),
    ("clock-step", "step"),
    ("partition", "cut"),
    ("slow-link", "lag"),
    ("slow-node", "slow"),
    ("slow-receiver", "choke"),
    ("slow-sync", "slow"),
    ("stale-journal", "stale"),
    ("torn-write", "tear"),
    ("write-error", "refuse"),
];

impl Action {
    /// The kinds of faults that are written with this word instead of their own name.
    ///
    /// ```
    /// use perfidy_sim::Action;
    ///
    /// assert!(Action::kinds_written("cut").eq(["partition"]));
    /// assert_eq!(Action::kinds_written("drop").count(), 0);
    /// ```
    pub fn kinds_written(word: &str) -> impl Iterator<Item = &'static str> {
        KINDS.iter().filter(move |(_, written)| *written == word).map(|(kind, _)| *kind)
    }
}

/// The word with which an action is written that may begin with its kind, as `partition a from b ...` does.
fn verb_of(word: &str) -> &str {
    KINDS.iter().find(|(kind, _)| *kind == word).map_or(word, |(_, verb)| *verb)
}

/// A word of the upper layer.
fn custom(word: Name) -> Cow<'static, str> {
    quoted::written(word, |word| is_custom(word) && !VERBS.contains(&verb_of(word)))
}

fn is_custom(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// Why a text is not an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAction(String);

impl fmt::Display for NotAnAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not something that can go wrong; write `drop`, `delay 3s`, `corrupt`, `crash, back after 5s`, \
             `pause 20s`, `partition a from b at 1m for 40s`, `crash a at 1m for good`, `clock-skew a at 1m for 5m, 3s ahead`, \
             `torn-write`, \
             or a fault inside a service such as `ack-lost`",
            self.0
        )
    }
}

impl std::error::Error for NotAnAction {}

impl FromStr for Action {
    type Err = NotAnAction;

    fn from_str(text: &str) -> Result<Self, NotAnAction> {
        parse(text.trim()).ok_or_else(|| NotAnAction(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Action> {
    let span = |text: &str| text.trim().parse::<SimSpan>().ok();
    let time = |text: &str| text.trim().parse::<SimTime>().ok();
    let (verb, rest) = text.split_once([' ', ',']).map_or((text, ""), |(v, r)| (v, r.trim()));
    let verb = verb_of(verb);
    Some(match verb {
        "drop" if rest.is_empty() => Action::Drop,
        "delay" => Action::Delay(span(rest)?),
        "reorder" => Action::Reorder(span(rest)?),
        "duplicate" => Action::Duplicate(span(rest.strip_prefix("after ")?)?),
        "crash" => match rest.split_once(" at ") {
            None if rest == "for good" => Action::Crash(None),
            None => Action::Crash(Some(back_after(rest)?)),
            Some((node, when)) => {
                let (at, back_after) = match when.split_once(',') {
                    Some((at, rest)) => (at, Some(back_after(rest.trim())?)),
                    None => (when.strip_suffix("for good")?, None),
                };
                Action::CrashAt { node: quoted::read(node)?, at: time(at)?, back_after }
            }
        },
        "corrupt" if rest.is_empty() => Action::Corrupt,
        "refuse" if rest.is_empty() => Action::WriteError,
        "tear" if rest.is_empty() => Action::TornWrite,
        "stale" => Action::StaleJournal { records: records(rest)? },
        "flap" => {
            let (left, right, at, lasting, turn) = between(rest, "every ")?;
            Action::Flap { left, right, at, lasting, turn }
        }
        "lag" => {
            let (left, right, at, lasting, by) = between(rest, "by ")?;
            Action::SlowLink { left, right, at, lasting, by }
        }
        "zombie" if !rest.contains(" at ") => Action::Zombie(span(rest)?),
        "slow" if !rest.contains(" at ") => Action::SlowSync(span(rest.strip_prefix("by ")?)?),
        "zombie"
        | "overlapping-restart"
        | "runtime-restart"
        | "slow"
        | "choke"
        | "skew"
        | "step"
        | "drift" => {
            let (node, when) = rest.split_once(" at ")?;
            let (at, tail) = when.split_once(" for ")?;
            let (lasting, detail) = tail.split_once(',').unwrap_or((tail, ""));
            let degradation = Degradation::parse(verb, detail.trim())?;
            Action::Degrade { node: quoted::read(node)?, at: time(at)?, lasting: span(lasting)?, degradation }
        }
        "pause" => match rest.split_once(" at ") {
            None => Action::Pause(span(rest)?),
            Some((node, when)) => {
                let (at, lasting) = when.split_once(" for ")?;
                Action::PauseAt { node: quoted::read(node)?, at: time(at)?, lasting: span(lasting)? }
            }
        },
        "cut" => {
            let (sides, when) = rest.split_once(" at ")?;
            let (left, right, one_way) = match sides.split_once(" towards ") {
                Some((left, right)) => (left, right, true),
                None => sides.split_once(" from ").map(|(left, right)| (left, right, false))?,
            };
            let (at, lasting) = when.split_once(" for ")?;
            let (left, right) = (quoted::read(left)?, quoted::read(right)?);
            Action::Partition { left, right, one_way, at: time(at)?, lasting: span(lasting)? }
        }
        word if is_custom(word) || word.starts_with('"') => {
            let word = quoted::read(word)?;
            if let Some(rest) = rest.strip_prefix("of ") {
                let (node, when) = rest.split_once(" at ")?;
                let (at, lasting) = when.split_once(" for ")?;
                let (node, at) = (quoted::read(node)?, time(at)?);
                return Some(Action::CustomAt { word, node, at, lasting: span(lasting)? });
            }
            let (detail, rest) = match rest.strip_prefix("in ") {
                Some(rest) => {
                    let (detail, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    (Some(quoted::read(detail)?), rest)
                }
                None => (None, rest),
            };
            Action::Custom { word, detail, span: if rest.is_empty() { SimSpan::ZERO } else { span(rest)? } }
        }
        _ => return None,
    })
}

/// Parses an action on the links between two groups: `a from b at 1m for 40s`, then a comma, a word and the
/// amount.
fn between(text: &str, word: &str) -> Option<(Name, Name, SimTime, SimSpan, SimSpan)> {
    let (sides, when) = text.split_once(" at ")?;
    let (left, right) = sides.split_once(" from ")?;
    let (at, tail) = when.split_once(" for ")?;
    let (lasting, how) = tail.split_once(',')?;
    let how = how.trim().strip_prefix(word)?;
    let (left, right) = (quoted::read(left)?, quoted::read(right)?);
    Some((left, right, at.trim().parse().ok()?, lasting.trim().parse().ok()?, how.trim().parse().ok()?))
}

fn records(text: &str) -> Option<u32> {
    let (number, noun) = text.strip_prefix("by ")?.split_once(' ')?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    matches!(noun.trim(), "record" | "records").then_some(number)
}

fn back_after(text: &str) -> Option<SimSpan> {
    text.strip_prefix("back after ")?.trim().parse().ok()
}

serde_as_text!(Action);

#[cfg(test)]
mod tests;
