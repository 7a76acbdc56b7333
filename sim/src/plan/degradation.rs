//! Node degradation: faults that last for a while and do not crash the node.

use crate::{Name, SimSpan};
use std::fmt;

/// The direction of a clock error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ClockDirection {
    /// It shows a later time than it should, or runs fast.
    Ahead,
    /// It shows an earlier time than it should, or runs slow.
    Behind,
}

/// A degradation of a node for a while. Several at once add up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Degradation {
    /// The node is frozen, as a virtual machine during migration: nothing on it runs, its messages in flight
    /// are held back in both directions, and its clocks stand still. After the freeze it does not notice the
    /// lost time until its wall clock is corrected, an equal span later.
    Zombie,
    /// Overlapping restart: a second incarnation of the node starts before the first has ended, as in a
    /// rolling update. Both use the node's name and its storage; a message goes to the incarnation that takes
    /// it first. At the end the older one is stopped.
    OverlappingRestart,
    /// The node's work and its syncs take longer by this factor. Its timeouts do not.
    Slow {
        /// How many times.
        times: u32,
    },
    /// The node takes its messages in one by one, each this long after the one before.
    SlowReceiver {
        /// The time for one message.
        each: SimSpan,
    },
    /// The node's wall clock is off by so much.
    Skew {
        /// How much.
        by: SimSpan,
        /// In which direction.
        direction: ClockDirection,
    },
    /// The node's wall clock is set wrong while the node runs, and later corrected.
    Step {
        /// How much.
        by: SimSpan,
        /// In which direction.
        direction: ClockDirection,
    },
    /// Both clocks of the node run fast or slow; later the rate and the wall clock are corrected.
    Drift {
        /// How much, in parts per million.
        ppm: u32,
        /// In which direction.
        direction: ClockDirection,
    },
    /// The runtime of the node restarts under its code: the replies to all requests that it has made by the
    /// end find no request any more, and a task that waits for one waits on.
    RuntimeRestart,
}

impl Degradation {
    /// The same degradation with this severity: nanoseconds of a span, a factor, or parts per million.
    #[must_use]
    pub fn with_amount(self, amount: u64) -> Self {
        let (span, number) = (SimSpan::from_nanos(amount), u32::try_from(amount).unwrap_or(u32::MAX));
        match self {
            Self::Zombie | Self::OverlappingRestart | Self::RuntimeRestart => self,
            Self::Slow { .. } => Self::Slow { times: number },
            Self::SlowReceiver { .. } => Self::SlowReceiver { each: span },
            Self::Skew { direction, .. } => Self::Skew { by: span, direction },
            Self::Step { direction, .. } => Self::Step { by: span, direction },
            Self::Drift { direction, .. } => Self::Drift { ppm: number, direction },
        }
    }

    /// Its severity, if that is a span.
    pub fn span(self) -> Option<SimSpan> {
        match self {
            Self::SlowReceiver { each: span } | Self::Skew { by: span, .. } | Self::Step { by: span, .. } => {
                Some(span)
            }
            Self::Zombie
            | Self::OverlappingRestart
            | Self::RuntimeRestart
            | Self::Slow { .. }
            | Self::Drift { .. } => None,
        }
    }

    /// The kind of fault, as scenario files and reports name it.
    pub fn kind(self) -> Name {
        Name::literal(match self {
            Self::Zombie => "zombie",
            Self::OverlappingRestart => "overlapping-restart",
            Self::RuntimeRestart => "runtime-restart",
            Self::Slow { .. } => "slow-node",
            Self::SlowReceiver { .. } => "slow-receiver",
            Self::Skew { .. } => "clock-skew",
            Self::Step { .. } => "clock-step",
            Self::Drift { .. } => "clock-drift",
        })
    }

    /// Whether it applies only to nodes with code, and not to services.
    pub fn is_of_processes(self) -> bool {
        matches!(self, Self::Zombie | Self::OverlappingRestart | Self::RuntimeRestart | Self::Slow { .. })
    }

    /// The word of its text form.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Zombie => "zombie",
            Self::OverlappingRestart => "overlapping-restart",
            Self::RuntimeRestart => "runtime-restart",
            Self::Slow { .. } => "slow",
            Self::SlowReceiver { .. } => "choke",
            Self::Skew { .. } => "skew",
            Self::Step { .. } => "step",
            Self::Drift { .. } => "drift",
        }
    }

    /// Parses the word and the detail of the text form.
    pub(super) fn parse(verb: &str, detail: &str) -> Option<Self> {
        let direction = |ahead: &str, behind: &str| {
            let (amount, direction) = detail.rsplit_once(' ')?;
            match direction {
                _ if direction == ahead => Some((amount, ClockDirection::Ahead)),
                _ if direction == behind => Some((amount, ClockDirection::Behind)),
                _ => None,
            }
        };
        Some(match verb {
            "zombie" if detail.is_empty() => Self::Zombie,
            "overlapping-restart" if detail.is_empty() => Self::OverlappingRestart,
            "runtime-restart" if detail.is_empty() => Self::RuntimeRestart,
            "slow" => Self::Slow { times: detail.strip_suffix(" times")?.parse().ok()? },
            "choke" => Self::SlowReceiver { each: detail.strip_suffix(" a message")?.parse().ok()? },
            "skew" => {
                let (by, direction) = direction("ahead", "behind")?;
                Self::Skew { by: by.parse().ok()?, direction }
            }
            "step" => {
                let (by, direction) = direction("forward", "back")?;
                Self::Step { by: by.parse().ok()?, direction }
            }
            "drift" => {
                let (amount, direction) = direction("fast", "slow")?;
                Self::Drift { ppm: amount.strip_suffix("ppm")?.parse().ok()?, direction }
            }
            _ => return None,
        })
    }
}

/// The severity as it follows the word, with a comma if there is one.
impl fmt::Display for Degradation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pick = |direction: ClockDirection, ahead: &'static str, behind: &'static str| match direction {
            ClockDirection::Ahead => ahead,
            ClockDirection::Behind => behind,
        };
        match *self {
            Self::Zombie | Self::OverlappingRestart | Self::RuntimeRestart => Ok(()),
            Self::Slow { times } => write!(f, ", {times} times"),
            Self::SlowReceiver { each } => write!(f, ", {each} a message"),
            Self::Skew { by, direction } => write!(f, ", {by} {}", pick(direction, "ahead", "behind")),
            Self::Step { by, direction } => write!(f, ", {by} {}", pick(direction, "forward", "back")),
            Self::Drift { ppm, direction } => write!(f, ", {ppm}ppm {}", pick(direction, "fast", "slow")),
        }
    }
}
