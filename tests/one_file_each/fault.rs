//! A fault: an answer without its amount.

use perfidy::prelude::*;

pub fn forgotten_amount() -> OwnFault {
    let example = r#"forgotten-amount = { at = "till", chance = "20%" }"#;
    OwnFault::altering("forgotten-amount", "an answer says 0", example, |answer, _| *answer = 0.into())
        .only_where(|answer| answer != 0)
}
