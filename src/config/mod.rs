//! Configuration: the values of a TOML file with their places, and problems that say where and what to do.
//!
//! Scenarios are read with it, and so is whatever has keys of its own in one: faults, safeguards and kinds
//! of tools each read their [`Entry`] as a type of theirs, made of quantities such as a [`Span`] or a
//! [`Ratio`], and answer with a [`Problem`] at a place in the file. This module knows none of them.

mod entry;
mod frame;
pub(crate) mod problem;
mod quantity;
mod shape;

pub use entry::Entry;
pub(crate) use entry::{entries, shape_read};
pub use problem::{Problem, Problems, nearest};
pub(crate) use quantity::QUANTITIES;
pub use quantity::{Lasting, NotAQuantity, Numbers, OneOrMany, Ratio, Span, Spread};
pub(crate) use shape::Shape;
