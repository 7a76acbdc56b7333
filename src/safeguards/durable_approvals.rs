//! Durable approvals: an approval is recorded before the call that it allows, and counts until that call has
//! its result.
//!
//! An agent that keeps an approval in memory has used it up once its run fails: after a crash, or when the
//! call is to be made again, the person is asked a second time about what is perhaps done. The second answer
//! may be late, none at all, or another one, and the task ends as if it had never been approved. An approval
//! on record is used by the next run, for the same call under the same operation id, until it expires. With
//! `intent-keys` a call that the model asks for again has that id too.

use crate::agent::{OpId, Operation};
use crate::config::{Entry, Problem};
use crate::protocols::Decision;
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::checkpoint::Checkpoint;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::SimTime;

/// The switch.
#[derive(Default)]
pub struct DurableApprovals;

impl Safeguard for DurableApprovals {
    const NAME: &'static str = "durable-approvals";
    const ABOUT: &'static str =
        "an approval is recorded before its call, and counts until that has its result";
    const EXAMPLE: &'static str = "durable-approvals = true";
    const WITHOUT: &'static str =
        "an approval is used up by a try, and after a crash the person is asked again";
    const NEEDS: &'static str = "`approval-gate`, `checkpoint`";
    const PROTECTS: &'static [&'static str] = &["no-lost-approval"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<ApprovalGate>(Self::NAME).or_else(|| setup.needs::<Checkpoint>(Self::NAME))
    }
}

/// What people have decided on the calls of an agent, as far as it has that on record. Of several decisions
/// on one call, the last counts.
///
/// ```
/// use perfidy::agent::{OpId, Operation};
/// use perfidy::protocols::ApprovalRequest;
/// use perfidy::safeguards::durable_approvals::ApprovalsOnRecord;
/// use perfidy_sim::{Name, SimSpan, SimTime};
///
/// let [tool, pay, intent] = ["bank", "pay", "task-1/pay"].map(Name::new);
/// let operation = Operation::new(tool, pay, intent);
/// let expires_at = SimTime::ZERO + SimSpan::from_secs(120);
/// let request = ApprovalRequest { operation: operation.clone(), op: OpId(1), expires_at };
///
/// let mut approvals = ApprovalsOnRecord::default();
/// approvals.record(request.decided(true));
/// assert!(approvals.allow(&operation, OpId(1), SimTime::ZERO));
/// assert!(!approvals.allow(&operation, OpId(2), SimTime::ZERO));
/// assert!(!approvals.allow(&operation, OpId(1), expires_at));
/// approvals.record(request.decided(false));
/// assert!(approvals.forbid(&operation, OpId(1)));
/// ```
#[derive(Clone, Default, Debug)]
pub struct ApprovalsOnRecord(Vec<Decision>);

impl ApprovalsOnRecord {
    /// Takes a decision in, in place of an earlier one on the same call.
    pub fn record(&mut self, decision: Decision) {
        self.0.retain(|earlier| earlier.call() != decision.call());
        self.0.push(decision);
    }

    /// Whether this call is approved, and the approval counts now.
    pub fn allow(&self, operation: &Operation, op: OpId, now: SimTime) -> bool {
        self.last(operation, op).is_some_and(|last| last.is_approved && now < last.expires_at)
    }

    /// Whether this call is vetoed.
    pub fn forbid(&self, operation: &Operation, op: OpId) -> bool {
        self.last(operation, op).is_some_and(|last| !last.is_approved)
    }

    fn last(&self, operation: &Operation, op: OpId) -> Option<&Decision> {
        self.0.iter().find(|decision| decision.call() == (operation, op))
    }
}
