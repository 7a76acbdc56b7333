//! The components of agents and of their world, each tested separately in a small world.

mod caller;
mod claims;
mod dispatcher;
mod handing_over;
mod leases;
mod model;
mod no_idle_faults;
mod requests;
mod store;
mod tool_faults;
mod tool_trouble;
mod traces;
mod writers;
