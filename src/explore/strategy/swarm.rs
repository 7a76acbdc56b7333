//! Swarm: every seed has other chances.
//!
//! A mix of everything hides what only few kinds of faults together can do: a message that is dropped cannot
//! also be late, a node that is down all the time never answers wrongly. Groce et al. 2012, "Swarm testing",
//! found more by leaving features out at random. Here every seed switches whole kinds of faults off (each
//! stays with a chance of one half, one at least) and makes the others up to four times as likely, or as
//! unlikely.

use super::{BySeed, Kind, PlanOf};
use crate::scenario::Case;
use perfidy_sim::{Chance, Chaos, Draws, Name, Plan, Seed, SimSpan, TimedFault};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "swarm",
    about: "swarm testing: each seed leaves out some fault kinds and scales the others",
    ends: false,
    start: |start| {
        Ok(Box::new(BySeed { name: KIND.name, next: start.first_seed, plan_of: plan_of(start.case) }))
    },
};

/// What a chance is multiplied by, in thousandths: from a quarter to four, in steps of half a doubling.
const FACTORS: [u64; 9] = [250, 354, 500, 707, 1_000, 1_414, 2_000, 2_828, 4_000];

pub(super) fn plan_of(case: &Case) -> PlanOf {
    let chaos = Arc::clone(&case.scenario.chaos);
    Box::new(move |seed| Plan::Fuzz(Arc::new(swarmed(&chaos, seed))))
}

/// The chaos of one seed. What stands in the scenario word for word stays. A rule that is left out is there
/// and is never injected: rules that concern the same places as those of the run before need not be looked up
/// again.
fn swarmed(chaos: &Chaos, seed: Seed) -> Chaos {
    let factors = factors(chaos, seed);
    let mut swarmed = chaos.clone();
    for rule in &mut swarmed.rules {
        let factor = factors.get(&rule.kind);
        rule.chance = factor.map_or(Chance::NEVER, |factor| more_likely(rule.chance, *factor));
    }
    swarmed.windows.retain_mut(|window| {
        let factor = factors.get(&window.kind);
        window.every = factor.map_or(window.every.clone(), |factor| more_often(window, *factor));
        factor.is_some()
    });
    swarmed
}

/// The kinds that a seed keeps, and the factor of each.
fn factors(chaos: &Chaos, seed: Seed) -> BTreeMap<Name, u64> {
    let draws = Draws::new(seed);
    let draw = |kind: Name| draws.draw_site(Name::new("swarm"), kind, 1);
    let rules = chaos.rules.iter().map(|rule| rule.kind);
    let mut kinds: Vec<Name> = rules.chain(chaos.windows.iter().map(|window| window.kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut kept: Vec<Name> =
        kinds.iter().copied().filter(|kind| draw(*kind).below("kept", 2) == 1).collect();
    if kept.is_empty() && !kinds.is_empty() {
        let one =
            draws.draw_site(Name::new("swarm"), Name::new("all"), 1).below("who stays", kinds.len() as u64);
        kept.push(kinds[one as usize]);
    }
    let factor = |kind: Name| FACTORS[draw(kind).below("factor", FACTORS.len() as u64) as usize];
    kept.into_iter().map(|kind| (kind, factor(kind))).collect()
}

fn more_likely(chance: Chance, factor: u64) -> Chance {
    let parts = u64::from(chance.as_per_million()) * factor / 1_000;
    Chance::per_million(parts.max(1) as u32).unwrap_or(Chance::ALWAYS)
}

/// The pauses of a timed fault that comes so many thousandths as often.
pub(super) fn more_often(window: &TimedFault, factor: u64) -> RangeInclusive<SimSpan> {
    let shorter = |span: SimSpan| span.saturating_mul(1_000).split(factor).max(SimSpan::from_nanos(1));
    shorter(*window.every.start())..=shorter(*window.every.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::tests::case;

    #[test]
    fn no_seed_is_left_without_any_fault_and_every_kind_is_kept_about_half_the_time() {
        let chaos = &case("conductor/lost-ack").scenario.chaos;
        let mut kept: BTreeMap<Name, u32> = BTreeMap::new();
        for seed in 0..1_000 {
            let swarmed = swarmed(chaos, Seed(seed));
            assert!(swarmed.rules.iter().any(|rule| rule.chance > Chance::NEVER), "seed {seed}");
            for (kind, _) in factors(chaos, Seed(seed)) {
                *kept.entry(kind).or_default() += 1;
            }
        }
        assert_eq!(kept.len(), 3);
        assert!(kept.values().all(|times| (480..620).contains(times)), "{kept:?}");
    }

    #[test]
    fn chances_stay_between_a_quarter_and_four_times_what_the_scenario_says() {
        let chaos = &case("conductor/all-faults").scenario.chaos;
        for seed in (0..200).map(Seed) {
            let kept = |rule: &perfidy_sim::Rule| rule.chance > Chance::NEVER;
            for rule in swarmed(chaos, seed).rules.into_iter().filter(kept) {
                let said = chaos.rules.iter().find(|said| said.kind == rule.kind).unwrap();
                let (said, now) = (said.chance.as_per_million(), rule.chance.as_per_million());
                assert!(now >= said / 4 && now <= said * 4, "{} of {said}: {now}", rule.kind);
            }
            for window in swarmed(chaos, seed).windows {
                let said = chaos.windows.iter().find(|said| said.site == window.site).unwrap();
                assert!(*window.every.start() >= said.every.start().split(4));
                assert!(*window.every.end() <= said.every.end().saturating_mul(4));
            }
        }
    }

    #[test]
    fn a_chance_ends_at_certainty_and_never_falls_to_nothing() {
        let chance = |parts| Chance::per_million(parts).unwrap();
        assert_eq!(more_likely(chance(400_000), 4_000), Chance::ALWAYS);
        assert_eq!(more_likely(chance(1), 250), chance(1));
    }
}
