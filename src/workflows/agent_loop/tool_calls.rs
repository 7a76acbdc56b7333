//! The calls of a loop that go to tools.

use super::{Calls, PreparedCall, TOOL_PAUSE};
use crate::agent::{
    Agent, CallRequest, Confirmation, Content, Headers, OpId, Operation, Receipt, ToolResult,
};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::give_up_after::ask_until_given_up;
use crate::safeguards::intent_keys::IntentKeys;
use crate::safeguards::persist::Operations;
use crate::workflows::TeamContext;
use perfidy_sim::Name;
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;

/// Makes tool calls. Clones share the operation ids.
#[derive(Clone)]
pub struct ToolCalls {
    agent: Agent,
    team: TeamContext,
    operations: Rc<Operations>,
    /// The ids that came with an order, by intent.
    given: Arc<[(Name, OpId)]>,
    /// Whether another agent may have made the same calls under these ids.
    were_tried: bool,
}

impl ToolCalls {
    /// The calls of an agent, with the operation ids from its journal.
    pub fn recover(agent: &Agent, team: &TeamContext) -> Self {
        let operations = Rc::new(Operations::recover(agent));
        let (given, were_tried) = (Arc::default(), false);
        Self { agent: agent.clone(), team: team.clone(), operations, given, were_tried }
    }

    /// The same, made for an order: under these headers, and with `intent-keys` under the ids that the order
    /// carries, by intent. `were_tried` says that another agent may have made the same calls.
    #[must_use]
    pub fn ordered(&self, headers: Headers, given: Arc<[(Name, OpId)]>, were_tried: bool) -> Self {
        Self { agent: self.agent.under(headers), given, were_tried, ..self.clone() }
    }
}

impl Calls for ToolCalls {
    fn is_irreversible(&self, operation: &Operation) -> bool {
        let plan = &self.team.plan;
        plan.steps
            .iter()
            .any(|step| step.irreversible && (step.tool, step.operation) == (operation.tool, operation.name))
    }

    /// That of the call, as the model's API gave it, or one for each intent.
    async fn operation_id(&self, call: &CallRequest, tried_before: bool) -> (OpId, bool) {
        let (safeguards, tried_before) = (self.team.safeguards(), tried_before || self.were_tried);
        if !safeguards.has::<IntentKeys>() {
            return (call.id, tried_before);
        }
        let intent = call.operation.intent;
        match self.given.iter().find(|(of, _)| *of == intent) {
            Some((_, op)) => (*op, tried_before),
            None => self.operations.id_for(&self.agent, safeguards, intent).await,
        }
    }

    /// Asks until the tool answers or it is given up; then the call looks again before it is made. Without
    /// `observe-before-retry` nothing is looked up.
    async fn earlier_receipt(&self, call: &mut PreparedCall) -> Option<Receipt> {
        let safeguards = self.team.safeguards();
        let policy = CallPolicy::of(safeguards);
        if !call.tried_before || !policy.looks_before_retry {
            return None;
        }
        let look_up = async || self.agent.look_up(&call.operation, policy.timeout).await.ok();
        let found = ask_until_given_up(&self.agent, safeguards, TOOL_PAUSE, look_up).await?;
        call.tried_before = false;
        found.map(|done| done.receipt)
    }

    async fn make(&self, call: &PreparedCall) -> ToolResult {
        let policy = CallPolicy::of(self.team.safeguards());
        let PreparedCall { operation, op, tried_before, .. } = call;
        match call_with_retry(&self.agent, &policy, operation, *op, *tried_before).await {
            Ok(Confirmation { receipt, result }) => match text_of(&result) {
                Some(text) => ToolResult::Said(receipt, text),
                None => ToolResult::Done(receipt),
            },
            Err(error) => ToolResult::Failed(error),
        }
    }
}

/// The texts in what a tool says, if there are any.
fn text_of(said: &Content) -> Option<Name> {
    let mut texts = Vec::new();
    if !said.is_nothing() {
        collect(said.json(), &mut texts);
    }
    (!texts.is_empty()).then(|| Name::new(&texts.join(" ")))
}

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
