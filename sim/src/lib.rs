//! The simulated world under perfidy: virtual time, keyed draws, plans of faults, a network, nodes that die
//! and come back, storage, and a history that is the only witness.
//!
//! The crate knows nodes and messages. What they mean belongs to the layer above, which
//! brings a [`Domain`]: the type of its messages and of its notes in the history.
//!
//! ```text
//!     WorldConfig (seed, plan, links, limits) -> World (processes, services) -> Engine::run -> Outcome (history, faults)
//! ```
//!
//! A run is a pure function of its seed, its plan and the code on its nodes:
//!
//! * every random decision is keyed by what it decides ([`Draws`]), so it does not move when something else does;
//! * what goes wrong is data ([`Plan`]): the faults of a fuzzed run, replayed as a list, make the same run;
//! * what happened is one list of events with their causes ([`History`]), folded into a digest.
//!
//! [`World`] has an example from end to end.

mod clock;
mod context;
mod core;
mod digest;
mod draw;
pub mod engine;
mod history;
pub mod interrupt;
mod kinds;
mod lookup;
mod name;
mod network;
mod node;
mod oracle;
mod plan;
mod queue;
mod quiet;
mod service;
mod slab;
mod spare;
pub mod stamp;
mod step;
mod storage;
mod time;
mod world;

pub use context::{Context, TimedOut, WriteRefused};
pub use digest::{Digest, Words};
pub use draw::{Chance, Draws, Purpose, Seed, Spot};
pub use engine::{Engine, EngineMissing};
pub use history::{Difference, Event, EventId, History, Loss, Note, What};
pub use interrupt::{Abandoned, Interrupt};
pub use kinds::EventKinds;
pub use lookup::Lookup;
pub use name::Name;
pub use network::Links;
pub use node::{Boot, Call, Domain, Envelope, LocalFuture, Payload};
pub use plan::{
    Action, Address, Ailment, Chaos, Disturbance, Fault, Hook, NotAnAction, NotAnAddress, Plan, Renames,
    Rule, Selector, Way, Window,
};
pub use service::{Desk, DueFault, Service};
pub use storage::Disk;
pub use time::{NotASpan, SimSpan, SimTime};
pub use world::{Limits, Outcome, Pinned, Stop, World, WorldConfig};
