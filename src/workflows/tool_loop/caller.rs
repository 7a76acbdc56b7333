//! The tool calls of an assistant: what its model asks for, checked and made.

use crate::agent::{Agent, CallRequest, Content, OpId, Operation, Receipt, ToolResult};
use crate::protocols::until_some;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::check_arguments::{CheckArguments, are_as_ordered};
use crate::safeguards::intent_keys::IntentKeys;
use crate::safeguards::persist::Operations;
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan};
use std::rc::Rc;

/// How long the assistant waits before it asks a tool again that does not say what is done.
pub(super) const TOOL_PAUSE: SimSpan = SimSpan::from_secs(5);

/// A call that can be made.
pub(super) struct Prepared {
    /// The id by which its result refers to it.
    pub call: OpId,
    /// What the tool is asked to do.
    pub operation: Operation,
    /// Under which operation id.
    pub op: OpId,
    /// Whether what it does cannot be undone.
    pub is_irreversible: bool,
    tried_before: bool,
}

/// Makes tool calls. Clones share the operation ids.
#[derive(Clone)]
pub(super) struct Caller {
    agent: Agent,
    team: TeamContext,
    operations: Rc<Operations>,
}

impl Caller {
    /// The caller, recovered from its agent's journal.
    pub fn recover(agent: &Agent, team: &TeamContext) -> Self {
        let operations = Rc::new(Operations::recover(agent));
        Self { agent: agent.clone(), team: team.clone(), operations }
    }

    /// What a call that the model asks for comes to. `tried_before` says that it may have been made before.
    ///
    /// # Errors
    /// What the model is told if the call cannot be made.
    pub async fn prepare(
        &self,
        task: Name,
        call: &CallRequest,
        tried_before: bool,
    ) -> Result<Prepared, ToolResult> {
        let (order, is_irreversible) = self.order_of(task, &call.operation).ok_or(ToolResult::UnknownTool)?;
        let arguments = &call.operation.arguments;
        let checks = self.team.safeguards().has::<CheckArguments>();
        if !fits(arguments, &order.arguments) || checks && !are_as_ordered(arguments, &order) {
            return Err(ToolResult::InvalidArguments);
        }
        let (op, tried_before) = self.operation_id(call, tried_before).await;
        Ok(Prepared { call: call.id, operation: call.operation.clone(), op, tried_before, is_irreversible })
    }

    /// The receipt of a call that was made before, if its tool has it on record; asks until the tool answers.
    /// Without `observe-before-retry` nothing is looked up.
    pub async fn earlier_receipt(&self, prepared: &mut Prepared) -> Option<Receipt> {
        let policy = CallPolicy::of(self.team.safeguards());
        if !prepared.tried_before || !policy.looks_before_retry {
            return None;
        }
        prepared.tried_before = false;
        let look_up = async || self.agent.look_up(&prepared.operation, policy.timeout).await.ok();
        until_some(&self.agent, TOOL_PAUSE, look_up).await.map(|done| done.receipt)
    }

    /// Makes a call, and says what the model is told about it.
    pub async fn make(&self, prepared: &Prepared) -> ToolResult {
        let Prepared { operation, op, tried_before, .. } = prepared;
        let policy = CallPolicy::of(self.team.safeguards());
        match call_with_retry(&self.agent, &policy, operation, *op, *tried_before).await {
            Ok(done) => ToolResult::Done(done.receipt),
            Err(error) => ToolResult::Failed(error),
        }
    }

    /// The step of a task that asks a tool for this, if there is one, and whether it cannot be undone.
    fn order_of(&self, task: Name, asked: &Operation) -> Option<(Operation, bool)> {
        let plan = &self.team.plan;
        let steps = plan.steps.iter().enumerate();
        let mut orders = steps.map(|(number, step)| (plan.operation_of(task, number), step.irreversible));
        orders.find(|(order, _)| {
            (order.intent, order.tool, order.name) == (asked.intent, asked.tool, asked.name)
        })
    }

    /// The id of the operation of a call, and whether it may have been tried: that of the call, as the
    /// model's API gave it, or one for each intent.
    async fn operation_id(&self, call: &CallRequest, tried_before: bool) -> (OpId, bool) {
        let safeguards = self.team.safeguards();
        if !safeguards.has::<IntentKeys>() {
            return (call.id, tried_before);
        }
        self.operations.id_for(&self.agent, safeguards, call.operation.intent).await
    }
}

/// Whether arguments fit the schema of the tool: a table of values where the step has one, and otherwise
/// nothing.
fn fits(arguments: &Content, ordered: &Content) -> bool {
    if ordered.is_nothing() { arguments.is_nothing() } else { arguments.json().is_object() }
}
