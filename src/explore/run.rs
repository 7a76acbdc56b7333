//! One run of one case, judged.

use crate::agent::{Agents, LeaseService, Note, ToolService};
use crate::properties::{self, Property, Verdict, Violation};
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::scenario::{Case, Tool};
use perfidy_sim::{Engine, Event, Limits, Name, Outcome, Plan, Seed, SimSpan, World, WorldConfig};
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
        Self::judged(engine.run(|| case.world(seed, plan.clone())))
    }

    /// The same, with the places that came up before the end of chaos told apart.
    pub(crate) fn marked(case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Self {
        Self::judged(engine.run(|| {
            let mut world = case.world(seed, plan.clone());
            world.mark(case.scenario.chaos.until);
            world
        }))
    }

    fn judged(outcome: Outcome<Agents>) -> Self {
        let verdicts =
            properties::ALL.iter().map(|property| (property, (property.judge)(&outcome.history))).collect();
        Self { outcome, verdicts }
    }

    /// How the property of that name was broken, if it was.
    ///
    /// # Panics
    /// If there is no property of that name: a test that asks for a promise that was never made would always pass.
    pub fn violation(&self, property: &str) -> Option<&Violation> {
        let property = properties::named(property).name;
        self.verdicts.iter().find_map(|(judged, verdict)| match verdict {
            Verdict::Violated(violation) if judged.name == property => Some(violation),
            _ => None,
        })
    }
}

impl Case {
    /// The world of this case: network, lock service, tools and team.
    pub fn world(&self, seed: Seed, plan: Plan) -> World<Agents> {
        let scenario = &self.scenario;
        let until = scenario.heals_at() + scenario.settle_within;
        let limits = Limits { until, ..Limits::default() };
        let links = scenario.network.to_links();
        let formerly = self.formerly.clone();
        let config = WorldConfig { seed, plan, links, sync_latency: SYNC_LATENCY, limits, formerly };
        let mut world = World::new(config);
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
