//! Errands: for each task one pursuit at a time, however often somebody asks for it.
//!
//! Agents without a coordinator hear of a task again and again: from the user, who has no answer yet, and
//! from each other. Whoever asks while the task is being pursued may know something that was not so when the
//! pursuit began, so it is pursued once more afterwards.

use crate::agent::Agent;
use perfidy_sim::{Lookup, Name};
use std::cell::RefCell;
use std::rc::Rc;

/// The errands of one agent. Clones share them.
#[derive(Clone, Default)]
pub struct Errands {
    /// Whether each running errand is to be run again.
    running: Rc<RefCell<Lookup<Name, bool>>>,
}

impl Errands {
    /// Pursues a task beside whatever else the agent does: now, or once more when the pursuit that is under
    /// way is over.
    pub fn pursue(&self, agent: &Agent, task: Name, pursuit: impl AsyncFn() + 'static) {
        if let Some(again) = self.running.borrow_mut().get_mut(task) {
            *again = true;
            return;
        }
        self.running.borrow_mut().insert(task, false);
        let errands = self.clone();
        agent.spawn(async move {
            loop {
                pursuit().await;
                let mut running = errands.running.borrow_mut();
                if running.get(task) == Some(&true) {
                    running.insert(task, false);
                } else {
                    running.remove(task);
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Agents;
    use crate::workflows::user::UserSay;
    use perfidy_sim::{Context, Engine, Seed, SimSpan, World, WorldConfig};

    #[test]
    fn whoever_asks_in_the_middle_is_heard_once_more_and_not_more_often() {
        let outcome = Engine::Native.run(|| {
            let mut world = World::<Agents>::new(WorldConfig::calm(Seed(1)));
            world.agent(Name::new("a"), |context: Context<Agents>| async move {
                let agent = Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO);
                let (errands, task) = (Errands::default(), Name::new("task-1"));
                for _ in 0..5 {
                    let pursuer = agent.clone();
                    errands.pursue(&agent, task, async move || {
                        pursuer.announce(task, UserSay::Cancel { task });
                        pursuer.sleep(SimSpan::from_secs(10)).await;
                    });
                    agent.sleep(SimSpan::from_secs(1)).await;
                }
                agent.finish_after(SimSpan::from_secs(60));
            });
            world
        });
        let times: Vec<_> = outcome.history.notes().map(|(event, _)| event.at.to_string()).collect();
        assert_eq!(times, ["0s", "10s"]);
    }
}
