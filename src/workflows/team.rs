//! What each agent of a team is told before the work begins, and how agents are put to work.

use crate::agent::{Agent, Agents, StoreService};
use crate::safeguards::Safeguards;
use crate::workflows::TeamConfig;
use perfidy_sim::{Context, Name, SimSpan, World};
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// What an agent knows from the beginning: its team's configuration. Never the faults.
#[derive(Clone)]
pub struct TeamContext(Rc<Shared>);

/// The configuration, which the runs of all threads share. Agents of one run count their own clones, so that
/// threads do not contend for the count of the `Arc`.
struct Shared(Arc<TeamConfig>);

impl Deref for TeamContext {
    type Target = TeamConfig;

    fn deref(&self) -> &TeamConfig {
        &self.0.0
    }
}

impl TeamContext {
    /// The context of a team with this configuration.
    pub fn new(config: Arc<TeamConfig>) -> Self {
        Self(Rc::new(Shared(config)))
    }

    /// The safeguards that are on.
    pub fn safeguards(&self) -> &Safeguards {
        &self.safeguards
    }

    /// Puts the store that the team shares into the world.
    pub fn open_store(&self, world: &mut World<Agents>) {
        let service = match &self.store {
            Some(store) => StoreService::new(store.replicas, store.lag.clone()),
            None => StoreService::new(0, SimSpan::ZERO..=SimSpan::ZERO),
        };
        world.service(Name::literal(StoreService::NAME), service);
    }

    /// Puts an agent into the world that begins with `run`, now and after every crash.
    pub fn spawn_agent<F, R>(&self, world: &mut World<Agents>, name: Name, run: F)
    where
        F: Fn(Agent, Self) -> R + 'static,
        R: Future<Output = ()> + 'static,
    {
        let team = self.clone();
        world.process(name, move |context: Context<Agents>| {
            let agent = Agent::new(context, team.model_latency.clone());
            let agent = agent.with_model_faults(team.model_faults.clone()).with_chat_limits(team.chat);
            let agent = if team.drops_announcements { agent.that_says_nothing() } else { agent };
            run(agent, team.clone())
        });
    }
}
