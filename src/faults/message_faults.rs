//! Which operations tools are asked for: what the steps of a file say, and nothing else.

use crate::config::Problem;
use crate::config::problem::{listed, nearest_in_words};
use crate::faults::Directory;
use perfidy_sim::Name;
use std::ops::Range;

/// Refuses an operation for which none of these tools is ever asked.
pub(crate) fn is_called(
    operation: &str,
    place: Range<usize>,
    tools: &[Name],
    cast: &Directory,
) -> Result<(), Problem> {
    let Some(calls) = &cast.calls else { return Ok(()) };
    let theirs = calls.iter().filter(|(tool, _)| tools.contains(tool));
    let mut known: Vec<&str> = theirs.map(|(_, operation)| operation.as_str()).collect();
    if known.contains(&operation) {
        return Ok(());
    }
    known.sort_unstable();
    known.dedup();
    let tools: Vec<&str> = tools.iter().map(|tool| tool.as_str()).collect();
    let message = format!("no step asks {} for `{operation}`", listed(&tools));
    let help = match known.as_slice() {
        [] => "steps name their operations: tool = \"TOOL.OPERATION\"".to_owned(),
        known => nearest_in_words(operation, known),
    };
    Err(Problem::at(place, message).help(help))
}

/// Refuses a request that a tool is never sent.
pub(crate) fn is_handled(
    what: &str,
    place: Range<usize>,
    tool: Name,
    cast: &Directory,
) -> Result<(), Problem> {
    let operation =
        ["read of ", "look-up of ", "call-off of "].iter().find_map(|form| what.strip_prefix(form));
    is_called(operation.unwrap_or(what), place, &[tool], cast)
}
