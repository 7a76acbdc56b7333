//! Records: a tool that takes down whatever it is told, such as a ticketing system or a mailbox.
//!
//! It has no state of its own: what was done stands in the wrapper's ledger, where a call can be looked up.
//! To undo is an operation like any other.

use super::kind::NoKeys;
use super::{Caller, Tool, ToolContext, ToolKind};
use crate::agent::Content;
use perfidy_sim::Name;

/// A tool that carries out whatever it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Records;

impl Tool for Records {
    type Call = ();
    type Reply = ();
    type Refusal = &'static str;

    fn apply(&mut self, (): (), _: &Caller) -> Result<(), &'static str> {
        Ok(())
    }

    fn read(&self, (): (), _: &ToolContext<'_>) -> Result<(), &'static str> {
        Err("records are looked up, not read")
    }

    /// Any operation with any arguments.
    fn parse(_: Name, _: &Content) -> Result<(), String> {
        Ok(())
    }
}

/// The kind, for the list.
pub(super) fn kind() -> ToolKind {
    ToolKind::new(
        "records",
        "creates a record for any operation with any arguments; records can be looked up",
        "ticketing = { kind = \"records\", deduplicates = true }",
        |table| table.read::<NoKeys>().map(|NoKeys {}| Records),
    )
}
