//! The world of a case: its network, services, tools and team, and how far a run of it may go.

use crate::agent::{Agents, Altered, LeaseService};
use crate::faults::alter_message;
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::safeguards::traced_calls::TracedCalls;
use crate::scenario::{Case, Scenario};
use crate::tools::{ToolConfig, ToolService};
use crate::workflows::{OtherCode, Placement};
use perfidy_sim::{Limits, Name, Plan, Seed, SimSpan, World, WorldConfig};

/// How long a journal takes to make its writes durable.
const SYNC_LATENCY: std::ops::RangeInclusive<SimSpan> = SimSpan::from_millis(1)..=SimSpan::from_millis(5);

/// Events that any run may have, also of the smallest team.
const EVENTS: u64 = 200_000;

/// Events that a run may have for each unit of [`Scenario::work`].
const EVENTS_A_PIECE: u64 = 100;

/// More events than this only a file can allow: they would take more memory than a machine may have.
const MOST_EVENTS: u64 = 10_000_000;

/// Polls and operations without consequence that a run may have for each unit of [`Scenario::work`]:
/// something that looks at everything is not spinning.
const LOOKS_A_PIECE: u64 = 10;

/// How many events a run may have if its file does not say, in words.
pub(crate) fn usual_events() -> String {
    format!(
        "{EVENTS} and {EVENTS_A_PIECE} for every task with each of its steps and each agent, at most {MOST_EVENTS}"
    )
}

/// How far a run of a scenario may go.
fn limits(scenario: &Scenario) -> Limits {
    let usual = Limits::default();
    let work = scenario.work();
    let events = (EVENTS + EVENTS_A_PIECE * work).min(MOST_EVENTS) as u32;
    let scaled = |least: u32| u32::try_from(u64::from(least) + LOOKS_A_PIECE * work).unwrap_or(u32::MAX);
    Limits {
        until: scenario.ends_at(),
        events: scenario.most_events.unwrap_or(events),
        polls: scaled(usual.polls),
        operations: scaled(usual.operations),
    }
}

impl Case {
    /// The world of this case: network, lock service, tools and team.
    pub fn world(&self, seed: Seed, plan: Plan) -> World<Agents> {
        let program = self.scenario.program.as_ref().zip(self.scenario.suite.programs());
        let other = program.map(|((agent, program), programs)| {
            let recognises = |tool: &&ToolConfig| tool.deduplicates && self.safeguards.has::<ToolDedupe>();
            let tools = self.scenario.tools.iter();
            let recognising = tools.filter(|(_, tool)| recognises(tool)).map(|(name, _)| *name).collect();
            (*agent, programs.code(Placement { program, team: self.team(), recognising, seed }))
        });
        self.world_around(seed, plan, other.as_ref())
    }

    /// The same, with other code for the agent of a name.
    pub(crate) fn world_around(
        &self,
        seed: Seed,
        plan: Plan,
        other: Option<&(&'static str, OtherCode)>,
    ) -> World<Agents> {
        let scenario = &self.scenario;
        let limits = limits(scenario);
        let links = scenario.network.to_links();
        let previous_names = self.previous_names.clone();
        let config = WorldConfig { seed, plan, links, sync_latency: SYNC_LATENCY, limits, previous_names };
        let mut world = World::new(config);
        world.service(Name::literal(LeaseService::NAME), LeaseService::default());
        let kinds = scenario.suite.fault_kinds();
        let own = kinds.own().clone();
        world.alter_messages(move |(word, field), message, draw| {
            message.altered(|json| match own.find(word, Altered::Messages) {
                Some(_) => own.alter(word, Altered::Messages, json, draw),
                None => alter_message((word, field), json, draw),
            })
        });
        let faults = kinds.of_a_tool();
        for (name, tool) in &scenario.tools {
            let deduplicates = tool.deduplicates && self.safeguards.has::<ToolDedupe>();
            let refuses_untraced = self.safeguards.has::<TracedCalls>();
            let tool = ToolConfig { deduplicates, refuses_untraced, ..tool.clone() };
            world.service(*name, ToolService::new(&tool).subject_to(faults.clone()));
        }
        scenario.workflow.assemble_around(self.team(), &mut world, other);
        world
    }
}
