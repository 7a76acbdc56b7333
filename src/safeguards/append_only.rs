//! Append-only: whoever adds to something shared hands over the addition, not the whole.
//!
//! The store puts it behind whatever is there by then, so there is nothing to overwrite (Helland 2015, "Immutability
//! changes everything").

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct AppendOnly;

impl Safeguard for AppendOnly {
    const NAME: &'static str = "append-only";
    const ABOUT: &'static str = "additions to a shared item are appended; nobody writes it as a whole";
    const EXAMPLE: &'static str = "append-only = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
