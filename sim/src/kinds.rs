//! Sets of event kinds: which kinds of events a run contains.
//!
//! Most readers of a history look for a few kinds of events, and most runs have none of them. A history knows
//! the kinds of its events ([`History::kinds`](crate::History::kinds)), so such a reader need not walk it to
//! find nothing, and one that finds something walks only the events of its kinds
//! ([`History::events_of`](crate::History::events_of)). The world tells its own kinds apart; the layer above
//! adds those of its notes and of the content of its messages ([`EventKinds::of_layer`]).
//!
//! ```
//! use perfidy_sim::{EventKinds, History, Name, SimTime, EventKind};
//! let mut history: History<u64> = History::default();
//! history.append(SimTime::ZERO, (Name::new("executor-1"), 0), None, EventKind::App(17));
//! assert!(history.kinds().contains(EventKinds::APP));
//! assert!(!history.kinds().contains(EventKinds::APP.and(EventKinds::CRASHED)));
//! ```

use crate::{AppEvent, EventKind, Payload};

/// A set of kinds of events.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EventKinds(u128);

/// How many kinds the world may define; the others belong to the upper layer.
const OF_THE_WORLD: u32 = 32;

impl EventKinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// [`EventKind::Started`].
    pub const STARTED: Self = Self(1);
    /// [`EventKind::Sent`].
    pub const SENT: Self = Self(1 << 1);
    /// [`EventKind::Delivered`].
    pub const DELIVERED: Self = Self(1 << 2);
    /// [`EventKind::Lost`].
    pub const LOST: Self = Self(1 << 3);
    /// [`EventKind::TimedOut`].
    pub const TIMED_OUT: Self = Self(1 << 4);
    /// [`EventKind::Injected`].
    pub const INJECTED: Self = Self(1 << 5);
    /// [`EventKind::Crashed`].
    pub const CRASHED: Self = Self(1 << 6);
    /// [`EventKind::Paused`].
    pub const PAUSED: Self = Self(1 << 7);
    /// [`EventKind::Resumed`].
    pub const RESUMED: Self = Self(1 << 8);
    /// [`EventKind::PartitionBegan`].
    pub const PARTITION_BEGAN: Self = Self(1 << 9);
    /// [`EventKind::PartitionHealed`].
    pub const PARTITION_HEALED: Self = Self(1 << 10);
    /// [`EventKind::Wrote`].
    pub const WROTE: Self = Self(1 << 11);
    /// [`EventKind::Synced`].
    pub const SYNCED: Self = Self(1 << 12);
    /// [`EventKind::Waiting`].
    pub const WAITING: Self = Self(1 << 13);
    /// [`EventKind::Panicked`].
    pub const PANICKED: Self = Self(1 << 14);
    /// [`EventKind::Recovered`].
    pub const RECOVERED: Self = Self(1 << 15);
    /// [`EventKind::Ended`].
    pub const ENDED: Self = Self(1 << 16);
    /// [`EventKind::App`].
    pub const APP: Self = Self(1 << 17);
    /// [`EventKind::Socket`].
    pub const SOCKET: Self = Self(1 << 18);

    /// How many kinds there can be.
    pub(crate) const MOST: usize = u128::BITS as usize;

    /// How many kinds the upper layer may define.
    pub const OF_LAYER: u32 = u128::BITS - OF_THE_WORLD;

    /// The nth kind of the upper layer, from zero.
    ///
    /// # Panics
    /// If `nth` is not below [`EventKinds::OF_LAYER`].
    pub const fn of_layer(nth: u32) -> Self {
        assert!(nth < Self::OF_LAYER);
        Self(1 << (OF_THE_WORLD + nth))
    }

    /// The kinds of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all kinds of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Calls `with` with the number of each kind.
    #[inline]
    pub(crate) fn each(self, mut with: impl FnMut(usize)) {
        for (first, half) in [(0, self.0 as u64), (u64::BITS, (self.0 >> u64::BITS) as u64)] {
            let mut rest = half;
            while rest != 0 {
                with((first + rest.trailing_zeros()) as usize % Self::MOST);
                rest &= rest - 1;
            }
        }
    }

    /// Whether any kind of `other` is among these.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl<N: AppEvent> EventKind<N> {
    /// The kinds of an event: one of the world's, and those of its content.
    #[inline]
    pub fn kinds(&self) -> EventKinds {
        match self {
            Self::Started { .. } => EventKinds::STARTED,
            Self::Sent { content, .. } => EventKinds::SENT.and(content.kinds()),
            Self::Delivered { content, .. } => EventKinds::DELIVERED.and(content.kinds()),
            Self::Lost { .. } => EventKinds::LOST,
            Self::TimedOut { .. } => EventKinds::TIMED_OUT,
            Self::Injected(_) => EventKinds::INJECTED,
            Self::Crashed { .. } => EventKinds::CRASHED,
            Self::Paused { .. } => EventKinds::PAUSED,
            Self::Resumed => EventKinds::RESUMED,
            Self::PartitionBegan { .. } => EventKinds::PARTITION_BEGAN,
            Self::PartitionHealed { .. } => EventKinds::PARTITION_HEALED,
            Self::Wrote { content } => EventKinds::WROTE.and(content.kinds()),
            Self::Synced { .. } => EventKinds::SYNCED,
            Self::Waiting { .. } => EventKinds::WAITING,
            Self::Panicked { .. } => EventKinds::PANICKED,
            Self::Recovered { .. } => EventKinds::RECOVERED,
            Self::Socket(_) => EventKinds::SOCKET,
            Self::Ended(_) => EventKinds::ENDED,
            Self::App(note) => EventKinds::APP.and(note.kinds()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_contains_its_parts_and_no_other() {
        let both = EventKinds::SENT.and(EventKinds::of_layer(0));
        assert!(both.contains(EventKinds::SENT) && both.contains(EventKinds::of_layer(0)));
        assert!(both.contains(both) && both.contains(EventKinds::NONE));
        assert!(!both.contains(EventKinds::of_layer(1)) && !EventKinds::SENT.contains(both));
        assert!(both.intersects(EventKinds::SENT) && EventKinds::SENT.intersects(both));
        assert!(!both.intersects(EventKinds::LOST) && !both.intersects(EventKinds::NONE));
    }

    #[test]
    fn the_kinds_of_the_world_and_of_the_layer_above_are_different_ones() {
        let last = EventKinds::of_layer(EventKinds::OF_LAYER - 1);
        assert_eq!(last.0, 1 << 127);
        assert!(EventKinds::APP.0 < EventKinds::of_layer(0).0);
    }
}
