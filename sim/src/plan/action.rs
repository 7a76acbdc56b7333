//! Actions: faults with all parameters drawn.

use super::Degradation;
use crate::{Hook, Name, SimSpan, SimTime};

/// One fault action. It is complete: no further draw is needed to carry it out.
///
/// The text form is plain words, and parses back exactly; it can also begin with the [kind](Action::kind):
/// `partition a from b at 1m for 40s` is `cut a from b at 1m for 40s`.
///
/// ```
/// use perfidy_sim::Action;
/// for text in ["drop", "crash, back after 5s", "cut a+b from c at 1m for 40s", "step a at 1m for 40s, 5s back"] {
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
    /// The message arrives, but not as it was sent: its receiver gets what
    /// [`Payload::corrupted`](crate::Payload::corrupted) makes of it.
    Corrupt,
    /// The node crashes here; it restarts after the span, or never.
    Crash(Option<SimSpan>),
    /// The node pauses here for this long (as in a long garbage collection) and does not notice the time.
    Pause(SimSpan),
    /// The node is frozen here for this long: see [`Degradation::Zombie`].
    Zombie(SimSpan),
    /// A write of a record returns an error.
    WriteError,
    /// A sync takes this much longer.
    SlowSync(SimSpan),
    /// Torn write: when the node crashes, the first unsynced record stays half-written, as
    /// [`Payload::corrupted`](crate::Payload::corrupted) makes it.
    TornWrite,
    /// Stale journal: a restarted node does not see the last records that it had synced. Its next incarnation
    /// does.
    StaleJournal {
        /// How many.
        records: u32,
    },
    /// Messages between two groups (names joined by `+`) are lost for a while.
    Partition {
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
    /// A node crashes at a time; it restarts after the span, or never.
    CrashAt {
        /// Which.
        node: Name,
        /// When.
        at: SimTime,
        /// How long until it is back.
        back_after: Option<SimSpan>,
    },
    /// A node pauses at a time for this long.
    PauseAt {
        /// Which.
        node: Name,
        /// When.
        at: SimTime,
        /// For how long.
        lasting: SimSpan,
    },
    /// The links between two groups fail and recover, again and again, for a while.
    Flap {
        /// One side.
        left: Name,
        /// The other side.
        right: Name,
        /// When it begins, with a failure.
        at: SimTime,
        /// How long it lasts.
        lasting: SimSpan,
        /// How long each failure lasts, and each period without one.
        turn: SimSpan,
    },
    /// Messages between two groups take longer for a while.
    SlowLink {
        /// One side.
        left: Name,
        /// The other side.
        right: Name,
        /// When it begins.
        at: SimTime,
        /// How long it lasts.
        lasting: SimSpan,
        /// The extra latency of each message that is sent during this time.
        by: SimSpan,
    },
    /// A degradation of a node for a while.
    Degrade {
        /// Which.
        node: Name,
        /// When it begins.
        at: SimTime,
        /// How long it lasts.
        lasting: SimSpan,
        /// Its kind and severity.
        degradation: Degradation,
    },
    /// A fault of a service for a while; its meaning belongs to the upper layer.
    CustomAt {
        /// The word for it.
        word: Name,
        /// Which service.
        node: Name,
        /// When it begins.
        at: SimTime,
        /// How long it lasts.
        lasting: SimSpan,
    },
    /// A fault whose meaning belongs to the upper layer: a word, perhaps what of it is meant, and a span.
    Custom {
        /// The word.
        word: Name,
        /// What it concerns of the thing it is injected into; `None` if that is left to the upper layer.
        detail: Option<Name>,
        /// The span; zero if the word needs none.
        span: SimSpan,
    },
}

impl Action {
    /// A fault whose meaning belongs to the upper layer, with nothing but the word for it.
    pub fn of_word(word: Name) -> Self {
        Self::Custom { word, detail: None, span: SimSpan::ZERO }
    }

    /// What of its subject a fault of the upper layer concerns, if that is said.
    pub fn detail(&self) -> Option<Name> {
        match self {
            Self::Custom { detail, .. } => *detail,
            _ => None,
        }
    }

    /// The same action, whatever of its subject it concerns.
    #[must_use]
    pub fn without_detail(self) -> Self {
        match self {
            Self::Custom { word, span, .. } => Self::Custom { word, detail: None, span },
            other => other,
        }
    }

    /// The same action with its span replaced, for those that have one.
    #[must_use]
    pub fn with_span(self, span: SimSpan) -> Self {
        match self {
            Self::Delay(_) => Self::Delay(span),
            Self::Reorder(_) => Self::Reorder(span),
            Self::Duplicate(_) => Self::Duplicate(span),
            Self::Crash(Some(_)) => Self::Crash(Some(span)),
            Self::Pause(_) => Self::Pause(span),
            Self::Partition { left, right, one_way, at, .. } => {
                Self::Partition { left, right, one_way, at, lasting: span }
            }
            Self::CrashAt { node, at, back_after: Some(_) } => {
                Self::CrashAt { node, at, back_after: Some(span) }
            }
            Self::PauseAt { node, at, .. } => Self::PauseAt { node, at, lasting: span },
            Self::Zombie(_) => Self::Zombie(span),
            Self::SlowSync(_) => Self::SlowSync(span),
            Self::Flap { left, right, at, turn, .. } => Self::Flap { left, right, at, lasting: span, turn },
            Self::SlowLink { left, right, at, by, .. } => {
                Self::SlowLink { left, right, at, lasting: span, by }
            }
            Self::Degrade { node, at, degradation, .. } => {
                Self::Degrade { node, at, lasting: span, degradation }
            }
            Self::CustomAt { word, node, at, .. } => Self::CustomAt { word, node, at, lasting: span },
            Self::Custom { word, detail, .. } => Self::Custom { word, detail, span },
            Self::Drop
            | Self::Corrupt
            | Self::WriteError
            | Self::TornWrite
            | Self::StaleJournal { .. }
            | Self::Crash(None)
            | Self::CrashAt { .. } => self,
        }
    }

    /// How long it takes, or by how much; `None` if it has no span or a zero span.
    pub fn span(&self) -> Option<SimSpan> {
        let span = match *self {
            Self::Delay(span)
            | Self::Reorder(span)
            | Self::Duplicate(span)
            | Self::Pause(span)
            | Self::Crash(Some(span))
            | Self::Partition { lasting: span, .. }
            | Self::PauseAt { lasting: span, .. }
            | Self::CrashAt { back_after: Some(span), .. }
            | Self::Zombie(span)
            | Self::SlowSync(span)
            | Self::Flap { lasting: span, .. }
            | Self::SlowLink { lasting: span, .. }
            | Self::Degrade { lasting: span, .. }
            | Self::CustomAt { lasting: span, .. }
            | Self::Custom { span, .. } => span,
            Self::Drop
            | Self::Corrupt
            | Self::WriteError
            | Self::TornWrite
            | Self::StaleJournal { .. }
            | Self::Crash(None)
            | Self::CrashAt { back_after: None, .. } => return None,
        };
        (span > SimSpan::ZERO).then_some(span)
    }

    /// The severity of an action that has both a duration and a severity in units of time.
    pub fn amount(&self) -> Option<SimSpan> {
        match *self {
            Self::Flap { turn, .. } => Some(turn),
            Self::SlowLink { by, .. } => Some(by),
            Self::Degrade { degradation, .. } => degradation.span(),
            _ => None,
        }
    }

    /// The same action with this severity, for those that have one.
    #[must_use]
    pub fn with_amount(mut self, amount: SimSpan) -> Self {
        match &mut self {
            Self::Flap { turn, .. } => *turn = amount,
            Self::SlowLink { by, .. } => *by = amount,
            Self::Degrade { degradation, .. } if degradation.span().is_some() => {
                *degradation = degradation.with_amount(amount.as_nanos());
            }
            _ => {}
        }
        self
    }

    /// The kind of fault, as scenario files and reports name it.
    pub fn kind(&self) -> Name {
        Name::literal(match self {
            Self::Drop => "drop",
            Self::Delay(_) => "delay",
            Self::Reorder(_) => "reorder",
            Self::Duplicate(_) => "duplicate",
            Self::Crash(_) | Self::CrashAt { .. } => "crash",
            Self::Pause(_) | Self::PauseAt { .. } => "pause",
            Self::Partition { .. } => "partition",
            Self::Corrupt => "corrupt",
            Self::Zombie(_) => "zombie",
            Self::WriteError => "write-error",
            Self::SlowSync(_) => "slow-sync",
            Self::TornWrite => "torn-write",
            Self::StaleJournal { .. } => "stale-journal",
            Self::Flap { .. } => "flap",
            Self::SlowLink { .. } => "slow-link",
            Self::Degrade { degradation, .. } => return degradation.kind(),
            Self::Custom { word, .. } | Self::CustomAt { word, .. } => return *word,
        })
    }

    /// Whether the action is possible at such a place.
    pub fn fits(&self, hook: Hook) -> bool {
        match hook {
            Hook::Message => {
                matches!(
                    self,
                    Self::Drop
                        | Self::Delay(_)
                        | Self::Reorder(_)
                        | Self::Duplicate(_)
                        | Self::Corrupt
                        | Self::Custom { .. }
                )
            }
            Hook::Before | Hook::After => {
                matches!(self, Self::Crash(_) | Self::Pause(_) | Self::Zombie(_))
            }
            Hook::Write => matches!(self, Self::WriteError),
            Hook::Sync => matches!(self, Self::SlowSync(_) | Self::Crash(_)),
            Hook::Loss => matches!(self, Self::TornWrite),
            Hook::Recovery => matches!(self, Self::StaleJournal { .. }),
            Hook::Service => matches!(self, Self::Custom { .. }),
        }
    }

    /// When a timed action happens.
    pub fn moment(&self) -> Option<SimTime> {
        match self {
            Self::Partition { at, .. }
            | Self::CrashAt { at, .. }
            | Self::PauseAt { at, .. }
            | Self::Flap { at, .. }
            | Self::SlowLink { at, .. }
            | Self::Degrade { at, .. }
            | Self::CustomAt { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// The same action at another time, for timed actions.
    #[must_use]
    pub fn with_moment(mut self, moment: SimTime) -> Self {
        match &mut self {
            Self::Partition { at, .. }
            | Self::CrashAt { at, .. }
            | Self::PauseAt { at, .. }
            | Self::Flap { at, .. }
            | Self::SlowLink { at, .. }
            | Self::Degrade { at, .. }
            | Self::CustomAt { at, .. } => *at = moment,
            _ => {}
        }
        self
    }

    /// The node that a timed action of a single node hits.
    pub fn victim(&self) -> Option<Name> {
        match *self {
            Self::CrashAt { node, .. }
            | Self::PauseAt { node, .. }
            | Self::Degrade { node, .. }
            | Self::CustomAt { node, .. } => Some(node),
            _ => None,
        }
    }

    /// The two groups of an action between groups.
    pub fn sides(&self) -> Option<(Name, Name)> {
        match *self {
            Self::Partition { left, right, .. }
            | Self::Flap { left, right, .. }
            | Self::SlowLink { left, right, .. } => Some((left, right)),
            _ => None,
        }
    }

    /// The same action between other groups, for actions between groups.
    #[must_use]
    pub fn with_sides(mut self, (a, b): (Name, Name)) -> Self {
        if let Self::Partition { left, right, .. }
        | Self::Flap { left, right, .. }
        | Self::SlowLink { left, right, .. } = &mut self
        {
            (*left, *right) = (a, b);
        }
        self
    }
}
