//! Exhaustive: every fault, then every pair of faults, and so on, with one seed.
//!
//! Chance finds what is likely. What is left is proved small by small: a fault-free run shows every place
//! where a fault could be injected, and each of them is tried alone; what then comes up anew (a retry, a node
//! that is back) is read from that run, and each is tried in addition. Most failures of distributed systems
//! need few faults (Yuan et al. 2014, "Simple testing can prevent most critical failures"), so small numbers
//! go far.
//!
//! A set of faults that breaks a property is not made larger: that it breaks is known. For most others it
//! need not be tried either, as the result follows from that of others ([`reduction`](super::reduction)).
//!
//! Where there are too many sets, a sample of them is grown in the same way: every run is followed by as many
//! larger sets as its share allows, drawn from the places that this very run had, so that a sample too meets
//! what comes up only because of a fault.

use super::lineage::Lineage;
use super::reduction::Reduction;
use super::{
    Bounds, Feedback, Kind, Outline, Start, Strategy, StrategyRefused, Trial, WantedFeedback, chances,
    lineage,
};
use crate::explore::Run;
use perfidy_sim::{Address, Draws, Fault, Name, Plan, Seed};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) const KIND: Kind = Kind {
    name: "exhaustive",
    about: "every fault of the scenario at every point of a run, then every pair, up to --faults",
    ends: true,
    start: |start| Ok(Box::new(Exhaustive::new(start, Search::All)?)),
};

/// What is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Every set of faults, as far as the bounds say.
    All,
    /// Those that cut what an outcome rests on.
    Lineage,
}

pub(super) struct Exhaustive {
    search: Search,
    case: String,
    seed: Seed,
    /// What happens before anything goes wrong.
    fault_free: Plan,
    /// The kinds of faults there are.
    kinds: Vec<Name>,
    bounds: Bounds,
    /// How many plans there are at least.
    expected: u64,
    /// The faults of the run without any that are not tried alone.
    left_out: Vec<Fault>,
    /// Whether a drawn part of the plans stands for all.
    is_sample: bool,
    /// The sets of this size that are left, each with its share.
    left: VecDeque<(Vec<Fault>, u64)>,
    growth: Growth,
    asked: u64,
    answered: u64,
    all_hold: bool,
    gave_up: Option<String>,
}

/// How sets of faults grow.
enum Growth {
    /// By every fault that there is room for.
    Full {
        /// The sets that are larger by one, each with its share.
        larger: BTreeMap<Vec<Fault>, u64>,
        /// The shares of those that are tried.
        tried: BTreeMap<Vec<Fault>, u64>,
    },
    /// By those whose result does not follow from that of others.
    Reduced(Reduction),
}

impl Exhaustive {
    pub fn new(start: &Start<'_>, search: Search) -> Result<Self, StrategyRefused> {
        let Start { case, engine, first_seed: seed, bounds } = *start;
        let fault_free = chances::fault_free(&case.scenario.chaos);
        let run = Run::marked(case, engine, seed, &fault_free);
        let single = chances::of(&case.scenario, &run.outcome, chances::Detail::Full);
        let is_free = |fault: &Fault| fault_free.pinned().iter().all(|pinned| pinned.at != fault.at);
        let single: Vec<Fault> = single.into_iter().filter(is_free).collect();
        let expected = sets(&single, bounds.faults);
        // How many plans are left out is not known before they are tried, but for the first.
        let is_reduced = search == Search::Lineage || bounds.is_reduced && bounds.sample.is_none();
        let first = if is_reduced {
            let outline = Outline::of(&run.outcome, &single);
            match search {
                Search::All => outline.not_void(),
                Search::Lineage => Lineage::single(&outline),
            }
        } else {
            single.clone()
        };
        let least = if is_reduced { sets(&first, bounds.faults.min(1)) } else { expected };
        let first: BTreeSet<Fault> = first.into_iter().collect();
        let left_out = single.into_iter().filter(|fault| !first.contains(fault)).collect();
        let is_sample = !is_reduced && expected > bounds.plans && bounds.sample.is_some();
        let mut exhaustive = Self {
            search,
            case: case.to_string(),
            seed,
            fault_free,
            kinds: case.scenario.fault_kinds.clone(),
            bounds,
            expected: if bounds.faults <= 1 { least } else { expected },
            left_out,
            is_sample,
            left: VecDeque::new(),
            growth: Growth::Reduced(match search {
                Search::All => Reduction::new(),
                Search::Lineage => Reduction::by_lineage(),
            }),
            asked: 0,
            answered: 0,
            all_hold: true,
            gave_up: None,
        };
        if !is_reduced {
            let share = bounds.sample.filter(|_| is_sample).unwrap_or(ALL);
            let larger = BTreeMap::from([(Vec::new(), share)]);
            exhaustive.growth = Growth::Full { larger, tried: BTreeMap::new() };
        }
        if least > bounds.plans && !is_sample {
            return Err(StrategyRefused(exhaustive.too_many(least)));
        }
        Ok(exhaustive)
    }

    fn too_many(&self, plans: u64) -> String {
        format!(
            "{}: {} would take at least {plans} plans, more than --max-plans {}; raise it, or try some with --sample",
            self.case,
            up_to(self.bounds.faults),
            self.bounds.plans
        )
    }

    fn trial(&self, faults: &[Fault]) -> Trial {
        let is_last = faults.len() == self.bounds.faults;
        let wants = if is_last { WantedFeedback::Verdict } else { WantedFeedback::Chances };
        let plan = if faults.is_empty() {
            self.fault_free.clone()
        } else {
            Plan::Explicit(self.fault_free.pinned().iter().chain(faults).copied().collect())
        };
        Trial { seed: self.seed, plan, wants }
    }

    /// What is to be said of plans that are left out, if there are any: by the reduction, or by lineage.
    fn by_search(&self, reduction: &'static str, lineage: &'static str) -> &'static str {
        match (self.search, &self.growth) {
            (_, Growth::Full { .. }) => "",
            (Search::All, Growth::Reduced(_)) => reduction,
            (Search::Lineage, Growth::Reduced(_)) => lineage,
        }
    }

    fn is_over(&self) -> bool {
        let has_larger = match &self.growth {
            Growth::Full { larger, .. } => !larger.is_empty(),
            Growth::Reduced(reduction) => !reduction.is_over(),
        };
        self.left.is_empty() && !has_larger && self.answered == self.asked && self.gave_up.is_none()
    }
}

impl Growth {
    /// The sets that are to be tried next, each with its share.
    fn next(&mut self) -> BTreeMap<Vec<Fault>, u64> {
        match self {
            Self::Full { larger, .. } => std::mem::take(larger),
            Self::Reduced(reduction) => reduction.larger().into_iter().map(|set| (set, ALL)).collect(),
        }
    }
}

impl Strategy for Exhaustive {
    fn name(&self) -> &'static str {
        match self.search {
            Search::All => KIND.name,
            Search::Lineage => lineage::KIND.name,
        }
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        if self.left.is_empty() && self.gave_up.is_none() {
            let larger = self.growth.next();
            let plans = self.asked + larger.len() as u64;
            if plans > self.bounds.plans && !larger.is_empty() && !self.is_sample {
                self.gave_up = Some(self.too_many(plans));
            } else {
                self.left = shuffled(larger, self.seed, 0).collect();
            }
        }
        let sets: Vec<_> = self.left.drain(..limit.min(self.left.len())).collect();
        self.asked += sets.len() as u64;
        let trials = sets.iter().map(|(faults, _)| self.trial(faults)).collect();
        if let Growth::Full { tried, .. } = &mut self.growth {
            tried.extend(sets);
        }
        trials
    }

    fn learn(&mut self, trial: &Trial, feedback: &Feedback) {
        self.answered += 1;
        self.all_hold &= feedback.holds;
        let faults = &trial.plan.pinned()[self.fault_free.pinned().len()..];
        let is_free = |at: Address| trial.plan.pinned().iter().all(|fault| fault.at != at);
        match &mut self.growth {
            Growth::Full { larger, tried } => {
                let share = tried.remove(faults).unwrap_or_default();
                if !feedback.holds {
                    return;
                }
                let mut chances: Vec<Fault> =
                    feedback.chances.iter().filter(|fault| is_free(fault.at)).copied().collect();
                if share != ALL {
                    chances = shuffled(chances, self.seed, self.answered).collect();
                }
                let shares = shared(share, chances.len() as u64);
                for (more, share) in chances.into_iter().zip(shares) {
                    let mut set: Vec<Fault> = faults.iter().copied().chain([more]).collect();
                    set.sort_unstable();
                    let known = larger.entry(set).or_default();
                    *known = known.saturating_add(share);
                }
            }
            Growth::Reduced(reduction) => {
                if let Some(outline) = feedback.outline.as_ref().filter(|_| feedback.holds) {
                    reduction.learn(faults, outline);
                }
            }
        }
    }

    fn tries_plans(&self) -> bool {
        true
    }

    fn left_out(&self) -> &[Fault] {
        &self.left_out
    }

    fn opening(&self) -> Option<String> {
        let Self { case, seed, expected, bounds, .. } = self;
        let faults = up_to(bounds.faults);
        Some(match bounds.sample.filter(|_| self.is_sample) {
            Some(sample) => format!(
                "{case}: {sample} plans of {}, and the smaller ones that they grow from, drawn from at least {expected} \
                 of {faults}, seed {seed}",
                bounds.faults
            ),
            None if bounds.faults <= 1 => format!("{case}: {expected} plans of {faults}, seed {seed}"),
            None => format!(
                "{case}: at least {expected} plans of {faults} (faults make room for others){}, seed {seed}",
                self.by_search(", before causal reduction", ", of which lineage tries a part")
            ),
        })
    }

    fn closing(&self) -> Option<String> {
        if !self.all_hold || !self.is_over() {
            return None;
        }
        let kinds = self.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        let Self { asked, seed, expected, .. } = self;
        let faults = up_to(self.bounds.faults);
        let left_out = self.by_search(
            "; left out: those whose faults change nothing, or that go on as one of these did",
            "; left out: those that leave each outcome a way in which it came about in one of these",
        );
        Some(if self.is_sample {
            format!(
                "no violation in {asked} plans, drawn from at least {expected} of {faults} (seed {seed}): {kinds}"
            )
        } else {
            format!(
                "no violation under {faults} of these kinds ({asked} plans{left_out}, seed {seed}): {kinds}"
            )
        })
    }

    fn gave_up(&self) -> Option<&str> {
        self.gave_up.as_deref()
    }
}

/// The share of a set that all larger ones are tried after.
const ALL: u64 = u64::MAX;

/// How `share` is spread over so many: evenly, and who comes first has what is left over. Of all, each has
/// all.
fn shared(share: u64, among: u64) -> impl Iterator<Item = u64> {
    let (each, more) = match among {
        _ if share == ALL => (ALL, 0),
        0 => (0, 0),
        _ => (share / among, share % among),
    };
    (0..among).map(move |nth| if nth < more { each + 1 } else { each }).take_while(|share| *share > 0)
}

/// No fault, or any number of them up to so many, in words.
fn up_to(faults: usize) -> String {
    match faults {
        0 => "no fault".to_owned(),
        1 => "any single fault".to_owned(),
        2 => "any 1 or 2 faults".to_owned(),
        _ => format!("any 1 to {faults} faults"),
    }
}

/// Things in a drawn order, so that what is found early is not a matter of names. Every `turn` has an order
/// of its own.
pub(super) fn shuffled<T: Ord>(
    things: impl IntoIterator<Item = T>,
    seed: Seed,
    turn: u64,
) -> impl Iterator<Item = T> {
    let draws = Draws::new(Seed(seed.0.wrapping_add(turn)));
    let draw = |nth| draws.draw_site(Name::literal("exhaustive"), Name::literal("order"), nth);
    let mut things: Vec<(u64, T)> =
        things.into_iter().zip(1..).map(|(thing, nth)| (draw(nth).bits("turn"), thing)).collect();
    things.sort_unstable();
    things.into_iter().map(|(_, thing)| thing)
}

/// How many sets there are of at most so many faults, no two of them at the same address: the elementary
/// symmetric polynomials of the number of faults at each address.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::CaseVerdict;
    use crate::explore::strategy::tests::{all_cases, case, report};
    use crate::scenario::{Case, Scenario};
    use perfidy_sim::Engine;

    fn start(case: &Case, bounds: Bounds) -> Result<Exhaustive, StrategyRefused> {
        Exhaustive::new(&Start { case, engine: Engine::Native, first_seed: Seed(3), bounds }, Search::All)
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
            assert_eq!(report.finding(case.without().unwrap().violates[0]).unwrap().faults.len(), 1);
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
        let said = format!("no violation under any single fault of these kinds ({expected} plans, seed 3)");
        assert!(report.closing.is_some_and(|closing| closing.starts_with(&said)), "{said}");
    }

    /// A leader that stays away for long is replaced by another, who has nothing to forget; back before its
    /// lease is over, it leads on with what it has forgotten.
    #[test]
    fn the_shortest_crash_alone_shows_what_a_checkpoint_is_for() {
        let case = all_cases("standby/all-faults").remove(1);
        let report = report(&case, &mut start(&case, Bounds::default()).unwrap(), u64::MAX, 2);
        let finding = report.finding("completed-work-not-rerun").expect("one fault suffices");
        assert!(matches!(finding.faults[..], [Fault { action: perfidy_sim::Action::CrashAt { .. }, .. }]));
    }

    #[test]
    fn who_stops_early_states_nothing() {
        let case = case("conductor/lost-ack");
        let report = report(&case, &mut start(&case, Bounds::default()).unwrap(), 10, 2);
        assert_eq!((report.seeds, report.closing), (10, None));
    }

    /// One task of one step for one executor, and one lie: the tool is called once, so there is one place.
    /// Its answer is lost, and the call comes again: that is the second place, which a fault-free run does
    /// not have.
    #[test]
    fn places_that_come_up_only_because_of_a_fault_are_tried_as_well() {
        let text = "# One call.\nworkflow = \"conductor\"\n[team]\nexecutors = 1\n[[step]]\nname = \"file-ticket\"\n\
            tool = \"ticketing.create\"\n[tasks]\ncount = 1\n[safeguards]\nidempotency-keys = true\n\
            tool-dedupe = true\nretry = { attempts = 4, backoff = \"1s..2s\" }\n[tools.ticketing]\n\
            deduplicates = true\n[faults]\nack-lost = { at = \"ticketing\", operation = \"create\", chance = \"5%\" }\n";
        let scenario = Scenario::parse(&crate::suite::Suite::shipped(), "tiny", text)
            .unwrap_or_else(|problems| panic!("{problems}"));
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
        let bounds = Bounds { faults: 2, plans: 100, ..Bounds::default() };
        let refused = start(&case, bounds).err().unwrap().to_string();
        assert!(refused.contains("more than --max-plans 100"), "{refused}");
        let mut sampled = start(&case, Bounds { sample: Some(40), ..bounds }).unwrap();
        let report = report(&case, &mut sampled, u64::MAX, 2);
        assert!((70..=81).contains(&report.seeds), "1, 40 and nearly 40 different pairs: {}", report.seeds);
        let said = format!("no violation in {} plans, drawn from at least ", report.seeds);
        assert!(report.closing.is_some_and(|closing| closing.starts_with(&said)));
    }

    #[test]
    fn a_sample_meets_what_comes_up_only_because_of_a_fault() {
        let case = case("conductor/lost-ack");
        let fault_free =
            Run::marked(&case, Engine::Native, Seed(3), &chances::fault_free(&case.scenario.chaos));
        let fault_free = chances::of(&case.scenario, &fault_free.outcome, chances::Detail::Full);
        let mut sampled =
            start(&case, Bounds { faults: 2, plans: 100, sample: Some(200), ..Bounds::default() }).unwrap();
        report(&case, &mut sampled, 1 + fault_free.len() as u64, 2);
        let Growth::Full { larger, .. } = &sampled.growth else { panic!("a sample is not reduced") };
        let has_new = larger.keys().any(|set| set.iter().any(|fault| !fault_free.contains(fault)));
        assert!(has_new, "{} pairs", larger.len());
    }

    #[test]
    fn a_share_is_spread_without_loss() {
        assert_eq!(shared(7, 3).collect::<Vec<_>>(), [3, 2, 2]);
        assert_eq!(shared(2, 5).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(shared(ALL, 2).collect::<Vec<_>>(), [ALL, ALL]);
        assert_eq!(shared(4, 0).count(), 0);
    }
}
