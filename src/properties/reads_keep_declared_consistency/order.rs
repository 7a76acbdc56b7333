//! Whether one order of everything explains what readers and writers were told.
//!
//! In general that is a search through exponentially many orders (Gibbons and Korach 1997, "Testing shared
//! memories"), and checkers for objects of any kind, such as Porcupine or stateright's testers, do search.
//! Here every answer names a version, and a version has one successor, so what must come before what is
//! known: a version's readers before its successor's writer, whose own readers come after. What is left is to
//! follow these arrows, and with them the clock's or each session's: if nothing more can follow, they go in a
//! circle. No such step ever has to be taken back.
//!
//! A write without a clear answer may have happened at any time since, or never; it fills a gap between
//! versions that nobody else says he made. One that fits nowhere else fills it at no cost. Of those that fit
//! anywhere one is spent, and if several sessions wait for gaps in different items, which to fill first can
//! matter: that alone is tried both ways, and at some number of tries nobody knows the answer. The number is
//! of tries and not of seconds, so that everybody gives up on the same histories.

use perfidy_sim::{EventId, Lookup, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What somebody asked of the store and was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// One life of one agent.
    pub session: (Name, u32),
    pub item: Name,
    pub asked: EventId,
    /// When there was a clear answer, if ever.
    pub answered: Option<EventId>,
    pub act: Act,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The item was seen at this version.
    Saw(u64),
    /// This version was made.
    Made(u64),
    /// Something was to be written; if it was, then on top of this version where that is known.
    Perhaps(Option<u64>),
}

/// What must be kept besides the order of versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keeps {
    /// What was answered before something else was asked comes first.
    RealTime,
    /// The same, but only within a session.
    Sessions,
}

/// Whether some order of all operations explains every answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Explained {
    Yes,
    No,
    /// More ways to fill gaps would have to be tried than there is time for.
    Unknown,
}

/// How many ways to fill gaps are tried.
const MAX_TRIES: u32 = 10_000;

/// Whether some order of `operations`, which stand in the order of being asked, explains every answer up to
/// `until`.
pub(super) fn explains(operations: &[Operation], keeps: Keeps, until: EventId) -> Explained {
    let operations: Vec<Operation> =
        operations.iter().filter_map(|operation| as_known_at(operation, until)).collect();
    let mut tries = MAX_TRIES;
    Attempt::new(&operations, keeps).succeeds(&mut tries)
}

/// An operation as far as it was known at a moment: what was not answered by then may not have happened.
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
    /// How many still have to see each version.
    readers: BTreeMap<u64, u32>,
    /// The versions that somebody made for sure.
    made: BTreeSet<u64>,
    /// The highest version that anybody was told of.
    highest: u64,
    /// What is in turn and waits for the item to be at a version, or for all to have seen that one.
    waiting: BTreeMap<u64, Vec<usize>>,
}

impl Item {
    /// Whether the next version may come: nobody has to see the present one any more.
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

/// Operations among which the order of asking and answering is kept.
#[derive(Clone, Default)]
struct Lane {
    /// All of them, in the order of being asked.
    order: Rc<Vec<usize>>,
    /// How many of these are in turn or have happened.
    admitted: usize,
    /// Those in turn that were answered, and when: nothing that was asked after the first of these answers is
    /// in turn.
    answered: BTreeSet<(EventId, usize)>,
    /// Those in turn that were not.
    unanswered: BTreeSet<usize>,
}

/// What is left to be explained, and how far it is. Whatever becomes possible by what happens is looked at
/// then, and nothing else is: a thousand questions can be open at once.
#[derive(Clone)]
struct Attempt<'a> {
    operations: &'a [Operation],
    /// For each operation its item and its lane, as places in `items` and `lanes`.
    places: Rc<[(usize, usize)]>,
    items: Vec<Item>,
    lanes: Vec<Lane>,
    /// Operations in turn that may be possible by now.
    ready: Vec<usize>,
    /// How many answers are not yet explained.
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

    /// Takes into turn what nothing in its lane has to come before any more.
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

    /// Lets an answered operation happen if it is possible, or wait for the version of its item at which it
    /// is.
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

    /// What has waited for the version at which an item is may be possible now.
    fn wake(&mut self, place: usize) {
        let item = &mut self.items[place];
        if let Some(waiting) = item.waiting.get_mut(&item.version) {
            self.ready.append(waiting);
        }
    }

    /// The writes that could fill a gap for which somebody waits, one for each item, those that fit nowhere
    /// else first.
    ///
    /// Somebody: whoever has to happen before anything else of their lane can come in turn.
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

    /// Lets a write happen about which nobody knows.
    fn fill(&mut self, index: usize) {
        let (place, lane) = self.places[index];
        self.lanes[lane].unanswered.remove(&index);
        self.items[place].version += 1;
        self.wake(place);
    }
}

/// Where a write can have happened of which nobody knows whether it did.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fit {
    OnlyHere,
    Anywhere,
}

#[cfg(test)]
mod tests;
