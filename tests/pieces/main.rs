//! What agents are made of and what they meet, piece by piece, each in a small world of its own.

mod caller;
mod claims;
mod dispatcher;
mod handing_over;
mod leases;
mod model;
mod no_idle_faults;
mod requests;
mod store;
mod tool_lies;
mod tool_trouble;
mod writers;
