//! What each agent of a team is told before the work begins, and how agents are put to work.

use crate::agent::{Agent, Agents, Model, StoreService};
use crate::safeguards::Safeguards;
use crate::safeguards::logical_clocks::LogicalClocks;
use crate::safeguards::reply_correlation::ReplyCorrelation;
use crate::safeguards::retry_writes::RetryWrites;
use crate::workflows::TeamConfig;
use crate::workflows::user::USER;
use perfidy_sim::{Context, Name, SimSpan, World};
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// What an agent knows from the beginning: its team's configuration. Never the faults.
#[derive(Clone)]
pub struct TeamContext(Rc<Shared>);

/// What the agents of one run share. The configuration is that of the runs of all threads; agents count their
/// own clones, so that threads do not contend for the count of the `Arc`.
struct Shared {
    config: Arc<TeamConfig>,
    model: Rc<Model>,
}

impl Deref for TeamContext {
    type Target = TeamConfig;

    fn deref(&self) -> &TeamConfig {
        &self.0.config
    }
}

impl TeamContext {
    /// The context of a team with this configuration.
    pub fn new(config: Arc<TeamConfig>) -> Self {
        let (latency, faults) = (config.model_latency.clone(), config.model_faults.clone());
        let model = Model::new(latency, config.chat, faults);
        Self(Rc::new(Shared { config, model: Rc::new(model) }))
    }

    /// The safeguards that are on.
    pub fn safeguards(&self) -> &Safeguards {
        &self.safeguards
    }

    /// The agent without the protections of its handle that a scenario takes away.
    fn unprotected(&self, agent: Agent) -> Agent {
        let safeguards = self.safeguards();
        let takes_the_next = safeguards.lacks::<ReplyCorrelation>();
        let agent = if takes_the_next { agent.that_takes_the_next_reply() } else { agent };
        if safeguards.lacks::<RetryWrites>() { agent.that_writes_once() } else { agent }
    }

    /// The agent with what its clients stamp calls by, where tools order calls by stamps.
    fn with_clock(&self, agent: Agent) -> Agent {
        if self.stamped_tools.is_empty() {
            return agent;
        }
        agent.that_stamps(&self.stamped_tools, self.safeguards().has::<LogicalClocks>())
    }

    /// Puts the store that the team shares into the world.
    pub fn open_store(&self, world: &mut World<Agents>) {
        let service = match &self.store {
            Some(store) => StoreService::new(store.replicas, store.lag.clone()),
            None => StoreService::new(0, SimSpan::ZERO..=SimSpan::ZERO),
        };
        world.service(Name::literal(StoreService::NAME), service);
    }

    /// Puts an agent into the world that begins with `run`, now and after every crash. Only the node of the
    /// user can end the run.
    pub fn spawn_agent<F, R>(&self, world: &mut World<Agents>, name: Name, run: F)
    where
        F: Fn(Agent, Self) -> R + 'static,
        R: Future<Output = ()> + 'static,
    {
        let team = self.clone();
        world.process(name, move |context: Context<Agents>| {
            let agent =
                Agent::with_model(context, Rc::clone(&team.0.model)).that_may_fail(team.agent_failures);
            let agent = if team.drops_announcements { agent.that_says_nothing() } else { agent };
            let agent = if name.as_str() == USER { agent } else { agent.that_may_not_finish() };
            run(team.with_clock(team.unprotected(agent)), team.clone())
        });
    }
}
