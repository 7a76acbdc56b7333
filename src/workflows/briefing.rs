//! What everybody on a team is told before the work begins, and how they are put to work.

use crate::agent::{Agent, Agents, Consistency, Note, StoreService, UserEvent};
use crate::safeguards::Safeguards;
use crate::scenario::{Cancelled, Case};
use crate::workflows::Plan;
use perfidy_sim::{Context, Lookup, Name, SimSpan, World};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

/// What an agent knows from the beginning: the plan, its colleagues and the house rules. Never the faults.
#[derive(Clone)]
pub struct Briefing {
    case: Rc<Case>,
    /// The tasks' steps and names.
    pub plan: Rc<Plan>,
    /// The agents that carry out steps.
    pub doers: Arc<[Name]>,
    /// The place of each among these.
    places: Rc<Lookup<Name, usize>>,
}

impl Briefing {
    /// The briefing for a case, whose steps are carried out by the agents of `group`, if there is one.
    ///
    /// # Panics
    /// If the workflow has no such group.
    pub fn new(case: &Case, group: Option<&str>) -> Self {
        let doers: Arc<[Name]> =
            group.map_or_else(|| Arc::from([]), |group| case.scenario.cast().group(group).into());
        let mut places = Lookup::default();
        for (place, doer) in doers.iter().enumerate() {
            places.insert(*doer, place);
        }
        Self { case: Rc::new(case.clone()), plan: Rc::new(Plan::new(case)), doers, places: Rc::new(places) }
    }

    /// The place of an agent among those that carry out steps.
    pub fn place_of(&self, doer: Name) -> Option<usize> {
        self.places.get(doer).copied()
    }

    /// The members of a group.
    ///
    /// # Panics
    /// If the workflow has no such group.
    pub fn group(&self, group: &str) -> Vec<Name> {
        self.case.scenario.cast().group(group).to_vec()
    }

    /// The safeguards that are on.
    pub fn safeguards(&self) -> &Safeguards {
        &self.case.safeguards
    }

    /// What the user asks for beside the tasks: how far properties may go, and how the store is read.
    pub(super) fn demands(&self) -> impl Iterator<Item = Note> + '_ {
        let bounds = self.case.scenario.bounds.iter();
        let bounds = bounds.map(|(name, at_most)| {
            Note::User(UserEvent::Bound { property: Name::new(name), at_most: at_most.as_number() })
        });
        let reads = self
            .case
            .scenario
            .store
            .as_ref()
            .map(|store| Note::User(UserEvent::Declared { reads: store.reads }));
        bounds.chain(reads)
    }

    /// What the team relies on when it reads the store.
    pub fn declared_reads(&self) -> Consistency {
        self.case.scenario.store.as_ref().map_or(Consistency::Eventual, |store| store.reads)
    }

    /// Puts the store that the team shares into the world.
    pub fn open_store(&self, world: &mut World<Agents>) {
        let service = match &self.case.scenario.store {
            Some(store) => StoreService::new(store.replicas, store.lag.clone()),
            None => StoreService::new(0, SimSpan::ZERO..=SimSpan::ZERO),
        };
        world.service(Name::literal(StoreService::NAME), service);
    }

    /// The time between one task and the next.
    pub fn task_gap(&self) -> &std::ops::RangeInclusive<SimSpan> {
        &self.case.scenario.tasks.every
    }

    /// How much time the team has for each task, from when it takes it on.
    pub fn task_within(&self) -> Option<SimSpan> {
        self.case.scenario.tasks.within
    }

    /// Whether the user thinks better of some tasks.
    pub(super) fn cancelled(&self) -> Option<&Cancelled> {
        self.case.scenario.tasks.cancelled.as_ref()
    }

    /// Puts an agent into the world that begins with `run`, now and after every crash.
    pub fn hire<F, R>(&self, world: &mut World<Agents>, name: Name, run: F)
    where
        F: Fn(Agent, Self) -> R + 'static,
        R: Future<Output = ()> + 'static,
    {
        let briefing = self.clone();
        world.process(name, move |context: Context<Agents>| {
            let agent = Agent::new(context, briefing.case.scenario.model.latency.clone());
            let agent = if briefing.case.drops_announcements() { agent.that_says_nothing() } else { agent };
            run(agent, briefing.clone())
        });
    }
}
