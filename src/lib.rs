//! perfidy: deterministic simulation testing for agent workflows.
//!
//! A simulated network, clock and set of tools betray a team of agents, on purpose and reproducibly; property
//! checks say whether the team kept its promises.
//!
//! ```text
//!     scenarios/x.toml -> Scenario -(+ Seed)-> Plan -> run in a World -> History -> Verdicts
//!                                               ^                          |
//!                                               |        violated: shrink -+-> seeds/*.toml, story, report
//!                                               +---- explore: the next seed or plan
//! ```
//!
//! Each station on that path is one module: [`scenario`] reads files, [`faults`] and [`safeguards`] and
//! [`workflows`] are what they can name, [`agent`] is what an agent can touch, [`protocols`] are exchanges
//! that agents repeat, [`properties`] judge histories, [`explore`] runs seeds and keeps failures, [`report`]
//! tells of them, and the [`catalogue`] lists what there is. The world itself is the crate `perfidy_sim`.

pub mod agent;
pub mod catalogue;
#[cfg(feature = "cli")]
mod cli;
pub mod config;
pub mod explore;
pub mod faults;
pub mod inert;
pub mod prelude;
pub mod probe;
pub mod properties;
pub mod protocols;
pub mod report;
pub mod safeguards;
pub mod scenario;
pub mod suite;
pub mod testing;
pub mod tools;
pub mod workflows;

pub use perfidy_sim as sim;
pub use testing::check;
