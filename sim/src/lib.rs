//! The simulated world under perfidy: virtual time, keyed draws, fault plans, a network, nodes that crash and
//! restart, storage, and an event history.
//!
//! The crate knows nodes and messages. Their meaning belongs to the upper layer, which brings a [`Domain`]:
//! the types of its messages and of its events in the history.
//!
//! ```text
//!     WorldConfig (seed, plan, links, limits) -> World (processes, services) -> Engine::run -> RunOutcome (history, faults)
//! ```
//!
//! A run is a pure function of its seed, its plan and the code on its nodes:
//!
//! * every random decision is keyed by what it decides ([`Draws`]), so a change elsewhere does not move it;
//! * faults are data ([`Plan`]): the faults of a fuzzed run, replayed as a list, make the same run;
//! * all events are in one list with their causes ([`History`]), folded into a digest.
//!
//! [`World`] has a complete example.

mod activity;
mod clock;
mod context;
mod core;
mod digest;
mod draw;
pub mod engine;
mod history;
mod injector;
pub mod interrupt;
mod kind_index;
mod kinds;
mod lookup;
mod name;
pub mod net;
mod network;
mod node;
mod panic_capture;
mod plan;
mod pool;
mod queue;
pub mod scoped;
mod service;
mod slab;
mod socket_event;
pub mod stamp;
mod step;
mod storage;
mod time;
mod unlogged;
mod world;

pub use activity::Activity;
pub use context::{Context, TimedOut, Within, WriteError};
pub use digest::{Digest, Words};
pub use draw::{Chance, DrawPurpose, DrawSite, Draws, Seed};
pub use engine::{Engine, EngineMissing, Outside, Turn};
pub use history::{AppEvent, Difference, Event, EventId, EventKind, History, Identity, Loss};
pub use injector::Pass;
pub use interrupt::{Abandoned, Interrupt};
pub use kinds::EventKinds;
pub use lookup::Lookup;
pub use name::Name;
pub use network::Links;
pub use node::{Boot, Call, Domain, IncomingMessage, LocalFuture, Payload};
pub use plan::{
    Action, Address, Aftershocks, Chaos, ClockDirection, Degradation, Fault, Hook, NotAnAction, NotAnAddress,
    Plan, Renames, Rule, Selector, TimedEffect, TimedFault,
};
pub use service::{DueFault, Service, ServiceContext};
pub use socket_event::{SocketAct, SocketEvent, SocketPiece};
pub use storage::Disk;
pub use time::{NotASpan, SimSpan, SimTime};
pub use unlogged::unlogged;
pub use world::{Limits, Pinned, RunEnd, RunOutcome, World, WorldConfig};
