//! Guided: what led to something new is varied.
//!
//! The idea of fuzzers that watch what their inputs reach (Zalewski's AFL; for histories of distributed
//! systems, Meng et al. 2023, "Greybox fuzzing of distributed systems"). A run whose history shows a
//! [behaviour](super::behaviour) that none had shown before is kept, as the list of its faults. Most trials
//! take one that was kept and add a fault that could have been injected in it, leave one out, move one, or
//! give it another seed. What is new is varied most; with every variation its energy becomes less. A run that
//! broke a property is a result and not varied.

use super::{Feedback, Kind, PlanOf, Strategy, Trial, WantedFeedback, after, random};
use crate::scenario::Case;
use perfidy_sim::{DrawSite, Draws, Fault, Name, Plan, Seed};
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) const KIND: Kind = Kind {
    name: "guided",
    about: "mutates the fault plans of runs that reached new behaviour (coverage-guided)",
    ends: false,
    start: |start| Ok(Box::new(Guided::new(start.case, start.first_seed))),
};

/// How many runs are kept; the oldest go first.
const KEPT: usize = 128;
/// The energy of a run that has just been kept.
const ENERGY: u64 = 32;
/// How many trials there are before their feedback is wanted.
const BATCH: usize = 32;

pub(super) struct Guided {
    next: Seed,
    random: PlanOf,
    /// Every behaviour that a run has shown, sorted.
    seen: Arc<Vec<u64>>,
    kept: VecDeque<Kept>,
}

/// A run worth varying.
struct Kept {
    seed: Seed,
    faults: Vec<Fault>,
    /// What could have been injected in it as well.
    chances: Vec<Fault>,
    energy: u64,
}

impl Guided {
    pub(super) fn new(case: &Case, first_seed: Seed) -> Self {
        let random = random::plan_of(case);
        Self { next: first_seed, random, seen: Arc::default(), kept: VecDeque::new() }
    }

    /// The next trial. All of its draws come from `fresh`, a seed that no other trial had.
    pub(super) fn trial(&mut self, fresh: Seed) -> Trial {
        let draws = Draws::new(fresh);
        let draw = |nth| draws.draw_site(Name::new("guided"), Name::new("trial"), nth);
        let wants = WantedFeedback::Coverage(Arc::clone(&self.seen));
        let Some(kept) = self.pick(draw(0)) else {
            return Trial { seed: fresh, plan: (self.random)(fresh), wants };
        };
        let (mut seed, mut faults) = (kept.seed, kept.faults.clone());
        for nth in 1..=1 + draw(0).below("how much", 3) as u32 {
            match draw(nth).below("how", 8) {
                0 => seed = fresh,
                1..=4 => add(&mut faults, &kept.chances, draw(nth)),
                5 => remove(&mut faults, draw(nth)),
                _ => shift(&mut faults, &kept.chances, draw(nth)),
            }
        }
        Trial { seed, plan: Plan::Explicit(faults.into()), wants }
    }

    /// One that was kept, by energy; in one of four cases, and while there is none, nothing.
    fn pick(&mut self, draw: DrawSite<'_>) -> Option<&Kept> {
        let energy: u64 = self.kept.iter().map(|kept| kept.energy).sum();
        if energy == 0 || draw.below("fresh", 4) == 0 {
            return None;
        }
        let mut point = draw.below("which", energy);
        let picked = self.kept.iter_mut().find(|kept| {
            let is_here = point < kept.energy;
            point = point.saturating_sub(kept.energy);
            is_here
        })?;
        picked.energy = (picked.energy - 1).max(1);
        Some(picked)
    }
}

impl Strategy for Guided {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        let trial = |_| {
            let fresh = self.next;
            self.next = after(fresh);
            self.trial(fresh)
        };
        (0..limit.min(BATCH)).map(trial).collect()
    }

    fn learn(&mut self, trial: &Trial, feedback: &Feedback) {
        // An earlier trial of the batch may have shown it all by now.
        let is_new = feedback.coverage.iter().any(|coverage| self.seen.binary_search(coverage).is_err());
        if !is_new {
            return;
        }
        let seen = Arc::make_mut(&mut self.seen);
        seen.extend(&feedback.coverage);
        seen.sort_unstable();
        seen.dedup();
        if !feedback.holds {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            seed: trial.seed,
            faults: feedback.injected.clone(),
            chances: feedback.chances.clone(),
            energy: ENERGY,
        });
    }
}

fn one_of<'a>(faults: &'a [Fault], draw: DrawSite<'_>) -> Option<&'a Fault> {
    let place = (!faults.is_empty()).then(|| draw.below("one of", faults.len() as u64))?;
    faults.get(place as usize)
}

/// Adds a fault, unless one is injected there already.
fn add(faults: &mut Vec<Fault>, chances: &[Fault], draw: DrawSite<'_>) {
    let more = one_of(chances, draw).filter(|more| faults.iter().all(|fault| fault.at != more.at));
    faults.extend(more.copied());
}

fn remove(faults: &mut Vec<Fault>, draw: DrawSite<'_>) {
    if !faults.is_empty() {
        faults.remove(draw.below("goes", faults.len() as u64) as usize);
    }
}

/// Injects a fault at another of the places where one of its kind can.
fn shift(faults: &mut Vec<Fault>, chances: &[Fault], draw: DrawSite<'_>) {
    let Some(kind) = one_of(faults, draw).map(|fault| fault.action.kind()) else { return };
    let alike: Vec<Fault> = chances.iter().copied().filter(|fault| fault.action.kind() == kind).collect();
    remove(faults, draw);
    add(faults, &alike, draw);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::tests::case;
    use std::collections::BTreeSet;

    fn fault(text: &str) -> Fault {
        let (at, action) = text.rsplit_once(": ").unwrap();
        Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
    }

    fn guided() -> (Guided, Trial) {
        let mut guided = Guided::new(&case("conductor/lost-ack"), Seed(3));
        let first = guided.next(1).remove(0);
        (guided, first)
    }

    fn feedback(coverage: &[u64]) -> Feedback {
        Feedback {
            holds: true,
            injected: vec![fault("ticketing, create, task-1, try 1: ack-lost")],
            chances: vec![fault("mail, send, task-1, try 1: ack-lost")],
            coverage: coverage.to_vec(),
            outline: None,
        }
    }

    #[test]
    fn only_what_is_new_is_kept() {
        let (mut guided, trial) = guided();
        for coverage in [&[1, 2][..], &[2], &[1, 2], &[2, 3]] {
            guided.learn(&trial, &feedback(coverage));
        }
        assert_eq!(guided.kept.len(), 2);
    }

    #[test]
    fn what_broke_a_promise_is_not_varied() {
        let (mut guided, trial) = guided();
        guided.learn(&trial, &Feedback { holds: false, ..feedback(&[1]) });
        assert!(guided.kept.is_empty());
    }

    #[test]
    fn variations_differ_and_never_plan_two_faults_for_one_address() {
        let (mut guided, trial) = guided();
        guided.learn(&trial, &feedback(&[1]));
        let trials: Vec<Trial> = (0..8).flat_map(|_| guided.next(BATCH)).collect();
        let explicit: Vec<&[Fault]> =
            trials.iter().filter(|t| matches!(t.plan, Plan::Explicit(_))).map(|t| t.plan.pinned()).collect();
        assert!(explicit.len() > trials.len() / 2);
        for faults in &explicit {
            let at: BTreeSet<_> = faults.iter().map(|fault| fault.at).collect();
            assert_eq!(at.len(), faults.len());
        }
        let sizes: BTreeSet<usize> = explicit.iter().map(|faults| faults.len()).collect();
        assert_eq!(sizes, BTreeSet::from([0, 1, 2]));
    }
}
