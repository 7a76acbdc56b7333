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
            Self::Custom { word, span } if *span == SimSpan::ZERO => write!(f, "{}", custom(*word)),
            Self::Custom { word, span } => write!(f, "{} {span}", custom(*word)),
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
            match rest.strip_prefix("of ") {
                Some(rest) => {
                    let (node, when) = rest.split_once(" at ")?;
                    let (at, lasting) = when.split_once(" for ")?;
                    let (node, at) = (quoted::read(node)?, time(at)?);
                    Action::CustomAt { word, node, at, lasting: span(lasting)? }
                }
                None if rest.is_empty() => Action::Custom { word, span: SimSpan::ZERO },
                None => Action::Custom { word, span: span(rest)? },
            }
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
mod tests {
    use super::*;
    use crate::ClockDirection;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn names() -> impl Strategy<Value = Name> {
        let usual =
            prop::sample::select(vec!["a", "executor-1+executor-2", "leases", "by", "of", "at", "for"]);
        prop_oneof![usual.prop_map(Name::new), any::<String>().prop_map(|text| Name::new(&text))]
    }

    fn words() -> impl Strategy<Value = Name> {
        let verbs = prop::sample::select([&super::VERBS[..], &["late-reply", "of"]].concat());
        prop_oneof![verbs.prop_map(Name::new), names()]
    }

    fn span() -> impl Strategy<Value = SimSpan> {
        any::<u64>().prop_map(|nanos| SimSpan::from_nanos(nanos >> (nanos % 40)))
    }

    fn degradation() -> impl Strategy<Value = Degradation> {
        let direction = || prop::sample::select(vec![ClockDirection::Ahead, ClockDirection::Behind]);
        prop_oneof![
            Just(Degradation::Zombie),
            Just(Degradation::OverlappingRestart),
            Just(Degradation::RuntimeRestart),
            any::<u32>().prop_map(|times| Degradation::Slow { times }),
            span().prop_map(|each| Degradation::SlowReceiver { each }),
            (span(), direction()).prop_map(|(by, direction)| Degradation::Skew { by, direction }),
            (span(), direction()).prop_map(|(by, direction)| Degradation::Step { by, direction }),
            (any::<u32>(), direction()).prop_map(|(ppm, direction)| Degradation::Drift { ppm, direction }),
        ]
    }

    fn action() -> impl Strategy<Value = Action> {
        let time = || span().prop_map(|span| SimTime::ZERO + span);
        let at_a_place = prop_oneof![
            Just(Action::Drop),
            span().prop_map(Action::Delay),
            span().prop_map(Action::Reorder),
            span().prop_map(Action::Duplicate),
            Just(Action::Corrupt),
            prop::option::of(span()).prop_map(Action::Crash),
            span().prop_map(Action::Pause),
            span().prop_map(Action::Zombie),
            Just(Action::WriteError),
            span().prop_map(Action::SlowSync),
            Just(Action::TornWrite),
            (1..=u32::MAX).prop_map(|records| Action::StaleJournal { records }),
            (words(), span()).prop_map(|(word, span)| Action::Custom { word, span }),
            words().prop_map(|word| Action::Custom { word, span: SimSpan::ZERO }),
        ];
        let by_the_clock = prop_oneof![
            (names(), names(), any::<bool>(), time(), span()).prop_map(
                |(left, right, one_way, at, lasting)| {
                    Action::Partition { left, right, one_way, at, lasting }
                }
            ),
            (names(), time(), prop::option::of(span())).prop_map(|(node, at, back_after)| Action::CrashAt {
                node,
                at,
                back_after
            }),
            (names(), time(), span()).prop_map(|(node, at, lasting)| Action::PauseAt { node, at, lasting }),
            (words(), names(), time(), span()).prop_map(|(word, node, at, lasting)| Action::CustomAt {
                word,
                node,
                at,
                lasting
            }),
            (names(), names(), time(), span(), span())
                .prop_map(|(left, right, at, lasting, turn)| Action::Flap { left, right, at, lasting, turn }),
            (names(), names(), time(), span(), span())
                .prop_map(|(left, right, at, lasting, by)| Action::SlowLink { left, right, at, lasting, by }),
            (names(), time(), span(), degradation()).prop_map(|(node, at, lasting, degradation)| {
                Action::Degrade { node, at, lasting, degradation }
            }),
        ];
        prop_oneof![at_a_place, by_the_clock]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_can_go_wrong_reads_back_as_it_is_printed(action in action()) {
            prop_assert_eq!(action.to_string().parse(), Ok(action));
        }

        #[test]
        fn no_text_makes_the_reader_of_actions_panic(text in any::<String>(), verb in 0..10_usize) {
            let verbs = ["", "slow ", "stale by ", "flap a from b at ", "lag ", "skew a at 1s for ", "drift a at 1m for 5m, ", "cut ", "crash a at ", "zombie "];
            let _ = format!("{}{text}", verbs[verb]).parse::<Action>();
        }
    }

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
            "overlapping-restart coordinator at 1m for 20s",
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
    fn an_action_can_begin_with_its_kind() {
        for (text, written) in [
            ("partition a from b+c at 1m for 40s", "cut a from b+c at 1m for 40s"),
            ("slow-link a from b at 1m for 40s, by 2s", "lag a from b at 1m for 40s, by 2s"),
            ("slow-node a at 1m for 20s, 5 times", "slow a at 1m for 20s, 5 times"),
            ("slow-receiver a at 1m for 20s, 500ms a message", "choke a at 1m for 20s, 500ms a message"),
            ("clock-skew a at 0s for 10m, 3s ahead", "skew a at 0s for 10m, 3s ahead"),
            ("clock-step a at 1m for 5m, 3s back", "step a at 1m for 5m, 3s back"),
            ("clock-drift a at 1m for 5m, 200ppm slow", "drift a at 1m for 5m, 200ppm slow"),
            ("slow-sync by 3s", "slow by 3s"),
            ("stale-journal by 2 records", "stale by 2 records"),
            ("torn-write", "tear"),
            ("write-error", "refuse"),
        ] {
            let action: Action = text.parse().unwrap();
            assert_eq!(action.to_string(), written);
            assert!(text.starts_with(action.kind().as_str()), "{text} is of kind {}", action.kind());
        }
        for (kind, verb) in KINDS {
            assert!(VERBS.contains(&verb) && !VERBS.contains(&kind), "{kind}");
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
            "overlapping-restart a at 1m for 20s, twice",
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
