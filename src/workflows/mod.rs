//! Workflows: teams of agents, one file each.
//!
//! A workflow says which roles it has, which safeguards it supports and which properties it is about, and
//! adds its agents to a world. The agents could run anywhere: they know only the messages they get, their own
//! journal and the answers of their tools.
//!
//! A new shipped workflow is one file and one line in [`shipped`]; one of your own is a [`Workflow`] that you
//! add to your [`Suite`](crate::suite::Suite). You can also use the components of the shipped ones: a
//! [`user`] that submits tasks, a coordinator's [`task_tracker`] and [`dispatcher`], a [`worker`], the
//! [`agent_loop`] of an agent whose model calls tools.
//!
//! ```
//! use perfidy::agent::Agent;
//! use perfidy::explore::Run;
//! use perfidy::scenario::{Case, Scenario};
//! use perfidy::suite::Suite;
//! use perfidy::workflows::Workflow;
//! use perfidy_sim::{Engine, Seed};
//!
//! // A team of one that reads its messages and does nothing about them.
//! let idler = Workflow::new("idler").about("a team that does nothing")
//!     .agent("idler", |agent: Agent| async move { loop { agent.receive().await; } })
//!     .properties(&["eventual-termination"]);
//!
//! let text = "# No task ever ends.\nworkflow = \"idler\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n";
//! let scenario = Scenario::parse(&Suite::shipped().workflow(idler), "own/idler", text).unwrap();
//! let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
//! assert!(run.violation("eventual-termination").is_some());
//! ```

pub mod agent_loop;
pub mod approver;
mod arguments;
pub mod cascade;
pub mod chain;
pub mod commit;
pub mod conductor;
pub(crate) mod directory;
pub mod dispatcher;
pub mod evaluator_optimizer;
pub mod guardrail;
pub mod handoff;
pub mod hierarchy;
pub mod on_call;
pub mod peers;
pub mod pipeline;
mod program;
pub mod research;
pub mod review;
pub mod roundtable;
pub mod router;
pub mod saga;
pub mod saga_choreographed;
pub mod saga_orchestrated;
pub mod scheduled;
pub mod scratchpad;
pub mod solo;
pub mod standby;
mod steps;
pub mod supervisor;
pub mod task_state;
pub mod task_tracker;
mod team;
mod team_config;
pub mod tool_loop;
pub mod user;
pub mod vote;
pub mod worker;
mod workflow;

pub use arguments::StepArguments;
#[cfg(feature = "cli")]
pub(crate) use program::HASH_SEED;
pub use program::{NotRunnable, Placement, Program, Programs};
pub use steps::{Evidence, Step, Undo, one_at_a_time};
pub use task_state::TaskPlan;
pub use team::TeamContext;
pub use team_config::{CancelledTasks, StoreConfig, Tasks, TeamConfig};
pub use workflow::OtherCode;
pub use workflow::{AgentCode, Role, Workflow};

/// The maximum number of agents in a role of a shipped workflow.
pub const MOST_AGENTS: u32 = 1_000;

/// The shipped workflows, by name.
pub fn shipped() -> Vec<Workflow> {
    vec![
        cascade::workflow(),
        chain::workflow(),
        commit::workflow(),
        conductor::workflow(),
        evaluator_optimizer::workflow(),
        handoff::workflow(),
        hierarchy::workflow(),
        peers::workflow(),
        pipeline::workflow(),
        research::workflow(),
        review::workflow(),
        roundtable::workflow(),
        router::workflow(),
        saga_choreographed::workflow(),
        saga_orchestrated::workflow(),
        scheduled::workflow(),
        scratchpad::workflow(),
        solo::workflow(),
        standby::workflow(),
        supervisor::workflow(),
        tool_loop::workflow(),
        vote::workflow(),
    ]
}
