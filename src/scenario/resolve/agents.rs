//! `[agents.NAME]`: a program in the place of an agent's code.

use super::{Diagnostics, Tables};
use crate::config::{OneOrMany, Problem, Shape};
use crate::safeguards::Safeguard;
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::suite::Suite;
use crate::workflows::{NotRunnable, Program, Workflow};
use serde::Deserialize;
use toml::Spanned;

/// A command line, split at spaces, or its words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentTable {
    run: Spanned<OneOrMany<String>>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<AgentTable>()
}

/// The agent that is a program, and the program.
pub(super) fn read(
    tables: &Tables<'_>,
    suite: &Suite,
    workflow: &Workflow,
    found: &mut Diagnostics,
) -> Option<(&'static str, Program)> {
    let mut program = None;
    for entry in tables.open("agents", found) {
        let Some(agent) = workflow.lone_agent() else {
            let message = format!("the workflow `{}` is more than one agent", workflow.name);
            let help =
                "a program takes the place of the only agent of a workflow, as in `tool-loop` or `solo`";
            found.add(Problem::at(entry.key_span, message).help(help));
            return None;
        };
        if entry.name != agent {
            let message = format!("the workflow `{}` has no agent `{}`", workflow.name, entry.name);
            found.add(Problem::at(entry.key_span.clone(), message).help(format!("its agent is `{agent}`")));
            continue;
        }
        let Some(AgentTable { run }) = found.keep(entry.read()) else { continue };
        let place = run.span();
        let words: Vec<String> = run.get_ref().into_iter().map(|word| word.get_ref().clone()).collect();
        let read = Program(match &words[..] {
            [line] => line.split_whitespace().map(str::to_owned).collect(),
            _ => words,
        });
        let checked = match suite.programs() {
            Some(programs) => programs.check(&read),
            None => Err(NotRunnable {
                message: "only the command can run programs as agents".to_owned(),
                help: "run this scenario with `perfidy run`; its feature `clients` must be on".to_owned(),
            }),
        };
        match checked {
            Ok(()) => program = Some((agent, read)),
            Err(NotRunnable { message, help }) => found.add(Problem::at(place, message).help(help)),
        }
    }
    program
}

/// Safeguards are code of perfidy's own agents: a program has those that its author has written.
pub(super) fn guards_itself(tables: &Tables<'_>, found: &mut Diagnostics) {
    for entry in tables.open("safeguards", found) {
        if entry.name != ToolDedupe::NAME && !entry.is_off() {
            let message =
                format!("`{}` is code of perfidy's own agents, and this agent is a program", entry.name);
            let help = "take it out; a program guards itself, and only `tool-dedupe` is of the tools";
            found.add(Problem::at(entry.key_span, message).help(help));
        }
    }
}
