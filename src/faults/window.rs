//! Trouble that comes and goes by the clock: what its kinds have in common.

use super::targets;
use crate::config::{Entry, Problem, Spread};
use perfidy_sim::{Chaos, Degradation, Name, SimSpan, TimedEffect, TimedFault};
use std::ops::RangeInclusive;
use toml::Spanned;

/// When trouble comes, and how long it stays.
pub(super) struct Times<'a> {
    pub every: &'a Spanned<Spread>,
    pub lasting: &'a Spanned<Spread>,
}

/// Adds a window to the chaos, unless it has one of this name; `same` says in a few words what is the same
/// then.
pub(super) fn add(
    entry: &Entry<'_>,
    (site, same): (&str, &str),
    disturbance: TimedEffect,
    times: &Times<'_>,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let (every, lasting) = (targets::time(times.every)?, targets::time(times.lasting)?);
    push(entry, (site, same), disturbance, [every, lasting], chaos)
}

/// The same with times that are known to make sense.
pub(super) fn push(
    entry: &Entry<'_>,
    (site, same): (&str, &str),
    disturbance: TimedEffect,
    [every, lasting]: [RangeInclusive<SimSpan>; 2],
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let site = Name::new(site);
    if chaos.windows.iter().any(|window| window.site == site) {
        return Err(entry
            .problem(format!("there is another {} {same}", entry.name))
            .help("make one of the two"));
    }
    chaos.windows.push(TimedFault { kind: Name::new(entry.name), site, disturbance, every, lasting });
    Ok(())
}

/// A degradation of one of these nodes, as bad as a number drawn from `amount` says.
pub(super) fn degrade(
    among: Vec<Name>,
    degradations: &[Degradation],
    amount: RangeInclusive<u64>,
) -> TimedEffect {
    TimedEffect::Degrade { among, degradations: degradations.to_vec(), amount }
}

/// A range of times as the amount of a degradation.
pub(super) fn nanos(range: &RangeInclusive<SimSpan>) -> RangeInclusive<u64> {
    range.start().as_nanos()..=range.end().as_nanos()
}

/// What is the same about two windows of one kind for the same agents.
pub(super) const OF_THE_SAME: &str = "of the same agents by the clock";
