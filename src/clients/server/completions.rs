//! OpenAI's chat completions.

use super::api::{Api, Asked, ReplyId, Sent, field, list, pieces_of, push_assistant, text_of, user_turn};
use crate::agent::Finish;
use crate::clients::{ChatAnswer, ChatCall, Turn};
use serde_json::{Value, json};

pub(in crate::clients) struct Completions;

impl Api for Completions {
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<Asked, String> {
        let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` must be a list")?;
        let mut turns = Vec::new();
        for message in messages {
            let text = message.get("content").map(text_of).unwrap_or_default();
            match field(message, "role") {
                "system" | "developer" => turns.push(Turn::System),
                "user" => turns.push(user_turn(&text, tasks)),
                "assistant" => {
                    let calls = list(message, "tool_calls").iter().map(|call| ChatCall {
                        id: field(call, "id").to_owned(),
                        tool: field(&call["function"], "name").to_owned(),
                        arguments: field(&call["function"], "arguments").to_owned(),
                    });
                    push_assistant(&mut turns, &text, calls.collect());
                }
                "tool" => {
                    let call = field(message, "tool_call_id").to_owned();
                    turns.push(Turn::Result { call, text, is_error: false });
                }
                other => return Err(format!("there is no role `{other}`")),
            }
        }
        let tools = list(body, "tools").iter().map(|tool| field(&tool["function"], "name").to_owned());
        Ok(Asked {
            model: field(body, "model").to_owned(),
            turns,
            tools: tools.collect(),
            is_streamed: body["stream"] == json!(true),
        })
    }

    fn whole(&self, said: &ChatAnswer, ReplyId(id): &ReplyId, model: &str) -> Value {
        let calls: Vec<Value> = said.calls.iter().map(call).collect();
        let mut message = json!({ "role": "assistant", "content": content(said), "refusal": refusal(said) });
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        json!({
            "id": format!("chatcmpl-{id}"),
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{ "index": 0, "message": message, "finish_reason": finish(said), "logprobs": null }],
            "usage": usage(said),
        })
    }

    fn pieces(&self, body: &Value, said: &ChatAnswer, ReplyId(id): &ReplyId, model: &str) -> Vec<Sent> {
        let chunk = |delta: Value, finish: Value| {
            json!({
                "id": format!("chatcmpl-{id}"),
                "object": "chat.completion.chunk",
                "created": 0,
                "model": model,
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }],
            })
        };
        let mut chunks = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
        let part = if said.finish == Finish::Refusal { "refusal" } else { "content" };
        chunks.extend(pieces_of(&said.text).map(|piece| chunk(json!({ part: piece }), Value::Null)));
        for (index, asked) in said.calls.iter().enumerate() {
            let mut begun = call(asked);
            begun["index"] = index.into();
            begun["function"]["arguments"] = "".into();
            chunks.push(chunk(json!({ "tool_calls": [begun] }), Value::Null));
            chunks.extend(pieces_of(&asked.arguments).map(|piece| {
                let more = json!({ "index": index, "function": { "arguments": piece } });
                chunk(json!({ "tool_calls": [more] }), Value::Null)
            }));
        }
        chunks.push(chunk(json!({}), finish(said).into()));
        if body["stream_options"]["include_usage"] == json!(true) {
            let mut last = chunk(json!({}), Value::Null);
            last["choices"] = json!([]);
            last["usage"] = usage(said);
            chunks.push(last);
        }
        chunks.into_iter().map(|chunk| Sent(None, chunk)).chain([Sent(None, Value::Null)]).collect()
    }

    fn error(&self, _: u16, kind: &str, message: &str) -> Value {
        error(kind, message)
    }
}

/// An error, as OpenAI's APIs say it.
pub(in crate::clients) fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": kind } })
}

fn call(ChatCall { id, tool, arguments }: &ChatCall) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": tool, "arguments": arguments } })
}

fn content(said: &ChatAnswer) -> Option<&str> {
    Some(said.text.as_str()).filter(|text| !text.is_empty() && said.finish != Finish::Refusal)
}

fn refusal(said: &ChatAnswer) -> Option<&str> {
    Some(said.text.as_str()).filter(|_| said.finish == Finish::Refusal)
}

fn finish(said: &ChatAnswer) -> &'static str {
    match said.finish {
        Finish::Stop | Finish::Refusal => "stop",
        Finish::ToolCalls => "tool_calls",
        Finish::Length => "length",
    }
}

fn usage(said: &ChatAnswer) -> Value {
    json!({
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in.saturating_add(said.tokens_out),
    })
}
