//! Exhaustive: every fault, then every pair of faults, and so on, with one seed.
//!
//! Chance finds what is likely. What is left is proved small by small: a calm run shows every place where a fault
//! could strike, and each of them is tried alone; what then comes up anew (a retry, a node that is back) is read from
//! that run, and each is tried in addition. Most failures of distributed systems need few faults (Yuan et al. 2014,
//! "Simple testing can prevent most critical failures"), so small numbers go far.
//!
//! A set of faults that breaks a promise is not made larger: that it breaks is known.

use super::{Bounds, Kind, Lesson, Refused, Start, Strategy, Trial, Wants, chances};
use crate::explore::Run;
use perfidy_sim::{Address, Draws, Fault, Name, Plan, Seed};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) const KIND: Kind = Kind {
    name: "exhaustive",
    about: "every fault of the scenario at every place of a run, then every pair, up to --faults",
    ends: true,
    start: |start| Ok(Box::new(Exhaustive::new(start)?)),
};

struct Exhaustive {
    case: String,
    seed: Seed,
    /// What happens before anything goes wrong.
    calm: Plan,
    /// The kinds of faults there are.
    kinds: Vec<Name>,
    bounds: Bounds,
    /// How many plans there are at least.
    expected: u64,
    /// Whether a drawn part of the plans stands for all.
    is_sample: bool,
    /// The sets of this size that are left.
    left: VecDeque<Vec<Fault>>,
    /// The sets that are larger by one.
    larger: BTreeSet<Vec<Fault>>,
    asked: u64,
    answered: u64,
    all_hold: bool,
    gave_up: Option<String>,
}

impl Exhaustive {
    fn new(start: &Start<'_>) -> Result<Self, Refused> {
        let Start { case, engine, first_seed: seed, bounds } = *start;
        let calm = chances::calm(&case.scenario.chaos);
        let run = Run::marked(case, engine, seed, &calm);
        let single = chances::of(&case.scenario.chaos, &run.outcome, usize::MAX);
        let expected = sets(&single, bounds.faults);
        let mut exhaustive = Self {
            case: case.to_string(),
            seed,
            calm,
            kinds: case.scenario.fault_kinds.clone(),
            bounds,
            expected,
            is_sample: false,
            left: VecDeque::from([Vec::new()]),
            larger: BTreeSet::new(),
            asked: 0,
            answered: 0,
            all_hold: true,
            gave_up: None,
        };
        if expected > bounds.plans {
            let Some(sample) = bounds.sample else { return Err(Refused(exhaustive.too_many(expected))) };
            exhaustive.is_sample = true;
            exhaustive.left.extend(shuffled(drawn(&single, seed, bounds.faults, sample), seed));
        }
        Ok(exhaustive)
    }

    fn too_many(&self, plans: u64) -> String {
        format!(
            "{}: {} would take at least {plans} plans, more than --max-plans {}; raise it, or try some with --sample",
            self.case,
            or_fewer(self.bounds.faults),
            self.bounds.plans
        )
    }

    fn trial(&self, faults: &[Fault]) -> Trial {
        let is_last = self.is_sample || faults.len() == self.bounds.faults;
        let wants = if is_last { Wants::Verdict } else { Wants::Chances };
        let plan = if faults.is_empty() {
            self.calm.clone()
        } else {
            Plan::Explicit(self.calm.pinned().iter().chain(faults).copied().collect())
        };
        Trial { seed: self.seed, plan, wants }
    }

    fn is_over(&self) -> bool {
        self.left.is_empty()
            && self.larger.is_empty()
            && self.answered == self.asked
            && self.gave_up.is_none()
    }
}

impl Strategy for Exhaustive {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        if self.left.is_empty() && self.gave_up.is_none() {
            let plans = self.asked + self.larger.len() as u64;
            if plans > self.bounds.plans && !self.larger.is_empty() {
                self.gave_up = Some(self.too_many(plans));
            } else {
                self.left = shuffled(std::mem::take(&mut self.larger), self.seed).collect();
            }
        }
        let sets: Vec<_> = self.left.drain(..limit.min(self.left.len())).collect();
        self.asked += sets.len() as u64;
        sets.iter().map(|faults| self.trial(faults)).collect()
    }

    fn learn(&mut self, trial: &Trial, lesson: &Lesson) {
        self.answered += 1;
        self.all_hold &= lesson.holds;
        if !lesson.holds {
            return;
        }
        let faults = &trial.plan.pinned()[self.calm.pinned().len()..];
        let is_free = |at: Address| trial.plan.pinned().iter().all(|fault| fault.at != at);
        for more in lesson.chances.iter().filter(|fault| is_free(fault.at)) {
            let mut set: Vec<Fault> = faults.iter().chain([more]).copied().collect();
            set.sort_unstable();
            self.larger.insert(set);
        }
    }

    fn opening(&self) -> Option<String> {
        let Self { case, seed, expected, bounds, .. } = self;
        let faults = or_fewer(bounds.faults);
        Some(if self.is_sample {
            let sample = self.left.len();
            format!("{case}: {sample} plans, drawn from {expected} of {faults}, seed {seed}")
        } else if bounds.faults <= 1 {
            format!("{case}: {expected} plans of {faults}, seed {seed}")
        } else {
            format!(
                "{case}: at least {expected} plans of {faults} (faults make room for others), seed {seed}"
            )
        })
    }

    fn closing(&self) -> Option<String> {
        if !self.all_hold || !self.is_over() {
            return None;
        }
        let kinds = self.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        let Self { asked, seed, expected, .. } = self;
        let faults = or_fewer(self.bounds.faults);
        Some(if self.is_sample {
            format!("no violation in {asked} plans, drawn from {expected} of {faults} (seed {seed}): {kinds}")
        } else {
            format!("no violation under any {faults} of these kinds ({asked} plans, seed {seed}): {kinds}")
        })
    }

    fn gave_up(&self) -> Option<&str> {
        self.gave_up.as_deref()
    }
}

fn or_fewer(faults: usize) -> String {
    format!("{faults} or fewer faults")
}

/// The sets in a drawn order, so that what is found early is not a matter of names.
fn shuffled(sets: BTreeSet<Vec<Fault>>, seed: Seed) -> impl Iterator<Item = Vec<Fault>> {
    let draws = Draws::new(seed);
    let spot = |nth| draws.spot(Name::new("exhaustive"), Name::new("order"), nth);
    let mut sets: Vec<(u64, Vec<Fault>)> =
        sets.into_iter().zip(1..).map(|(set, nth)| (spot(nth).word("turn"), set)).collect();
    sets.sort_unstable();
    sets.into_iter().map(|(_, set)| set)
}

/// How many sets there are of at most so many faults, no two of them at the same address: the elementary symmetric
/// polynomials of the number of faults at each address.
fn sets(faults: &[Fault], most: usize) -> u64 {
    let mut at: BTreeMap<Address, u64> = BTreeMap::new();
    for fault in faults {
        *at.entry(fault.at).or_default() += 1;
    }
    let mut of_size = vec![0_u64; most + 1];
    of_size[0] = 1;
    for count in at.into_values() {
        for size in (1..=most).rev() {
            of_size[size] = of_size[size].saturating_add(of_size[size - 1].saturating_mul(count));
        }
    }
    of_size.into_iter().fold(0, u64::saturating_add)
}

/// So many different sets of the full size, or as many as turn up in a fair time.
fn drawn(single: &[Fault], seed: Seed, size: usize, sample: u64) -> BTreeSet<Vec<Fault>> {
    let draws = Draws::new(seed);
    let one = |nth| {
        let spot = draws.spot(Name::new("exhaustive"), Name::new("sample"), nth);
        single[spot.below("fault", single.len() as u64) as usize]
    };
    let mut chosen = BTreeSet::new();
    let mut nth = 0;
    for _ in 0..sample.saturating_mul(4) {
        let mut set: BTreeMap<Address, Fault> = BTreeMap::new();
        for _ in 0..size {
            nth += 1;
            let fault = one(nth);
            set.entry(fault.at).or_insert(fault);
        }
        let mut set: Vec<Fault> = set.into_values().collect();
        set.sort_unstable();
        chosen.insert(set);
        if chosen.len() as u64 == sample {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::CaseVerdict;
    use crate::explore::strategy::tests::{all_cases, case, report};
    use crate::scenario::{Case, Scenario};
    use perfidy_sim::Engine;

    fn start(case: &Case, bounds: Bounds) -> Result<Exhaustive, Refused> {
        Exhaustive::new(&Start { case, engine: Engine::Native, first_seed: Seed(3), bounds })
    }

    fn fault(at: &str) -> Fault {
        let (at, action) = at.rsplit_once(": ").unwrap();
        Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
    }

    #[test]
    fn every_safeguard_of_lost_ack_is_shown_to_be_needed_by_a_single_fault() {
        for case in all_cases("conductor/lost-ack").into_iter().skip(1) {
            let mut exhaustive = start(&case, Bounds::default()).unwrap();
            let report = report(&case, &mut exhaustive, u64::MAX, 2);
            assert!(matches!(report.verdict(), CaseVerdict::Caught(_)), "{case}: {:?}", report.verdict());
            assert_eq!(report.closing, None);
            assert_eq!(report.finding(case.without().unwrap().violates).unwrap().faults.len(), 1);
        }
    }

    #[test]
    fn lost_ack_holds_under_any_single_fault_and_says_so() {
        let case = case("conductor/lost-ack");
        let mut exhaustive = start(&case, Bounds::default()).unwrap();
        let expected = exhaustive.expected;
        let report = report(&case, &mut exhaustive, u64::MAX, 2);
        assert_eq!(report.verdict(), CaseVerdict::Holds);
        assert_eq!(report.seeds, expected);
        let said =
            format!("no violation under any 1 or fewer faults of these kinds ({expected} plans, seed 3)");
        assert!(report.closing.is_some_and(|closing| closing.starts_with(&said)), "{said}");
    }

    #[test]
    fn who_stops_early_states_nothing() {
        let case = case("conductor/lost-ack");
        let report = report(&case, &mut start(&case, Bounds::default()).unwrap(), 10, 2);
        assert_eq!((report.seeds, report.closing), (10, None));
    }

    /// One task of one step for one executor, and one lie: the tool is called once, so there is one place. Its answer
    /// is lost, and the call comes again: that is the second place, which a calm run does not have.
    #[test]
    fn places_that_come_up_only_because_of_a_fault_are_tried_as_well() {
        let text = "# One call.\nworkflow = \"conductor\"\n[team]\nexecutors = 1\n[[step]]\nname = \"file-ticket\"\n\
            tool = \"ticketing.create\"\n[tasks]\ncount = 1\n[safeguards]\nidempotency-keys = true\n\
            tool-dedupe = true\nretry = { attempts = 4, backoff = \"1s..2s\" }\n[tools.ticketing]\n\
            deduplicates = true\n[faults]\nack-lost = { at = \"ticketing\", operation = \"create\", chance = \"5%\" }\n";
        let scenario = Scenario::parse("tiny", text).unwrap_or_else(|problems| panic!("{problems}"));
        let case = Case::as_written(&scenario);
        for (faults, plans) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
            let bounds = Bounds { faults, ..Bounds::default() };
            let report = report(&case, &mut start(&case, bounds).unwrap(), u64::MAX, 2);
            assert_eq!(report.seeds, plans, "{faults} faults");
        }
    }

    #[test]
    fn sets_are_counted_without_two_faults_at_one_address() {
        let faults = ["a, x, try 1: drop", "a, x, try 1: delay 1s", "b, x, try 1: drop", "c, x, try 1: drop"];
        let faults = faults.map(fault);
        assert_eq!([0, 1, 2, 3, 4].map(|most| sets(&faults, most)), [1, 5, 10, 12, 12]);
    }

    #[test]
    fn too_many_plans_are_refused_before_the_first_unless_a_sample_will_do() {
        let case = case("conductor/lost-ack");
        let bounds = Bounds { faults: 2, plans: 100, sample: None };
        let refused = start(&case, bounds).err().unwrap().to_string();
        assert!(refused.contains("more than --max-plans 100"), "{refused}");
        let mut sampled = start(&case, Bounds { sample: Some(40), ..bounds }).unwrap();
        let report = report(&case, &mut sampled, u64::MAX, 2);
        assert_eq!(report.seeds, 41);
        assert!(report.closing.unwrap().starts_with("no violation in 41 plans, drawn from "));
    }
}
