//! What the tasks of a new scenario can consist of: steps, and the tools for them.

use crate::config::entries;
use crate::scenario::{files_below, read_text};
use crate::suite::Suite;
use crate::tools::{Prototype, ToolKind};
use crate::workflows::StepArguments;
use perfidy_sim::Name;
use serde_json::{Value, json};
use std::path::Path;
use toml::de::DeTable;
use toml_edit::{DocumentMut, Item};

/// How many scenarios of a workflow are taken as examples, the shortest first.
const EXAMPLES: usize = 3;

/// The keys that are not of a kind of its own.
const KEYS_OF_EVERY_TOOL: [&str; 3] = ["kind", "latency", "deduplicates"];

/// More arguments than this are not found by trying.
const MOST_TRIES: usize = 40;

/// Work that the tasks of a scenario can consist of.
pub(super) struct Work {
    /// How many tasks there are.
    pub tasks: i64,
    /// The tables of the steps.
    pub steps: String,
    /// The tables of the tools.
    pub tools: String,
    /// The tool of the first step.
    pub tool: String,
}

/// What a task can consist of where nothing is known of the workflow.
const USUAL: [(&str, &str, &str); 5] = [
    (
        "airline",
        "[[step]]                       # what each task consists of: TOOL.OPERATION\n\
         name = \"book-flight\"\ntool = \"airline.book\"\nundo = \"airline.cancel\"\n\n\
         [[step]]\nname = \"book-hotel\"\ntool = \"hotel.book\"\nundo = \"hotel.cancel\"\nneeds = [\"book-flight\"]\n",
        "[tools.airline]\nlatency = \"50ms..500ms\"\ndeduplicates = true            # it recognises an idempotency key\n\n\
         [tools.hotel]\ndeduplicates = true\n",
    ),
    (
        "ticketing",
        "[[step]]                       # what each task consists of: TOOL.OPERATION\n\
         name = \"file-ticket\"\ntool = \"ticketing.create\"\n\n\
         [[step]]\nname = \"tell-customer\"\ntool = \"mail.send\"\nneeds = [\"file-ticket\"]\n",
        "[tools.ticketing]\nlatency = \"50ms..500ms\"\ndeduplicates = true            # it recognises an idempotency key\n\n\
         [tools.mail]\ndeduplicates = true\n",
    ),
    (
        "market",
        "[[step]]                       # what each task wants to know: TOOL.OPERATION\n\
         name = \"prices\"\ntool = \"market.search\"\n\n[[step]]\nname = \"news\"\ntool = \"press.search\"\n",
        "[tools.market]\nkind = \"sources\"               # what is read there changes\nchanges-every = \"5s..20s\"\n\n\
         [tools.press]\nkind = \"sources\"\n",
    ),
    (
        "library",
        "[[step]]                       # what each task reads, and files: TOOL.OPERATION\n\
         name = \"find\"\ntool = \"library.search\"\n\n\
         [[step]]\nname = \"file\"\ntool = \"disk.write\"\nargs = { path = \"{task}.md\", content = \"\" }\nneeds = [\"find\"]\n",
        "[tools.library]\nkind = \"sources\"\n\n\
         [tools.disk]\nkind = \"files\"\ndeduplicates = true            # it recognises an idempotency key\n",
    ),
    (
        "repo",
        "[[step]]                       # what each task consists of: TOOL.OPERATION\n\
         name = \"document\"\ntool = \"repo.edit\"\nargs = { path = \"guide.md\", line = \"{task}: how to use it\" }\n\n\
         [[step]]\nname = \"announce\"\ntool = \"repo.edit\"\nargs = { path = \"changelog.md\", line = \"{task} is there\" }\n",
        "[tools.repo]\nkind = \"files\"\nfiles = { \"guide.md\" = \"# Guide\", \"changelog.md\" = \"# Changes\" }\n\
         deduplicates = true            # it recognises an idempotency key\n",
    ),
];

/// How many tasks there are if no example says.
const TASKS: i64 = 3;

/// The work that a workflow may take, the likeliest first: that of its scenarios in this folder, one step on
/// each of the suite's own tools, and what many teams do.
pub(super) fn candidates(suite: &Suite, workflow: &str, folder: &Path) -> Vec<Work> {
    let is_at_once = suite.find_workflow(workflow).is_some_and(|workflow| workflow.takes_steps_at_once());
    let without_needs = |steps: &str| {
        let lines = steps.split_inclusive('\n').filter(|line| !(is_at_once && line.starts_with("needs")));
        lines.collect::<String>()
    };
    let usual = USUAL.map(|(tool, steps, tools)| Work {
        tasks: TASKS,
        steps: without_needs(steps),
        tools: tools.to_owned(),
        tool: tool.to_owned(),
    });
    let own = suite.tools().iter().skip(Suite::shipped().tools().len()).flat_map(on_own_tool);
    examples(workflow, folder).into_iter().chain(own).chain(usual).collect()
}

/// The work of scenarios that there are.
fn examples(workflow: &str, folder: &Path) -> Vec<Work> {
    let files = files_below(folder).unwrap_or_default();
    let mut texts: Vec<String> = files.iter().filter_map(|file| read_text(file).ok()).collect();
    texts.sort_by_key(String::len);
    texts.iter().filter_map(|text| example(workflow, text)).take(EXAMPLES).collect()
}

fn example(workflow: &str, text: &str) -> Option<Work> {
    let mut scenario: DocumentMut = text.parse().ok()?;
    if scenario.get("workflow")?.as_str()? != workflow {
        return None;
    }
    let tasks = scenario.get("tasks").and_then(|tasks| tasks.get("count")?.as_integer());
    let steps = scenario.remove("step")?;
    let first = steps.as_array_of_tables().and_then(|steps| steps.get(0)?.get("tool")?.as_str());
    let tool = first?.split('.').next()?.to_owned();
    let tools = scenario.remove("tools")?;
    Some(Work {
        tasks: tasks.unwrap_or(TASKS),
        steps: alone("step", steps),
        tools: alone("tools", tools),
        tool,
    })
}

/// A table as it stands in its file, without the rest of the file.
fn alone(key: &str, item: Item) -> String {
    let mut document = DocumentMut::new();
    document.insert(key, item);
    document.to_string().trim().to_owned() + "\n"
}

/// One step for each operation of a tool that can be asked for with arguments that are found by trying.
fn on_own_tool(kind: &ToolKind) -> Vec<Work> {
    let Some((tool, prototype)) = sample_tool(kind) else { return Vec::new() };
    let operations = operations(&prototype);
    let work = |operation: String| {
        let arguments = arguments_of(&prototype, &operation)?;
        let arguments: Vec<String> =
            arguments.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let arguments = match arguments.join(", ").as_str() {
            "" => String::new(),
            arguments => format!("args = {{ {arguments} }}\n"),
        };
        Some(Work {
            tasks: TASKS,
            steps: format!("[[step]]\nname = \"{operation}\"\ntool = \"{tool}.{operation}\"\n{arguments}"),
            tools: table_of(kind, &tool),
            tool: tool.clone(),
        })
    };
    operations.into_iter().filter_map(work).collect()
}

/// The tool that the example of a kind describes, with its name.
fn sample_tool(kind: &ToolKind) -> Option<(String, Prototype)> {
    let example = DeTable::parse(kind.example).ok()?;
    let tools = entries(example.get_ref());
    let tool = tools.first()?;
    let prototype = tool.without(&KEYS_OF_EVERY_TOOL, |table| kind.read(table)).ok()?;
    Some((tool.name.to_owned(), prototype))
}

/// The table of the tool that the example of a kind describes, which recognises idempotency keys.
fn table_of(kind: &ToolKind, tool: &str) -> String {
    let example = kind.example.parse::<toml::Table>().unwrap_or_default();
    let keys = example.get(tool).and_then(toml::Value::as_table).into_iter().flatten();
    let keys =
        keys.filter(|(key, _)| *key != "deduplicates").map(|(key, value)| format!("{key} = {value}\n"));
    format!("[tools.{tool}]\n{}deduplicates = true\n", keys.collect::<String>())
}

/// The operations of a tool, as it names them when it is asked for one that it does not have.
fn operations(prototype: &Prototype) -> Vec<String> {
    let nothing = StepArguments::default().of(Name::literal("task-1"));
    match prototype.check(Name::literal("no-such-operation"), &nothing) {
        Err(why) if why.starts_with("unknown variant") => {
            why.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect()
        }
        _ => vec!["do".to_owned()],
    }
}

/// Arguments that an operation takes: what it says is missing is added, with a value of the type that it
/// wants.
fn arguments_of(prototype: &Prototype, operation: &str) -> Option<Vec<(String, Value)>> {
    let values = || [json!("{task}"), json!(1), json!(true), json!([]), json!({})].into_iter();
    let (mut arguments, mut next) = (Vec::<(String, Value)>::new(), values());
    for _ in 0..MOST_TRIES {
        let table = Value::Object(arguments.iter().cloned().collect());
        let asked = StepArguments::new(table).of(Name::literal("task-1"));
        let Err(why) = prototype.check(Name::new(operation), &asked) else { return Some(arguments) };
        if let Some(missing) = why.strip_prefix("missing field `") {
            next = values();
            arguments.push((missing.split('`').next()?.to_owned(), next.next()?));
        } else if why.starts_with("invalid") {
            arguments.last_mut()?.1 = next.next()?;
        } else {
            return None;
        }
    }
    None
}
