//! Actions as text: written as people say them, and read back exactly.

use super::{Action, Ailment};
use crate::time::serde_as_text;
use crate::{Name, SimSpan, SimTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
            Self::Cut { left, right, one_way, at, lasting } => {
                let from = if *one_way { "towards" } else { "from" };
                write!(f, "cut {left} {from} {right} at {at} for {lasting}")
            }
            Self::CrashAt { node, at, back_after: None } => write!(f, "crash {node} at {at} for good"),
            Self::CrashAt { node, at, back_after: Some(span) } => {
                write!(f, "crash {node} at {at}, back after {span}")
            }
            Self::PauseAt { node, at, lasting } => write!(f, "pause {node} at {at} for {lasting}"),
            Self::Corrupt => write!(f, "corrupt"),
            Self::Zombie(span) => write!(f, "zombie {span}"),
            Self::Refuse => write!(f, "refuse"),
            Self::SlowSync(span) => write!(f, "slow by {span}"),
            Self::Tear => write!(f, "tear"),
            Self::Stale { records: 1 } => write!(f, "stale by 1 record"),
            Self::Stale { records } => write!(f, "stale by {records} records"),
            Self::Flap { left, right, at, lasting, turn } => {
                write!(f, "flap {left} from {right} at {at} for {lasting}, every {turn}")
            }
            Self::Lag { left, right, at, lasting, by } => {
                write!(f, "lag {left} from {right} at {at} for {lasting}, by {by}")
            }
            Self::Ail { node, at, lasting, ailment } => {
                write!(f, "{} {node} at {at} for {lasting}{ailment}", ailment.verb())
            }
            Self::Custom { word, span } if *span == SimSpan::ZERO => write!(f, "{word}"),
            Self::Custom { word, span } => write!(f, "{word} {span}"),
        }
    }
}

/// Why a text is not an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAction(String);

impl fmt::Display for NotAnAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not something that can go wrong; write `drop`, `delay 3s`, `reorder 30ms`, `duplicate after 40ms`, \
             `corrupt`, `crash, back after 5s`, `crash for good`, `pause 20s`, `zombie 20s`, \
             `cut a from b at 1m for 40s`, `flap a from b at 1m for 40s, every 500ms`, `lag a from b at 1m for 40s, by 2s`, \
             `crash a at 1m, back after 5s`, `pause a at 1m for 20s`, `zombie a at 1m for 20s`, `twin a at 1m for 20s`, \
             `slow a at 1m for 20s, 5 times`, `choke a at 1m for 20s, 500ms a message`, `skew a at 1m for 5m, 3s ahead`, \
             `step a at 1m for 5m, 3s back`, `drift a at 1m for 5m, 200ppm slow`, `refuse`, `tear`, `slow by 3s`, \
             `stale by 2 records`, or a lie of a tool such as `ack-lost`",
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
                Action::CrashAt { node: Name::new(node), at: time(at)?, back_after }
            }
        },
        "corrupt" if rest.is_empty() => Action::Corrupt,
        "refuse" if rest.is_empty() => Action::Refuse,
        "tear" if rest.is_empty() => Action::Tear,
        "stale" => Action::Stale { records: records(rest)? },
        "flap" => {
            let (left, right, at, lasting, turn) = between(rest, "every ")?;
            Action::Flap { left, right, at, lasting, turn }
        }
        "lag" => {
            let (left, right, at, lasting, by) = between(rest, "by ")?;
            Action::Lag { left, right, at, lasting, by }
        }
        "zombie" if !rest.contains(" at ") => Action::Zombie(span(rest)?),
        "slow" if !rest.contains(" at ") => Action::SlowSync(span(rest.strip_prefix("by ")?)?),
        "zombie" | "twin" | "slow" | "choke" | "skew" | "step" | "drift" => {
            let (node, when) = rest.split_once(" at ")?;
            let (at, tail) = when.split_once(" for ")?;
            let (lasting, detail) = tail.split_once(',').unwrap_or((tail, ""));
            let ailment = Ailment::parse(verb, detail.trim())?;
            Action::Ail { node: Name::new(node.trim()), at: time(at)?, lasting: span(lasting)?, ailment }
        }
        "pause" => match rest.split_once(" at ") {
            None => Action::Pause(span(rest)?),
            Some((node, when)) => {
                let (at, lasting) = when.split_once(" for ")?;
                Action::PauseAt { node: Name::new(node), at: time(at)?, lasting: span(lasting)? }
            }
        },
        "cut" => {
            let (sides, when) = rest.split_once(" at ")?;
            let (left, right, one_way) = match sides.split_once(" towards ") {
                Some((left, right)) => (left, right, true),
                None => sides.split_once(" from ").map(|(left, right)| (left, right, false))?,
            };
            let (at, lasting) = when.split_once(" for ")?;
            let (left, right) = (Name::new(left.trim()), Name::new(right.trim()));
            Action::Cut { left, right, one_way, at: time(at)?, lasting: span(lasting)? }
        }
        word if !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
            let span = if rest.is_empty() { SimSpan::ZERO } else { span(rest)? };
            Action::Custom { word: Name::new(word), span }
        }
        _ => return None,
    })
}

/// What is done to the links between two groups: `a from b at 1m for 40s`, and behind a comma and a word how much.
fn between(text: &str, word: &str) -> Option<(Name, Name, SimTime, SimSpan, SimSpan)> {
    let (sides, when) = text.split_once(" at ")?;
    let (left, right) = sides.split_once(" from ")?;
    let (at, tail) = when.split_once(" for ")?;
    let (lasting, how) = tail.split_once(',')?;
    let how = how.trim().strip_prefix(word)?;
    let [left, right] = [left, right].map(|side| Name::new(side.trim()));
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
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_back_as_it_is_printed() {
        for text in [
            "drop",
            "delay 3s",
            "reorder 30ms",
            "duplicate after 40ms",
            "crash for good",
            "crash, back after 5s",
            "pause 20s 1ms",
            "cut coordinator from executor-1+executor-2 at 1m 2s for 40s",
            "cut a towards b at 0s for 1h",
            "crash executor-1 at 3m for good",
            "crash executor-1 at 3m, back after 10s",
            "pause orchestrator at 3m for 10s",
            "corrupt",
            "zombie 20s",
            "zombie a at 1m for 20s",
            "twin coordinator at 1m for 20s",
            "slow a at 1m for 20s, 5 times",
            "choke a at 1m for 20s, 500ms a message",
            "skew a at 0s for 10m, 3s ahead",
            "step a at 1m for 5m, 3s back",
            "drift a at 1m for 5m, 200ppm slow",
            "flap a+b from c at 1m for 40s, every 500ms",
            "lag a from b+c at 1m for 40s, by 2s",
            "refuse",
            "tear",
            "slow by 3s",
            "stale by 1 record",
            "stale by 2 records",
            "ack-lost",
            "late-reply 12s",
        ] {
            assert_eq!(text.parse::<Action>().map(|action| action.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for text in [
            "",
            "delay",
            "reorder",
            "delay soon",
            "crash",
            "cut a at 1m",
            "Drop it",
            "drop twice",
            "pause",
            "twin a at 1m for 20s, twice",
            "slow a at 1m for 20s",
            "slow a at 1m for 20s, -5 times",
            "step a at 1m for 5m, 3s ahead",
            "drift a at 1m for 5m, 3s fast",
            "stale by 0 records",
            "stale by 2 days",
            "flap a from b at 1m for 40s",
            "lag a towards b at 1m for 40s, by 2s",
            "tear it",
        ] {
            assert!(text.parse::<Action>().is_err(), "{text}");
        }
    }
}
