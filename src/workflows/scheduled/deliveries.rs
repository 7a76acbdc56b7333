//! Deliveries: a source sends each trigger to one runner after the other, until the run is over.

use super::TriggerMessage;
use crate::agent::{Agent, DUPLICATE_TRIGGER, LATE_TRIGGER, TRIGGER, TRIGGER_BURST};
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::cell::Cell;
use std::rc::Rc;

/// How long a source waits after an answer that it cannot read.
const PAUSE: SimSpan = SimSpan::from_secs(1);

/// The deliveries of one source. Clones share them.
#[derive(Clone)]
pub(super) struct Deliveries {
    agent: Agent,
    team: TeamContext,
    /// After how long a trigger is delivered again.
    redelivers: SimSpan,
    /// Until when no trigger leaves, by the monotonic clock.
    held_until: Rc<Cell<SimTime>>,
}

impl Deliveries {
    pub fn new(agent: &Agent, team: &TeamContext, redelivers: SimSpan) -> Self {
        Self { agent: agent.clone(), team: team.clone(), redelivers, held_until: Rc::default() }
    }

    /// Delivers the trigger at that place, as often as it takes.
    pub async fn deliver(&self, task: Name, place: usize) {
        self.meet_fault(task, place).await;
        for nth in place.. {
            self.until_released().await;
            let (runner, fire) = self.firing(task, nth);
            self.agent.declare_wait(runner, "end of a run", task);
            let Ok(reply) = self.agent.request(runner, task, fire, self.redelivers).await else { continue };
            match reply.open() {
                Some(TriggerMessage::Finished { task: finished }) if *finished == task => break,
                _ => self.agent.sleep(PAUSE).await,
            }
        }
        self.agent.withdraw_wait(task);
    }

    /// Which runner is told to begin the run, and how: each delivery has a fresh id.
    fn firing(&self, task: Name, nth: usize) -> (Name, TriggerMessage) {
        let runners = &self.team.workers;
        let run = self.agent.new_operation_id(task);
        (runners[nth % runners.len()], TriggerMessage::Fire { task, run })
    }

    /// What goes wrong with the source as it is about to deliver a trigger for the first time.
    async fn meet_fault(&self, task: Name, place: usize) {
        let Some((fault, span)) = self.agent.fault_at(TRIGGER, task, |_| true) else { return };
        match fault {
            LATE_TRIGGER => self.agent.sleep(span).await,
            TRIGGER_BURST => {
                let until = self.agent.monotonic() + span;
                self.held_until.set(self.held_until.get().max(until));
            }
            DUPLICATE_TRIGGER => {
                let source = self.clone();
                self.agent.spawn(async move {
                    source.agent.sleep(span).await;
                    let (runner, fire) = source.firing(task, place);
                    source.agent.send(runner, task, fire);
                });
            }
            _ => {}
        }
    }

    /// Waits until triggers leave.
    async fn until_released(&self) {
        loop {
            let left = self.held_until.get().since(self.agent.monotonic());
            if left == SimSpan::ZERO {
                return;
            }
            self.agent.sleep(left).await;
        }
    }
}
