//! Actions: what can go wrong, with every number that was drawn for it.

use crate::time::serde_as_text;
use crate::{Hook, Name, SimSpan, SimTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One thing that goes wrong. Complete in itself: no further draw is needed to carry it out.
///
/// Written as people say it, and read back exactly:
///
/// ```
/// use perfidy_sim::Action;
/// for text in ["drop", "delay 3s", "crash, back after 5s", "cut a+b from c at 1m for 40s", "ack-lost"] {
///     assert_eq!(text.parse::<Action>().unwrap().to_string(), text);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// The message is lost.
    Drop,
    /// The message takes this much longer.
    Delay(SimSpan),
    /// The message is held back this long, so that later ones overtake it.
    Reorder(SimSpan),
    /// The message arrives a second time, this long after the first.
    Duplicate(SimSpan),
    /// The node dies here; it comes back after the span, or never.
    Crash(Option<SimSpan>),
    /// The node stops here for so long, as for a long collection, and goes on believing no time has passed.
    Pause(SimSpan),
    /// Messages between two groups (names joined by `+`) are lost for a while.
    Cut {
        /// One side; the sending side if `one_way`.
        left: Name,
        /// The other side.
        right: Name,
        /// Whether only messages from left to right are lost.
        one_way: bool,
        /// When it begins.
        at: SimTime,
        /// How long it lasts.
        lasting: SimSpan,
    },
    /// A node dies at a moment; it comes back after the span, or never.
    CrashAt {
        /// Which.
        node: Name,
        /// When.
        at: SimTime,
        /// How long until it is back.
        back_after: Option<SimSpan>,
    },
    /// A node stops at a moment for so long.
    PauseAt {
        /// Which.
        node: Name,
        /// When.
        at: SimTime,
        /// For how long.
        lasting: SimSpan,
    },
    /// Something that befalls a service at a moment, and whose meaning belongs to the layer above.
    CustomAt {
        /// The word.
        word: Name,
        /// Which service.
        node: Name,
        /// When.
        at: SimTime,
        /// For how long.
        lasting: SimSpan,
    },
    /// Something whose meaning belongs to the layer above: a word and perhaps a span.
    Custom {
        /// The word.
        word: Name,
        /// The span; zero if the word needs none.
        span: SimSpan,
    },
}

impl Action {
    /// The same action with its span replaced, for those that have one.
    #[must_use]
    pub fn with_span(self, span: SimSpan) -> Self {
        match self {
            Self::Delay(_) => Self::Delay(span),
            Self::Reorder(_) => Self::Reorder(span),
            Self::Duplicate(_) => Self::Duplicate(span),
            Self::Crash(Some(_)) => Self::Crash(Some(span)),
            Self::Pause(_) => Self::Pause(span),
            Self::Cut { left, right, one_way, at, .. } => {
                Self::Cut { left, right, one_way, at, lasting: span }
            }
            Self::CrashAt { node, at, back_after: Some(_) } => {
                Self::CrashAt { node, at, back_after: Some(span) }
            }
            Self::PauseAt { node, at, .. } => Self::PauseAt { node, at, lasting: span },
            Self::CustomAt { word, node, at, .. } => Self::CustomAt { word, node, at, lasting: span },
            Self::Custom { word, .. } => Self::Custom { word, span },
            Self::Drop | Self::Crash(None) | Self::CrashAt { .. } => self,
        }
    }

    /// The kind of fault, as scenario files and reports name it.
    pub fn kind(&self) -> Name {
        Name::new(match self {
            Self::Drop => "drop",
            Self::Delay(_) => "delay",
            Self::Reorder(_) => "reorder",
            Self::Duplicate(_) => "duplicate",
            Self::Crash(_) | Self::CrashAt { .. } => "crash",
            Self::Pause(_) | Self::PauseAt { .. } => "pause",
            Self::Cut { .. } => "partition",
            Self::Custom { word, .. } | Self::CustomAt { word, .. } => return *word,
        })
    }

    /// Whether the action can be the answer at such a place.
    pub fn fits(&self, hook: Hook) -> bool {
        match hook {
            Hook::Message => {
                matches!(self, Self::Drop | Self::Delay(_) | Self::Reorder(_) | Self::Duplicate(_))
            }
            Hook::Before | Hook::After => matches!(self, Self::Crash(_) | Self::Pause(_)),
            Hook::Service => matches!(self, Self::Custom { .. }),
        }
    }

    /// When the action happens, for those that are set by the clock and not by a place met on the way.
    pub fn moment(&self) -> Option<SimTime> {
        match self {
            Self::Cut { at, .. }
            | Self::CrashAt { at, .. }
            | Self::PauseAt { at, .. }
            | Self::CustomAt { at, .. } => Some(*at),
            _ => None,
        }
    }
}

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
            Self::CustomAt { word, node, at, lasting } => write!(f, "{word} of {node} at {at} for {lasting}"),
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
             `crash, back after 5s`, `crash for good`, `pause 20s`, `cut a from b at 1m for 40s`, \
             `crash a at 1m, back after 5s`, `pause a at 1m for 20s`, or a lie of a tool such as `ack-lost`",
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
            let word = Name::new(word);
            match rest.strip_prefix("of ") {
                Some(rest) => {
                    let (node, when) = rest.split_once(" at ")?;
                    let (at, lasting) = when.split_once(" for ")?;
                    let (node, at) = (Name::new(node.trim()), time(at)?);
                    Action::CustomAt { word, node, at, lasting: span(lasting)? }
                }
                None if rest.is_empty() => Action::Custom { word, span: SimSpan::ZERO },
                None => Action::Custom { word, span: span(rest)? },
            }
        }
        _ => return None,
    })
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
            "ack-lost",
            "late-reply 12s",
            "outage of ticketing at 1m 2s for 40s",
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
            "outage of a for 1s",
        ] {
            assert!(text.parse::<Action>().is_err(), "{text}");
        }
    }
}
