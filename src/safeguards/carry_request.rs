//! Carrying the request: what the user asked for travels along a chain as it was given, beside the summary of
//! each stage.
//!
//! Each agent of a chain tells the next what is left to do, in the words of its model. A model that leaves
//! something out is not noticed: the next one does what it is told, and reports that everything is done. The
//! request is data, so it can be passed on as data, and a summary is read for what is new in it.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct CarryRequest;

impl Safeguard for CarryRequest {
    const NAME: &'static str = "carry-request";
    const ABOUT: &'static str =
        "a stage of a chain works from the user's request as it was given, not from a summary of it";
    const EXAMPLE: &'static str = "carry-request = true";
    const WITHOUT: &'static str =
        "a stage does what the summary of the one before says, and that can lose a step";
    const PROTECTS: &'static [&'static str] = &["required-facts-survive"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
