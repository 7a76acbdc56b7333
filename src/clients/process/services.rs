//! The services of a scenario, each a host by its name: what a request to one asks of the world, and how the
//! answer is said.

use super::http::{HttpRequest, HttpResponse};
use super::mcp::{self, Told};
use crate::agent::{Definite, Indefinite, ModelError, ToolError};
use crate::clients::server::anthropic::Messages;
use crate::clients::server::api::{Api, ChatRequest, Names, ReplyId, Sent, status_of};
use crate::clients::server::completions::Completions;
use crate::clients::server::mcp::error_body;
use crate::clients::server::responses::Responses;
use crate::clients::{Answer, CallFailure, Catalogue, Request};
use perfidy_sim::Name;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The hosts that are no tools.
const MODEL: &str = "model";
const MCP: &str = "mcp";
const USER: &str = "user";

/// The services of a scenario.
#[derive(Debug)]
pub(super) struct Services {
    catalogue: Arc<Catalogue>,
}

/// What becomes of a request.
pub(super) enum Routed {
    /// It is answered at once.
    Now(HttpResponse),
    /// It asks something of the world.
    Ask(Request, Rendering),
}

/// How an answer of the world is said.
pub(super) enum Rendering {
    /// As a tool says it.
    Call,
    /// As the API of a model says it.
    Chat(Box<ChatRendering>),
    /// As MCP says it, with the id of the request.
    Mcp(Value),
    /// That the user was told.
    Told,
}

/// How the reply of a model is said.
pub(super) struct ChatRendering {
    api: &'static dyn Api,
    names: Names,
    wants_usage: bool,
    model: String,
    is_streamed: bool,
}

impl Services {
    /// Those of a scenario.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue }
    }

    /// The hosts, with their addresses.
    pub fn hosts(&self) -> Vec<(String, String)> {
        let tools: BTreeSet<Name> = self.catalogue.tools().iter().map(|tool| tool.tool).collect();
        let names = [MODEL, MCP, USER].into_iter().chain(tools.iter().map(|tool| tool.as_str()));
        let address = |place: usize| format!("10.0.{}.{}", 1 + place / 250, 1 + place % 250);
        names.enumerate().map(|(place, name)| (name.to_owned(), address(place))).collect()
    }

    /// What a request to a host asks, on behalf of a task.
    pub fn route(&self, host: &str, request: &HttpRequest, task: Name) -> Routed {
        let path = request.path.trim_matches('/');
        let task = task.to_string();
        if host == MODEL && request.method == "GET" && path == "v1/models" {
            let model = json!({ "id": "perfidy", "object": "model", "created": 0, "owned_by": "perfidy" });
            return Routed::Now(HttpResponse::json(200, &json!({ "object": "list", "data": [model] })));
        }
        if request.method != "POST" {
            let message = "POST it";
            return Routed::Now(HttpResponse::json(
                405,
                &json!({ "error": "method-not-allowed", "message": message }),
            ));
        }
        let body: Value = if request.body.is_empty() {
            Value::Null
        } else {
            match serde_json::from_slice(&request.body) {
                Ok(body) => body,
                Err(error) => return unreadable(&format!("the body is no JSON: {error}")),
            }
        };
        match (host, path) {
            (MODEL, "v1/chat/completions") => self.chat(&Completions, task, &body),
            (MODEL, "v1/responses") => self.chat(&Responses, task, &body),
            (MODEL, "v1/messages") => self.chat(&Messages, task, &body),
            (MCP, "mcp" | "") => match mcp::route(&self.catalogue, &body, task) {
                Told::Now(response) => Routed::Now(response),
                Told::Ask(id, request) => Routed::Ask(request, Rendering::Mcp(id)),
            },
            (USER, "") => match body["done"].as_bool() {
                Some(done) => Routed::Ask(Request::Tell { task: Some(task), done }, Rendering::Told),
                None => unreadable("`done` must be true or false"),
            },
            (tool, operation) => self.call((tool, operation), request, body, task),
        }
    }

    fn call(
        &self,
        (tool, operation): (&str, &str),
        request: &HttpRequest,
        body: Value,
        task: String,
    ) -> Routed {
        let mut tools = self.catalogue.tools().iter();
        let Some(served) =
            tools.find(|served| served.tool.as_str() == tool && served.operation.as_str() == operation)
        else {
            let here = self.catalogue.tools().iter().filter(|served| served.tool.as_str() == tool);
            let paths: Vec<String> = here.map(|served| format!("/{}", served.operation)).collect();
            let message = "there is nothing here";
            return Routed::Now(HttpResponse::json(
                404,
                &json!({ "error": "not-found", "message": message, "there-is": paths }),
            ));
        };
        let arguments: Map<String, Value> = match body {
            Value::Object(arguments) => arguments,
            Value::Null => Map::new(),
            _ => return unreadable("the arguments must be an object"),
        };
        let key = request.header("idempotency-key").map(str::to_owned);
        Routed::Ask(
            Request::Call { task: Some(task), tool: served.name.clone(), arguments, key },
            Rendering::Call,
        )
    }

    fn chat(&self, api: &'static dyn Api, task: String, body: &Value) -> Routed {
        let tasks: Vec<&str> = self.catalogue.tasks().collect();
        let bad = |why: &str| Routed::Now(HttpResponse::json(400, &api.error("invalid_request_error", why)));
        let asked = match api.read(body, &tasks) {
            Ok(asked) => asked,
            Err(why) => return bad(&why),
        };
        let names = match Names::of(&self.catalogue, &asked.tools) {
            Ok(names) => names,
            Err(why) => return bad(&why),
        };
        let request = Request::Chat { task: Some(task), turns: names.served(asked.turns), said: None };
        let ChatRequest { model, is_streamed, wants_usage, .. } = asked;
        let chat = ChatRendering { api, names, wants_usage, model, is_streamed };
        Routed::Ask(request, Rendering::Chat(Box::new(chat)))
    }
}

fn unreadable(message: &str) -> Routed {
    Routed::Now(HttpResponse::json(400, &json!({ "error": "unreadable", "message": message })))
}

impl Rendering {
    /// The response that says an answer; none if the connection ends without one. `number` tells replies
    /// apart.
    pub fn response(&self, answer: Option<Answer>, number: u64) -> Option<HttpResponse> {
        Some(match (self, answer?) {
            (Self::Call, Answer::Call(Ok(done))) => HttpResponse::json(200, &json!(done)),
            (Self::Call, Answer::Call(Err(failure))) => failed(&failure),
            (Self::Mcp(id), answer) => mcp::response(id, &answer),
            (Self::Told, Answer::Heard) => HttpResponse::json(200, &json!({ "told": true })),
            (Self::Chat(chat), Answer::Chat(Ok(said))) => {
                let said = chat.names.of_client(said);
                let id = ReplyId(number);
                if chat.is_streamed {
                    let pieces = chat.api.pieces(&said, &id, &chat.model, chat.wants_usage);
                    HttpResponse::text(200, "text/event-stream", pieces.iter().map(written).collect())
                } else {
                    HttpResponse::json(200, &chat.api.whole(&said, &id, &chat.model))
                }
            }
            (Self::Chat(chat), Answer::Chat(Err(error))) => model_error(chat.api, error),
            (Self::Call | Self::Told | Self::Chat(_), _) => return None,
        })
    }
}

/// An event of a stream. The end of one of OpenAI's is no JSON.
fn written(Sent(name, data): &Sent) -> String {
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    if data.is_null() { "data: [DONE]\n\n".to_owned() } else { format!("{name}data: {data}\n\n") }
}

fn failed(failure: &CallFailure) -> HttpResponse {
    let Some((body, status)) = error_body(failure) else {
        return HttpResponse::text(200, "application/json", "{\"rece".to_owned());
    };
    let response = HttpResponse::json(status, &body);
    match failure.error {
        ToolError::Definite(Definite::RateLimited { retry_after_secs })
        | ToolError::Indefinite(Indefinite::Refused(Definite::RateLimited { retry_after_secs })) => {
            response.with("retry-after", retry_after_secs.to_string())
        }
        _ => response,
    }
}

fn model_error(api: &dyn Api, error: ModelError) -> HttpResponse {
    let (status, kind) = status_of(error);
    let response = HttpResponse::json(status, &api.error(kind, &error.to_string()));
    match error {
        ModelError::RateLimited { retry_after_secs } => {
            response.with("retry-after", retry_after_secs.to_string())
        }
        // A reply that cannot be read breaks off in the middle.
        ModelError::Unreadable => HttpResponse::text(200, "application/json", "{\"id\": \"msg".to_owned()),
        _ => response,
    }
}
