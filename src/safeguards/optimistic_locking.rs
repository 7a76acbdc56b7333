//! Optimistic locking: a write goes through only if nobody has written since its author read.
//!
//! Whoever comes too late reads again and does it again (Kung and Robinson 1981, "On optimistic methods for
//! concurrency control").

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct OptimisticLocking;

impl Safeguard for OptimisticLocking {
    const NAME: &'static str = "optimistic-locking";
    const ABOUT: &'static str =
        "a write names the version its author read; if that is not the latest, it is refused";
    const EXAMPLE: &'static str = "optimistic-locking = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
