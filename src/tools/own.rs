//! The faults that tools can be subject to, by name.

use super::ToolFault;
use crate::agent::{Altered, OwnFaults};
use perfidy_sim::{Name, SimSpan};

/// What the fault of a name and a span does to the requests of tools, if it is one of tools.
type Shipped = fn(Name, SimSpan) -> Option<ToolFault>;

/// Every fault that tools can be subject to, by name.
#[derive(Clone, Debug)]
pub struct ToolFaults {
    shipped: Shipped,
    pub(super) own: OwnFaults,
}

/// None.
impl Default for ToolFaults {
    fn default() -> Self {
        Self { shipped: |_, _| None, own: OwnFaults::default() }
    }
}

impl ToolFaults {
    /// The shipped faults, as a function says what each is, and these.
    pub fn new(shipped: fn(Name, SimSpan) -> Option<ToolFault>, own: OwnFaults) -> Self {
        Self { shipped, own }
    }

    /// The fault of that name and span, if it is one of tools.
    pub(super) fn find(&self, name: Name, span: SimSpan) -> Option<ToolFault> {
        (self.shipped)(name, span)
            .or_else(|| self.own.find(name, Altered::ToolAnswers).map(|_| ToolFault::own(name)))
    }
}
