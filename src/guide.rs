//! The guide: from a first scenario to your own faults, a page each.
//!
//! | page | what it is for |
//! |---|---|
//! | [`first_scenario`] | a file that finds a bug, line by line |
//! | [`reading_a_failure`] | what a story says, and what to do with it |
//! | [`seeing_a_failure`] | the page, pictures, and traces for other tools |
//! | [`own_agents`] | a workflow of your own, from `perfidy new` to fuzzing it |
//! | [`tokio_agents`] | agents that are tokio code: time, tasks, TCP, hyper and axum |
//! | [`any_client`] | a real agent, by MCP or a model's API, under the faults of a scenario |
//! | [`python_agents`] | your Python agent, unmodified, in virtual time under the faults of a scenario |
//! | [`node_agents`] | the same for JavaScript and TypeScript on Node |
//! | [`agent_frameworks`] | agents on langgraph, openai-agents and pydantic-ai, what one fault does to each, and the fix |
//! | [`own_tools`] | tools with state, properties, faults and probes of your own |
//! | [`choosing_safeguards`] | which safeguard keeps which property |
//! | [`determinism`] | what an agent must not do, and how it is found |
//! | [`exploration`] | strategies, campaigns, exhaustive search, audit, ablation, comparison |
//! | [`formats`] | scenarios, saved failures, aliases, JSON records |
//! | [`architecture`] | the modules, and how to add to them |
//! | [`testing_perfidy`] | how perfidy itself is tested, and what its tests would not notice |
//! | [`gallery`] | failures of agent frameworks, and the scenario that shows each |
//!
//! The words are explained in the [glossary](crate::glossary).

#[doc = include_str!("guide/agent_frameworks.md")]
pub mod agent_frameworks {}
#[doc = include_str!("guide/any_client.md")]
pub mod any_client {}
#[doc = include_str!("guide/architecture.md")]
pub mod architecture {}
#[doc = include_str!("guide/choosing_safeguards.md")]
pub mod choosing_safeguards {}
#[doc = include_str!("guide/determinism.md")]
pub mod determinism {}
#[doc = include_str!("guide/exploration.md")]
pub mod exploration {}
#[doc = include_str!("guide/first_scenario.md")]
pub mod first_scenario {}
#[doc = include_str!("guide/formats.md")]
pub mod formats {}
#[doc = include_str!("guide/gallery.md")]
pub mod gallery {}
#[doc = include_str!("guide/node_agents.md")]
pub mod node_agents {}
#[doc = include_str!("guide/own_agents.md")]
pub mod own_agents {}
#[doc = include_str!("guide/own_tools.md")]
pub mod own_tools {}
#[doc = include_str!("guide/python_agents.md")]
pub mod python_agents {}
#[doc = include_str!("guide/reading_a_failure.md")]
pub mod reading_a_failure {}
#[doc = include_str!("guide/seeing_a_failure.md")]
pub mod seeing_a_failure {}
#[doc = include_str!("guide/tokio_agents.md")]
pub mod tokio_agents {}
#[doc = include_str!("guide/testing_perfidy.md")]
pub mod testing_perfidy {}
