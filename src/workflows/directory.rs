//! The directory of a team: the names that a scenario of a workflow has.

use crate::agent::{GUARDRAIL, LeaseService, StoreService};
use crate::faults::{Directory, FaultKinds, Roles};
use crate::tools::ToolConfig;
use crate::workflows::Workflow;
use crate::workflows::approver::APPROVER;
use crate::workflows::on_call::ON_CALL;
use crate::workflows::user::USER;
use perfidy_sim::Name;
use std::collections::BTreeMap;

/// The services of every world: senders and receivers of messages that are neither agents nor tools.
pub(crate) const SERVICES: [&str; 6] =
    [USER, LeaseService::NAME, StoreService::NAME, ON_CALL, APPROVER, GUARDRAIL];

impl Workflow {
    /// The directory of a workflow with a team of these sizes and these tools.
    pub fn directory(
        &self,
        team: &BTreeMap<&'static str, u32>,
        tools: &BTreeMap<Name, ToolConfig>,
    ) -> Directory {
        let mut agents: Vec<Name> = self.singletons.iter().map(|name| Name::new(name)).collect();
        let mut groups = BTreeMap::new();
        for role in &self.roles {
            let count = team.get(role.group).copied().unwrap_or(role.default);
            let members = members(role.member, count);
            agents.extend(&members);
            groups.insert(Name::new(role.group), members);
        }
        Directory {
            workflow: self.name,
            agents,
            groups,
            tools: tools.keys().copied().collect(),
            faults: FaultKinds::default(),
            deduplicating: tools
                .iter()
                .filter(|(_, tool)| tool.deduplicates)
                .map(|(name, _)| *name)
                .collect(),
            services: SERVICES.map(Name::new).to_vec(),
        }
    }
}

impl Workflow {
    /// A name of its agents or roles that one of these services has.
    pub(crate) fn taken_name(&self) -> Option<&'static str> {
        let roles = self.roles.iter().flat_map(|role| [role.group, role.member]);
        self.singletons.iter().copied().chain(roles).find(|name| SERVICES.contains(name))
    }

    /// The names by which the agents of its roles are known together.
    pub(crate) fn member_names(&self) -> Roles {
        Roles::new(self.roles.iter().map(|role| role.member))
    }
}

fn members(member: &str, count: u32) -> Vec<Name> {
    (1..=count).map(|number| Name::new(&format!("{member}-{number}"))).collect()
}
