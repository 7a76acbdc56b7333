//! Scenarios: which team works on what, which safeguards it has, and how the world betrays it.
//!
//! A scenario is a TOML file. TOML says what may happen; how agents behave is Rust. [`Scenario::read`] turns a
//! file into a typed [`Scenario`] or into [`Problems`], each with its place in the file and what to do. A
//! scenario that parses but cannot mean anything is refused here, never in the middle of a run.
//!
//! A scenario can be saved with a failure and read again because it is nothing but its text: neither a [`Scenario`] nor a
//! [`Case`] can be changed.
//!
//! Each scenario stands for several [`Case`]s: as written, and one for each `[[without]]`, in which a safeguard
//! is taken away and a property must break.

mod actions;
mod active;
mod case;
mod configured;
mod file;
pub(crate) mod problem;
mod quantity;
mod read;
mod rename;
mod understand;

pub(crate) use actions::Learner;
pub use actions::{Actions, BeforeAndAfter, Doings, Roles};
pub use case::{Case, Form, NoSuchCase};
pub use configured::Configured;
pub use file::Entry;
pub(crate) use file::keys_read;
pub use problem::{Problem, Problems, nearest};
pub use quantity::{Lasting, NotAQuantity, Numbers, OneOrMany, Ratio, Span, Spread};
pub use read::{files_below, read_all, read_text, root_of};

pub(crate) use active::trouble_with_name;
pub(crate) use file::entries;
pub(crate) use rename::{Renaming, renamed};
pub(crate) use understand::{is_word, not_a_word};

use crate::agent::Consistency;
use crate::properties::AtMost;
use crate::safeguards::Safeguards;
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Chance, Chaos, Links, Name, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;

/// A scenario file, understood. It says what its text says for as long as it lives: its [`Contents`] can be read but not
/// changed. Another scenario begins with another text.
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
    pub tools: BTreeMap<Name, Tool>,
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
    /// How long after the end of chaos, or after the last task has come if that is later, every task must have come
    /// to an end.
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

/// One step of every task: an effect that somebody wants, through a tool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its name.
    pub name: Name,
    /// The tool.
    pub tool: Name,
    /// What the tool is asked to do.
    pub operation: Name,
    /// Which steps come first, as places in the list of steps.
    pub needs: Vec<usize>,
    /// Whether it cannot be undone.
    pub irreversible: bool,
    /// What undoes it, if the file says so.
    pub undo: Option<Undo>,
}

impl Step {
    /// What is asked of tools to take it and to undo it.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (Name, Name)> + use<> {
        let undo = self.undo.map(|undo| (undo.tool, undo.operation));
        [(self.tool, self.operation)].into_iter().chain(undo)
    }
}

/// An operation that undoes another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undo {
    /// The tool.
    pub tool: Name,
    /// What the tool is asked to do.
    pub operation: Name,
}

/// An order in which steps can be taken one at a time: each after those it needs, otherwise as they stand. Steps that wait
/// for each other are left out.
pub fn one_at_a_time(steps: &[Step]) -> Vec<usize> {
    let mut needed_by = vec![Vec::new(); steps.len()];
    let mut missing: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    for (number, step) in steps.iter().enumerate() {
        step.needs.iter().for_each(|need| needed_by[*need].push(number));
    }
    let mut ready: BTreeSet<usize> = (0..steps.len()).filter(|step| missing[*step] == 0).collect();
    let mut order = Vec::new();
    while let Some(step) = ready.pop_first() {
        order.push(step);
        for next in &needed_by[step] {
            missing[*next] -= 1;
            if missing[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    order
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
    /// Whether the user thinks better of some.
    pub cancelled: Option<Cancelled>,
}

impl Tasks {
    /// When the last comes at the latest.
    pub fn last_at(&self) -> SimTime {
        SimTime::ZERO + self.every.end().saturating_mul(u64::from(self.count.saturating_sub(1)))
    }
}

/// Tasks that the user cancels again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cancelled {
    /// How likely that is, for each.
    pub chance: Chance,
    /// How long after it was handed to the team.
    pub after: RangeInclusive<SimSpan>,
}

/// A tool as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tool {
    /// How long it works on a call.
    pub latency: RangeInclusive<SimSpan>,
    /// Whether it recognises an idempotency key that it has seen.
    pub deduplicates: bool,
    /// After what time the things it knows get a new version; `None` if they never change.
    pub changes_every: Option<RangeInclusive<SimSpan>>,
    /// How long its answers are, in tokens.
    pub tokens: RangeInclusive<u32>,
}

impl Default for Tool {
    /// What a file gets that says nothing.
    fn default() -> Self {
        Self {
            latency: SimSpan::from_millis(50)..=SimSpan::from_millis(500),
            deduplicates: false,
            changes_every: None,
            tokens: 200..=2_000,
        }
    }
}

/// The shared store as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// How many replicas serve its reads; with none the primary does.
    pub replicas: usize,
    /// How far each lags behind each change.
    pub lag: RangeInclusive<SimSpan>,
    /// What the team relies on when it reads.
    pub reads: Consistency,
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

    /// How much there is to do: for each task its own coming and going, its steps, and the agents that can have to do
    /// with it. What a run may cost is in proportion to it.
    pub fn work(&self) -> u64 {
        let agents = self.workflow.size(self.team.values().copied());
        u64::from(self.tasks.count) * (1 + self.steps.len() as u64 + agents)
    }

    /// The roles, agents and tools of the scenario, for whoever resolves a name.
    pub fn cast(&self) -> crate::workflows::Cast {
        crate::workflows::Cast::new(&self.workflow, &self.team, &self.tools, Some(&self.steps))
    }
}
