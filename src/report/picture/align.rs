//! Two runs side by side, aligned by cause: an event of one run is that of the other if the same node says
//! the same in words and if what led to it is the same, the nth time. Draws are keyed by identity, so without
//! a fault everything is the same up to where the fault was injected, and often much of the rest. A message is
//! the same whatever it says: where its content was altered, it stands beside what it would have been. So does
//! what an agent or a tool does with another content.
//!
//! An injected fault is no cause here: a message that was delayed is the same message. What is the same but
//! comes in another order stands in two rows.

use super::mark::Mark;
use crate::agent::TeamEvent;
use crate::explore::Run;
use crate::report::told::{subject, told, told_once};
use perfidy_sim::{Event, EventKind, History, Name};
use std::collections::BTreeMap;

/// A row: the place of an event in one run, in the other, or in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::report) struct Pair {
    pub left: Option<usize>,
    pub right: Option<usize>,
}

/// The rows of one run alone.
pub(in crate::report) fn alone(count: usize) -> Vec<Pair> {
    (0..count).map(|left| Pair { left: Some(left), right: None }).collect()
}

/// Two runs, aligned.
pub(in crate::report) struct Aligned {
    pub rows: Vec<Pair>,
    /// For each event of the first run its like in the second.
    pub likes: Vec<Option<usize>>,
    /// For each event of the first run whether it says something else than its like.
    differs: Vec<bool>,
}

impl Aligned {
    pub fn new(left: &Run, right: &Run) -> Self {
        let (left, right) = (&left.outcome.history, &right.outcome.history);
        let likes = likes(left, right);
        let differs = likes.iter().enumerate().map(|(at, like)| {
            like.is_some_and(|like| told(&left.events()[at]) != told(&right.events()[like]))
        });
        Self { rows: rows(left, right, &likes), differs: differs.collect(), likes }
    }

    /// Whether only the first run has the event at this place, or whether it says something else there.
    pub fn is_apart(&self, place: usize) -> bool {
        self.likes[place].is_none() || self.differs[place]
    }
}

fn rows(left: &History<TeamEvent>, right: &History<TeamEvent>, likes: &[Option<usize>]) -> Vec<Pair> {
    let mut rows = Vec::new();
    let (mut here, mut there) = (0, 0);
    for (at, like) in in_order(likes).into_iter().chain([(left.len(), right.len())]) {
        // What only one of them has stands in the order of time.
        while here < at || there < like {
            let is_left = match (left.events()[..at].get(here), right.events()[..like].get(there)) {
                (Some(one), Some(other)) => one.at <= other.at,
                (one, _) => one.is_some(),
            };
            if is_left {
                rows.push(Pair { left: Some(here), right: None });
                here += 1;
            } else {
                rows.push(Pair { left: None, right: Some(there) });
                there += 1;
            }
        }
        if at < left.len() {
            rows.push(Pair { left: Some(at), right: Some(like) });
        }
        (here, there) = (at + 1, like + 1);
    }
    rows
}

/// The identity of an event: the same cause, node and words, the nth time.
type Identity<'a> = (Option<usize>, Name, u32, &'a str, u32);

/// The same whatever its content is: the same cause, node, kind of event and subject.
type Kind = (Option<usize>, Name, u32, Mark, Option<Name>);

/// For each event of the first history its like in the second.
fn likes(left: &History<TeamEvent>, right: &History<TeamEvent>) -> Vec<Option<usize>> {
    let in_words = |event: &Event<TeamEvent>| match event.what {
        EventKind::Sent { to, kind, about, .. } => format!("sends {kind} to {to}, {about}"),
        _ => told_once(event),
    };
    let words = |history: &History<TeamEvent>| history.events().iter().map(in_words).collect::<Vec<_>>();
    let (left_words, right_words) = (words(left), words(right));
    // The places of the second history, by identities in terms of the second history.
    let mut there: BTreeMap<Identity<'_>, usize> = BTreeMap::new();
    let mut times: BTreeMap<Identity<'_>, u32> = BTreeMap::new();
    for (at, event) in right.events().iter().enumerate().filter(|(_, event)| !is_fault(event)) {
        let mut identity = (cause(right, event), event.node, event.incarnation, right_words[at].as_str(), 0);
        let nth = times.entry(identity).or_default();
        identity.4 = *nth;
        *nth += 1;
        there.insert(identity, at);
    }
    times.clear();
    let mut by_kind: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (at, event) in right.events().iter().enumerate().filter(|(_, event)| !is_fault(event)) {
        by_kind.entry(kind(cause(right, event), event)).or_default().push(at);
    }
    let mut is_taken = vec![false; right.len()];
    let mut likes: Vec<Option<usize>> = vec![None; left.len()];
    for (at, event) in left.events().iter().enumerate().filter(|(_, event)| !is_fault(event)) {
        // An event whose cause has no like has none either.
        let led_by = match cause(left, event) {
            None => None,
            Some(cause) => match likes[cause] {
                None => continue,
                like => like,
            },
        };
        let mut identity = (led_by, event.node, event.incarnation, left_words[at].as_str(), 0);
        let nth = times.entry(identity).or_default();
        identity.4 = *nth;
        *nth += 1;
        let same = there.get(&identity).copied().filter(|like| !is_taken[*like]);
        let similar = || by_kind.get(&kind(led_by, event))?.iter().copied().find(|like| !is_taken[*like]);
        let has_content = event.app_event().is_some() || matches!(event.what, EventKind::Wrote { .. });
        likes[at] = same.or_else(|| similar().filter(|_| has_content));
        if let Some(like) = likes[at] {
            is_taken[like] = true;
        }
    }
    likes
}

fn kind(led_by: Option<usize>, event: &Event<TeamEvent>) -> Kind {
    (led_by, event.node, event.incarnation, Mark::of(event), subject(event))
}

fn is_fault(event: &Event<TeamEvent>) -> bool {
    matches!(event.what, EventKind::Injected(_))
}

/// What led to an event, past the faults on the way.
fn cause(history: &History<TeamEvent>, event: &Event<TeamEvent>) -> Option<usize> {
    let cause = history.causes(event.id).find(|event| !is_fault(event));
    cause.map(|event| super::scene::place(event.id))
}

/// The longest choice of pairs of likes in which neither history goes back.
fn in_order(likes: &[Option<usize>]) -> Vec<(usize, usize)> {
    let pairs: Vec<(usize, usize)> =
        likes.iter().enumerate().filter_map(|(left, like)| like.map(|right| (left, right))).collect();
    // The longest increasing subsequence: `ends[n]` is the pair with the lowest end of those of length n + 1.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, (_, right)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < *right);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let chain = std::iter::successors(ends.last().copied(), |index| before[*index]);
    let mut chosen: Vec<(usize, usize)> = chain.map(|index| pairs[index]).collect();
    chosen.reverse();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::SimTime;

    /// A history of words: each said by a node, because of an earlier one (by its place).
    fn history(events: &[(&str, &str, Option<usize>)]) -> History<TeamEvent> {
        let mut history = History::default();
        let mut ids = Vec::new();
        for (second, (node, word, cause)) in events.iter().enumerate() {
            let at = SimTime::from_nanos(second as u64 * 1_000_000_000);
            let what = EventKind::Panicked { message: (*word).into() };
            ids.push(history.append(at, (Name::new(node), 0), cause.map(|cause| ids[cause]), what));
        }
        history
    }

    #[test]
    fn events_are_alike_by_node_words_and_cause() {
        let one = history(&[("a", "x", None), ("b", "y", Some(0)), ("b", "z", None), ("b", "y", Some(2))]);
        let other = history(&[("b", "z", None), ("a", "x", None), ("b", "y", Some(1))]);
        assert_eq!(likes(&one, &other), [Some(1), Some(2), Some(0), None]);
    }

    #[test]
    fn what_comes_several_times_is_alike_the_nth_time() {
        let one = history(&[("a", "x", None), ("a", "x", None), ("a", "x", None)]);
        let other = history(&[("a", "x", None), ("a", "x", None)]);
        assert_eq!(likes(&one, &other), [Some(0), Some(1), None]);
    }

    #[test]
    fn pairs_that_would_cross_are_left_out_and_as_many_as_can_be_are_kept() {
        assert_eq!(in_order(&[Some(1), Some(2), Some(0), None, Some(3)]), [(0, 1), (1, 2), (4, 3)]);
        assert_eq!(in_order(&[None, None]), []);
    }
}
