//! Faults: everything a scenario can make go wrong, one file a family.
//!
//! A [`FaultKind`] reads its entry of a scenario's `[faults]` table and adds rules or windows to the
//! [`Chaos`] of the scenario. The world does the rest: a kind never acts by itself, so
//! every fault has an address, can be pinned, shrunk and counted.
//!
//! A new kind is one constant in the file of its family and one line in that family's list.

pub mod clock;
pub mod links;
pub mod model;
pub mod network;
pub mod process;
pub mod storage;
pub mod tool_lies;
pub(crate) mod who;
mod window;

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
    let world = [network::KINDS, links::KINDS, process::KINDS, clock::KINDS, storage::KINDS];
    let lies = tool_lies::kinds().map(|kind| &kind.fault);
    world.into_iter().chain([model::KINDS]).flatten().chain(lies)
}

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static FaultKind> {
    all().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;
    use perfidy_sim::Chaos;
    use std::sync::Arc;

    /// A scenario of the conductor with two tools, of which one deduplicates, and these faults.
    fn scenario_of(faults: &str) -> Result<Arc<Scenario>, crate::scenario::Problems> {
        let text = format!(
            "# A fault.\nworkflow = \"conductor\"\n\n[[step]]\nname = \"file-ticket\"\n\
             tool = \"ticketing.create\"\n\n[safeguards]\ntool-dedupe = true\n\n[tools.ticketing]\n\
             deduplicates = true\n\n[tools.mail]\n\n[faults]\n{faults}\n"
        );
        Scenario::parse("fault.toml", &text)
    }

    /// What the faults come to.
    pub(super) fn chaos_of(faults: &str) -> Chaos {
        let scenario = scenario_of(faults).unwrap_or_else(|problems| panic!("{problems}"));
        Chaos::clone(&scenario.chaos)
    }

    /// What is said about the only thing wrong with the faults.
    pub(super) fn refusal_of(faults: &str) -> String {
        let problems = scenario_of(faults).unwrap_err();
        assert_eq!(problems.list.len(), 1, "{problems}");
        problems.list[0].message.clone()
    }

    #[test]
    fn the_example_of_every_kind_can_be_written_and_makes_something_of_its_name() {
        for kind in super::all() {
            let chaos = chaos_of(kind.example);
            let mut made = chaos.rules.iter().map(|rule| rule.kind);
            let mut opened = chaos.windows.iter().map(|window| window.kind);
            let own = |name: perfidy_sim::Name| name.as_str() == kind.name;
            assert!(made.len() + opened.len() > 0, "{}", kind.name);
            assert!(made.all(own) && opened.all(own), "{}", kind.name);
        }
    }

    #[test]
    fn no_two_kinds_share_a_name() {
        let mut names: Vec<&str> = super::all().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), super::all().count());
    }
}
