//! What passes in a scenario: the kinds of messages that are sent, and the operations that tools are asked
//! for.
//!
//! A fault of a message that is never sent, or of an operation that is never called, is a typing error, and
//! is refused with the nearest name and its senders. Which messages agents send each other is what their
//! workflow says; what they ask of tools follows from the steps.

use super::who::Word;
use crate::agent::{call_kind, reply_kind};
use crate::config::problem::{listed, nearest_in_words};
use crate::config::{OneOrMany, Problem, nearest};
use crate::faults::Cast;
use perfidy_sim::Name;
use std::ops::Range;

/// What a tool answers that was sent something which is no request.
const REPLY_TO_UNKNOWN: &str = "reply to unknown";

/// The kinds of messages that the words stand for.
pub(super) fn messages(words: &OneOrMany<String>, cast: &Cast) -> Result<Vec<Name>, Problem> {
    let kind = |word: &Word| {
        is_sent(word.get_ref(), word.span(), cast)?;
        Ok(Name::new(word.get_ref()))
    };
    words.iter().map(kind).collect()
}

/// Refuses a kind of message that is never sent.
pub(crate) fn is_sent(kind: &str, place: Range<usize>, cast: &Cast) -> Result<(), Problem> {
    let with_tools = exchanged_with_tools(cast);
    let is_agents = cast.sends.iter().any(|(_, kinds)| kinds.contains(&kind));
    let is_tools = match &with_tools {
        Some(kinds) => kinds.iter().any(|known| known.as_str() == kind) || kind == REPLY_TO_UNKNOWN,
        None => kind.starts_with("call ") || kind.starts_with("reply to "),
    };
    if is_agents || is_tools {
        return Ok(());
    }
    let message = format!("no message `{kind}` is sent in the workflow `{}`", cast.workflow);
    let mut known: Vec<&str> = cast.sends.iter().flat_map(|(_, kinds)| *kinds).copied().collect();
    known.extend(with_tools.iter().flatten().map(|kind| kind.as_str()));
    let help = match nearest(kind, &known) {
        Some(near) => format!("did you mean `{near}`{}?", sent_by(near, cast)),
        None => senders_in_words(cast),
    };
    Err(Problem::at(place, message).help(help))
}

/// Refuses an operation for which none of these tools is ever asked.
pub(crate) fn is_called(
    operation: &str,
    place: Range<usize>,
    tools: &[Name],
    cast: &Cast,
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
pub(crate) fn is_handled(what: &str, place: Range<usize>, tool: Name, cast: &Cast) -> Result<(), Problem> {
    let operation =
        ["read of ", "look-up of ", "call-off of "].iter().find_map(|form| what.strip_prefix(form));
    is_called(operation.unwrap_or(what), place, &[tool], cast)
}

/// The kinds of messages between agents and tools; `None` if the steps were not understood.
fn exchanged_with_tools(cast: &Cast) -> Option<Vec<Name>> {
    let requested = |operation| cast.requests.iter().map(move |request| request.of(operation));
    let requests = cast.calls.as_ref()?.iter().flat_map(|(_, operation)| requested(*operation));
    Some(requests.flat_map(|what| [call_kind(what), reply_kind(what)]).collect())
}

/// Who sends messages of a kind, as the end of a question.
fn sent_by(kind: &str, cast: &Cast) -> String {
    let senders = cast.sends.iter().filter(|(_, kinds)| kinds.contains(&kind));
    match senders.map(|(sender, _)| *sender).collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [only] => format!(", which `{only}` sends"),
        several => format!(", which {} send", listed(several)),
    }
}

/// Who sends what.
fn senders_in_words(cast: &Cast) -> String {
    let sends = |(sender, kinds): &(&str, &[&str])| format!("`{sender}` sends {}", listed(kinds));
    let senders: Vec<String> = cast.sends.iter().map(sends).collect();
    let tools = "tools are sent `call OPERATION` and answer `reply to OPERATION`".to_owned();
    senders.into_iter().chain([tools]).collect::<Vec<_>>().join("; ")
}
