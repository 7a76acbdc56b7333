//! Whether one order of everything explains what readers and writers were told.
//!
//! In general that is a search through exponentially many orders (Gibbons and Korach 1997, "Testing shared memories"),
//! and checkers for objects of any kind, such as Porcupine or stateright's testers, do search.
//! Here every answer names a version, and a version has one successor, so what must come before what is known: a
//! version's readers before its successor's writer, whose own readers come after. What is left is to follow these
//! arrows, and with them the clock's or each session's: if nothing more can follow, they go in a circle. No such step
//! ever has to be taken back.
//!
//! A write without a clear answer may have happened at any time since, or never; it fills a gap between versions that
//! nobody else says he made. One that fits nowhere else fills it at no cost. Of those that fit anywhere one is spent, and
//! if several sessions wait for gaps in different items, which to fill first can matter: that alone is tried both ways,
//! and at some number of tries nobody knows the answer. The number is of tries and not of seconds, so that everybody
//! gives up on the same histories.

use perfidy_sim::{EventId, Name};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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

/// Whether some order of `operations`, which stand in the order of being asked, explains every answer up to `until`.
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

#[derive(Clone)]
struct Attempt<'a> {
    operations: &'a [Operation],
    items: BTreeMap<Name, Item>,
    /// Operations among which the order of asking and answering is kept, in the order of being asked.
    lanes: Vec<VecDeque<usize>>,
    happened: Vec<bool>,
    /// How many answers are not yet explained.
    left: usize,
}

impl<'a> Attempt<'a> {
    fn new(operations: &'a [Operation], keeps: Keeps) -> Self {
        let mut items: BTreeMap<Name, Item> = BTreeMap::new();
        let mut lanes: BTreeMap<_, VecDeque<usize>> = BTreeMap::new();
        for (index, operation) in operations.iter().enumerate() {
            let lane = (keeps == Keeps::Sessions).then_some(operation.session);
            lanes.entry(lane).or_default().push_back(index);
            let item = items.entry(operation.item).or_default();
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
        Self {
            operations,
            items,
            lanes: lanes.into_values().collect(),
            happened: vec![false; operations.len()],
            left: operations.iter().filter(|operation| operation.answered.is_some()).count(),
        }
    }

    fn succeeds(mut self, tries: &mut u32) -> Explained {
        loop {
            while self.go_on() {}
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

    /// For each lane the operations that nothing in it has to come before.
    fn in_turn(&mut self) -> Vec<Vec<usize>> {
        let Self { lanes, happened, operations, .. } = self;
        let in_turn = |lane: &mut VecDeque<usize>| {
            while lane.front().is_some_and(|index| happened[*index]) {
                lane.pop_front();
            }
            let mut first_answer: Option<EventId> = None;
            let left = lane.iter().copied().filter(|index| !happened[*index]);
            left.take_while(|index| {
                let Operation { asked, answered, .. } = operations[*index];
                let is_in_turn = first_answer.is_none_or(|answer| answer > asked);
                first_answer = first_answer.into_iter().chain(answered).min();
                is_in_turn
            })
            .collect()
        };
        lanes.iter_mut().map(in_turn).collect()
    }

    /// Lets happen whatever can happen next; false if nothing can.
    fn go_on(&mut self) -> bool {
        let mut any = false;
        for index in self.in_turn().into_iter().flatten() {
            let Operation { item, act, .. } = self.operations[index];
            let Some(item) = self.items.get_mut(&item) else { continue };
            match act {
                Act::Saw(version) if version == item.version => item.seen(),
                Act::Made(version) if version == item.version + 1 && item.may_move_on() => {
                    item.version = version;
                }
                _ => continue,
            }
            self.happened[index] = true;
            self.left -= 1;
            any = true;
        }
        any
    }

    /// The writes that could fill a gap for which somebody waits, one for each item, those that fit nowhere else first.
    ///
    /// Somebody: whoever has to happen before anything else of their lane can come in turn.
    fn fits(&mut self) -> Vec<(Fit, usize)> {
        let in_turn = self.in_turn();
        let first_answered = |lane: &Vec<usize>| {
            let answered = |index: &usize| Some((self.operations[*index].answered?, *index));
            lane.iter().filter_map(answered).min().map(|(_, index)| self.operations[index].item)
        };
        let awaited: BTreeSet<Name> = in_turn.iter().filter_map(first_answered).collect();
        let fit = |index: &usize| {
            let Operation { item, act: Act::Perhaps(on), .. } = self.operations[*index] else { return None };
            let gap = self.items.get(&item).filter(|item| item.has_gap())?;
            let fit = match on {
                None => Fit::Anywhere,
                Some(on) if on == gap.version => Fit::OnlyHere,
                Some(_) => return None,
            };
            Some((item, (fit, *index)))
        };
        let mut best: BTreeMap<Name, (Fit, usize)> = BTreeMap::new();
        for (item, fit) in in_turn.iter().flatten().filter_map(fit).filter(|(item, _)| awaited.contains(item))
        {
            best.entry(item).and_modify(|best| *best = fit.min(*best)).or_insert(fit);
        }
        let mut fits: Vec<(Fit, usize)> = best.into_values().collect();
        fits.sort_unstable();
        fits
    }

    /// Lets a write happen about which nobody knows.
    fn fill(&mut self, index: usize) {
        self.happened[index] = true;
        if let Some(item) = self.items.get_mut(&self.operations[index].item) {
            item.version += 1;
        }
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
