//! Storm: every seed has faults that are many times as likely, and more likely still where one has just
//! struck.
//!
//! A failure that takes several faults is as rare as the product of their chances: where all of them are f
//! times as likely, it comes f^k times as often. How far that goes differs from team to team, since a team
//! that meets too many faults never gets to its work; so each seed draws how stormy it is. As in
//! [swarm testing](super::swarm), some kinds of faults are left out, and of the others some are more likely than
//! the rest.
//!
//! Systems break where they recover: in the retry after a lost answer, in the takeover after a pause, in the
//! compensation after a refusal. So half of the seeds have [aftershocks](Aftershocks): a fault makes others
//! more likely for a while, at the nodes that it concerned and for the task that it was about. That aims the
//! next fault at what the team does because of the last one, without knowing what that is.

use super::swarm::more_often;
use super::{BySeed, Kind, PlanOf};
use crate::scenario::Case;
use perfidy_sim::{Aftershocks, Chance, Chaos, Draws, Name, Plan, Seed, SimSpan};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "storm",
    about: "faults many times as likely, and more likely still where one has just struck",
    ends: false,
    start: |start| {
        Ok(Box::new(BySeed { name: KIND.name, next: start.first_seed, plan_of: plan_of(start.case) }))
    },
};

/// A seed makes all faults 1 to 16 times as likely, in doublings.
const DOUBLINGS: u64 = 5;

/// One of so many kinds of faults is left out.
const LEFT_OUT: u64 = 4;

/// What the chance of one kind is multiplied by in addition, in thousandths.
const OWN_FACTORS: [u64; 3] = [500, 1_000, 2_000];

/// No fault is more likely than this, in parts per million, unless the scenario says so: every message or
/// call meets many.
const MOST_LIKELY: u64 = 300_000;

/// Timed faults come at most so many times as often, in thousandths: each of them lasts.
const MOST_OFTEN: u64 = 4_000;

/// How many times as likely aftershocks are.
const AFTERSHOCKS: [u32; 3] = [4, 8, 16];

/// For how many seconds.
const AFTERSHOCK_SECONDS: [u64; 4] = [1, 5, 20, 60];

pub(super) fn plan_of(case: &Case) -> PlanOf {
    let chaos = Arc::clone(&case.scenario.chaos);
    Box::new(move |seed| Plan::Fuzz(Arc::new(stormy(&chaos, seed))))
}

/// The chaos of one seed. The pinned faults of the scenario stay. A rule that is left out is there and is
/// never injected: rules that concern the same places as those of the run before need not be looked up again.
fn stormy(chaos: &Chaos, seed: Seed) -> Chaos {
    let factors = factors(chaos, seed);
    let mut stormy = Chaos { aftershocks: aftershocks(seed), ..chaos.clone() };
    for rule in &mut stormy.rules {
        rule.chance = more_likely(rule.chance, factors[&rule.kind]);
    }
    stormy.windows.retain_mut(|window| {
        let factor = factors[&window.kind].min(MOST_OFTEN);
        if factor > 0 {
            window.every = more_often(window, factor);
        }
        factor > 0
    });
    stormy
}

/// What a seed multiplies the chance of each kind by, in thousandths; zero for those that it leaves out.
fn factors(chaos: &Chaos, seed: Seed) -> BTreeMap<Name, u64> {
    let draws = Draws::new(seed);
    let draw = |what: Name| draws.draw_site(Name::literal("storm"), what, 1);
    let doublings = draw(Name::literal("all")).below("doublings", DOUBLINGS);
    let factor = |kind: Name| {
        if draw(kind).below("left out", LEFT_OUT) == 0 {
            return 0;
        }
        OWN_FACTORS[draw(kind).below("own factor", OWN_FACTORS.len() as u64) as usize] << doublings
    };
    let rules = chaos.rules.iter().map(|rule| rule.kind);
    let kinds = rules.chain(chaos.windows.iter().map(|window| window.kind));
    kinds.map(|kind| (kind, factor(kind))).collect()
}

fn aftershocks(seed: Seed) -> Option<Aftershocks> {
    let draws = Draws::new(seed);
    let draw = draws.draw_site(Name::literal("storm"), Name::literal("aftershocks"), 1);
    let one_of = |purpose: &'static str, among: usize| draw.below(purpose, among as u64) as usize;
    (draw.below("there are any", 2) == 1).then(|| Aftershocks {
        factor: AFTERSHOCKS[one_of("factor", AFTERSHOCKS.len())],
        within: SimSpan::from_secs(AFTERSHOCK_SECONDS[one_of("seconds", AFTERSHOCK_SECONDS.len())]),
    })
}

fn more_likely(chance: Chance, factor: u64) -> Chance {
    if factor == 0 {
        return Chance::NEVER;
    }
    let said = u64::from(chance.as_per_million());
    let parts = (said * factor / 1_000).min(said.max(MOST_LIKELY));
    Chance::per_million(parts.max(1) as u32).unwrap_or(Chance::ALWAYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::tests::case;

    #[test]
    fn each_seed_leaves_kinds_out_and_makes_the_others_up_to_thirty_two_times_as_likely() {
        let chaos = &case("conductor/lost-ack").scenario.chaos;
        let of_seeds = (0..1_000).map(|seed| factors(chaos, Seed(seed)));
        let mut drawn: BTreeMap<u64, u32> = BTreeMap::new();
        of_seeds.flat_map(BTreeMap::into_values).for_each(|factor| *drawn.entry(factor).or_default() += 1);
        let factors: Vec<u64> = drawn.keys().copied().collect();
        assert_eq!(factors, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
        assert!((600..900).contains(&drawn[&0]), "{drawn:?}");
    }

    #[test]
    fn a_chance_ends_where_a_team_could_not_work_any_more_and_one_that_is_higher_stays() {
        let chance = |parts| Chance::per_million(parts).unwrap();
        assert_eq!(more_likely(chance(20_000), 4_000), chance(80_000));
        assert_eq!(more_likely(chance(20_000), 32_000), chance(300_000));
        assert_eq!(more_likely(chance(600_000), 32_000), chance(600_000));
        assert_eq!(more_likely(chance(1), 500), chance(1));
        assert_eq!(more_likely(chance(20_000), 0), Chance::NEVER);
    }

    #[test]
    fn timed_faults_come_at_most_four_times_as_often() {
        let chaos = &case("conductor/all-faults").scenario.chaos;
        for window in (0..200).flat_map(|seed| stormy(chaos, Seed(seed)).windows) {
            let said = chaos.windows.iter().find(|said| said.site == window.site).unwrap();
            assert!(*window.every.start() >= said.every.start().split(4), "{}", window.kind);
        }
    }

    #[test]
    fn about_half_of_the_seeds_have_aftershocks() {
        let with = (0..1_000).filter(|seed| aftershocks(Seed(*seed)).is_some()).count();
        assert!((400..600).contains(&with), "{with}");
    }
}
