//! Ailments: what a node can suffer from for a while without dying of it.

use crate::{Name, SimSpan};
use std::fmt;

/// Which way a clock is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Way {
    /// It shows a later time than it should, or runs fast.
    Ahead,
    /// It shows an earlier time than it should, or runs slow.
    Behind,
}

/// Something a node suffers from for a while. Several at once add up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ailment {
    /// The node is frozen, as a virtual machine is that is moved: nothing on it runs, what it had sent and
    /// what had not yet arrived is held back, and its clocks stand still. It goes on believing that no time
    /// has passed, until its wall clock is set right as long after as it was frozen.
    Zombie,
    /// A second life of the node begins before the first has ended, as in an update that overlaps. Both use
    /// the node's name and its storage; a message goes to whichever takes it first. At the end the older one
    /// is stopped.
    Twin,
    /// Whatever the node works on, and every sync, takes so many times as long. Its timeouts do not.
    Slow {
        /// How many times.
        times: u32,
    },
    /// The node takes its messages in one by one, each so long after the one before.
    SlowReceiver {
        /// The time for one message.
        each: SimSpan,
    },
    /// The node's wall clock is off by so much.
    Skew {
        /// How much.
        by: SimSpan,
        /// Which way.
        way: Way,
    },
    /// The node's wall clock is set wrong in the middle of its work, and later set right again.
    Step {
        /// How much.
        by: SimSpan,
        /// Which way.
        way: Way,
    },
    /// Both clocks of the node run fast or slow; later they run right, and the wall clock is set right.
    Drift {
        /// How much, in parts per million.
        ppm: u32,
        /// Which way.
        way: Way,
    },
}

impl Ailment {
    /// The same ailment, as bad as this: nanoseconds of a span, times, or parts per million.
    #[must_use]
    pub fn with_amount(self, amount: u64) -> Self {
        let (span, number) = (SimSpan::from_nanos(amount), u32::try_from(amount).unwrap_or(u32::MAX));
        match self {
            Self::Zombie | Self::Twin => self,
            Self::Slow { .. } => Self::Slow { times: number },
            Self::SlowReceiver { .. } => Self::SlowReceiver { each: span },
            Self::Skew { way, .. } => Self::Skew { by: span, way },
            Self::Step { way, .. } => Self::Step { by: span, way },
            Self::Drift { way, .. } => Self::Drift { ppm: number, way },
        }
    }

    /// How bad it is, if that is a matter of time.
    pub fn span(self) -> Option<SimSpan> {
        match self {
            Self::SlowReceiver { each: span } | Self::Skew { by: span, .. } | Self::Step { by: span, .. } => {
                Some(span)
            }
            Self::Zombie | Self::Twin | Self::Slow { .. } | Self::Drift { .. } => None,
        }
    }

    /// The kind of fault, as scenario files and reports name it.
    pub fn kind(self) -> Name {
        Name::literal(match self {
            Self::Zombie => "zombie",
            Self::Twin => "twin",
            Self::Slow { .. } => "slow-node",
            Self::SlowReceiver { .. } => "slow-receiver",
            Self::Skew { .. } => "clock-skew",
            Self::Step { .. } => "clock-step",
            Self::Drift { .. } => "clock-drift",
        })
    }

    /// Whether only a node with code of its own can have it, and not a service.
    pub fn is_of_processes(self) -> bool {
        matches!(self, Self::Zombie | Self::Twin | Self::Slow { .. })
    }

    /// The word with which it is written.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Zombie => "zombie",
            Self::Twin => "twin",
            Self::Slow { .. } => "slow",
            Self::SlowReceiver { .. } => "choke",
            Self::Skew { .. } => "skew",
            Self::Step { .. } => "step",
            Self::Drift { .. } => "drift",
        }
    }

    /// The ailment written with this word and this behind it, if there is one.
    pub(super) fn parse(verb: &str, detail: &str) -> Option<Self> {
        let way = |ahead: &str, behind: &str| {
            let (amount, way) = detail.rsplit_once(' ')?;
            match way {
                _ if way == ahead => Some((amount, Way::Ahead)),
                _ if way == behind => Some((amount, Way::Behind)),
                _ => None,
            }
        };
        Some(match verb {
            "zombie" if detail.is_empty() => Self::Zombie,
            "twin" if detail.is_empty() => Self::Twin,
            "slow" => Self::Slow { times: detail.strip_suffix(" times")?.parse().ok()? },
            "choke" => Self::SlowReceiver { each: detail.strip_suffix(" a message")?.parse().ok()? },
            "skew" => {
                let (by, way) = way("ahead", "behind")?;
                Self::Skew { by: by.parse().ok()?, way }
            }
            "step" => {
                let (by, way) = way("forward", "back")?;
                Self::Step { by: by.parse().ok()?, way }
            }
            "drift" => {
                let (amount, way) = way("fast", "slow")?;
                Self::Drift { ppm: amount.strip_suffix("ppm")?.parse().ok()?, way }
            }
            _ => return None,
        })
    }
}

/// How badly, as it stands behind the word, with a comma where there is something to say.
impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pick = |way: Way, ahead: &'static str, behind: &'static str| match way {
            Way::Ahead => ahead,
            Way::Behind => behind,
        };
        match *self {
            Self::Zombie | Self::Twin => Ok(()),
            Self::Slow { times } => write!(f, ", {times} times"),
            Self::SlowReceiver { each } => write!(f, ", {each} a message"),
            Self::Skew { by, way } => write!(f, ", {by} {}", pick(way, "ahead", "behind")),
            Self::Step { by, way } => write!(f, ", {by} {}", pick(way, "forward", "back")),
            Self::Drift { ppm, way } => write!(f, ", {ppm}ppm {}", pick(way, "fast", "slow")),
        }
    }
}
