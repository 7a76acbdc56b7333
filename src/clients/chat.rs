//! A conversation as a client sends it, read as the transcript that a simulated model gets, and the reply of
//! the model, written as the API of one says it.
//!
//! The simulated model knows the task, the calls that it asked for and their results. A result is what its
//! text says: the confirmation of a tool, or an error that says whether the call may have happened. An error
//! in the client's own words ("timed out") says nothing of that, and reads as a call that did not happen;
//! that is how models take it, and ask again.

use crate::agent::{
    CallRequest, ChatMessage, Content, Definite, Finish, OpId, Operation, Receipt, Reply, TaskRequest,
    ToolError, ToolResult, Transcript,
};
use crate::clients::catalogue::Catalogue;
use crate::clients::{CallFailure, ChatAnswer, ChatCall, ChatTurn, Said};
use perfidy_sim::Name;
use serde_json::Value;
use std::sync::Arc;

/// Words in an error that a client writes itself.
const ERROR_WORDS: &[&str] = &["error", "timed out", "timeout", "exception", "failed", "refused"];

/// How deep a result may be wrapped in the lists and texts of a framework.
const DEEPEST: u32 = 8;

/// The id of a call as its API writes it.
fn written(id: OpId) -> String {
    format!("call_{:016x}", id.0)
}

/// The id of a call; one that this model has not given is a digest.
fn read_id(id: &str) -> OpId {
    let own = id.strip_prefix("call_").filter(|hex| hex.len() == 16);
    let own = own.and_then(|hex| u64::from_str_radix(hex, 16).ok());
    own.map_or_else(|| OpId::of_text(id), OpId)
}

/// The transcript of a conversation about a task. `meaning` says what a call was for.
pub(super) fn transcript(
    request: &TaskRequest,
    turns: &[ChatTurn],
    meaning: impl Fn(OpId, &ChatCall) -> Operation,
) -> Transcript {
    let mut transcript = Transcript::default();
    let mut is_asked = false;
    for turn in turns {
        transcript.push(match turn {
            ChatTurn::System => ChatMessage::System("The instructions of the client."),
            ChatTurn::User(_) if is_asked => ChatMessage::Reminder(Arc::default()),
            ChatTurn::User(_) => {
                is_asked = true;
                ChatMessage::User(request.clone())
            }
            ChatTurn::Assistant { tokens, calls } => ChatMessage::Assistant(Reply {
                calls: calls
                    .iter()
                    .map(|call| {
                        let id = read_id(&call.id);
                        CallRequest { id, operation: meaning(id, call) }
                    })
                    .collect(),
                is_done: false,
                wording: 0,
                text_tokens: *tokens,
                finish: if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls },
            }),
            ChatTurn::Result { call, text, is_error } => {
                ChatMessage::Tool { call: read_id(call), result: result(text, *is_error) }
            }
        });
    }
    transcript
}

/// What a real model has said, as a reply of the simulated one. `meaning` says what a call is for.
pub(super) fn reply(said: &Said, meaning: impl Fn(OpId, &ChatCall) -> Operation) -> Reply {
    let calls = said.calls.iter().map(|call| {
        let id = read_id(&call.id);
        CallRequest { id, operation: meaning(id, call) }
    });
    Reply {
        calls: calls.collect(),
        is_done: false,
        wording: 0,
        text_tokens: said.tokens,
        finish: said.finish,
    }
}

/// What a model reads in the text of a result.
fn result(text: &str, is_error: bool) -> ToolResult {
    if let Some(said) = serde_json::from_str(text).ok().and_then(|value| said_in(&value, DEEPEST)) {
        return said;
    }
    let lower = text.to_lowercase();
    if is_error || ERROR_WORDS.iter().any(|word| lower.contains(word)) {
        return ToolResult::Failed(ToolError::Definite(Definite::Unavailable));
    }
    ToolResult::Done(Receipt::NONE)
}

/// What a tool has said, wherever a framework has put it.
fn said_in(value: &Value, depth: u32) -> Option<ToolResult> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => said_in(&serde_json::from_str(text).ok()?, depth),
        Value::Array(values) => values.iter().find_map(|value| said_in(value, depth)),
        Value::Object(fields) => {
            if let Some(receipt) = fields.get("receipt").and_then(Value::as_u64) {
                return Some(ToolResult::Done(Receipt(receipt)));
            }
            let error = fields.get("error").and_then(Value::as_str).and_then(CallFailure::error_called);
            if let Some(error) = error {
                return Some(ToolResult::Failed(error));
            }
            fields.values().find_map(|value| said_in(value, depth))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A reply as the API writes it. `real` is what a real model has said, which this has been made of: what is
/// left of its calls keeps its words.
pub(super) fn answer(
    catalogue: &Catalogue,
    (task, transcript): (Name, &Transcript),
    reply: &Reply,
    real: Option<(&Said, &Reply)>,
) -> ChatAnswer {
    let original = |id: OpId| {
        let (said, real) = real?;
        said.calls.iter().zip(real.calls.iter()).find(|(_, call)| call.id == id)
    };
    let calls = reply.calls.iter().map(|call| {
        let Operation { tool, name, arguments, .. } = &call.operation;
        let id = match original(call.id) {
            Some((said, real)) if real.operation == call.operation => return said.clone(),
            Some((said, _)) => said.id.clone(),
            None => written(call.id),
        };
        let served = catalogue.serving(*tool, *name);
        ChatCall {
            id,
            tool: served.map_or_else(|| tool.to_string(), |served| served.name.clone()),
            arguments: text_of(arguments),
        }
    });
    ChatAnswer {
        calls: calls.collect(),
        text: text(task, reply),
        finish: reply.finish,
        tokens_in: transcript.tokens(),
        tokens_out: reply.tokens(),
    }
}

/// The arguments as text: JSON, or what a model has written in the place of it.
fn text_of(arguments: &Content) -> String {
    match arguments.json() {
        Value::Null => "{}".to_owned(),
        Value::String(broken) => broken,
        json => json.to_string(),
    }
}

/// No text that is made up is longer, whatever a reply says of its length.
const MOST_TOKENS: usize = 100_000;

/// A text of the length that the reply has, about what the model thinks of the task.
fn text(task: Name, reply: &Reply) -> String {
    let mut text = match (reply.finish, reply.is_done) {
        (Finish::ToolCalls, _) => return String::new(),
        (Finish::Refusal, _) => return "I cannot help with that.".to_owned(),
        (Finish::Stop | Finish::Length, true) => format!("{task} is done."),
        (Finish::Stop | Finish::Length, false) => format!("{task} could not be done."),
    };
    // A token is four letters, by the usual rule of thumb.
    while text.len() / 4 < MOST_TOKENS.min(reply.text_tokens as usize) {
        text.push_str(" That is all there is to say about it.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Indefinite;

    fn failed(error: ToolError) -> ToolResult {
        ToolResult::Failed(error)
    }

    #[test]
    fn a_confirmation_is_read_however_a_framework_wraps_it() {
        for text in [
            r#"{"receipt":3}"#,
            r#"[{"type":"text","text":"{\"receipt\":3}"}]"#,
            r#"{"result":{"content":[{"text":"{\"receipt\":3,\"result\":1}"}]}}"#,
        ] {
            assert_eq!(result(text, false), ToolResult::Done(Receipt(3)), "{text}");
        }
    }

    #[test]
    fn an_error_of_a_tool_says_whether_the_call_may_have_happened_and_one_of_a_client_does_not() {
        let unknown = r#"{"error":"internal-error","message":"an error inside the tool"}"#;
        assert_eq!(result(unknown, true), failed(ToolError::Indefinite(Indefinite::Failed)));
        let not_done = failed(ToolError::Definite(Definite::Unavailable));
        assert_eq!(result(r#"{"error":"unavailable","message":"the tool is down"}"#, true), not_done);
        assert_eq!(result("MCP error: request timed out", false), not_done);
        assert_eq!(result("no words for it", true), not_done);
        assert_eq!(result("filed", false), ToolResult::Done(Receipt::NONE));
    }

    #[test]
    fn deep_and_broken_results_are_just_text() {
        let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        for text in [deep.as_str(), "{", "", "\"\\u0000\""] {
            assert_eq!(result(text, false), ToolResult::Done(Receipt::NONE));
        }
    }

    #[test]
    fn ids_are_read_back_as_they_were_written() {
        assert_eq!(read_id(&written(OpId(0x1234))), OpId(0x1234));
        assert_ne!(read_id("toolu_1"), read_id("toolu_2"));
    }
}
