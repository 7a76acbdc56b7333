//! What a scenario serves: its tools, one for each operation that its steps name, and what its user says.

use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::scenario::Case;
use crate::workflows::{Step, TaskPlan};
use perfidy_sim::Name;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

/// The argument that carries an idempotency key.
pub const KEY: &str = "idempotency_key";

/// The tool by which a client that has no other way tells its user how a task ended.
pub const TELL_USER: &str = "tell_user";

/// The longest name that model APIs accept for a function.
const LONGEST_NAME: usize = 64;

/// An operation of a tool, as clients see it.
#[derive(Clone, PartialEq, Debug)]
pub struct ServedTool {
    /// Its name: `ticketing_create`.
    pub name: String,
    /// The tool.
    pub tool: Name,
    /// The operation.
    pub operation: Name,
    /// What it is, in one line.
    pub about: String,
    /// The JSON Schema of its arguments.
    pub schema: Value,
}

/// A scenario cannot be served, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotServed(pub(super) String);

impl fmt::Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotServed {}

/// The tools and tasks of a scenario, as clients see them.
#[derive(Clone, Debug)]
pub struct Catalogue {
    tools: Vec<ServedTool>,
    plan: Arc<TaskPlan>,
}

impl Catalogue {
    /// That of a case.
    ///
    /// # Errors
    /// [`NotServed`] if two operations would have the same name, or one has a name that is too long.
    pub fn of(case: &Case) -> Result<Self, NotServed> {
        let has_dedupe = case.safeguards.has::<ToolDedupe>();
        let takes_key = |tool: Name| case.scenario.tools[&tool].deduplicates && has_dedupe;
        Self::of_plan(&case.team().plan, takes_key)
    }

    /// That of a plan; `takes_key` says which tools recognise idempotency keys.
    pub(super) fn of_plan(plan: &Arc<TaskPlan>, takes_key: impl Fn(Name) -> bool) -> Result<Self, NotServed> {
        let plan = Arc::clone(plan);
        let mut tools: BTreeMap<String, ServedTool> = BTreeMap::new();
        for (tool, operation) in plan.steps.iter().flat_map(Step::calls) {
            let name = served_name(tool, operation);
            if name.len() > LONGEST_NAME {
                return Err(NotServed(format!(
                    "`{tool}.{operation}` has a name of more than {LONGEST_NAME} characters, which model APIs refuse"
                )));
            }
            let served = ServedTool {
                about: format!("{operation}, by {tool}"),
                schema: schema(&plan, (tool, operation), takes_key(tool)),
                name: name.clone(),
                tool,
                operation,
            };
            let other = tools.insert(name.clone(), served);
            if other.is_some_and(|other| (other.tool, other.operation) != (tool, operation))
                || name == TELL_USER
            {
                return Err(NotServed(format!(
                    "`{tool}.{operation}` would be served as `{name}`, and so would another operation; rename one"
                )));
            }
        }
        Ok(Self { tools: tools.into_values().collect(), plan })
    }

    /// The tools.
    pub fn tools(&self) -> &[ServedTool] {
        &self.tools
    }

    /// The tool of that name.
    pub fn find(&self, name: &str) -> Option<&ServedTool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// The tool that serves an operation.
    pub(super) fn serving(&self, tool: Name, operation: Name) -> Option<&ServedTool> {
        self.tools.iter().find(|served| (served.tool, served.operation) == (tool, operation))
    }

    /// The names of the tasks, in the order in which they come.
    pub fn tasks(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.plan.tasks.iter().map(|task| task.as_str())
    }

    /// The task of that name.
    pub(super) fn task(&self, name: &str) -> Option<Name> {
        self.plan.tasks.iter().copied().find(|task| task.as_str() == name)
    }

    /// What the user says who wants a task done.
    ///
    /// # Panics
    /// If there is no task of that name.
    pub fn prompt(&self, task: &str) -> String {
        let task = self.task(task).expect("a task of this scenario");
        let mut text = format!("Please do {task}: each of these once, with the tools.\n");
        for (number, step) in self.plan.steps.iter().enumerate() {
            let Step { tool, operation, needs, .. } = step;
            let name = served_name(*tool, *operation);
            let _ = write!(text, "{}. {name}", number + 1);
            let arguments = step.arguments.of(task);
            if !arguments.is_nothing() {
                let _ = write!(text, " with {}", arguments.json());
            }
            if !needs.is_empty() {
                let needs: Vec<String> = needs.iter().map(|need| (need + 1).to_string()).collect();
                let _ = write!(text, ", after {}", needs.join(" and "));
            }
            text.push('\n');
        }
        text.push_str("Say at the end whether all of it is done.");
        text
    }
}

/// The name under which an operation is served. Model APIs allow letters, digits, `_` and `-`.
fn served_name(tool: Name, operation: Name) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' };
    format!("{tool}_{operation}").chars().map(plain).collect()
}

/// The schema of the arguments of an operation, as the steps that name it show them.
fn schema(plan: &TaskPlan, operation: (Name, Name), takes_key: bool) -> Value {
    let task = plan.tasks[0];
    let mut properties: Map<String, Value> = Map::new();
    let mut required: Option<Vec<String>> = None;
    for step in plan.steps.iter().filter(|step| step.calls().any(|call| call == operation)) {
        let arguments = step.arguments.of(task).json();
        let fields = arguments.as_object().cloned().unwrap_or_default();
        let names: Vec<String> = fields.keys().cloned().collect();
        required = Some(match required {
            None => names,
            Some(known) => known.into_iter().filter(|name| names.contains(name)).collect(),
        });
        for (name, value) in fields {
            properties.insert(name, json!({ "type": type_of(&value) }));
        }
    }
    if takes_key {
        let about = "Identifies the operation: a repetition with the same key has no second effect.";
        properties.insert(KEY.to_owned(), json!({ "type": "string", "description": about }));
    }
    json!({ "type": "object", "properties": properties, "required": required.unwrap_or_default() })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
