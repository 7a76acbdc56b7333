//! Faults: everything a scenario can make go wrong, one file a family.
//!
//! A [`FaultKind`] reads its entry of a scenario's `[faults]` table and adds rules or windows to the
//! [`Chaos`](perfidy_sim::Chaos) of the scenario. The world does the rest: a kind never acts by itself, so
//! every fault has an address, can be pinned, shrunk and counted.
//!
//! A new kind is one constant in the file of its family and one line in that family's list.

mod actions;
pub mod agents;
pub mod byzantine;
pub mod chat;
pub mod clock;
pub mod contracts;
mod directory;
mod kind;
pub mod links;
pub mod model;
pub mod network;
pub mod people;
pub mod process;
pub mod storage;
pub(crate) mod targets;
pub mod tool_faults;
pub mod triggers;
mod window;

pub use crate::agent::{Alteration, Altered, OwnFault, OwnFaults};
pub(crate) use actions::collect_fields;
pub use actions::{ActionMap, Actions, Observed, Places, RoleNames};
pub use directory::Directory;
pub use kind::{FaultKind, FaultKinds, MakeFault, Target, Time};

use perfidy_sim::{DrawSite, Name};
use serde_json::Value;

/// Every shipped kind, family by family.
pub fn shipped() -> impl Iterator<Item = &'static FaultKind> {
    let sent = [network::KINDS, byzantine::KINDS, contracts::KINDS, links::KINDS];
    let world = sent.into_iter().chain([process::KINDS, clock::KINDS, storage::KINDS]);
    let asked = [model::KINDS, chat::KINDS, people::KINDS, triggers::KINDS, agents::KINDS];
    world.chain(asked).flatten().chain(tool_faults::kinds())
}

/// Does to a message what the shipped fault of that name does; to one of its fields, if it is to be that one.
pub(crate) fn alter_message(fault: (Name, Option<Name>), message: &mut Value, draw: DrawSite<'_>) {
    byzantine::alter(fault, message, draw);
    contracts::alter(fault, message, draw);
}

#[cfg(test)]
mod tests {
    use crate::config::{Problem, Span, entries};
    use crate::scenario::Scenario;
    use crate::suite::Suite;
    use perfidy_sim::{Chaos, SimTime};
    use toml::de::DeTable;

    /// Reads faults against a scenario with two tools, of which one deduplicates. Whether an agent could meet
    /// them is not checked here.
    fn read(faults: &str) -> Result<Chaos, Vec<Problem>> {
        let text = "# A fault.\nworkflow = \"conductor\"\n\n[[step]]\nname = \"file-ticket\"\n\
             tool = \"ticketing.create\"\n\n[safeguards]\ntool-dedupe = true\n\n[tools.ticketing]\n\
             deduplicates = true\n\n[tools.mail]\n";
        let scenario = Scenario::parse(&Suite::shipped(), "fault.toml", text)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let root = DeTable::parse(faults).unwrap();
        let mut chaos = Chaos { until: SimTime::MAX, ..Chaos::default() };
        let mut problems = Vec::new();
        let (until, faults): (Vec<_>, Vec<_>) =
            entries(root.get_ref()).into_iter().partition(|entry| entry.name == "until");
        for until in until {
            chaos.until = SimTime::ZERO + until.read::<Span>().unwrap().0;
        }
        for entry in faults {
            let kind = super::shipped().find(|kind| kind.name == entry.name).unwrap();
            let read =
                entry.each().iter().map(|one| (kind.read)(one, &scenario.directory(), &mut chaos)).collect();
            problems.extend(Result::<Vec<()>, Problem>::err(read));
        }
        if problems.is_empty() { Ok(chaos) } else { Err(problems) }
    }

    /// What the faults come to.
    pub(super) fn chaos_of(faults: &str) -> Chaos {
        read(faults).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    /// What is said about the only thing wrong with the faults.
    pub(super) fn refusal_of(faults: &str) -> String {
        let problems = read(faults).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].message.clone()
    }

    #[test]
    fn the_example_of_every_kind_can_be_written_and_makes_something_of_its_name() {
        for kind in super::shipped() {
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
        let mut names: Vec<&str> = super::shipped().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), super::shipped().count());
    }

    #[test]
    fn what_no_agent_of_a_workflow_could_meet_is_refused_with_what_they_can() {
        let refusal = |workflow: &str, rest: &str| {
            let text = format!(
                "# A fault.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"file-ticket\"\n\
                 tool = \"ticketing.create\"\n[tools.ticketing]\n{rest}\n"
            );
            let problems = Scenario::parse(&Suite::shipped(), "fault.toml", &text).unwrap_err();
            assert_eq!(problems.list.len(), 1, "{problems}");
            format!("{}; {}", problems.list[0].message, problems.list[0].help.as_deref().unwrap_or_default())
        };
        assert_eq!(
            refusal("conductor", "[faults]\nunknown-target = { at = \"everyone\", chance = \"5%\" }"),
            "no model of the workflow `conductor` is asked anything where `unknown-target` could be injected; what can be \
             injected there is `different-answer`, `role-confusion`, `wrong-completion`, `missing-field`, \
             `mistyped-field`, `truncated-completion` and `malformed-completion`"
        );
        assert_eq!(
            refusal("peers", "[faults]\ndifferent-answer = { at = \"peers\", chance = \"5%\" }"),
            "no model of the workflow `peers` is asked anything where `different-answer` could be injected; what can \
             be injected there is `wrong-completion`, `missing-field`, `mistyped-field`, `truncated-completion` and \
             `malformed-completion`"
        );
        assert_eq!(
            refusal("research", "[faults]\nack-lost = { at = \"ticketing\", chance = \"5%\" }")
                .split("; the tool faults")
                .next(),
            Some("`ack-lost` needs agents that call a tool, and none of the workflow `research` does")
        );
        let no_journal =
            "no agent of the workflow `peers` keeps a journal where `torn-write` could be injected";
        for torn in [
            "[faults]\ntorn-write = { at = \"everyone\", chance = \"5%\" }",
            "[[fault]]\nat = \"peer-1's disk, crash, peer-1, try 1\"\ndo = \"tear\"",
        ] {
            assert!(refusal("peers", torn).starts_with(no_journal), "{}", refusal("peers", torn));
        }
        let pinned = "[[fault]]\nat = \"planner, handoff, task-1, try 1\"\ndo = \"unknown-target\"";
        assert!(refusal("conductor", pinned).starts_with("no model of the workflow `conductor`"));
        let pinned = "[[fault]]\nat = \"ticketing, create, task-1/file-ticket, try 1\"\ndo = \"ack-lost\"";
        assert!(refusal("research", pinned).starts_with("`ack-lost` needs agents that call a tool"));
    }
}
