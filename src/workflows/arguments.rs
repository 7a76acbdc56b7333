//! The arguments of a step: what its tool is called with.

use crate::agent::Content;
use perfidy_sim::Name;
use serde_json::Value;

/// The placeholder for the name of the task in texts among the arguments.
const TASK: &str = "{task}";

/// The arguments of a step, the same for every task except for its name: `{task}` within a text.
///
/// ```
/// use perfidy::workflows::StepArguments;
/// use perfidy_sim::Name;
/// use serde_json::json;
/// let arguments = StepArguments::new(json!({ "path": "plan.md", "content": "by {task}" }));
/// let of_task = arguments.of(Name::new("task-1"));
/// assert_eq!(of_task.json(), json!({ "path": "plan.md", "content": "by task-1" }));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepArguments {
    content: Content,
    /// Whether they contain the name of the task.
    names_task: bool,
}

impl StepArguments {
    /// Arguments as written in a file.
    pub fn new(arguments: Value) -> Self {
        let names_task = names_task(&arguments);
        Self { content: Content::of_json(arguments), names_task }
    }

    /// The arguments for a task.
    pub fn of(&self, task: Name) -> Content {
        if !self.names_task {
            return self.content.clone();
        }
        let mut arguments = self.content.json();
        name_task(&mut arguments, task);
        Content::of_json(arguments)
    }
}

fn names_task(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(TASK),
        Value::Array(parts) => parts.iter().any(names_task),
        Value::Object(table) => table.values().any(names_task),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn name_task(value: &mut Value, task: Name) {
    match value {
        Value::String(text) => *text = text.replace(TASK, task.as_str()),
        Value::Array(parts) => parts.iter_mut().for_each(|part| name_task(part, task)),
        Value::Object(table) => table.values_mut().for_each(|part| name_task(part, task)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
