//! Single writer: one agent writes what all share, and the others ask it to.
//!
//! Who does one thing after the other cannot overtake itself. That makes the writer a bottleneck, and it holds only as
//! long as everybody agrees who it is.

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct SingleWriter;

impl Safeguard for SingleWriter {
    const NAME: &'static str = "single-writer";
    const ABOUT: &'static str = "one agent writes the shared items; the others hand it their additions";
    const EXAMPLE: &'static str = "single-writer = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
