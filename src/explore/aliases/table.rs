//! The tables of a file of aliases: what their names are names of.

use crate::faults::FaultKind;
use crate::suite::Suite;
use crate::workflows::Workflow;
use std::collections::BTreeSet;

/// A table of a file: what its names are names of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Table {
    Agents,
    Faults,
    Messages,
    CallSites,
    Operations,
    Properties,
    Safeguards,
    Steps,
    Tools,
    Workflows,
}

impl Table {
    pub const ALL: [Self; 10] = [
        Self::Agents,
        Self::Faults,
        Self::Messages,
        Self::CallSites,
        Self::Operations,
        Self::Properties,
        Self::Safeguards,
        Self::Steps,
        Self::Tools,
        Self::Workflows,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Faults => "faults",
            Self::Messages => "messages",
            Self::CallSites => "call-sites",
            Self::Operations => "operations",
            Self::Properties => "properties",
            Self::Safeguards => "safeguards",
            Self::Steps => "steps",
            Self::Tools => "tools",
            Self::Workflows => "workflows",
        }
    }

    /// What one of its names is the name of.
    pub fn one(self) -> &'static str {
        match self {
            Self::Agents => "agent",
            Self::Faults => "kind of fault",
            Self::Messages => "message",
            Self::CallSites => "call site",
            Self::Operations => "operation",
            Self::Properties => "property",
            Self::Safeguards => "safeguard",
            Self::Steps => "step",
            Self::Tools => "tool",
            Self::Workflows => "workflow",
        }
    }

    /// The names there are today; `None` if every scenario has its own.
    pub fn today(self, suite: &Suite) -> Option<Vec<String>> {
        let own = |names: Vec<&str>| Some(names.into_iter().map(str::to_owned).collect());
        match self {
            Self::Agents => Some(suite.workflows().flat_map(|workflow| agent_names(workflow)).collect()),
            Self::Faults => own(suite.fault_names()),
            Self::CallSites => {
                let call_sites: BTreeSet<&str> = suite.faults().filter_map(FaultKind::call_site).collect();
                own(call_sites.into_iter().collect())
            }
            Self::Properties => own(suite.property_names()),
            Self::Safeguards => own(suite.safeguard_names()),
            Self::Workflows => own(suite.workflows().map(|workflow| workflow.name).collect()),
            Self::Messages | Self::Operations | Self::Steps | Self::Tools => None,
        }
    }

    /// Whether its names belong to no workflow, so that an old one is gone.
    pub fn is_of_all(self) -> bool {
        match self {
            Self::Faults | Self::CallSites | Self::Properties | Self::Safeguards | Self::Workflows => true,
            Self::Agents | Self::Messages | Self::Operations | Self::Steps | Self::Tools => false,
        }
    }

    /// Whether its names are those of actions, which are learnt from runs of a team.
    pub fn is_of_actions(self) -> bool {
        match self {
            Self::Messages | Self::CallSites | Self::Steps => true,
            Self::Agents
            | Self::Faults
            | Self::Operations
            | Self::Properties
            | Self::Safeguards
            | Self::Tools
            | Self::Workflows => false,
        }
    }

    /// Whether runs draw by its names, so that each must lead back to one.
    pub fn is_drawn_by(self) -> bool {
        !matches!(self, Self::Properties | Self::Safeguards | Self::Workflows)
    }

    /// Whether two tables share one set of names, because places in runs name both alike.
    pub fn shares_names_with(self, other: Self) -> bool {
        let shared = |table| match table {
            Self::Tools => Self::Agents,
            Self::CallSites => Self::Operations,
            table => table,
        };
        shared(self) == shared(other)
    }
}

/// Everything in a workflow that an agent's alias can lead to: agents, roles and groups.
pub(super) fn agent_names(workflow: &Workflow) -> Vec<String> {
    let singletons = workflow.singletons.iter().map(|name| (*name).to_owned());
    let roles = workflow.roles.iter().flat_map(|role| {
        let members = (1..=*role.count.end()).map(|number| format!("{}-{number}", role.member));
        members.chain([role.member.to_owned(), role.group.to_owned()])
    });
    singletons.chain(roles).collect()
}
