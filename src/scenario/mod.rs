//! Scenarios: a team, its work, its safeguards, and the faults of its world.
//!
//! A scenario is a TOML file, or what a [`ScenarioBuilder`] writes in code. TOML says what may happen; how
//! agents behave is Rust. [`Scenario::read`] turns a file into a typed [`Scenario`] or into
//! [`Problems`](crate::config::Problems), each with its place in the file and what to do. A scenario that
//! parses but cannot mean anything is refused here, never in the middle of a run.
//!
//! A scenario is immutable and fully defined by its text, so it can be saved with a failure and read again;
//! this also holds for a [`Case`].
//!
//! Each scenario stands for several [`Case`]s: as written, and one for each `[[without]]`, which removes a
//! safeguard and expects a property to break.

mod active;
mod builder;
mod case;
mod configured;
mod guards;
pub(crate) mod learn;
mod read;
mod removal;
mod rename;
mod resolve;
mod service_level;
mod world;

pub use builder::ScenarioBuilder;
pub use case::{Case, Form, NoSuchCase};
pub use configured::Configured;
pub use read::{files_below, read_all, read_long_text, read_text, root_of};

pub use service_level::{Promise, ServiceLevel};

#[cfg(feature = "cli")]
pub(crate) use read::file_named;
pub(crate) use read::is_too_long_to_save;

pub(crate) use active::trouble_with_name;
pub(crate) use rename::{Renaming, renamed};
pub(crate) use resolve::{is_word, not_a_word, own_shape, tables, tool_keys, without_directives};
pub(crate) use service_level::percent;
pub(crate) use world::usual_events;

use crate::agent::ChatLimits;
use crate::faults::Directory;
use crate::properties::AtMost;
use crate::safeguards::Safeguards;
use crate::suite::Suite;
use crate::tools::ToolConfig;
use crate::workflows::{Program, Step, StoreConfig, Tasks, Workflow};
use perfidy_sim::{Chaos, Fault, Links, Name, SimSpan, SimTime};
use std::collections::BTreeMap;
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;

/// A parsed scenario file. It is immutable: its [`Contents`] can be read but not changed. Another scenario
/// needs another text.
///
/// ```compile_fail,E0594
/// # use perfidy::scenario::Scenario;
/// fn fewer_tasks(scenario: &mut Scenario) {
///     scenario.tasks.count = 1;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Scenario(Contents);

/// The contents of a [`Scenario`].
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its path below the scenario folder without ending, such as `conductor/lost-ack`.
    pub name: Name,
    /// Its first comment line: what it tests.
    pub about: String,
    /// The file as it was read.
    pub text: Arc<str>,
    /// The suite for which it was read.
    pub suite: Suite,
    /// The workflow it runs.
    pub workflow: Arc<Workflow>,
    /// The team: how many agents there are of each role that the workflow lets a file choose.
    pub team: BTreeMap<&'static str, u32>,
    /// The steps of every task.
    pub steps: Vec<Step>,
    /// How many tasks there are.
    pub tasks: Tasks,
    /// Which safeguards are on.
    pub safeguards: Safeguards,
    /// The tools, by name.
    pub tools: BTreeMap<Name, ToolConfig>,
    /// The team's shared store, if the file has one.
    pub store: Option<StoreConfig>,
    /// How long messages take.
    pub network: Network,
    /// How models answer.
    pub model: Model,
    /// All faults: by chance, timed and pinned.
    pub chaos: Arc<Chaos>,
    /// The names of the fault kinds that the file configures.
    pub fault_kinds: Vec<Name>,
    /// Every fault that the file configures and every name in it, each of which must be injected in some run.
    pub configured: Vec<Configured>,
    /// The time for every task to end, after the end of the faults or, if that is later, after the last task
    /// has come.
    pub settle_within: SimSpan,
    /// How many events a run may have, if the file says so.
    pub most_events: Option<u32>,
    /// The agent that is a program, and the program, if the file has one.
    pub program: Option<(&'static str, Program)>,
    /// The bounds of the properties that concern the scenario.
    pub bounds: BTreeMap<&'static str, AtMost>,
    /// The waived properties, with the reason that the file gives.
    pub waived: BTreeMap<&'static str, String>,
    /// The properties that the file names otherwise: each must have something to judge.
    pub judged: Vec<&'static str>,
    /// What the team promises of a share of its runs.
    pub service_levels: Vec<ServiceLevel>,
    /// The cases without some safeguards.
    pub without: Vec<Without>,
}

/// The network as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// How long messages take.
    pub latency: RangeInclusive<SimSpan>,
    /// Links with a latency of their own. If two concern the same link, the later one counts.
    pub links: Vec<Link>,
}

/// Links between two groups, in both directions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// One side.
    pub left: Vec<Name>,
    /// The other.
    pub right: Vec<Name>,
    /// How long messages take there.
    pub latency: RangeInclusive<SimSpan>,
}

impl Network {
    /// The network in the form that a world needs.
    pub fn to_links(&self) -> Links {
        let usual = Links::uniform(self.latency.clone());
        self.links.iter().fold(usual, |links, link| links.with(&link.left, &link.right, &link.latency))
    }
}

/// The models of the agents as the file describes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// How long a call takes.
    pub latency: RangeInclusive<SimSpan>,
    /// What a chat model can do.
    pub chat: ChatLimits,
}

/// What a case removes, and which properties must break then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Without {
    /// The safeguards that are switched off.
    pub safeguards: Vec<&'static str>,
    /// The properties that must break, every one of them; at least one.
    pub violates: Vec<&'static str>,
    /// Within how many seeds.
    pub within_seeds: u32,
}

impl Deref for Scenario {
    type Target = Contents;

    fn deref(&self) -> &Contents {
        &self.0
    }
}

impl Scenario {
    /// When fault injection ends.
    pub fn heals_at(&self) -> SimTime {
        self.chaos.until
    }

    /// When the last task comes at the latest.
    pub fn last_task_at(&self) -> SimTime {
        self.tasks.last_at()
    }

    /// When a run ends at the latest. Every task gets its full time, however late it comes.
    pub fn ends_at(&self) -> SimTime {
        self.heals_at().max(self.last_task_at()) + self.settle_within
    }

    /// The amount of work: for each task its start and end, its steps, and the agents that can take part. The
    /// cost limit of a run is proportional to it.
    pub fn work(&self) -> u64 {
        let agents = self.workflow.size(self.team.values().copied());
        u64::from(self.tasks.count) * (1 + self.steps.len() as u64 + agents)
    }

    /// Whether the file names a fault, by chance, by the clock or word for word. A strategy can inject
    /// others.
    pub fn configures(&self, fault: &Fault) -> bool {
        self.configured.iter().any(|configured| configured.injects(fault))
    }

    /// Whether runs may break a property: the file waives it, or asks for it in a share of runs.
    pub fn may_break(&self, property: &str) -> bool {
        let of_a_share = |level: &ServiceLevel| level.property() == Some(property);
        self.waived.contains_key(property) || self.service_levels.iter().any(of_a_share)
    }

    /// The roles, agents and tools of the scenario, to resolve names.
    pub fn directory(&self) -> Directory {
        let directory = self.workflow.directory(&self.team, &self.tools);
        directory.with_faults(self.suite.fault_kinds())
    }
}
