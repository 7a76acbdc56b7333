//! What a team is configured with: the data from which its agents, its user and its store are started.

use crate::agent::{AgentFailures, ChatLimits, Consistency, ModelFaults, TeamEvent, UserEvent};
use crate::properties::AtMost;
use crate::safeguards::Safeguards;
use crate::workflows::TaskPlan;
use perfidy_sim::{Chance, Lookup, Name, SimSpan, SimTime};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What a team is configured with, prepared once and the same in every run. It does not say which faults
/// be injected: the agents must not know them.
#[derive(Clone, Debug)]
pub struct TeamConfig {
    /// The workflow's name, for messages.
    pub workflow: &'static str,
    /// The members of each group.
    pub groups: BTreeMap<Name, Vec<Name>>,
    /// The tasks' steps and names.
    pub plan: Arc<TaskPlan>,
    /// The agents that carry out steps.
    pub workers: Arc<[Name]>,
    /// The place of each among these.
    pub places: Lookup<Name, usize>,
    /// The safeguards that are on.
    pub safeguards: Safeguards,
    /// How the tasks come.
    pub tasks: Tasks,
    /// The tools that order calls by the stamps of their callers.
    pub stamped_tools: Arc<[Name]>,
    /// The store that the team shares, if it is described.
    pub store: Option<StoreConfig>,
    /// How long a call of a model takes.
    pub model_latency: RangeInclusive<SimSpan>,
    /// What models can do as chat models.
    pub chat: ChatLimits,
    /// How faults alter what a model completes, where they are injected. It is for the handle of an agent:
    /// the agent itself does not see it.
    pub(crate) model_faults: ModelFaults,
    /// Which failures of agents there can be. It is for the handle of an agent as well.
    pub(crate) agent_failures: AgentFailures,
    /// How far properties may go, of those that are a matter of how much.
    pub bounds: BTreeMap<&'static str, AtMost>,
    /// Whether what agents say of themselves is left out of the history.
    pub drops_announcements: bool,
}

impl TeamConfig {
    /// The members of a group.
    ///
    /// # Panics
    /// If the workflow has no such group; workflows ask for their own.
    pub fn group(&self, group: &str) -> &[Name] {
        let members = self.groups.get(&Name::new(group));
        members.unwrap_or_else(|| panic!("the workflow `{}` has no group `{group}`", self.workflow))
    }

    /// The place of an agent among those that carry out steps.
    pub fn place_of(&self, worker: Name) -> Option<usize> {
        self.places.get(worker).copied()
    }

    /// What the user asks for beside the tasks: how far properties may go, and how the store is read.
    pub(super) fn demands(&self) -> impl Iterator<Item = TeamEvent> + '_ {
        let bounds = self.bounds.iter().map(|(name, at_most)| {
            TeamEvent::User(UserEvent::Bound { property: Name::new(name), at_most: at_most.as_number() })
        });
        let reads =
            self.store.as_ref().map(|store| TeamEvent::User(UserEvent::Declared { reads: store.reads }));
        bounds.chain(reads)
    }

    /// What the team relies on when it reads the store.
    pub fn declared_reads(&self) -> Consistency {
        self.store.as_ref().map_or(Consistency::Eventual, |store| store.reads)
    }
}

/// The tasks that the user hands to the team.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tasks {
    /// How many.
    pub count: u32,
    /// The time between one and the next.
    pub every: RangeInclusive<SimSpan>,
    /// How much time the team has for each from when it takes it on, if that is limited.
    pub within: Option<SimSpan>,
    /// Whether the user cancels some.
    pub cancelled: Option<CancelledTasks>,
}

impl Tasks {
    /// When the last comes at the latest.
    pub fn last_at(&self) -> SimTime {
        SimTime::ZERO + self.every.end().saturating_mul(u64::from(self.count.saturating_sub(1)))
    }
}

/// Tasks that the user cancels again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelledTasks {
    /// How likely that is, for each.
    pub chance: Chance,
    /// How long after it was handed to the team.
    pub after: RangeInclusive<SimSpan>,
}

/// The shared store as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreConfig {
    /// How many replicas serve its reads; with none the primary does.
    pub replicas: usize,
    /// How far each lags behind each change.
    pub lag: RangeInclusive<SimSpan>,
    /// What the team relies on when it reads.
    pub reads: Consistency,
}
