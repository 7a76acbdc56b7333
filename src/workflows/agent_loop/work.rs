//! What a loop works on, how it ends, and where its calls go.

use crate::agent::{
    CallRequest, OpId, Operation, Receipt, RequestedStep, TaskRequest, ToolError, ToolResult,
};
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::{Step, TeamContext};
use perfidy_sim::Name;
use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::rc::Rc;
use std::sync::Arc;

/// A piece of work for a loop.
#[derive(Clone, Debug)]
pub struct LoopTask {
    /// What the model is asked for. Its turns and the records of the session have the name of that task.
    pub request: TaskRequest,
    /// The effects by which a verifier tells whether it is done: as tools have them on record.
    pub effects: Arc<[Operation]>,
    /// Until when it is wanted.
    pub scope: Rc<WorkScope>,
}

impl LoopTask {
    /// A whole task of a team, with its effects to verify, wanted for as long as it takes.
    pub fn of(team: &TeamContext, task: Name) -> Self {
        let plan = &team.plan;
        let step = |(number, step): (usize, &Step)| RequestedStep {
            operation: plan.operation_of(task, number),
            needs: step.needs.iter().map(|need| plan.intent(task, *need)).collect(),
        };
        let request = TaskRequest::new(task, plan.steps.iter().enumerate().map(step).collect());
        let effects = request.steps.iter().map(|step| step.operation.clone()).collect();
        Self { request, effects, scope: Rc::new(WorkScope::unlimited()) }
    }

    /// What it is to do.
    pub(super) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.request.steps.iter().map(|step| &step.operation)
    }

    /// Its name.
    pub fn work(&self) -> Name {
        self.request.task
    }
}

/// How a loop ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoopOutcome {
    /// Whether the work is done, as far as the loop knows.
    pub is_done: bool,
    /// What the calls that succeeded were confirmed with, by intent.
    pub receipts: BTreeMap<Name, Receipt>,
    /// The calls that came to nothing, or whose outcome is not known, each with the last error.
    pub failures: Vec<(CallRequest, ToolError)>,
    /// Whether a person has not approved a call.
    pub is_vetoed: bool,
    /// What tools have said.
    pub said: Vec<Name>,
}

/// A call that can be made.
#[derive(Clone, Debug)]
pub struct PreparedCall {
    /// The id by which its result refers to it.
    pub id: OpId,
    /// What is asked for.
    pub operation: Operation,
    /// Under which operation id.
    pub op: OpId,
    /// Whether it may have been made before.
    pub tried_before: bool,
}

/// Where the calls of a loop go. Clones make the same calls.
pub trait Calls: Clone + 'static {
    /// Whether an operation cannot be undone, so that a person must approve it.
    fn is_irreversible(&self, operation: &Operation) -> bool;

    /// The operation id of a call, and whether it may have been tried under that id.
    fn operation_id(&self, call: &CallRequest, tried_before: bool) -> impl Future<Output = (OpId, bool)>;

    /// The receipt of a call that was made before, if that can be looked up and was not yet; `None` also if
    /// nothing is known.
    fn earlier_receipt(&self, _: &mut PreparedCall) -> impl Future<Output = Option<Receipt>> {
        ready(None)
    }

    /// Makes a call, and says what the model is told about it.
    fn make(&self, call: &PreparedCall) -> impl Future<Output = ToolResult>;
}
