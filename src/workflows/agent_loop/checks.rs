//! Having a guardrail check what is asked for, or what the model asks for.

use crate::agent::{Agent, GUARDRAIL, Operation};
use crate::protocols::GuardrailMessage;
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::sync::Notify;

/// How long the agent waits for a verdict before it asks again, and how often it asks. No verdict means no.
const PATIENCE: SimSpan = SimSpan::from_secs(20);
const ASKS: u32 = 30;

/// What an agent knows of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Asked(SimTime),
    Done { is_allowed: bool },
}

/// The verdicts of a guardrail that an agent has received. Clones share them.
#[derive(Clone)]
pub(super) struct Checks {
    agent: Agent,
    /// The tools and operations that a guardrail must check.
    guarded: Rc<[(Name, Name)]>,
    /// What is known of each. There are few.
    known: Rc<RefCell<Vec<(Operation, Check)>>>,
    arrived: Rc<Notify>,
}

impl Checks {
    /// None so far.
    pub fn new(agent: &Agent, team: &TeamContext) -> Self {
        let steps = team.plan.steps.iter().filter(|step| step.guarded);
        let guarded = steps.map(|step| (step.tool, step.operation)).collect();
        Self { agent: agent.clone(), guarded, known: Rc::default(), arrived: Rc::default() }
    }

    /// Takes a message in.
    pub fn accept(&self, message: &GuardrailMessage) {
        let GuardrailMessage::Checked(verdicts) = message else { return };
        for verdict in verdicts.iter() {
            self.learn(&verdict.operation, Check::Done { is_allowed: verdict.is_allowed });
        }
        self.arrived.notify_waiters();
    }

    /// Those of these operations that a guardrail must check.
    pub fn guarded<'a>(&self, operations: impl Iterator<Item = &'a Operation>) -> Vec<Operation> {
        if self.guarded.is_empty() {
            return Vec::new();
        }
        let is_guarded = |operation: &&Operation| self.guarded.contains(&(operation.tool, operation.name));
        operations.filter(is_guarded).cloned().collect()
    }

    /// Has these checked that are not, or not any more: a question may be lost. The guardrail is shown what
    /// was requested.
    pub fn ask(&self, about: Name, requested: &[Operation], operations: &[Operation]) {
        let now = self.agent.monotonic();
        let is_open = |operation: &&Operation| match self.state(operation) {
            None => true,
            Some(Check::Asked(at)) => now.since(at) >= PATIENCE,
            Some(Check::Done { .. }) => false,
        };
        let open: Vec<Operation> = operations.iter().filter(is_open).cloned().collect();
        if open.is_empty() {
            return;
        }
        for operation in &open {
            self.learn(operation, Check::Asked(now));
        }
        let check = GuardrailMessage::Check { requested: requested.into(), operations: open.into() };
        self.agent.send(Name::literal(GUARDRAIL), about, check);
    }

    /// Whether one of these is known to be forbidden.
    pub fn forbid(&self, operations: &[Operation]) -> bool {
        let forbidden = Some(Check::Done { is_allowed: false });
        operations.iter().any(|operation| self.state(operation) == forbidden)
    }

    /// Whether all of these are allowed. It asks until there is a verdict on each, so often that none means
    /// no.
    pub async fn allow(&self, about: Name, requested: &[Operation], operations: &[Operation]) -> bool {
        let guardrail = Name::literal(GUARDRAIL);
        for _ in 0..ASKS {
            if self.are_done(operations) {
                break;
            }
            self.ask(about, requested, operations);
            self.agent.declare_wait(guardrail, "a verdict", about);
            let all_done = async {
                while !self.are_done(operations) {
                    self.arrived.notified().await;
                }
            };
            // After that, it asks again.
            let _ = self.agent.within(PATIENCE, "a verdict", all_done).await;
            self.agent.withdraw_wait(about);
        }
        let allowed = Some(Check::Done { is_allowed: true });
        operations.iter().all(|operation| self.state(operation) == allowed)
    }

    fn are_done(&self, operations: &[Operation]) -> bool {
        let is_done = |operation: &Operation| matches!(self.state(operation), Some(Check::Done { .. }));
        operations.iter().all(is_done)
    }

    fn state(&self, operation: &Operation) -> Option<Check> {
        self.known.borrow().iter().find(|(known, _)| known == operation).map(|(_, check)| *check)
    }

    fn learn(&self, operation: &Operation, check: Check) {
        let mut known = self.known.borrow_mut();
        match known.iter_mut().find(|(known, _)| known == operation) {
            Some((_, state)) => *state = check,
            None => known.push((operation.clone(), check)),
        }
    }
}
