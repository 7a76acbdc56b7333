//! Faults: everything a scenario can make go wrong, one file a family.
//!
//! A [`FaultKind`] reads its entry of a scenario's `[faults]` table and adds rules or windows to the
//! [`Chaos`](perfidy_sim::Chaos) of the scenario. The world does the rest: a kind never acts by itself, so
//! every fault has an address, can be pinned, shrunk and counted.
//!
//! A new kind is one constant in the file of its family and one line in that family's list.

pub mod network;
pub mod process;
pub mod tool_lies;

use crate::scenario::{Entry, Problem};
use crate::workflows::Cast;
use perfidy_sim::Chaos;

/// A kind of fault.
pub struct FaultKind {
    /// Its name in files and reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// How a file configures it.
    pub example: &'static str,
    /// Reads one entry of `[faults]`.
    pub read: fn(&Entry<'_>, &Cast, &mut Chaos) -> Result<(), Problem>,
}

/// Every kind, family by family.
pub fn all() -> impl Iterator<Item = &'static FaultKind> {
    [network::KINDS, process::KINDS, tool_lies::KINDS].into_iter().flatten()
}

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static FaultKind> {
    all().find(|kind| kind.name == name)
}
