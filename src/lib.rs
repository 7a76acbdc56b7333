//! perfidy: deterministic simulation testing for agent workflows.
//!
//! A simulated network, clock and set of tools inject faults into a team of agents, from a seed, and
//! property checks say whether the team kept its properties. Start with one function, [`check`]: one
//! workflow, one scenario, no files. When you outgrow it:
//!
//! | you want | look at |
//! |---|---|
//! | everything that a first test needs | [`prelude`] |
//! | agents, tools, properties, safeguards, faults of your own | [`guide::own_agents`], [`guide::own_tools`] |
//! | scenarios in files, each a test, and the whole command | [`Suite::here`](suite::Suite::here), [`Suite::main`](suite::Suite::main) |
//! | the words | [`glossary`] |
//! | the parts of which all of this is made | the modules below, and [`guide::architecture`] |
//!
//! ```text
//!     scenarios/x.toml -> Scenario -(+ Seed)-> Plan -> run in a World -> History -> Verdicts
//!                                               ^                          |
//!                                               |        violated: shrink -+-> seeds/*.toml, story, report
//!                                               +---- explore: the next seed or plan
//! ```
//!
//! Each station on that path is one module: [`scenario`] reads files, [`faults`], [`safeguards`] and
//! [`workflows`] are what they can name, [`agent`] is what an agent can touch, [`protocols`] are exchanges
//! that agents repeat, [`properties`] judge histories, [`explore`] runs seeds and keeps failures,
//! [`report`] tells of them, and the [`catalogue`] lists what there is. The world itself is the crate
//! `perfidy_sim`, here [`sim`].

// The start that `perfidy new` writes is a module of perfidy that calls it as any other crate does.
extern crate self as perfidy;

pub mod agent;
pub mod catalogue;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "clients")]
pub mod clients;
pub mod config;
pub mod explore;
pub mod faults;
pub mod glossary;
pub mod guide;
pub mod inert;
pub mod prelude;
pub mod probe;
#[cfg(feature = "cli")]
mod process_group;
pub mod properties;
pub mod protocols;
pub mod report;
pub mod safeguards;
pub mod scenario;
pub mod schema;
pub mod suite;
pub mod testing;
pub mod tools;
pub mod workflows;

pub use perfidy_sim as sim;
pub use testing::check;
