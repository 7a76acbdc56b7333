//! Scenarios: which team works on what, which safeguards it has, and how the world betrays it.
//!
//! A scenario is a TOML file. TOML says what may happen; how agents behave is Rust. [`Scenario::read`]
//! turns a file into a typed [`Scenario`] or into [`Problems`](crate::config::Problems), each with its
//! place in the file and what to do. A scenario that parses but cannot mean anything is refused here, never
//! in the middle of a run.
//!
//! A scenario can be saved with a failure and read again because it is nothing but its text: neither a
//! [`Scenario`] nor a [`Case`] can be changed.
//!
//! Each scenario stands for several [`Case`]s: as written, and one for each `[[without]]`, in which a
//! safeguard is taken away and a property must break.

mod active;
mod case;
mod configured;
pub(crate) mod learn;
mod read;
mod rename;
mod understand;
mod world;

pub use case::{Case, Form, NoSuchCase};
pub use configured::Configured;
pub use read::{files_below, read_all, read_long_text, read_text, root_of};

pub(crate) use read::is_too_long_to_save;

pub(crate) use active::trouble_with_name;
pub(crate) use rename::{Renaming, renamed};
pub(crate) use understand::{is_word, not_a_word, own_shape, tables, tool_keys, without_directives};
pub(crate) use world::usual_events;

use crate::faults::Cast;
use crate::properties::AtMost;
use crate::safeguards::Safeguards;
use crate::suite::Suite;
use crate::tools::ToolConfig;
use crate::workflows::{Step, Store, Tasks, Workflow};
use perfidy_sim::{Chaos, Links, Name, SimSpan, SimTime};
use std::collections::BTreeMap;
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;

/// A scenario file, understood. It says what its text says for as long as it lives: its [`Contents`] can be
/// read but not changed. Another scenario begins with another text.
///
/// ```compile_fail,E0594
/// # use perfidy::scenario::Scenario;
/// fn fewer_tasks(scenario: &mut Scenario) {
///     scenario.tasks.count = 1;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Scenario(Contents);

/// What a [`Scenario`] says.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its path below the scenario folder without ending, such as `conductor/lost-ack`.
    pub name: Name,
    /// Its first comment line: what it probes.
    pub about: String,
    /// The file as it was read.
    pub text: Arc<str>,
    /// The suite for which it was read: whatever it can name.
    pub suite: Suite,
    /// The workflow it runs.
    pub workflow: Arc<Workflow>,
    /// The team: how many agents there are of each role that the workflow lets a file choose.
    pub team: BTreeMap<&'static str, u32>,
    /// What every task consists of.
    pub steps: Vec<Step>,
    /// How many tasks there are.
    pub tasks: Tasks,
    /// Which safeguards are on.
    pub safeguards: Safeguards,
    /// The tools, by name.
    pub tools: BTreeMap<Name, ToolConfig>,
    /// The store that the team shares, if the file describes it.
    pub store: Option<Store>,
    /// How long messages take.
    pub network: Network,
    /// How models answer.
    pub model: Model,
    /// What goes wrong by chance, by the clock and word for word.
    pub chaos: Arc<Chaos>,
    /// The names of the fault kinds that the file configures.
    pub fault_kinds: Vec<Name>,
    /// Every fault that the file configures and every name in it, each of which must strike in some run.
    pub configured: Vec<Configured>,
    /// How long after the end of chaos, or after the last task has come if that is later, every task must
    /// have come to an end.
    pub settle_within: SimSpan,
    /// How many events a run may have, if the file says so.
    pub most_events: Option<u32>,
    /// How far properties may go, of those that concern the scenario and are a matter of how much.
    pub bounds: BTreeMap<&'static str, AtMost>,
    /// Properties the file does not ask for, with the reason it gives.
    pub waived: BTreeMap<&'static str, String>,
    /// The cases in which something is taken away.
    pub without: Vec<Without>,
}

/// The network as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// How long messages take.
    pub latency: RangeInclusive<SimSpan>,
    /// Links that take a time of their own. Of two that concern the same link the later counts.
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
    /// The network as a world wants it.
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
}

/// What a case takes away, and what must break then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Without {
    /// The safeguards that are switched off.
    pub safeguards: Vec<&'static str>,
    /// The property that must break.
    pub violates: &'static str,
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
    /// When chaos ends.
    pub fn heals_at(&self) -> SimTime {
        self.chaos.until
    }

    /// When the last task comes at the latest.
    pub fn last_task_at(&self) -> SimTime {
        self.tasks.last_at()
    }

    /// When a run ends at the latest. Every task gets its time to come to an end, however late it comes.
    pub fn ends_at(&self) -> SimTime {
        self.heals_at().max(self.last_task_at()) + self.settle_within
    }

    /// How much there is to do: for each task its own coming and going, its steps, and the agents that can
    /// have to do with it. What a run may cost is in proportion to it.
    pub fn work(&self) -> u64 {
        let agents = self.workflow.size(self.team.values().copied());
        u64::from(self.tasks.count) * (1 + self.steps.len() as u64 + agents)
    }

    /// The roles, agents and tools of the scenario, for whoever resolves a name.
    pub fn cast(&self) -> Cast {
        let cast = self.workflow.cast(&self.team, &self.tools, Some(&self.steps));
        cast.with_own_faults(self.suite.own_faults())
    }
}
