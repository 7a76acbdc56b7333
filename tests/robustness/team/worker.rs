//! The workers: they do the steps, each once if possible.

use super::{AUDIT, Edit, TeamMessage};
use perfidy::agent::{Agent, Message, OpId, Operation, ToolCall, ToolError};
use perfidy::protocols::compose_call;
use perfidy::safeguards::Safeguards;
use perfidy::safeguards::checkpoint;
use perfidy::safeguards::idempotency::IdempotencyKeys;
use perfidy::safeguards::observe::ObserveBeforeRetry;
use perfidy::safeguards::persist::Operations;
use perfidy::safeguards::retry::Retry;
use perfidy::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Finished {
    intent: Name,
    round: u32,
}

impl Message for Finished {
    fn kind(&self) -> &'static str {
        "finished"
    }
}

#[derive(Clone)]
pub struct Worker {
    agent: Agent,
    team: TeamContext,
    edit: Edit,
    operations: Rc<Operations>,
    /// The round of each step that a worker has begun, and whether it is done.
    work: Rc<RefCell<BTreeMap<Name, (u32, bool)>>>,
}

impl Worker {
    pub fn recover(agent: Agent, team: TeamContext, edit: Edit) -> Self {
        let mut work = BTreeMap::new();
        checkpoint::recover(&agent, |Finished { intent, round }| {
            work.insert(*intent, (*round, true));
        });
        let operations = Rc::new(Operations::recover(&agent));
        Self { agent, team, edit, operations, work: Rc::new(RefCell::new(work)) }
    }

    pub async fn run(self) {
        loop {
            let mail = self.agent.receive().await;
            let Some(TeamMessage::Assign { task, step, round }) = mail.open().copied() else { continue };
            let (clerk, operation) = (mail.from(), self.team.plan.operation_of(task, step));
            let known =
                self.work.borrow().get(&operation.intent).copied().filter(|(known, _)| *known >= round);
            match known {
                Some((_, true)) => {
                    self.agent.send(clerk, operation.intent, TeamMessage::Done { task, step, round });
                }
                Some((_, false)) => {}
                None => {
                    self.work.borrow_mut().insert(operation.intent, (round, false));
                    let (worker, intent) = (self.clone(), operation.intent);
                    self.agent.spawn(async move {
                        let done = worker.carry_out(operation, round).await;
                        let say = if done {
                            TeamMessage::Done { task, step, round }
                        } else {
                            TeamMessage::Failed { task, step, round }
                        };
                        worker.agent.send(clerk, intent, say);
                    });
                }
            }
        }
    }

    async fn carry_out(&self, operation: Operation, round: u32) -> bool {
        let Self { agent, team, .. } = self;
        compose_call(agent, &operation, (300, 2), |_| true).await;
        let (op, tried_before) = self.operations.id_for(agent, team.safeguards(), operation.intent).await;
        let intent = operation.intent;
        self.prepare(&operation, op).await;
        if !self.perform(team.safeguards(), operation, op, tried_before).await {
            self.work.borrow_mut().remove(&intent);
            return false;
        }
        agent.before("record", intent).await;
        agent.persist(Finished { intent, round }).await;
        agent.after("record", intent).await;
        self.work.borrow_mut().insert(intent, (round, true));
        true
    }

    /// The additional actions of a worker before a step, in an edited team.
    async fn prepare(&self, operation: &Operation, op: OpId) {
        match self.edit {
            Edit::DrawMidway => {
                self.agent.draw("jitter", operation.intent, |draw| draw.bits("jitter"));
            }
            Edit::AuditCall => {
                let (tool, record) = (Name::new(AUDIT), Name::new("record"));
                let intent = Name::joined(operation.intent, "/", tool);
                let call = ToolCall::keyed(Operation::new(tool, record, intent), op);
                // Nothing depends on the answer to the audit.
                let _ = self.agent.call(call, self.patience()).await;
            }
            _ => {}
        }
    }

    fn patience(&self) -> SimSpan {
        SimSpan::from_secs(if self.edit == Edit::LongerTimeout { 8 } else { 5 })
    }

    async fn perform(
        &self,
        safeguards: &Safeguards,
        operation: Operation,
        op: OpId,
        tried_before: bool,
    ) -> bool {
        let is_keyed = safeguards.has::<IdempotencyKeys>();
        let call = if is_keyed {
            ToolCall::keyed(operation.clone(), op)
        } else {
            ToolCall::unkeyed(operation.clone(), op)
        };
        let Some(retry) = safeguards.get::<Retry>() else { return false };
        for failed in 1..=retry.attempts {
            let looks = safeguards.has::<ObserveBeforeRetry>() && (tried_before || failed > 1);
            let seen = if looks { self.agent.look_up(&operation, self.patience()).await } else { Ok(None) };
            match seen {
                Ok(Some(_)) => return true,
                Ok(None) => match self.agent.call(call.clone(), self.patience()).await {
                    Ok(_) => return true,
                    Err(ToolError::Definite(_)) => return false,
                    Err(ToolError::Indefinite(_)) => {}
                },
                Err(_) => {}
            }
            let wait = self.agent.draw("backoff", operation.intent, |draw| retry.wait(failed, draw));
            self.agent.sleep(wait).await;
        }
        false
    }
}
