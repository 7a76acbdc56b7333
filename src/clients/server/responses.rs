//! OpenAI's responses.

use super::api::{
    Api, ChatRequest, ReplyId, Sent, field, list, pieces_of, push_assistant, text_of, tokens_said, user_turn,
};
use super::completions;
use crate::agent::Finish;
use crate::clients::{ChatAnswer, ChatCall, ChatTurn, Said};
use serde_json::{Value, json};

pub(in crate::clients) struct Responses;

impl Api for Responses {
    fn read(&self, body: &Value, tasks: &[&str]) -> Result<ChatRequest, String> {
        let mut turns = Vec::new();
        if body.get("previous_response_id").is_some_and(|id| !id.is_null()) {
            return Err(
                "`previous_response_id` is not kept here: send the whole conversation as `input`".to_owned()
            );
        }
        if !field(body, "instructions").is_empty() {
            turns.push(ChatTurn::System);
        }
        match &body["input"] {
            Value::String(text) => turns.push(user_turn(text, tasks)),
            Value::Array(items) => {
                for item in items {
                    read_item(item, tasks, &mut turns)?;
                }
            }
            _ => return Err("`input` must be a text or a list".to_owned()),
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
        response(said, reply, model, "completed", &items(said, reply))
    }

    fn pieces(&self, said: &ChatAnswer, reply: &ReplyId, model: &str, _: bool) -> Vec<Sent> {
        let begun = response(said, reply, model, "in_progress", &[]);
        let mut sent = vec![
            Sent(Some("response.created"), json!({ "response": begun })),
            Sent(Some("response.in_progress"), json!({ "response": begun })),
        ];
        for (index, item) in items(said, reply).into_iter().enumerate() {
            send_item(&item, index, &mut sent);
        }
        let name = if said.finish == Finish::Length { "response.incomplete" } else { "response.completed" };
        sent.push(Sent(Some(name), json!({ "response": self.whole(said, reply, model) })));
        for (number, Sent(name, data)) in sent.iter_mut().enumerate() {
            data["type"] = name.unwrap_or_default().into();
            data["sequence_number"] = number.into();
        }
        sent
    }

    fn error(&self, kind: &str, message: &str) -> Value {
        completions::error(kind, message)
    }

    fn said(&self, reply: &Value) -> Option<Said> {
        let items = reply.get("output").and_then(Value::as_array)?;
        let of_kind = |kind: &'static str| items.iter().filter(move |item| field(item, "type") == kind);
        let calls: Vec<ChatCall> = of_kind("function_call").map(read_call).collect();
        let text: Vec<String> = of_kind("message").map(|item| text_of(&item["content"])).collect();
        let mut parts = of_kind("message").flat_map(|item| list(item, "content"));
        let finish = match field(reply, "status") {
            "incomplete" => Finish::Length,
            _ if !calls.is_empty() => Finish::ToolCalls,
            _ if parts.any(|part| field(part, "type") == "refusal") => Finish::Refusal,
            _ => Finish::Stop,
        };
        let tokens = tokens_said(&reply["usage"]["output_tokens"], &text.concat());
        Some(Said { calls, tokens, finish })
    }

    fn joined(&self, events: &[Value]) -> Option<Value> {
        let is_last =
            |event: &&Value| matches!(field(event, "type"), "response.completed" | "response.incomplete");
        events.iter().find(is_last).map(|event| event["response"].clone())
    }
}

fn read_item(item: &Value, tasks: &[&str], turns: &mut Vec<ChatTurn>) -> Result<(), String> {
    match (field(item, "type"), field(item, "role")) {
        ("function_call", _) => {
            push_assistant(turns, "", vec![read_call(item)]);
        }
        ("function_call_output", _) => {
            let (call, text) = (field(item, "call_id").to_owned(), text_of(&item["output"]));
            turns.push(ChatTurn::Result { call, text, is_error: false });
        }
        ("" | "message", "user") => turns.push(user_turn(&text_of(&item["content"]), tasks)),
        ("" | "message", "system" | "developer") => turns.push(ChatTurn::System),
        ("" | "message", "assistant") => push_assistant(turns, &text_of(&item["content"]), Vec::new()),
        // What else there is, such as `reasoning`, says nothing to this model.
        ("" | "message", role) => return Err(format!("there is no role `{role}`")),
        _ => {}
    }
    Ok(())
}

fn read_call(item: &Value) -> ChatCall {
    let [id, tool, arguments] = ["call_id", "name", "arguments"].map(|name| field(item, name).to_owned());
    ChatCall { id, tool, arguments }
}

/// The items of a reply.
fn items(said: &ChatAnswer, ReplyId(id): &ReplyId) -> Vec<Value> {
    let part = match said.finish {
        Finish::Refusal => json!({ "type": "refusal", "refusal": said.text }),
        _ => json!({ "type": "output_text", "text": said.text, "annotations": [], "logprobs": [] }),
    };
    let message = json!({
        "id": format!("msg_{id}"), "type": "message", "status": "completed", "role": "assistant", "content": [part],
    });
    let calls = said.calls.iter().enumerate().map(|(index, ChatCall { id: call, tool, arguments })| {
        json!({
            "id": format!("fc_{id}_{index}"), "type": "function_call", "status": "completed",
            "call_id": call, "name": tool, "arguments": arguments,
        })
    });
    let message = Some(message).filter(|_| !said.text.is_empty());
    message.into_iter().chain(calls).collect()
}

fn response(said: &ChatAnswer, ReplyId(id): &ReplyId, model: &str, status: &str, output: &[Value]) -> Value {
    let is_cut = said.finish == Finish::Length && status == "completed";
    json!({
        "id": format!("resp_{id}"),
        "object": "response",
        "created_at": 0,
        "status": if is_cut { "incomplete" } else { status },
        "incomplete_details": if is_cut { json!({ "reason": "max_output_tokens" }) } else { Value::Null },
        "error": null,
        "instructions": null,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": said.tokens_in,
            "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
            "output_tokens": said.tokens_out,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": said.tokens_in.saturating_add(said.tokens_out),
        },
    })
}

/// Sends an item in pieces.
fn send_item(item: &Value, index: usize, sent: &mut Vec<Sent>) {
    let mut begun = item.clone();
    begun["status"] = "in_progress".into();
    let id = item["id"].clone();
    if item["type"] == json!("function_call") {
        begun["arguments"] = "".into();
        sent.push(Sent(Some("response.output_item.added"), json!({ "output_index": index, "item": begun })));
        let about = json!({ "item_id": id, "output_index": index });
        send_text(&about, field(item, "arguments"), "response.function_call_arguments.delta", sent);
        let mut done = about;
        done["arguments"] = item["arguments"].clone();
        done["name"] = item["name"].clone();
        sent.push(Sent(Some("response.function_call_arguments.done"), done));
    } else {
        begun["content"] = json!([]);
        sent.push(Sent(Some("response.output_item.added"), json!({ "output_index": index, "item": begun })));
        let part = &item["content"][0];
        let (kind, delta, done) = match field(part, "type") {
            "refusal" => ("refusal", "response.refusal.delta", "response.refusal.done"),
            _ => ("text", "response.output_text.delta", "response.output_text.done"),
        };
        let about = json!({ "item_id": id, "output_index": index, "content_index": 0 });
        let with = |name: &str, value: Value| {
            let mut data = about.clone();
            data[name] = value;
            data
        };
        let mut empty = part.clone();
        empty[kind] = "".into();
        sent.push(Sent(Some("response.content_part.added"), with("part", empty)));
        send_text(&about, field(part, kind), delta, sent);
        let mut whole = with(kind, part[kind].clone());
        whole["logprobs"] = json!([]);
        sent.push(Sent(Some(done), whole));
        sent.push(Sent(Some("response.content_part.done"), with("part", part.clone())));
    }
    sent.push(Sent(Some("response.output_item.done"), json!({ "output_index": index, "item": item })));
}

fn send_text(about: &Value, text: &str, name: &'static str, sent: &mut Vec<Sent>) {
    sent.extend(pieces_of(text).map(|piece| {
        let mut data = about.clone();
        data["delta"] = piece.into();
        data["logprobs"] = json!([]);
        Sent(Some(name), data)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_real_model_says_is_read_from_its_whole_reply_and_from_the_end_of_a_stream() {
        let output = json!([
            { "type": "reasoning", "id": "rs_1", "summary": [] },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "I file it." }] },
            { "type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "mail_send", "arguments": "{}" },
        ]);
        let whole = json!({ "status": "completed", "output": output, "usage": { "output_tokens": 7 } });
        let [id, tool, arguments] = ["call_a", "mail_send", "{}"].map(str::to_owned);
        let calls = vec![ChatCall { id, tool, arguments }];
        let said = Some(Said { calls, tokens: 7, finish: Finish::ToolCalls });
        assert_eq!(Responses.said(&whole), said);
        let events = [
            json!({ "type": "response.created", "response": { "status": "in_progress", "output": [] } }),
            json!({ "type": "response.output_text.delta", "delta": "I " }),
            json!({ "type": "response.completed", "response": whole }),
        ];
        assert_eq!(Responses.said(&Responses.joined(&events).unwrap()), said);
        assert_eq!(Responses.joined(&events[..2]), None, "half a stream is no reply");
    }
}
