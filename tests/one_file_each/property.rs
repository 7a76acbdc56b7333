//! A property: three tasks pay 5 each.

use super::tool::Till;
use perfidy::prelude::*;

pub fn paid_once(history: &TeamHistory) -> Verdict {
    history.states::<Till>("till").always(|till| till.total <= 15)
}
