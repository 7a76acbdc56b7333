//! Anthropic's messages.

use super::api::{
    Api, ChatRequest, ReplyId, Sent, field, list, pieces_of, push_assistant, text_of, tokens_said, user_turn,
};
use crate::agent::Finish;
use crate::clients::{ChatAnswer, ChatCall, ChatTurn, Said};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::clients) struct Messages;

impl Api for Messages {
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<ChatRequest, String> {
        let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` must be a list")?;
        let mut turns = Vec::new();
        if body.get("system").is_some_and(|system| !system.is_null()) {
            turns.push(ChatTurn::System);
        }
        for message in messages {
            let content = &message["content"];
            let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
            match field(message, "role") {
                "user" => read_user(content, blocks, tasks, &mut turns),
                "assistant" => {
                    let calls = blocks.iter().filter(|block| is_call(block)).map(read_call);
                    push_assistant(&mut turns, &text_of(content), calls.collect());
                }
                other => return Err(format!("there is no role `{other}`")),
            }
        }
        let tools = list(body, "tools").iter().map(|tool| field(tool, "name").to_owned());
        Ok(ChatRequest {
            model: field(body, "model").to_owned(),
            turns,
            tools: tools.collect(),
            is_streamed: body["stream"] == json!(true),
            wants_usage: true,
        })
    }

    fn whole(&self, said: &ChatAnswer, reply: &ReplyId, model: &str) -> Value {
        let mut message = begun(said, reply, model);
        let text = Some(json!({ "type": "text", "text": said.text })).filter(|_| !said.text.is_empty());
        let calls = said.calls.iter().map(|call| {
            // Arguments that are no JSON cannot be said whole: what a client gets has other fields.
            let input = serde_json::from_str(&call.arguments);
            tool_use(call, &input.unwrap_or_else(|_| json!({ "unreadable": call.arguments })))
        });
        message["content"] = text.into_iter().chain(calls).collect();
        message["stop_reason"] = stop_reason(said).into();
        message["usage"]["output_tokens"] = said.tokens_out.into();
        message
    }

    fn pieces(&self, said: &ChatAnswer, reply: &ReplyId, model: &str, _: bool) -> Vec<Sent> {
        let mut sent = vec![Sent(Some("message_start"), json!({ "message": begun(said, reply, model) }))];
        let mut index = 0;
        let mut block = |begun: Value, kind: &str, part: &str, text: &str| {
            sent.push(Sent(Some("content_block_start"), json!({ "index": index, "content_block": begun })));
            sent.extend(pieces_of(text).map(|piece| {
                let delta = json!({ "type": kind, part: piece });
                Sent(Some("content_block_delta"), json!({ "index": index, "delta": delta }))
            }));
            sent.push(Sent(Some("content_block_stop"), json!({ "index": index })));
            index += 1;
        };
        if !said.text.is_empty() {
            block(json!({ "type": "text", "text": "" }), "text_delta", "text", &said.text);
        }
        for call in &said.calls {
            block(tool_use(call, &json!({})), "input_json_delta", "partial_json", &call.arguments);
        }
        let delta = json!({ "stop_reason": stop_reason(said), "stop_sequence": null });
        let usage = json!({ "output_tokens": said.tokens_out });
        sent.push(Sent(Some("message_delta"), json!({ "delta": delta, "usage": usage })));
        sent.push(Sent(Some("message_stop"), json!({})));
        for Sent(name, data) in &mut sent {
            data["type"] = name.unwrap_or_default().into();
        }
        sent
    }

    fn error(&self, kind: &str, message: &str) -> Value {
        json!({ "type": "error", "error": { "type": kind, "message": message } })
    }

    fn said(&self, reply: &Value) -> Option<Said> {
        let blocks = reply.get("content").and_then(Value::as_array)?;
        let calls: Vec<ChatCall> = blocks.iter().filter(|block| is_call(block)).map(read_call).collect();
        let finish = match field(reply, "stop_reason") {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "refusal" => Finish::Refusal,
            _ if !calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let tokens = tokens_said(&reply["usage"]["output_tokens"], &text_of(&reply["content"]));
        Some(Said { calls, tokens, finish })
    }

    fn joined(&self, events: &[Value]) -> Option<Value> {
        let mut blocks: BTreeMap<u64, (Value, String)> = BTreeMap::new();
        let (mut reason, mut usage) = (Value::Null, Value::Null);
        for event in events {
            match field(event, "type") {
                "content_block_start" => {
                    let begun = (event["content_block"].clone(), String::new());
                    blocks.insert(event["index"].as_u64()?, begun);
                }
                "content_block_delta" => {
                    let (_, text) = blocks.get_mut(&event["index"].as_u64()?)?;
                    let delta = &event["delta"];
                    text.push_str(field(delta, "text"));
                    text.push_str(field(delta, "partial_json"));
                }
                "message_delta" => {
                    reason = event["delta"]["stop_reason"].clone();
                    usage = event["usage"].clone();
                }
                _ => {}
            }
        }
        // Without its end it is half a reply.
        reason.as_str()?;
        let whole = blocks.into_values().map(|(mut block, text)| {
            match field(&block, "type") {
                "text" => block["text"] = text.into(),
                "tool_use" => block["input"] = serde_json::from_str(&text).unwrap_or_else(|_| json!({})),
                _ => {}
            }
            block
        });
        let content: Vec<Value> = whole.collect();
        Some(json!({ "content": content, "stop_reason": reason, "usage": usage }))
    }
}

/// The results in what a user says come first, then the rest as one turn.
fn read_user(content: &Value, blocks: &[Value], tasks: &[&str], turns: &mut Vec<ChatTurn>) {
    let mut text = content.as_str().map(str::to_owned);
    for block in blocks {
        if field(block, "type") == "tool_result" {
            turns.push(ChatTurn::Result {
                call: field(block, "tool_use_id").to_owned(),
                text: text_of(&block["content"]),
                is_error: block["is_error"] == json!(true),
            });
        } else {
            let more = text_of(block);
            text = Some(text.map_or(more.clone(), |text| format!("{text}\n{more}")));
        }
    }
    turns.extend(text.map(|text| user_turn(&text, tasks)));
}

fn is_call(block: &Value) -> bool {
    field(block, "type") == "tool_use"
}

fn read_call(block: &Value) -> ChatCall {
    let [id, tool] = ["id", "name"].map(|name| field(block, name).to_owned());
    ChatCall { id, tool, arguments: block["input"].to_string() }
}

fn tool_use(ChatCall { id, tool, .. }: &ChatCall, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": id, "name": tool, "input": input })
}

/// A reply of which nothing is said yet.
fn begun(said: &ChatAnswer, ReplyId(id): &ReplyId, model: &str) -> Value {
    json!({
        "id": format!("msg_{id}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": { "input_tokens": said.tokens_in, "output_tokens": 1 },
    })
}

fn stop_reason(said: &ChatAnswer) -> &'static str {
    match said.finish {
        Finish::Stop => "end_turn",
        Finish::ToolCalls => "tool_use",
        Finish::Length => "max_tokens",
        Finish::Refusal => "refusal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_a_real_model_says_what_its_whole_reply_says() {
        let start = |index: u32, block: &Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
        let delta = |index: u32, delta: &Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        let json_delta = |text: &str| delta(2, &json!({ "type": "input_json_delta", "partial_json": text }));
        let mut events = vec![
            json!({ "type": "message_start", "message": { "content": [], "usage": { "output_tokens": 1 } } }),
            start(0, &json!({ "type": "thinking", "thinking": "" })),
            delta(0, &json!({ "type": "thinking_delta", "thinking": "hm" })),
            start(1, &json!({ "type": "text", "text": "" })),
            json!({ "type": "ping" }),
            delta(1, &json!({ "type": "text_delta", "text": "I file it." })),
            start(2, &json!({ "type": "tool_use", "id": "toolu_1", "name": "mail_send", "input": {} })),
            json_delta("{\"to\":"),
            json_delta(" \"x\"}"),
            json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 9 } }),
            json!({ "type": "message_stop" }),
        ];
        let call =
            json!({ "type": "tool_use", "id": "toolu_1", "name": "mail_send", "input": { "to": "x" } });
        let whole = json!({
            "content": [{ "type": "thinking", "thinking": "hm" }, { "type": "text", "text": "I file it." }, call],
            "stop_reason": "tool_use",
            "usage": { "output_tokens": 9 },
        });
        let [id, tool, arguments] = ["toolu_1", "mail_send", "{\"to\":\"x\"}"].map(str::to_owned);
        let calls = vec![ChatCall { id, tool, arguments }];
        let said = Some(Said { calls, tokens: 9, finish: Finish::ToolCalls });
        assert_eq!(Messages.said(&whole), said);
        assert_eq!(Messages.said(&Messages.joined(&events).unwrap()), said);
        events.truncate(8);
        assert_eq!(Messages.joined(&events), None, "half a stream is no reply");
    }
}
