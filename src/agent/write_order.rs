//! The order of an agent's journal while writes are refused.
//!
//! A write that is refused is repeated later. Without an order, a record written in between would come before
//! it, and recovery, which reads oldest first, would take the repeated record for the newer one. So a record
//! waits behind every earlier one that is still to be repeated, as in an append-only log with one writer.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// The records of one agent that are to be repeated, in the order in which they were first written. Clones
/// share it.
#[derive(Clone, Default, Debug)]
pub(super) struct WriteOrder(Rc<Waiting>);

#[derive(Default, Debug)]
struct Waiting {
    turns: RefCell<VecDeque<u64>>,
    next: Cell<u64>,
}

impl WriteOrder {
    /// Whether no record waits.
    pub fn is_free(&self) -> bool {
        self.0.turns.borrow().is_empty()
    }

    /// Takes a place behind all records that wait. Dropping the turn gives the place up.
    pub fn wait(&self) -> WriteTurn {
        let turn = self.0.next.replace(self.0.next.get() + 1);
        self.0.turns.borrow_mut().push_back(turn);
        WriteTurn { turn, order: self.clone() }
    }
}

/// The place of one record that waits.
#[derive(Debug)]
pub(super) struct WriteTurn {
    turn: u64,
    order: WriteOrder,
}

impl WriteTurn {
    /// Whether no earlier record waits.
    pub fn has_come(&self) -> bool {
        self.order.0.turns.borrow().front() == Some(&self.turn)
    }
}

impl Drop for WriteTurn {
    fn drop(&mut self) {
        self.order.0.turns.borrow_mut().retain(|turn| *turn != self.turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_waits_behind_the_earlier_ones_and_not_behind_those_that_were_given_up() {
        let order = WriteOrder::default();
        let [first, second, third] = [(); 3].map(|()| order.wait());
        assert!(first.has_come() && !second.has_come() && !third.has_come());
        drop(second);
        assert!(!third.has_come());
        drop(first);
        assert!(third.has_come() && !order.is_free());
        drop(third);
        assert!(order.is_free());
    }
}
