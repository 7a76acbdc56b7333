//! The faults that tools can be subject to, by name.

use super::ToolFault;
use crate::agent::OwnFaults;
use perfidy_sim::{Name, SimSpan};
use std::fmt;
use std::sync::Arc;

/// What the fault of a name and a span does to the requests of tools, if it is one of tools.
type FaultOf = dyn Fn(Name, SimSpan) -> Option<ToolFault> + Send + Sync;

/// Every fault that tools can be subject to, by name.
#[derive(Clone)]
pub struct ToolFaults {
    fault_of: Arc<FaultOf>,
    pub(super) own: OwnFaults,
}

impl fmt::Debug for ToolFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolFaults").field("own", &self.own).finish_non_exhaustive()
    }
}

/// None.
impl Default for ToolFaults {
    fn default() -> Self {
        Self::new(|_, _| None, OwnFaults::default())
    }
}

impl ToolFaults {
    /// The faults that a function knows; `own` are those of them that are own ones.
    pub fn new(
        fault_of: impl Fn(Name, SimSpan) -> Option<ToolFault> + Send + Sync + 'static,
        own: OwnFaults,
    ) -> Self {
        Self { fault_of: Arc::new(fault_of), own }
    }

    /// The fault of that name and span, if it is one of tools.
    pub(super) fn find(&self, name: Name, span: SimSpan) -> Option<ToolFault> {
        (self.fault_of)(name, span)
    }
}
