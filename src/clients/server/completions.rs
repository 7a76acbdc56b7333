//! OpenAI's chat completions.

use super::api::{
    Api, ChatRequest, ReplyId, Sent, field, list, pieces_of, push_assistant, text_of, tokens_said, user_turn,
};
use crate::agent::Finish;
use crate::clients::{ChatAnswer, ChatCall, ChatTurn, Said};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::clients) struct Completions;

impl Api for Completions {
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<ChatRequest, String> {
        let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` must be a list")?;
        let mut turns = Vec::new();
        for message in messages {
            let text = message.get("content").map(text_of).unwrap_or_default();
            match field(message, "role") {
                "system" | "developer" => turns.push(ChatTurn::System),
                "user" => turns.push(user_turn(&text, tasks)),
                "assistant" => {
                    let calls = list(message, "tool_calls").iter().map(read_call);
                    push_assistant(&mut turns, &text, calls.collect());
                }
                "tool" => {
                    let call = field(message, "tool_call_id").to_owned();
                    turns.push(ChatTurn::Result { call, text, is_error: false });
                }
                other => return Err(format!("there is no role `{other}`")),
            }
        }
        let tools = list(body, "tools").iter().map(|tool| field(&tool["function"], "name").to_owned());
        Ok(ChatRequest {
            model: field(body, "model").to_owned(),
            turns,
            tools: tools.collect(),
            is_streamed: body["stream"] == json!(true),
            wants_usage: body["stream_options"]["include_usage"] == json!(true),
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

    fn pieces(&self, said: &ChatAnswer, ReplyId(id): &ReplyId, model: &str, with_usage: bool) -> Vec<Sent> {
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
        if with_usage {
            let mut last = chunk(json!({}), Value::Null);
            last["choices"] = json!([]);
            last["usage"] = usage(said);
            chunks.push(last);
        }
        chunks.into_iter().map(|chunk| Sent(None, chunk)).chain([Sent(None, Value::Null)]).collect()
    }

    fn error(&self, kind: &str, message: &str) -> Value {
        error(kind, message)
    }

    fn said(&self, reply: &Value) -> Option<Said> {
        let choice = list(reply, "choices").first()?;
        let message = choice.get("message")?;
        let calls: Vec<ChatCall> = list(message, "tool_calls").iter().map(read_call).collect();
        let finish = match field(choice, "finish_reason") {
            "length" => Finish::Length,
            "content_filter" => Finish::Refusal,
            _ if !calls.is_empty() => Finish::ToolCalls,
            _ if !field(message, "refusal").is_empty() => Finish::Refusal,
            _ => Finish::Stop,
        };
        let tokens = tokens_said(&reply["usage"]["completion_tokens"], field(message, "content"));
        Some(Said { calls, tokens, finish })
    }

    fn joined(&self, events: &[Value]) -> Option<Value> {
        let (mut text, mut refusal) = (String::new(), String::new());
        let mut calls: BTreeMap<u64, [String; 3]> = BTreeMap::new();
        let (mut finish, mut usage) = (Value::Null, Value::Null);
        for event in events {
            if event["usage"].is_object() {
                usage = event["usage"].clone();
            }
            let Some(choice) = list(event, "choices").first() else { continue };
            let delta = &choice["delta"];
            text.push_str(field(delta, "content"));
            refusal.push_str(field(delta, "refusal"));
            for call in list(delta, "tool_calls") {
                let [id, name, arguments] = calls.entry(call["index"].as_u64()?).or_default();
                id.push_str(field(call, "id"));
                name.push_str(field(&call["function"], "name"));
                arguments.push_str(field(&call["function"], "arguments"));
            }
            if choice["finish_reason"].is_string() {
                finish = choice["finish_reason"].clone();
            }
        }
        // Without its end it is half a reply.
        finish.as_str()?;
        let calls: Vec<Value> = calls
            .into_values()
            .map(|[id, name, arguments]| json!({ "id": id, "function": { "name": name, "arguments": arguments } }))
            .collect();
        let message = json!({ "content": text, "refusal": refusal, "tool_calls": calls });
        Some(json!({ "choices": [{ "message": message, "finish_reason": finish }], "usage": usage }))
    }
}

/// An error, as OpenAI's APIs say it.
pub(in crate::clients) fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": kind } })
}

fn read_call(call: &Value) -> ChatCall {
    let function = &call["function"];
    let [id, tool, arguments] =
        [field(call, "id"), field(function, "name"), field(function, "arguments")].map(str::to_owned);
    ChatCall { id, tool, arguments }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(delta: &Value, finish: &Value) -> Value {
        json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
    }

    #[test]
    fn a_stream_of_a_real_model_says_what_its_whole_reply_says() {
        let begun = |id: &str, index: u32, name: &str| {
            let function = json!({ "name": name, "arguments": "" });
            json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] })
        };
        let more = |index: u32, text: &str| json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] });
        let open = Value::Null;
        let mut events = vec![
            chunk(&json!({ "role": "assistant", "content": null }), &open),
            chunk(&begun("call_a", 0, "ticketing_create"), &open),
            chunk(&more(0, "{\"title\":"), &open),
            chunk(&more(0, "\"x\"}"), &open),
            chunk(&begun("call_b", 1, "mail_send"), &open),
            chunk(&more(1, "{}"), &open),
            chunk(&json!({}), &json!("tool_calls")),
            json!({ "choices": [], "usage": { "completion_tokens": 41 } }),
        ];
        let call = |id: &str, tool: &str, arguments: &str| {
            let [id, tool, arguments] = [id, tool, arguments].map(str::to_owned);
            ChatCall { id, tool, arguments }
        };
        let calls =
            vec![call("call_a", "ticketing_create", "{\"title\":\"x\"}"), call("call_b", "mail_send", "{}")];
        let whole = Completions.joined(&events).unwrap();
        assert_eq!(Completions.said(&whole), Some(Said { calls, tokens: 41, finish: Finish::ToolCalls }));
        events.truncate(5);
        assert_eq!(Completions.joined(&events), None, "half a stream is no reply");
    }

    #[test]
    fn why_a_reply_ended_is_read() {
        for (message, reason, finish) in [
            (json!({ "content": "done" }), "stop", Finish::Stop),
            (json!({ "content": "do" }), "length", Finish::Length),
            (json!({ "content": null, "refusal": "no" }), "stop", Finish::Refusal),
            (json!({ "content": null }), "content_filter", Finish::Refusal),
        ] {
            let reply = json!({ "choices": [{ "message": message, "finish_reason": reason }] });
            assert_eq!(Completions.said(&reply).unwrap().finish, finish, "{reply}");
        }
        assert_eq!(Completions.said(&json!({ "error": { "message": "no" } })), None);
    }
}
