//! Single-flight: an agent runs at most one instance of the same work, however often it is ordered.
//!
//! Senders repeat their orders until they are answered, so a worker gets an order for a step that it is
//! already working on. It must not start the step a second time ("duplicate call suppression", Go's package
//! `singleflight`). A repetition may also carry new information that the running work has not seen; then the
//! work runs once more afterwards.

use crate::agent::Agent;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

/// The running work of one agent, by key. Clones share it.
#[derive(Clone, Debug)]
pub struct SingleFlight<K> {
    /// Whether each must run once more when it is over.
    running: Rc<RefCell<BTreeMap<K, bool>>>,
}

impl<K: Ord> Default for SingleFlight<K> {
    fn default() -> Self {
        Self { running: Rc::default() }
    }
}

impl<K: Ord + Copy + 'static> SingleFlight<K> {
    /// Starts work concurrently with the agent, unless work under that key is running. Returns whether it was
    /// started.
    pub fn start(&self, agent: &Agent, key: K, work: impl Future<Output = ()> + 'static) -> bool {
        if self.running.borrow().contains_key(&key) {
            return false;
        }
        self.running.borrow_mut().insert(key, false);
        let running = Rc::clone(&self.running);
        agent.spawn(async move {
            work.await;
            running.borrow_mut().remove(&key);
        });
        true
    }

    /// Starts work concurrently with the agent, or makes it run once more when the current run is over.
    pub fn start_or_repeat(&self, agent: &Agent, key: K, work: impl AsyncFn() + 'static) {
        if let Some(again) = self.running.borrow_mut().get_mut(&key) {
            *again = true;
            return;
        }
        self.running.borrow_mut().insert(key, false);
        let running = Rc::clone(&self.running);
        agent.spawn(async move {
            loop {
                work().await;
                let mut running = running.borrow_mut();
                if running.get(&key) == Some(&true) {
                    running.insert(key, false);
                } else {
                    running.remove(&key);
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Agents, Message};
    use perfidy_sim::{Context, Engine, Name, Seed, SimSpan, World, WorldConfig};
    use serde::{Deserialize, Serialize};

    #[derive(Hash, Debug, Serialize, Deserialize)]
    struct Begun;

    impl Message for Begun {
        fn kind(&self) -> &'static str {
            "begun"
        }
    }

    /// The runs of work that `ask` requests five times, a second apart, and that takes ten seconds.
    fn runs(ask: fn(&SingleFlight<Name>, &Agent, Name)) -> Vec<String> {
        let outcome = Engine::Native.run(|| {
            let mut world = World::<Agents>::new(WorldConfig::fault_free(Seed(1)));
            world.process(Name::new("a"), move |context: Context<Agents>| async move {
                let agent = Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO);
                let (work, task) = (SingleFlight::default(), Name::new("task-1"));
                for _ in 0..5 {
                    ask(&work, &agent, task);
                    agent.sleep(SimSpan::from_secs(1)).await;
                }
                agent.finish_after(SimSpan::from_secs(60));
            });
            world
        });
        outcome.history.app_events().map(|(event, _)| event.at.to_string()).collect()
    }

    async fn work(agent: &Agent, task: Name) {
        agent.announce(task, Begun);
        agent.sleep(SimSpan::from_secs(10)).await;
    }

    #[test]
    fn work_that_is_under_way_is_not_started_again() {
        let times = runs(|flight, agent, task| {
            let worker = agent.clone();
            flight.start(agent, task, async move { work(&worker, task).await });
        });
        assert_eq!(times, ["0s"]);
    }

    #[test]
    fn work_that_is_asked_for_while_under_way_runs_once_more_and_not_more_often() {
        let times = runs(|flight, agent, task| {
            let worker = agent.clone();
            flight.start_or_repeat(agent, task, async move || work(&worker, task).await);
        });
        assert_eq!(times, ["0s", "10s"]);
    }
}
