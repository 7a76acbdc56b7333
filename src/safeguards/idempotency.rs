//! Idempotency keys: a call carries the id of its operation, so that the tool can recognise a repetition.
//!
//! The key stands for the wish, not for the request: every retry of one operation carries the same key, and
//! it is worth something only with a tool that deduplicates and a caller that remembers the key across a crash
//! (`persist-before-call`).

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct IdempotencyKeys;

impl Safeguard for IdempotencyKeys {
    const NAME: &'static str = "idempotency-keys";
    const ABOUT: &'static str =
        "calls carry the id of their operation, by which a tool recognises a repetition";
    const EXAMPLE: &'static str = "idempotency-keys = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
