//! Who is who in a scenario: agents, groups and tools by name.

use crate::config::problem::nearest_in_words;
use crate::faults::FaultKinds;
use perfidy_sim::Name;
use std::collections::BTreeMap;

/// The names of a scenario and what each stands for.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The workflow's name, for messages.
    pub workflow: &'static str,
    /// Every agent, in the order of the workflow's roles.
    pub agents: Vec<Name>,
    /// Every group of agents.
    pub groups: BTreeMap<Name, Vec<Name>>,
    /// Every tool.
    pub tools: Vec<Name>,
    /// The suite's kinds of faults.
    pub faults: FaultKinds,
    /// The tools that recognise an idempotency key they have seen.
    pub deduplicating: Vec<Name>,
    /// Who sends and receives messages without being an agent or a tool: people, the lock service and the
    /// store.
    pub services: Vec<Name>,
}

impl Directory {
    /// The same, in a world with these faults.
    pub(crate) fn with_faults(self, faults: &FaultKinds) -> Self {
        Self { faults: faults.clone(), ..self }
    }

    /// The agents that a name stands for: one, or a group, or `everyone`.
    pub fn agents_called(&self, name: &str) -> Option<Vec<Name>> {
        let name = Name::new(name);
        if name.as_str() == "everyone" {
            return Some(self.agents.clone());
        }
        self.groups.get(&name).cloned().or_else(|| self.agents.contains(&name).then(|| vec![name]))
    }

    /// Whether a name stands for exactly one sender and receiver of messages.
    pub fn is_node(&self, name: Name) -> bool {
        [&self.agents, &self.tools, &self.services].into_iter().any(|names| names.contains(&name))
    }

    /// Every name that stands for agents.
    pub fn agent_names(&self) -> Vec<&'static str> {
        let groups = self.groups.keys().map(|name| name.as_str());
        self.agents.iter().map(|name| name.as_str()).chain(groups).chain(["everyone"]).collect()
    }

    /// The members of a group.
    ///
    /// # Panics
    /// If the workflow has no such group; workflows ask for their own.
    pub fn group(&self, group: &str) -> &[Name] {
        let known: Vec<&str> = self.groups.keys().map(|name| name.as_str()).collect();
        self.groups.get(&Name::new(group)).unwrap_or_else(|| {
            let near = nearest_in_words(group, &known);
            panic!("the workflow `{}` has no group `{group}`; {near}", self.workflow)
        })
    }
}
