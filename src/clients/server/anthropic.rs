//! Anthropic's messages.

use super::api::{Api, Asked, ReplyId, Sent, field, list, pieces_of, push_assistant, text_of, user_turn};
use crate::agent::Finish;
use crate::clients::{ChatAnswer, ChatCall, Turn};
use serde_json::{Value, json};

pub(in crate::clients) struct Messages;

impl Api for Messages {
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<Asked, String> {
        let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` must be a list")?;
        let mut turns = Vec::new();
        if body.get("system").is_some_and(|system| !system.is_null()) {
            turns.push(Turn::System);
        }
        for message in messages {
            let content = &message["content"];
            let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
            match field(message, "role") {
                "user" => read_user(content, blocks, tasks, &mut turns),
                "assistant" => {
                    let of_call = |block: &&Value| field(block, "type") == "tool_use";
                    let calls = blocks.iter().filter(of_call).map(|block| ChatCall {
                        id: field(block, "id").to_owned(),
                        tool: field(block, "name").to_owned(),
                        arguments: block["input"].to_string(),
                    });
                    push_assistant(&mut turns, &text_of(content), calls.collect());
                }
                other => return Err(format!("there is no role `{other}`")),
            }
        }
        let tools = list(body, "tools").iter().map(|tool| field(tool, "name").to_owned());
        Ok(Asked {
            model: field(body, "model").to_owned(),
            turns,
            tools: tools.collect(),
            is_streamed: body["stream"] == json!(true),
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

    fn pieces(&self, _: &Value, said: &ChatAnswer, reply: &ReplyId, model: &str) -> Vec<Sent> {
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

    fn error(&self, _: u16, kind: &str, message: &str) -> Value {
        json!({ "type": "error", "error": { "type": kind, "message": message } })
    }
}

/// The results in what a user says come first, then the rest as one turn.
fn read_user(content: &Value, blocks: &[Value], tasks: &[&str], turns: &mut Vec<Turn>) {
    let mut text = content.as_str().map(str::to_owned);
    for block in blocks {
        if field(block, "type") == "tool_result" {
            turns.push(Turn::Result {
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
