//! The steps of a task and the order in which they can be taken.

use super::{Diagnostics, Tables, is_word, not_a_word};
use crate::config::{Entry, OneOrMany, Problem, Shape, nearest};
use crate::tools::ToolConfig;
use crate::workflows::{Evidence, Step, StepArguments, Undo, Workflow};
use perfidy_sim::Name;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// As many steps as a task can have: few enough to look for cycles the simple way.
const MAX_STEPS: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    name: Spanned<String>,
    tool: Spanned<String>,
    needs: Option<OneOrMany<String>>,
    #[serde(default)]
    irreversible: bool,
    #[serde(default)]
    guarded: bool,
    undo: Option<Spanned<String>>,
    evidence: Option<Spanned<String>>,
    args: Option<Spanned<toml::Table>>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<StepTable>()
}

pub(super) fn read(
    tables: &Tables<'_>,
    tools: &BTreeMap<Name, ToolConfig>,
    found: &mut Diagnostics,
) -> Vec<Step> {
    let before = found.0.len();
    let entries = tables.list("step", found);
    if entries.is_empty() && found.0.len() == before {
        let help = "add a table [[step]] with a name and a tool = \"TOOL.OPERATION\"";
        found.add(Problem::whole("the tasks have no steps").help(help));
    }
    if let Some(one_more) = entries.get(MAX_STEPS) {
        found.add(one_more.problem(format!("a task has at most {MAX_STEPS} steps")));
        return Vec::new();
    }
    let read: Vec<Option<StepTable>> = entries.iter().map(|entry| found.keep(entry.read())).collect();
    let complete = read.iter().all(Option::is_some);
    let read: Vec<StepTable> = read.into_iter().flatten().collect();

    let names: Vec<&str> = read.iter().map(|step| step.name.get_ref().as_str()).collect();
    let mut steps = Vec::new();
    for (place, step) in read.iter().enumerate() {
        let name = step.name.get_ref().as_str();
        if !is_word(name) {
            found.add(not_a_word(step.name.span(), name));
        } else if names[..place].contains(&name) {
            found.add(Problem::at(step.name.span(), format!("another step is called `{name}` already")));
        }
        let (tool, operation) = found.keep(call(&step.tool, tools)).unwrap_or((Name::new(""), Name::new("")));
        // With a step left out because of problems of its own, a name that is missing proves nothing.
        let needs = if complete { needs(step, &names, found) } else { Vec::new() };
        let undo = step.undo.as_ref().and_then(|undo| found.keep(undo_of(step, undo, tools)));
        let evidence = step.evidence.as_ref().and_then(|text| found.keep(call(text, tools)));
        let evidence = evidence.map(|(source, item)| Evidence { source, item });
        let StepTable { irreversible, guarded, .. } = *step;
        let arguments = found.keep(arguments(step)).unwrap_or_default();
        let name = Name::new(name);
        let step_read =
            Step { name, tool, operation, needs, irreversible, guarded, undo, evidence, arguments };
        found.0.extend(can_be_asked(step, &step_read, tools));
        steps.push(step_read);
    }
    if let Some(cycle) = cycle(&steps) {
        let path: Vec<&str> = cycle.iter().map(|place| names[*place]).collect();
        let first = &read[cycle[0]];
        let need = first.needs.iter().flatten().find(|need| need.get_ref() == path[1]);
        let place = need.map_or(first.name.span(), Spanned::span);
        let message = format!("these steps wait for each other: {}", path.join(" -> "));
        found.add(Problem::at(place, message).help("take one of these out of `needs`"));
    }
    steps
}

/// Rejects a guarded step of a team that has no guardrail.
pub(super) fn can_be_guarded(tables: &Tables<'_>, workflow: &Workflow, found: &mut Diagnostics) {
    let entries = tables.get("step").and_then(|entry| entry.tables().ok()).unwrap_or_default();
    let keys = entries.iter().filter_map(|entry| entry.entries().ok()).flatten();
    let guarded = |entry: &Entry<'_>| entry.name == "guarded" && entry.read::<bool>() == Ok(true);
    for entry in keys.filter(|entry| !workflow.has_guardrail() && guarded(entry)) {
        let message = format!("the agents of the workflow `{}` ask no guardrail", workflow.name);
        found
            .add(Problem::at(entry.key_span, message).help("take `guarded` out, or let a `tool-loop` do it"));
    }
}

/// Rejects evidence of a step of a team whose agents read none.
pub(super) fn can_rest_on_evidence(tables: &Tables<'_>, workflow: &Workflow, found: &mut Diagnostics) {
    let entries = tables.get("step").and_then(|entry| entry.tables().ok()).unwrap_or_default();
    let keys = entries.iter().filter_map(|entry| entry.entries().ok()).flatten();
    for entry in keys.filter(|entry| entry.name == "evidence" && !workflow.reads_evidence()) {
        let message = format!("the agents of the workflow `{}` read no evidence for a step", workflow.name);
        found
            .add(Problem::at(entry.key_span, message).help("take `evidence` out, or let a `pipeline` do it"));
    }
}

/// The arguments of a step.
fn arguments(step: &StepTable) -> Result<StepArguments, Problem> {
    let Some(args) = &step.args else { return Ok(StepArguments::default()) };
    let json = serde_json::to_value(args.get_ref());
    let json = json.map_err(|error| Problem::at(args.span(), format!("these are no arguments: {error}")))?;
    Ok(StepArguments::new(json))
}

/// What is wrong with what a step and its undoing ask their tools, with any task in the place of `{task}`.
fn can_be_asked(table: &StepTable, step: &Step, tools: &BTreeMap<Name, ToolConfig>) -> Vec<Problem> {
    let arguments = step.arguments.of(Name::literal("task-1"));
    let undo = step.undo.zip(table.undo.as_ref());
    let calls = [
        Some((step.tool, step.operation, &table.tool)),
        undo.map(|(undo, text)| (undo.tool, undo.operation, text)),
    ];
    let mut problems = Vec::new();
    for (tool, operation, text) in calls.into_iter().flatten() {
        let Some(tool) = tools.get(&tool) else { continue };
        let Err(why) = tool.prototype.check(operation, &arguments) else { continue };
        let place = table.args.as_ref().map_or(text.span(), Spanned::span);
        // That there is no such operation is not a matter of the arguments.
        let place = if why.starts_with("unknown variant") { text.span() } else { place };
        let near = unknown_name(&why).and_then(|(name, known)| nearest(name, &known));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("perfidy explain {} says what tools of this kind can be asked", tool.kind),
        };
        let why = why.replace("unknown variant", "there is no operation");
        let message = format!("`{}` cannot be asked like this: {why}", text.get_ref());
        problems.push(Problem::at(place, message).help(help));
    }
    problems
}

/// The name that a tool does not know, where that is what it says is wrong, and the names that it knows.
fn unknown_name(why: &str) -> Option<(&str, Vec<&str>)> {
    let rest = why.strip_prefix("unknown variant ").or_else(|| why.strip_prefix("unknown field "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// What undoes a step.
fn undo_of(
    step: &StepTable,
    undo: &Spanned<String>,
    tools: &BTreeMap<Name, ToolConfig>,
) -> Result<Undo, Problem> {
    let (name, what) = (step.name.get_ref(), undo.get_ref());
    if step.irreversible {
        return Err(Problem::at(undo.span(), format!("`{name}` is irreversible, so nothing undoes it"))
            .help("take out `undo`, or `irreversible`"));
    }
    if what == step.tool.get_ref() {
        return Err(Problem::at(undo.span(), format!("`{what}` cannot undo itself"))
            .help("name the operation that takes its effect back"));
    }
    let (tool, operation) = call(undo, tools)?;
    Ok(Undo { tool, operation })
}

/// The tool and the operation of a step.
fn call(text: &Spanned<String>, tools: &BTreeMap<Name, ToolConfig>) -> Result<(Name, Name), Problem> {
    let parts = text.get_ref().split_once('.');
    let Some((tool, operation)) = parts.filter(|(tool, operation)| is_word(tool) && is_word(operation))
    else {
        let message = format!("`{}` does not name a tool and its operation", text.get_ref());
        return Err(
            Problem::at(text.span(), message).help("write both with a dot between: \"ticketing.create\"")
        );
    };
    if tools.contains_key(&Name::new(tool)) {
        return Ok((Name::new(tool), Name::new(operation)));
    }
    let known: Vec<&str> = tools.keys().map(|name| name.as_str()).collect();
    let mut problem = Problem::unknown(text.span(), "tool", tool, &known);
    if crate::config::nearest(tool, &known).is_none() {
        problem = problem.help(format!("every tool has a table: add [tools.{tool}]"));
    }
    Err(problem)
}

fn needs(step: &StepTable, names: &[&str], found: &mut Diagnostics) -> Vec<usize> {
    let mut needs = Vec::new();
    for need in step.needs.iter().flatten() {
        match names.iter().position(|name| name == need.get_ref()) {
            Some(place) if !needs.contains(&place) => needs.push(place),
            Some(_) => {}
            None => found.add(Problem::unknown(need.span(), "step", need.get_ref(), names)),
        }
    }
    needs
}

/// A cycle of needs, beginning and ending with the same step.
fn cycle(steps: &[Step]) -> Option<Vec<usize>> {
    let mut done = vec![false; steps.len()];
    (0..steps.len()).find_map(|start| follow(start, steps, &mut Vec::new(), &mut done))
}

fn follow(step: usize, steps: &[Step], path: &mut Vec<usize>, done: &mut [bool]) -> Option<Vec<usize>> {
    if let Some(seen) = path.iter().position(|earlier| *earlier == step) {
        return Some(path[seen..].iter().copied().chain([step]).collect());
    }
    if done[step] {
        return None;
    }
    path.push(step);
    let cycle = steps[step].needs.iter().find_map(|need| follow(*need, steps, path, done));
    path.pop();
    done[step] = true;
    cycle
}
