//! The runs from which it is learnt what agents do: few, short, and always the same.

use super::{Actions, Roles, storm};
use crate::agent::Agents;
use crate::scenario::{Cancelled, Case, Contents, Scenario};
use perfidy_sim::{Chance, Chaos, Engine, Name, Outcome, Plan, Seed, SimSpan, Stop};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A team does with so many tasks what it does with thousands.
const TASKS: u32 = 4;

/// A role of so many agents does what one of a thousand does, and has a majority.
const AGENTS_OF_A_ROLE: u32 = 5;

/// A run that takes longer has shown enough.
const EVENTS: u32 = 20_000;

/// How many storms there are for the scenario as written, and how many for each case that takes something away.
const STORMS: u64 = 30;
const STORMS_OF_A_CASE: u64 = 5;

/// More cases than this teach nothing new.
const CASES: usize = 16;

/// How long a storm lasts after the last task has come.
const STORM: SimSpan = SimSpan::from_secs(5 * 60);

/// What is known so far of what the agents of a scenario do, and the runs that can show more.
pub(crate) struct Learner {
    cases: Vec<Case>,
    roles: Roles,
    tools: BTreeSet<Name>,
    next: Turn,
    known: Actions,
    /// Whether the agents can be watched at all: code that needs another engine cannot.
    is_sound: bool,
}

/// The next run: which case, and which storm; the first has none.
#[derive(Clone, Copy)]
struct Turn {
    case: usize,
    storm: u64,
}

impl Learner {
    /// Nothing is known yet of this scenario. Whatever goes wrong in it is left out.
    pub fn new(scenario: &Scenario) -> Self {
        let roles = Roles::of_workflow(&scenario.workflow);
        let tools = scenario.tools.keys().copied().collect();
        let mut cases = Case::all(&Arc::new(small(scenario)));
        cases.truncate(CASES);
        let (next, known) = (Turn { case: 0, storm: 0 }, Actions::default());
        Self { cases, roles, tools, next, known, is_sound: true }
    }

    /// Whether what is looked for comes up in any of the runs. Where agents cannot be watched, everything does.
    pub fn shows(&mut self, is_there: impl Fn(&Actions, &Roles) -> bool) -> bool {
        loop {
            if is_there(&self.known, &self.roles) {
                return true;
            }
            if !self.run_next() {
                return !self.is_sound;
            }
        }
    }

    /// The same, with the roles by which agents are known here.
    pub fn all_with_roles(&mut self) -> (&Actions, &Roles) {
        while self.run_next() {}
        (&self.known, &self.roles)
    }

    /// What is known after all of the runs.
    pub fn all(&mut self) -> &Actions {
        while self.run_next() {}
        &self.known
    }

    /// Makes the next run; false if there is none left.
    fn run_next(&mut self) -> bool {
        let Turn { case: number, storm } = self.next;
        let Some(case) = self.cases.get(number).filter(|_| self.is_sound) else { return false };
        let storms = if number == 0 { STORMS } else { STORMS_OF_A_CASE };
        self.next = if storm < storms {
            Turn { case: number, storm: storm + 1 }
        } else {
            Turn { case: number + 1, storm: 0 }
        };
        let plan = match storm {
            0 => Plan::calm(),
            storm => Plan::Fuzz(Arc::new(storm::of(&case.scenario, storm))),
        };
        let outcome = watch(case, Seed(storm), plan);
        self.is_sound = storm > 0 || !matches!(outcome.stop, Stop::Panicked { .. } | Stop::Spinning { .. });
        self.known.observe(&outcome, &self.roles, &self.tools);
        true
    }
}

/// Runs a case and counts everything.
fn watch(case: &Case, seed: Seed, plan: Plan) -> Outcome<Agents> {
    Engine::Native.run(|| {
        let mut world = case.world(seed, plan);
        world.notice(&storm::all_places());
        world.watch_timeouts();
        world
    })
}

/// A scenario of the same team with little to do, in which the user often thinks better of it.
fn small(scenario: &Scenario) -> Scenario {
    let mut small = Contents::clone(scenario);
    small.tasks.count = small.tasks.count.min(TASKS);
    if let Some(Cancelled { chance, .. }) = &mut small.tasks.cancelled {
        *chance = (*chance).max(Chance::per_million(500_000).expect("one half"));
    }
    for count in small.team.values_mut() {
        *count = (*count).min(AGENTS_OF_A_ROLE);
    }
    small.most_events = Some(EVENTS.min(small.most_events.unwrap_or(EVENTS)));
    let until = small.tasks.last_at() + STORM;
    small.chaos = Arc::new(Chaos { until, ..Chaos::default() });
    Scenario(small)
}
