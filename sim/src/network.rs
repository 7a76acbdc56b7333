//! The network between nodes: link latencies and partitions.
//!
//! ```
//! use perfidy_sim::{Links, Name, SimSpan};
//! let ms = SimSpan::from_millis;
//! let [a, b, c] = ["a", "b", "c"].map(Name::new);
//! let links = Links::uniform(ms(1)..=ms(10)).with(&[a], &[b], &(ms(50)..=ms(2_000)));
//! assert_eq!(links.latency(b, a), &(ms(50)..=ms(2_000)));
//! assert_eq!(links.latency(a, c), &(ms(1)..=ms(10)));
//! ```

use crate::{Name, SimSpan};
use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;
use std::ops::RangeInclusive;

/// Link latencies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Links {
    usual: RangeInclusive<SimSpan>,
    /// By the two ends, in the order of their names.
    own: HashMap<(Name, Name), RangeInclusive<SimSpan>, FxBuildHasher>,
}

impl Links {
    /// Every link takes a time from this range.
    pub fn uniform(latency: RangeInclusive<SimSpan>) -> Self {
        Self { usual: latency, own: HashMap::default() }
    }

    /// Sets the latency of the links between two groups, in both directions. The last call for a link counts.
    #[must_use]
    pub fn with(mut self, left: &[Name], right: &[Name], latency: &RangeInclusive<SimSpan>) -> Self {
        for a in left {
            self.own.extend(right.iter().map(|b| (ends(*a, *b), latency.clone())));
        }
        self
    }

    /// The latency of a link that has no range of its own.
    #[cfg(madsim)]
    pub(crate) fn usual(&self) -> &RangeInclusive<SimSpan> {
        &self.usual
    }

    /// The latency of one link.
    pub fn latency(&self, from: Name, to: Name) -> &RangeInclusive<SimSpan> {
        self.own.get(&ends(from, to)).unwrap_or(&self.usual)
    }
}

/// The two ends of a link, the same for both directions.
fn ends(a: Name, b: Name) -> (Name, Name) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Two groups between which messages are lost.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub left_name: Name,
    pub right_name: Name,
    pub left: Vec<Name>,
    pub right: Vec<Name>,
    /// The side of each node, for fast lookup.
    pub left_side: Side,
    pub right_side: Side,
    pub one_way: bool,
    /// How long it is open and closed in turn, if it is not open all the time.
    pub turn: Option<SimSpan>,
    pub open: bool,
}

type Side = HashSet<Name, FxBuildHasher>;

/// Two groups between which messages take longer.
#[derive(Clone, Debug)]
pub(crate) struct SlowLink {
    /// The slow links.
    pub links: Partition,
    pub by: SimSpan,
}

impl SlowLink {
    /// A slow link between two groups of names joined by `+`, which has begun.
    pub fn new(left: Name, right: Name, by: SimSpan) -> Self {
        Self { links: Partition { open: true, ..Partition::new(left, right, false) }, by }
    }
}

impl Partition {
    /// Between two groups of names joined by `+`.
    pub fn new(left: Name, right: Name, one_way: bool) -> Self {
        let split = |group: Name| -> Vec<Name> { group.as_str().split('+').map(Name::new).collect() };
        let (left_name, right_name, left, right) = (left, right, split(left), split(right));
        Self {
            left_name,
            right_name,
            left_side: left.iter().copied().collect(),
            right_side: right.iter().copied().collect(),
            left,
            right,
            one_way,
            turn: None,
            open: false,
        }
    }

    /// Every (from, to) on which it stops messages.
    pub fn pairs(&self) -> Vec<(Name, Name)> {
        let across = |a: &[Name], b: &[Name]| -> Vec<(Name, Name)> {
            a.iter().flat_map(|from| b.iter().map(|to| (*from, *to))).collect()
        };
        let mut pairs = across(&self.left, &self.right);
        if !self.one_way {
            pairs.extend(across(&self.right, &self.left));
        }
        pairs
    }

    /// Whether it stops a message.
    pub fn stops(&self, from: Name, to: Name) -> bool {
        let across = |a: &Side, b: &Side| a.contains(&from) && b.contains(&to);
        let (left, right) = (&self.left_side, &self.right_side);
        self.open && (across(left, right) || (!self.one_way && across(right, left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_way_cut_lets_answers_through() {
        let [a, b, c] = ["a", "b", "c"].map(Name::new);
        let mut partition = Partition::new(a, Name::new("b+c"), true);
        assert!(!partition.stops(a, b), "not yet open");
        partition.open = true;
        assert!(partition.stops(a, b) && partition.stops(a, c));
        assert!(!partition.stops(b, a) && !partition.stops(b, c));
        partition.one_way = false;
        assert!(partition.stops(b, a) && !partition.stops(b, c));
    }
}
