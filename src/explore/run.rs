//! One run of one case, judged.

use crate::agent::{Agents, LeaseService, Note, ToolService};
use crate::properties::{self, Property, Verdict, Violation};
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::scenario::{Case, Tool};
use perfidy_sim::{
    Address, Engine, Event, Limits, Name, Outcome, Plan, Seed, SimSpan, SimTime, World, WorldConfig,
};
use std::sync::Arc;

/// How long a journal takes to make its writes durable.
const SYNC_LATENCY: std::ops::RangeInclusive<SimSpan> = SimSpan::from_millis(1)..=SimSpan::from_millis(5);

/// A run and what the properties say of it.
pub struct Run {
    /// What is left of it.
    pub outcome: Outcome<Agents>,
    /// What each property says, in the order of [`properties::ALL`].
    pub verdicts: Vec<(&'static Property, Verdict)>,
}

impl Run {
    /// Runs a case with the faults of its scenario.
    pub fn fuzzed(case: &Case, engine: Engine, seed: Seed) -> Self {
        Self::planned(case, engine, seed, &Plan::Fuzz(Arc::clone(&case.scenario.chaos)))
    }

    /// Runs a case with these faults.
    ///
    /// # Panics
    /// If the engine is not part of this build; ask [`Engine::available`] first.
    pub fn planned(case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Self {
        let outcome = engine.run(|| case.world(seed, plan.clone()));
        let verdicts =
            properties::ALL.iter().map(|property| (property, (property.judge)(&outcome.history))).collect();
        Self { outcome, verdicts }
    }

    /// The places that come up in a run until a moment.
    pub(crate) fn visited_until(
        case: &Case,
        engine: Engine,
        seed: Seed,
        plan: &Plan,
        until: SimTime,
    ) -> Vec<Address> {
        engine.run(|| case.world_until(seed, plan.clone(), until)).visited
    }

    /// How the property of that name was broken, if it was.
    pub fn violation(&self, property: &str) -> Option<&Violation> {
        self.verdicts.iter().find_map(|(judged, verdict)| match verdict {
            Verdict::Violated(violation) if judged.name == property => Some(violation),
            _ => None,
        })
    }
}

impl Case {
    /// The world of this case: network, lock service, tools and team.
    pub fn world(&self, seed: Seed, plan: Plan) -> World<Agents> {
        let until = self.scenario.heals_at() + self.scenario.settle_within;
        self.world_until(seed, plan, until)
    }

    /// The world of this case, which ends at this time at the latest.
    fn world_until(&self, seed: Seed, plan: Plan, until: SimTime) -> World<Agents> {
        let scenario = &self.scenario;
        let limits = Limits { until, ..Limits::default() };
        let links = scenario.network.to_links();
        let mut world = World::new(WorldConfig { seed, plan, links, sync_latency: SYNC_LATENCY, limits });
        world.service(Name::literal(LeaseService::NAME), LeaseService::default());
        for (name, tool) in &scenario.tools {
            let deduplicates = tool.deduplicates && self.safeguards.has::<ToolDedupe>();
            world.service(*name, ToolService::new(Tool { deduplicates, ..tool.clone() }));
        }
        (scenario.workflow.assemble)(self, &mut world);
        world
    }
}

/// The first event in which two runs that should be the same are not, in words.
pub fn first_difference(left: &Outcome<Agents>, right: &Outcome<Agents>) -> Option<String> {
    let (a, b) = left.history.first_difference(&right.history)?;
    let show = |event: Option<&Event<Note>>| {
        event.map_or_else(
            || "nothing more".to_owned(),
            |event| format!("{} at {} on {}: {:?}", event.id, event.at, event.node, event.what),
        )
    };
    Some(format!("one run has {}\nthe other has {}", show(a), show(b)))
}
