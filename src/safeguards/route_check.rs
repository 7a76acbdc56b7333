//! Route check: work goes only to a specialist that exists, and a specialist refuses what is not of its
//! field.
//!
//! A router that classifies is a model, and errs like one. Its answer can be checked at both ends without a
//! model: the router knows all fields, so one that it does not know does not count as an answer and is
//! asked for again; and a specialist knows its own field, so it can send back what is not of it (a typed
//! refusal) before it has done anything. Without this, the specialist does what it can, and reports success.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct RouteCheck;

impl Safeguard for RouteCheck {
    const NAME: &'static str = "route-check";
    const ABOUT: &'static str =
        "work goes only to specialists that exist, and they refuse what is not of their field";
    const EXAMPLE: &'static str = "route-check = true";
    const WITHOUT: &'static str = "work goes wherever a model sends it, and its receiver does what it can";
    const PROTECTS: &'static [&'static str] = &["effects-as-wanted", "eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
