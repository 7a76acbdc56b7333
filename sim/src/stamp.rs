//! Log context: the virtual time, node and last event of the simulation on this thread.
//!
//! A log line of a process should contain these, but a logger is given none of them. The world stores them in
//! the thread that runs it; a log formatter reads them.

use crate::{EventId, Name, SimTime};
use std::cell::Cell;
use std::fmt;

/// A place in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The virtual time.
    pub at: SimTime,
    /// The node that is running, if one is.
    pub node: Option<Name>,
    /// The last event of the history.
    pub event: Option<EventId>,
}

/// How wide times are, so that the lines of a log align: hours with nanoseconds take as much.
const TIME_WIDTH: usize = 28;

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>TIME_WIDTH$}", self.at)?;
        if let Some(event) = self.event {
            write!(f, " {event}")?;
        }
        if let Some(node) = self.node {
            write!(f, " {node}")?;
        }
        Ok(())
    }
}

/// The log context in parts, so that each can be changed without reading the others.
struct Here {
    at: Cell<SimTime>,
    node: Cell<Option<Name>>,
    event: Cell<Option<EventId>>,
}

thread_local! {
    static HERE: Here =
        const { Here { at: Cell::new(SimTime::ZERO), node: Cell::new(None), event: Cell::new(None) } };
}

/// The log context of this thread's simulation; all zero outside a run.
pub fn current() -> Stamp {
    HERE.with(|here| Stamp { at: here.at.get(), node: here.node.get(), event: here.event.get() })
}

pub(crate) fn set_event(at: SimTime, event: EventId) {
    HERE.with(|here| {
        here.at.set(at);
        here.event.set(Some(event));
    });
}

pub(crate) fn set_node(at: SimTime, node: Option<Name>) {
    HERE.with(|here| {
        here.at.set(at);
        here.node.set(node);
    });
}

pub(crate) fn clear() {
    HERE.with(|here| here.event.set(None));
    set_node(SimTime::ZERO, None);
}
