//! MCP over streamable HTTP, as far as an agent needs it for the tools of a scenario: one JSON response to
//! each request, no session and no stream of the server's own, as the protocol allows.

use super::http::HttpResponse;
use crate::clients::catalogue::KEY;
use crate::clients::server::mcp::error_body;
use crate::clients::{Answer, Catalogue, Request, ServedTool};
use serde_json::{Map, Value, json};

/// The revision that is spoken with a client that names none.
const REVISION: &str = "2025-06-18";

/// What becomes of a message.
pub(super) enum Told {
    /// It is answered at once.
    Now(HttpResponse),
    /// It asks something of the world; its id.
    Ask(Value, Request),
}

/// What a message asks.
pub(super) fn route(catalogue: &Catalogue, message: &Value, task: String) -> Told {
    let id = message["id"].clone();
    if id.is_null() {
        return Told::Now(HttpResponse::text(202, "application/json", String::new()));
    }
    let params = &message["params"];
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"].as_str().unwrap_or(REVISION),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "perfidy", "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": catalogue.tools().iter().map(described).collect::<Vec<_>>() }),
        "tools/call" => return call(catalogue, &id, params, task),
        _ => return Told::Now(error(&id, -32_601, "there is no such method")),
    };
    Told::Now(HttpResponse::json(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result })))
}

fn described(served: &ServedTool) -> Value {
    json!({ "name": served.name, "description": served.about, "inputSchema": served.schema })
}

fn call(catalogue: &Catalogue, id: &Value, params: &Value, task: String) -> Told {
    let Some(served) = params["name"].as_str().and_then(|name| catalogue.find(name)) else {
        return Told::Now(error(id, -32_602, "there is no such tool; tools/list has those there are"));
    };
    let mut arguments: Map<String, Value> = params["arguments"].as_object().cloned().unwrap_or_default();
    let key = match arguments.remove(KEY) {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) => Some(key),
        Some(_) => return Told::Now(error(id, -32_602, "the idempotency key must be a text")),
    };
    Told::Ask(id.clone(), Request::Call { task: Some(task), tool: served.name.clone(), arguments, key })
}

/// How an answer is said.
pub(super) fn response(id: &Value, answer: &Answer) -> HttpResponse {
    let text = |text: String, is_error: bool| json!({ "content": [{ "type": "text", "text": text }], "isError": is_error });
    let result = match answer {
        Answer::Call(Ok(done)) => {
            let done = json!(done);
            let mut result = text(done.to_string(), false);
            result["structuredContent"] = done;
            result
        }
        // One that cannot be read breaks off in the middle.
        Answer::Call(Err(failure)) => match error_body(failure) {
            None => text("{\"rece".to_owned(), false),
            Some((body, _)) => text(body.to_string(), true),
        },
        Answer::Chat(_) | Answer::AsSaid | Answer::Heard => {
            return error(id, -32_603, "the connection to the tool is gone");
        }
    };
    HttpResponse::json(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn error(id: &Value, code: i32, message: &str) -> HttpResponse {
    let error = json!({ "code": code, "message": message });
    HttpResponse::json(200, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}
