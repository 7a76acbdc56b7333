//! A scenario written in code.
//!
//! A [`ScenarioBuilder`] writes the text of a scenario file, and what it builds is parsed from that text. So
//! code can say what a file can say, by the same names, and every rule, default and diagnostic is that of a
//! file. A scenario that has grown in code becomes a file with [`ScenarioBuilder::to_toml`].

use crate::config::Problems;
use crate::scenario::Scenario;
use crate::suite::Suite;
use serde_json::{Value, json};
use std::sync::Arc;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table};

/// A scenario that is being written; [`Scenario::of`] begins one.
///
/// A value is JSON: a `bool`, a number, a text, a list, or the keys of an entry as
/// [`json!`](serde_json::json) says them. Quantities are text, as in files: `"5%"`, `"50ms..2s"`. A value
/// that is given twice is the later one; `json!(null)` takes a value away. So a scenario can be varied:
///
/// ```
/// use perfidy::prelude::*;
///
/// let base = Scenario::of("conductor").step("file-ticket", "ticketing.create").tool("ticketing", json!({}));
/// for tasks in [1, 10] {
///     let scenario = base.clone().tasks(tasks).build(&Suite::shipped()).unwrap();
///     assert_eq!(scenario.tasks.count, tasks);
/// }
/// ```
#[must_use = "a scenario is there when it is built"]
#[derive(Clone, Debug)]
pub struct ScenarioBuilder {
    name: String,
    about: String,
    document: DocumentMut,
}

impl Scenario {
    /// Begins a scenario in code, for a workflow of that name.
    ///
    /// ```
    /// use perfidy::prelude::*;
    ///
    /// let scenario = Scenario::of("conductor")
    ///     .about("A lost acknowledgement must not file the ticket twice.")
    ///     .team("executors", 3)
    ///     .tasks(3)
    ///     .step("file-ticket", "ticketing.create")
    ///     .tool("ticketing", json!({ "deduplicates": true }))
    ///     .safeguard("idempotency-keys", true)
    ///     .safeguard("tool-dedupe", true)
    ///     .safeguard("retry", json!({ "attempts": 4, "backoff": "1s..30s" }))
    ///     .fault("ack-lost", json!({ "at": "ticketing", "chance": "30%" }))
    ///     .without("tool-dedupe", "no-duplicate-effects")
    ///     .build(&Suite::shipped())
    ///     .unwrap();
    /// let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    /// assert_eq!(run.violation("no-duplicate-effects"), None);
    ///
    /// // The same names as in a file, and the same diagnostics.
    /// let bad = Scenario::of("conductr").build(&Suite::shipped()).unwrap_err();
    /// assert!(bad.to_string().contains("did you mean `conductor`?"));
    /// ```
    pub fn of(workflow: &str) -> ScenarioBuilder {
        let mut document = DocumentMut::new();
        document["workflow"] = toml_edit::value(workflow);
        let about = format!("A scenario for {workflow}.");
        ScenarioBuilder { name: format!("{workflow}/in-code"), about, document }
    }
}

impl ScenarioBuilder {
    /// Names it, as its path below the scenario folder would; `WORKFLOW/in-code` is the default.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Says what it tests, in a line.
    pub fn about(self, about: &str) -> Self {
        Self { about: about.to_owned(), ..self }
    }

    /// How many agents a role has.
    pub fn team(self, role: &str, count: u32) -> Self {
        self.put(&["team", role], count.into())
    }

    /// How many tasks the user hands to the team.
    pub fn tasks(self, count: u32) -> Self {
        self.put(&["tasks", "count"], count.into())
    }

    /// One more step of each task: a name, and the tool with its operation, such as `ticketing.create`. A
    /// step with more keys is [pushed](Self::push).
    pub fn step(self, name: &str, tool: &str) -> Self {
        self.push("step", json!({ "name": name, "tool": tool }))
    }

    /// A tool with its keys.
    pub fn tool(self, name: &str, keys: impl Into<Value>) -> Self {
        self.put(&["tools", name], keys.into())
    }

    /// A safeguard: `true`, or its keys.
    pub fn safeguard(self, name: &str, value: impl Into<Value>) -> Self {
        self.put(&["safeguards", name], value.into())
    }

    /// A fault with its keys, or a list of them for a fault that is configured several times.
    pub fn fault(self, name: &str, keys: impl Into<Value>) -> Self {
        self.put(&["faults", name], keys.into())
    }

    /// One more case: without this safeguard, or this list of safeguards, the property must break; of a list
    /// of properties, each must.
    pub fn without(self, safeguards: impl Into<Value>, violates: impl Into<Value>) -> Self {
        self.push("without", json!({ "safeguards": safeguards.into(), "violates": violates.into() }))
    }

    /// Does not ask for a property, and says why.
    pub fn waive(self, property: &str, why: &str) -> Self {
        self.put(&["properties", property, "waive"], why.into())
    }

    /// Any value of a file by its path: `set("faults.until", "5m")`.
    ///
    /// ```
    /// use perfidy::prelude::*;
    ///
    /// let text = Scenario::of("conductor").set("settle.within", "20m").to_toml();
    /// assert_eq!(
    ///     text,
    ///     "# A scenario for conductor.\nworkflow = \"conductor\"\n\n[settle]\nwithin = \"20m\"\n"
    /// );
    /// ```
    pub fn set(self, path: &str, value: impl Into<Value>) -> Self {
        let path: Vec<&str> = path.split('.').collect();
        self.put(&path, value.into())
    }

    /// One more table of a list in a file: `push("fault", json!({ "at": "...", "do": "..." }))`.
    pub fn push(mut self, list: &str, keys: impl Into<Value>) -> Self {
        let Value::Object(keys) = keys.into() else { return self.put(&[list], json!(["not a table"])) };
        let item = &mut self.document[list];
        if !item.is_array_of_tables() {
            *item = Item::ArrayOfTables(ArrayOfTables::new());
        }
        let keys = keys.into_iter().filter_map(|(key, value)| Some((key, toml_of(value)?)));
        if let Some(tables) = item.as_array_of_tables_mut() {
            tables.push(keys.collect());
        }
        self
    }

    /// Puts a value where a path leads. A table of a file has a head of its own, its entries are inline.
    fn put(mut self, path: &[&str], value: Value) -> Self {
        if let ([table], Value::Object(entries)) = (path, &value) {
            return entries.iter().fold(self, |text, (key, value)| text.put(&[table, key], value.clone()));
        }
        let mut item = self.document.as_item_mut();
        for (depth, part) in path.iter().enumerate() {
            if !item.is_table_like() {
                *item = if depth == 1 { Item::Table(Table::new()) } else { inline(InlineTable::new()) };
            }
            item = &mut item[*part];
        }
        *item = toml_of(value).map_or(Item::None, Item::Value);
        self
    }

    /// The text of the file that says the same.
    pub fn to_toml(&self) -> String {
        let about = self.about.lines().map(|line| format!("# {line}\n"));
        about.collect::<String>() + &self.document.to_string()
    }

    /// Builds it for a suite.
    ///
    /// # Errors
    /// Everything that would be wrong with the file, at its place in [the text](Self::to_toml).
    pub fn build(&self, suite: &Suite) -> Result<Arc<Scenario>, Problems> {
        Scenario::parse(suite, &self.name, &self.to_toml())
    }
}

/// The text of its file, wherever the text of a scenario is wanted.
impl From<ScenarioBuilder> for String {
    fn from(builder: ScenarioBuilder) -> Self {
        builder.to_toml()
    }
}

fn inline(table: InlineTable) -> Item {
    Item::Value(toml_edit::Value::InlineTable(table))
}

/// A value as TOML has it. TOML has no null: what is null is left out.
fn toml_of(json: Value) -> Option<toml_edit::Value> {
    Some(match json {
        Value::Null => return None,
        Value::Bool(value) => value.into(),
        Value::String(text) => text.into(),
        // What is larger than every whole number of TOML is refused wherever a whole number is wanted.
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().unwrap_or(f64::INFINITY).into(),
        },
        Value::Array(values) => toml_edit::Value::Array(values.into_iter().filter_map(toml_of).collect()),
        Value::Object(keys) => {
            let keys = keys.into_iter().filter_map(|(key, value)| Some((key, toml_of(value)?)));
            toml_edit::Value::InlineTable(keys.collect())
        }
    })
}
