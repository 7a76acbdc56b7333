//! Whether one order of everything explains what readers and writers were told.
//!
//! In general that is a search through exponentially many orders (Gibbons and Korach 1997, "Testing shared memories"),
//! and checkers for objects of any kind, such as Porcupine or stateright's testers, do search.
//! Here every answer names a version, and a version has one successor, so what must come before what is known: a
//! version's readers before its successor's writer, whose own readers come after. What is left is to follow these
//! arrows, and with them the clock's or each session's: if nothing more can follow, they go in a circle. No step of that
//! ever has to be taken back, so there is no budget that could run out and no history too long to be judged.
//!
//! A write without a clear answer may have happened at any time since, or never; it fills a gap between versions that
//! nobody else says he made.

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

/// Whether some order of `operations`, which stand in the order of being asked, explains every answer up to `until`.
pub(super) fn explains(operations: &[Operation], keeps: Keeps, until: EventId) -> bool {
    let operations: Vec<Operation> =
        operations.iter().filter_map(|operation| as_known_at(operation, until)).collect();
    let mut attempt = Attempt::new(&operations, keeps);
    while attempt.go_on() || attempt.fill_a_gap() {}
    attempt.left == 0
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

#[derive(Default)]
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

    /// The operations that nothing in their lane has to come before.
    fn in_turn(&mut self) -> Vec<usize> {
        let mut in_turn = Vec::new();
        for lane in &mut self.lanes {
            while lane.front().is_some_and(|index| self.happened[*index]) {
                lane.pop_front();
            }
            let mut first_answer = None;
            for index in lane.iter().copied().filter(|index| !self.happened[*index]) {
                let Operation { asked, answered, .. } = self.operations[index];
                if first_answer.is_some_and(|answer| answer < asked) {
                    break;
                }
                in_turn.push(index);
                first_answer = first_answer.into_iter().chain(answered).min();
            }
        }
        in_turn
    }

    /// Lets happen whatever can happen next; false if nothing can.
    fn go_on(&mut self) -> bool {
        let mut any = false;
        for index in self.in_turn() {
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

    /// Lets one write happen that nobody knows about, where a version is missing. One that fits only there goes first.
    fn fill_a_gap(&mut self) -> bool {
        let in_turn = self.in_turn();
        let fits = |index: &usize| {
            let Operation { item, act: Act::Perhaps(on), .. } = self.operations[*index] else { return None };
            let item = &self.items[&item];
            (item.has_gap() && on.is_none_or(|on| on == item.version)).then_some((on.is_none(), *index))
        };
        let Some((_, index)) = in_turn.iter().filter_map(fits).min() else { return false };
        self.happened[index] = true;
        if let Some(item) = self.items.get_mut(&self.operations[index].item) {
            item.version += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests;
