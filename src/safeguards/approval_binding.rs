//! Approval binding: an approval counts for the operation that it names, under its operation id, until it
//! expires.
//!
//! An agent that is interrupted for an approval and takes the next answer for the one it waits for can act on
//! the second copy of an earlier answer, on one that comes too late, or on one to an older request. The
//! operation and its id in the answer tell them apart. As the id is new for each operation, an approval
//! cannot be used for a second one.

use crate::config::{Entry, Problem};
use crate::protocols::{ApprovalRequest, Decision};
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::SimTime;

/// The switch.
#[derive(Default)]
pub struct ApprovalBinding;

impl Safeguard for ApprovalBinding {
    const NAME: &'static str = "approval-binding";
    const ABOUT: &'static str =
        "an approval counts only for the operation that it names, once, and until it expires";
    const EXAMPLE: &'static str = "approval-binding = true";
    const WITHOUT: &'static str = "the next answer of a person counts for the call that waits for one";
    const NEEDS: &'static str = "`approval-gate`";
    const PROTECTS: &'static [&'static str] = &["approved-before-irreversible", "no-effect-after-veto"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<ApprovalGate>(Self::NAME)
    }
}

/// Whether a decision that comes now answers a request. Without the switch, any decision does.
///
/// ```
/// use perfidy::agent::{OpId, Operation};
/// use perfidy::protocols::ApprovalRequest;
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::approval_binding::{ApprovalBinding, answers};
/// use perfidy_sim::{Name, SimSpan, SimTime};
///
/// let [tool, pay, intent] = ["bank", "pay", "task-1/pay"].map(Name::new);
/// let expires_at = SimTime::ZERO + SimSpan::from_secs(120);
/// let request = |op| ApprovalRequest { operation: Operation::new(tool, pay, intent), op, expires_at };
/// let decision = request(OpId(1)).decided(true);
///
/// let binds = Safeguards::default().with(ApprovalBinding);
/// assert!(answers(&binds, &decision, &request(OpId(1)), SimTime::ZERO));
/// assert!(!answers(&binds, &decision, &request(OpId(2)), SimTime::ZERO));
/// assert!(!answers(&binds, &decision, &request(OpId(1)), expires_at));
/// assert!(answers(&Safeguards::default(), &decision, &request(OpId(2)), expires_at));
/// ```
pub fn answers(
    safeguards: &Safeguards,
    decision: &Decision,
    request: &ApprovalRequest,
    now: SimTime,
) -> bool {
    !safeguards.has::<ApprovalBinding>() || decision.call() == request.call() && now < decision.expires_at
}
