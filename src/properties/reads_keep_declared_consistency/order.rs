//! Consistency checking: whether one order of all operations explains the outcomes of readers and writers.
//!
//! In general this is a search through exponentially many orders (Gibbons and Korach 1997, "Testing shared
//! memories"), and checkers for arbitrary objects, such as Porcupine or stateright's testers, do search. Here
//! every outcome names a version, and a version has one successor, so the order of conflicting operations is
//! known: a version's readers come before its successor's writer, whose own readers come after. The check
//! follows these edges together with those of real time or of each session; if no operation can come next,
//! the edges form a cycle. No step has to be undone.
//!
//! A write without a clear outcome may have happened at any later time, or never; it fills a gap between
//! versions that no other write has made. A write that fits only one gap fills it at no cost. Of those that
//! fit any gap one is used, and if several sessions wait for gaps in different items, the order of filling
//! can matter: only this is tried both ways, and after a number of tries the result is unknown. The limit is
//! a number of tries and not a time, so that it is the same on every machine.

use perfidy_sim::{EventId, Lookup, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// An operation on the store and its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// One incarnation of one agent.
    pub session: (Name, u32),
    pub item: Name,
    pub asked: EventId,
    /// When a clear outcome came, if ever.
    pub answered: Option<EventId>,
    pub act: Act,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The item was read at this version.
    Saw(u64),
    /// This version was made.
    Made(u64),
    /// A write with an unknown outcome; if it happened, then on top of this version where that is known.
    Perhaps(Option<u64>),
}

/// The order to keep, beside that of versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keeps {
    /// An operation that ended before another began comes first.
    RealTime,
    /// The same, but only within a session.
    Sessions,
}

/// Whether some order of all operations explains every outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Explained {
    Yes,
    No,
    /// There are more ways to fill gaps than the limit of tries.
    Unknown,
}

/// The maximum number of ways to fill gaps that are tried.
const MAX_TRIES: u32 = 10_000;

/// Whether some order of `operations`, given in the order of their requests, explains every outcome up to
/// `until`.
pub(super) fn explains(operations: &[Operation], keeps: Keeps, until: EventId) -> Explained {
    let operations: Vec<Operation> =
        operations.iter().filter_map(|operation| as_known_at(operation, until)).collect();
    let mut tries = MAX_TRIES;
    Attempt::new(&operations, keeps).succeeds(&mut tries)
}

/// An operation as far as it was known at a time: one without an outcome by then may not have happened.
fn as_known_at(operation: &Operation, until: EventId) -> Option<Operation> {
    let is_answered = operation.answered.is_some_and(|answered| answered <= until);
    match operation.act {
        _ if operation.asked > until => None,
        _ if is_answered => Some(*operation),
        Act::Saw(_) => None,
        Act::Made(version) => {
            Some(Operation { answered: None, act: Act::Perhaps(Some(version - 1)), ..*operation })
        }
        Act::Perhaps(_) => Some(*operation),
    }
}

#[derive(Clone, Default)]
struct Item {
    version: u64,
    /// How many readers of each version are left.
    readers: BTreeMap<u64, u32>,
    /// The versions that were certainly made.
    made: BTreeSet<u64>,
    /// The highest version in any outcome.
    highest: u64,
    /// Operations that wait for the item to reach a version, or for all reads of that version.
    waiting: BTreeMap<u64, Vec<usize>>,
}

impl Item {
    /// Whether the next version may come: the current one has no readers left.
    fn may_move_on(&self) -> bool {
        !self.readers.contains_key(&self.version)
    }

    fn has_gap(&self) -> bool {
        self.version < self.highest && !self.made.contains(&(self.version + 1)) && self.may_move_on()
    }

    fn seen(&mut self) {
        if let Some(readers) = self.readers.get_mut(&self.version) {
            *readers -= 1;
            if *readers == 0 {
                self.readers.remove(&self.version);
            }
        }
    }
}

/// Operations whose order of requests and outcomes is kept.
#[derive(Clone, Default)]
struct Lane {
    /// All of them, in the order of their requests.
    order: Rc<Vec<usize>>,
    /// How many of these are admitted or have happened.
    admitted: usize,
    /// The admitted operations with an outcome, and its time: no operation that began after the first of
    /// these outcomes is admitted.
    answered: BTreeSet<(EventId, usize)>,
    /// The admitted operations without an outcome.
    unanswered: BTreeSet<usize>,
}

/// The state of the search. An operation is checked only when an event makes it possible, because a thousand
/// requests can be open at once.
#[derive(Clone)]
struct Attempt<'a> {
    operations: &'a [Operation],
    /// For each operation its item and its lane, as indices into `items` and `lanes`.
    places: Rc<[(usize, usize)]>,
    items: Vec<Item>,
    lanes: Vec<Lane>,
    /// Admitted operations that may be possible now.
    ready: Vec<usize>,
    /// How many outcomes are not yet explained.
    left: usize,
}

impl<'a> Attempt<'a> {
    fn new(operations: &'a [Operation], keeps: Keeps) -> Self {
        let (mut items, mut lanes) = (Vec::<Item>::new(), Vec::<Vec<usize>>::new());
        let (mut item_of, mut lane_of) = (Lookup::default(), Lookup::default());
        let mut places = Vec::with_capacity(operations.len());
        for (index, operation) in operations.iter().enumerate() {
            let session = (keeps == Keeps::Sessions).then_some(operation.session);
            let lane = *lane_of.get_or_insert_with(session, || lanes.len());
            lanes.resize_with(lanes.len().max(lane + 1), Vec::new);
            lanes[lane].push(index);
            let item = *item_of.get_or_insert_with(operation.item, || items.len());
            items.resize_with(items.len().max(item + 1), Item::default);
            places.push((item, lane));
            let item = &mut items[item];
            match operation.act {
                Act::Saw(version) => {
                    *item.readers.entry(version).or_default() += 1;
                    item.highest = item.highest.max(version);
                }
                Act::Made(version) => {
                    item.made.insert(version);
                    item.highest = item.highest.max(version);
                }
                Act::Perhaps(_) => {}
            }
        }
        let lane = |order| Lane { order: Rc::new(order), ..Lane::default() };
        let mut attempt = Self {
            operations,
            places: places.into(),
            items,
            lanes: lanes.into_iter().map(lane).collect(),
            ready: Vec::new(),
            left: operations.iter().filter(|operation| operation.answered.is_some()).count(),
        };
        (0..attempt.lanes.len()).for_each(|lane| attempt.admit(lane));
        attempt
    }

    fn succeeds(mut self, tries: &mut u32) -> Explained {
        loop {
            while let Some(index) = self.ready.pop() {
                self.try_next(index);
            }
            if self.left == 0 {
                return Explained::Yes;
            }
            let fits = self.fits();
            match fits.as_slice() {
                [] => return Explained::No,
                [(_, only)] => self.fill(*only),
                [(Fit::OnlyHere, first), ..] => self.fill(*first),
                several => {
                    let mut answer = Explained::No;
                    for (_, index) in several {
                        let Some(left) = tries.checked_sub(1) else { return Explained::Unknown };
                        *tries = left;
                        let mut attempt = self.clone();
                        attempt.fill(*index);
                        match attempt.succeeds(tries) {
                            Explained::Yes => return Explained::Yes,
                            Explained::Unknown => answer = Explained::Unknown,
                            Explained::No => {}
                        }
                    }
                    return answer;
                }
            }
        }
    }

    /// Admits the operations of a lane whose predecessors have all happened.
    fn admit(&mut self, lane: usize) {
        let Self { operations, lanes, ready, .. } = self;
        let lane = &mut lanes[lane];
        while let Some(index) = lane.order.get(lane.admitted).copied() {
            let Operation { asked, answered, .. } = operations[index];
            if lane.answered.first().is_some_and(|(answer, _)| *answer <= asked) {
                break;
            }
            lane.admitted += 1;
            if let Some(answered) = answered {
                lane.answered.insert((answered, index));
                ready.push(index);
            } else {
                lane.unanswered.insert(index);
            }
        }
    }

    /// Lets an operation with an outcome happen if it is possible, or wait for the version of its item that
    /// makes it possible.
    fn try_next(&mut self, index: usize) {
        let (place, lane) = self.places[index];
        let item = &mut self.items[place];
        match self.operations[index].act {
            Act::Saw(version) if version == item.version => item.seen(),
            Act::Made(version) if version == item.version + 1 && item.may_move_on() => item.version = version,
            Act::Saw(version) => return item.waiting.entry(version).or_default().push(index),
            Act::Made(version) => {
                return item.waiting.entry(version.saturating_sub(1)).or_default().push(index);
            }
            Act::Perhaps(_) => return,
        }
        self.left -= 1;
        if let Some(answered) = self.operations[index].answered {
            self.lanes[lane].answered.remove(&(answered, index));
        }
        self.wake(place);
        self.admit(lane);
    }

    /// Wakes the operations that waited for the current version of an item.
    fn wake(&mut self, place: usize) {
        let item = &mut self.items[place];
        if let Some(waiting) = item.waiting.get_mut(&item.version) {
            self.ready.append(waiting);
        }
    }

    /// The writes that could fill an awaited gap, one for each item, those that fit nowhere else first. A gap
    /// is awaited if an operation needs it before anything else of its lane can be admitted.
    fn fits(&self) -> Vec<(Fit, usize)> {
        let first_answered = |lane: &Lane| lane.answered.first().map(|(_, index)| self.places[*index].0);
        let awaited: BTreeSet<usize> = self.lanes.iter().filter_map(first_answered).collect();
        let fit = |index: &usize| {
            let Act::Perhaps(on) = self.operations[*index].act else { return None };
            let place = self.places[*index].0;
            let gap = Some(&self.items[place]).filter(|item| awaited.contains(&place) && item.has_gap())?;
            let fit = match on {
                None => Fit::Anywhere,
                Some(on) if on == gap.version => Fit::OnlyHere,
                Some(_) => return None,
            };
            Some((place, (fit, *index)))
        };
        let mut best: BTreeMap<usize, (Fit, usize)> = BTreeMap::new();
        for (place, fit) in self.lanes.iter().flat_map(|lane| &lane.unanswered).filter_map(fit) {
            best.entry(place).and_modify(|best| *best = fit.min(*best)).or_insert(fit);
        }
        let mut fits: Vec<(Fit, usize)> = best.into_values().collect();
        fits.sort_unstable();
        fits
    }

    /// Lets a write with an unknown outcome happen.
    fn fill(&mut self, index: usize) {
        let (place, lane) = self.places[index];
        self.lanes[lane].unanswered.remove(&index);
        self.items[place].version += 1;
        self.wake(place);
    }
}

/// Where a write with an unknown outcome can have happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fit {
    OnlyHere,
    Anywhere,
}

#[cfg(test)]
mod tests;
