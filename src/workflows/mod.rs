//! Workflows: teams of agents, one file each.
//!
//! A workflow says which roles it has, which safeguards it can honour and which properties it is about, and puts its
//! agents into a world. The agents could run anywhere: they know what they are told in messages, what they
//! wrote to their own journal and what their tools answer, and nothing else.
//!
//! A new workflow is one file and one line in [`ALL`]. One of your own needs no line here:
//! [`Scenario::parse_for`](crate::scenario::Scenario::parse_for) takes it. The pieces that the shipped ones are made of are yours
//! as well: a [`user`] who hands out tasks, a coordinator's [`task_tracker`] and [`dispatcher`], a [`worker`].
//!
//! ```
//! use perfidy::explore::Run;
//! use perfidy::scenario::{Case, Scenario};
//! use perfidy::workflows::user::{USER, user};
//! use perfidy::workflows::{Briefing, Workflow};
//! use perfidy_sim::{Engine, Name, Seed};
//!
//! /// A team of one that reads its mail and does nothing about it.
//! const IDLER: Workflow = Workflow {
//!     name: "idler",
//!     about: "a team that does nothing",
//!     roles: &[],
//!     singles: &["idler"],
//!     safeguards: &[],
//!     crash_points: &[],
//!     sends: &[("user", &["submit"])],
//!     moments: &[],
//!     requests: &[],
//!     keeps_journals: false,
//!     properties: &["eventual-termination"],
//!     assemble: |case, world| {
//!         let briefing = Briefing::new(case, None);
//!         briefing.hire(world, Name::new(USER), |agent, briefing| Box::pin(user(agent, briefing, &["idler"])));
//!         briefing.hire(world, Name::new("idler"), |agent, _| {
//!             Box::pin(async move { loop { agent.receive().await; } })
//!         });
//!     },
//! };
//!
//! let text = "# Nobody does anything.\nworkflow = \"idler\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n";
//! let scenario = Scenario::parse_for(&[&IDLER], "own/idler", text).unwrap();
//! let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
//! assert!(run.violation("eventual-termination").is_some());
//! ```

mod briefing;
mod cast;
pub mod conductor;
pub mod dispatcher;
pub mod handoff;
pub mod hierarchy;
pub mod on_call;
pub mod peers;
pub mod relay;
pub mod research;
pub mod roundtable;
pub mod saga;
pub mod saga_choreographed;
pub mod saga_orchestrated;
pub mod scratchpad;
pub mod standby;
pub mod task_state;
pub mod task_tracker;
pub mod user;
pub mod worker;

pub use briefing::Briefing;
pub use cast::Cast;
pub use task_state::Plan;

use crate::agent::{Agents, Request};
use crate::faults::model::MOMENTS;
use crate::scenario::Case;
use crate::scenario::problem::nearest_in_words;
use crate::{properties, safeguards};
use perfidy_sim::World;
use std::fmt;
use std::ops::RangeInclusive;

/// As many agents as a role of a shipped workflow can have.
pub const MOST_AGENTS: u32 = 1_000;

/// A role of which a scenario can choose the number.
pub struct Role {
    /// Its name in `[team]` and wherever a group is meant, such as `executors`.
    pub group: &'static str,
    /// The name of its members without their number, such as `executor`.
    pub member: &'static str,
    /// How many there can be.
    pub count: RangeInclusive<u32>,
    /// How many there are if the file does not say.
    pub default: u32,
}

/// A kind of team.
pub struct Workflow {
    /// Its name in files.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The roles whose number a file chooses.
    pub roles: &'static [Role],
    /// Agents there is exactly one of.
    pub singles: &'static [&'static str],
    /// The safeguards its agents know how to use. A file that switches on another is refused.
    pub safeguards: &'static [&'static str],
    /// The steps at which its agents can crash or pause, for faults `at` a step.
    pub crash_points: &'static [&'static str],
    /// The kinds of messages that are sent, by sender: an agent, the member name of a role, the user, a service. What tools are
    /// asked and answer follows from the steps of a file. A file with a fault of messages of another kind is refused.
    pub sends: &'static [(&'static str, &'static [&'static str])],
    /// The moments at which its agents ask their models something that can go wrong, of those in [`MOMENTS`]. A file with
    /// a fault of models that strikes at others is refused.
    pub moments: &'static [&'static str],
    /// What its agents ask of tools. A file with a lie about something else is refused.
    pub requests: &'static [Request],
    /// Whether any of its agents writes a journal. If not, a file with a fault of storage is refused.
    pub keeps_journals: bool,
    /// The properties it is about: each must have had something to judge.
    pub properties: &'static [&'static str],
    /// Puts the team into a world.
    pub assemble: fn(&Case, &mut World<Agents>),
}

impl Workflow {
    /// What is wrong with it: a name that is not there can be a typing error, and would promise or allow nothing.
    pub(crate) fn mistake(&self) -> Option<String> {
        let moments: Vec<&str> = MOMENTS.iter().map(|(moment, _)| *moment).collect();
        let members = self.roles.iter().map(|role| role.member);
        let senders: Vec<&str> =
            self.singles.iter().copied().chain(members).chain(cast::BYSTANDERS).collect();
        let sends: Vec<&str> = self.sends.iter().map(|(sender, _)| *sender).collect();
        let named = [
            ("property", self.properties, properties::names()),
            ("safeguard", self.safeguards, safeguards::names()),
            ("moment", self.moments, moments),
            ("sender", &sends, senders),
        ];
        named.into_iter().find_map(|(what, names, known)| {
            let unknown = names.iter().find(|name| !known.contains(name))?;
            let near = nearest_in_words(unknown, &known);
            Some(format!("the workflow `{}` names the {what} `{unknown}`; {near}", self.name))
        })
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Workflow").field(&self.name).finish()
    }
}

/// Every workflow.
pub const ALL: &[&Workflow] = &[
    &conductor::WORKFLOW,
    &handoff::WORKFLOW,
    &hierarchy::WORKFLOW,
    &peers::WORKFLOW,
    &relay::WORKFLOW,
    &research::WORKFLOW,
    &roundtable::WORKFLOW,
    &saga_choreographed::WORKFLOW,
    &saga_orchestrated::WORKFLOW,
    &scratchpad::WORKFLOW,
    &standby::WORKFLOW,
];

/// The workflow of that name.
pub fn find(name: &str) -> Option<&'static Workflow> {
    ALL.iter().copied().find(|workflow| workflow.name == name)
}
