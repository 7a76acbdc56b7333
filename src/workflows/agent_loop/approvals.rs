//! Asking a person before a call that cannot be undone, and a guardrail before one that it must check.
//!
//! The agent that has the loop receives all messages, and passes the decisions of the approver and of the
//! guardrail on to here. A decision of the approver for which no loop waits is kept: the next request reads
//! it first, and takes it for its own answer unless approvals are bound to their requests.

use super::checks::Checks;
use crate::agent::{Agent, Delivery, OpId, Operation};
use crate::protocols::{ApprovalMessage, ApprovalRequest, Decision, GuardrailMessage};
use crate::safeguards::approval_binding::answers;
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::known_defect::Defect;
use crate::workflows::TeamContext;
use crate::workflows::approver::APPROVER;
use perfidy_sim::{Name, SimTime};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::sync::Notify;

/// How often the approver is asked for one call; each time the agent waits until the request expires.
const ASKS: u32 = 5;

/// The decisions of the approver and of the guardrail that an agent has received. Clones share them.
#[derive(Clone)]
pub struct Approvals {
    agent: Agent,
    team: TeamContext,
    unread: Rc<RefCell<VecDeque<Decision>>>,
    arrived: Rc<Notify>,
    checks: Checks,
}

impl Approvals {
    /// None so far.
    pub fn new(agent: &Agent, team: &TeamContext) -> Self {
        let (checks, agent, team) = (Checks::new(agent, team), agent.clone(), team.clone());
        Self { agent, team, unread: Rc::default(), arrived: Rc::default(), checks }
    }

    /// Takes a message if it is a decision of the approver or of the guardrail.
    pub fn accept(&self, mail: &Delivery) -> bool {
        if let Some(verdicts) = mail.open::<GuardrailMessage>() {
            self.checks.accept(verdicts);
            return true;
        }
        let Some(ApprovalMessage::Decided(decision)) = mail.open() else { return false };
        self.unread.borrow_mut().push_back(decision.clone());
        self.arrived.notify_one();
        true
    }

    /// What the guardrail has checked.
    pub(super) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Whether a call must be approved before it is made, and how.
    pub(super) fn gate(&self) -> Option<ApprovalGate> {
        self.team.safeguards().get::<ApprovalGate>().copied()
    }

    /// Asks for a call until there is an answer, so often that none means no. The result is what the agent
    /// takes the answer for: a decision on this call.
    pub(super) async fn ask(&self, operation: &Operation, op: OpId, gate: ApprovalGate) -> Option<Decision> {
        let (approver, intent) = (Name::literal(APPROVER), operation.intent);
        for _ in 0..ASKS {
            let expires_at = self.agent.now() + gate.expires_after;
            let request = ApprovalRequest { operation: operation.clone(), op, expires_at };
            self.agent.before("ask", intent).await;
            self.agent.declare_wait(approver, "an approval", intent);
            self.agent.send(approver, intent, ApprovalMessage::Requested(request.clone()));
            while let Some(decision) = self.next(expires_at).await {
                if answers(self.team.safeguards(), &decision, &request, self.agent.now()) {
                    self.agent.withdraw_wait(intent);
                    let last = self.later_decision(operation, op).unwrap_or(decision);
                    let Decision { is_approved, expires_at, .. } = last;
                    return Some(Decision { expires_at, ..request.decided(is_approved) });
                }
            }
        }
        self.agent.withdraw_wait(intent);
        None
    }

    /// The last decision on this call that has arrived and was not read: a person can decide anew.
    pub(super) fn later_decision(&self, operation: &Operation, op: OpId) -> Option<Decision> {
        if Defect::LaterDecisionUnread.is_in(self.team.safeguards()) {
            return None;
        }
        let mut unread = self.unread.borrow_mut();
        let last = unread.iter().rfind(|decision| decision.call() == (operation, op)).cloned();
        unread.retain(|decision| decision.call() != (operation, op));
        last
    }

    /// The next decision, if one comes until then, by the wall clock.
    async fn next(&self, until: SimTime) -> Option<Decision> {
        loop {
            let decision = self.unread.borrow_mut().pop_front();
            if decision.is_some() {
                return decision;
            }
            let left = until.since(self.agent.now());
            self.agent.within(left, "an approval", self.arrived.notified()).await.ok()?;
        }
    }
}
