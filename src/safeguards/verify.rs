//! Verification against the artifact: done is what the tool has on record, not what somebody was told.

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct Verify;

impl Safeguard for Verify {
    const NAME: &'static str = "verify";
    const ABOUT: &'static str = "a verifier looks for the effects of a task before it is reported done";
    const EXAMPLE: &'static str = "verify = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
