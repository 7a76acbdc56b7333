//! What the model APIs have in common: how a conversation comes in and how a reply goes out.

use crate::agent::ModelError;
use crate::clients::{Catalogue, ChatAnswer, ChatCall, ChatTurn, Said};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request to a model.
pub(in crate::clients) struct ChatRequest {
    /// The model that it names.
    pub model: String,
    /// The conversation, with the names of tools as the client has them.
    pub turns: Vec<ChatTurn>,
    /// The names of the tools that the client declares.
    pub tools: Vec<String>,
    /// Whether the reply is streamed.
    pub is_streamed: bool,
    /// Whether a streamed reply ends with the count of tokens.
    pub wants_usage: bool,
}

/// An event of a streamed reply: its name, where the API has names, and its data.
pub(in crate::clients) struct Sent(pub Option<&'static str>, pub Value);

/// The API of a model.
pub(in crate::clients) trait Api: Sync {
    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<ChatRequest, String>;

    /// A whole reply.
    fn whole(&self, said: &ChatAnswer, reply: &ReplyId, model: &str) -> Value;

    /// A reply in pieces.
    fn pieces(&self, said: &ChatAnswer, reply: &ReplyId, model: &str, with_usage: bool) -> Vec<Sent>;

    /// An error.
    fn error(&self, kind: &str, message: &str) -> Value;

    /// Reads the reply of a real model; `None` if it is none.
    fn said(&self, reply: &Value) -> Option<Said>;

    /// The whole reply of a real model that has streamed these events; `None` if they are no reply.
    fn joined(&self, events: &[Value]) -> Option<Value>;
}

/// What tells replies apart.
pub(in crate::clients) struct ReplyId(pub u64);

/// The HTTP status and the name of an error of a model.
pub(in crate::clients) fn status_of(error: ModelError) -> (u16, &'static str) {
    match error {
        ModelError::Invalid(_) => (400, "invalid_request_error"),
        ModelError::ContextOverflow => (400, "context_length_exceeded"),
        ModelError::Overloaded => (529, "overloaded_error"),
        ModelError::TimedOut => (504, "timeout_error"),
        ModelError::Unreadable => (500, "api_error"),
        ModelError::RateLimited { .. } => (429, "rate_limit_error"),
    }
}

/// The text of a content: a string, or a list of parts with texts.
pub(in crate::clients) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(part) => match part.get("text").or_else(|| part.get("content")) {
            Some(inner) => text_of(inner),
            None => String::new(),
        },
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The turn of a user who says this: the names of the tasks in it.
pub(in crate::clients) fn user_turn(text: &str, tasks: &[&str]) -> ChatTurn {
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let words = text.split(|c| !is_of_a_name(c));
    ChatTurn::User(words.filter(|word| tasks.contains(word)).map(str::to_owned).collect())
}

/// The count of tokens that a reply has written, as its API says, or as long as its text is.
pub(super) fn tokens_said(count: &Value, text: &str) -> u32 {
    count.as_u64().map_or_else(|| tokens_of(text), |count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// The length of a text in tokens, by the usual rule of thumb.
pub(in crate::clients) fn tokens_of(text: &str) -> u32 {
    u32::try_from(text.len().div_ceil(4)).unwrap_or(u32::MAX)
}

/// Adds what a model said to a conversation. What it said in several items of one reply is one turn.
pub(in crate::clients) fn push_assistant(turns: &mut Vec<ChatTurn>, text: &str, new: Vec<ChatCall>) {
    if let Some(ChatTurn::Assistant { tokens, calls }) = turns.last_mut() {
        *tokens = tokens.saturating_add(tokens_of(text));
        calls.extend(new);
    } else {
        turns.push(ChatTurn::Assistant { tokens: tokens_of(text), calls: new });
    }
}

/// A text field of an object; empty if it is not there.
pub(in crate::clients) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The list in a field of an object; empty if it is not there.
pub(in crate::clients) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The names that a client has for the tools of a scenario: `ticketing_create` can be there as it is, spelled
/// otherwise (`ticketingCreate`), or behind the name of a server (`mcp__perfidy__ticketing_create`).
pub(in crate::clients) struct Names {
    to_client: BTreeMap<String, String>,
}

impl Names {
    /// The names among those that a client declares.
    ///
    /// # Errors
    /// What to do, if one is missing.
    pub fn of(catalogue: &Catalogue, declared: &[String]) -> Result<Self, String> {
        let names = Self::known(catalogue, declared);
        match catalogue.tools().iter().find(|tool| !names.to_client.contains_key(&tool.name)) {
            None => Ok(names),
            Some(tool) => Err(format!(
                "the request declares no tool `{}` (it has: {}); the model follows the task of the scenario and asks \
                 for the tools that /mcp lists",
                tool.name,
                if declared.is_empty() { "none".to_owned() } else { declared.join(", ") }
            )),
        }
    }

    /// The same, where some may be missing.
    pub fn known(catalogue: &Catalogue, declared: &[String]) -> Self {
        let letters = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let mut to_client = BTreeMap::new();
        for tool in catalogue.tools() {
            let served = letters(&tool.name);
            let same = |name: &&String| **name == tool.name;
            let alike = |name: &&String| letters(name) == served;
            let behind = |name: &&String| letters(name).ends_with(&served);
            let mut finds =
                [declared.iter().find(same), declared.iter().find(alike), declared.iter().find(behind)]
                    .into_iter()
                    .flatten();
            if let Some(found) = finds.next() {
                to_client.insert(tool.name.clone(), found.clone());
            }
        }
        Self { to_client }
    }

    /// A conversation with the names of the scenario.
    pub fn served(&self, turns: Vec<ChatTurn>) -> Vec<ChatTurn> {
        let renamed = turns.into_iter().map(|turn| match turn {
            ChatTurn::Assistant { tokens, calls } => {
                ChatTurn::Assistant { tokens, calls: self.served_calls(calls) }
            }
            other => other,
        });
        renamed.collect()
    }

    /// Calls with the names of the scenario.
    pub fn served_calls(&self, calls: Vec<ChatCall>) -> Vec<ChatCall> {
        let served = |name: &str| self.to_client.iter().find(|(_, client)| *client == name);
        let rename = |call: ChatCall| match served(&call.tool) {
            Some((served, _)) => ChatCall { tool: served.clone(), ..call },
            None => call,
        };
        calls.into_iter().map(rename).collect()
    }

    /// A reply with the names of the client.
    pub fn of_client(&self, said: ChatAnswer) -> ChatAnswer {
        let rename = |call: ChatCall| match self.to_client.get(&call.tool) {
            Some(name) => ChatCall { tool: name.clone(), ..call },
            None => call,
        };
        ChatAnswer { calls: said.calls.into_iter().map(rename).collect(), ..said }
    }
}

/// Pieces of a text, as a stream sends them.
pub(in crate::clients) fn pieces_of(text: &str) -> impl Iterator<Item = String> + '_ {
    const CHARS: usize = 40;
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(CHARS).map_or(rest.len(), |(end, _)| end);
        let (piece, left) = rest.split_at(end);
        rest = left;
        (!piece.is_empty()).then(|| piece.to_owned())
    })
}
