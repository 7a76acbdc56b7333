//! The paths of models: the simulated one, or a real one behind it.

use super::api::{Api, ChatRequest, Names, ReplyId, Sent, status_of};
use super::http::{Body, Gone, Routes, json_of, text_of};
use super::upstream::{Posted, RealReply, Upstream};
use crate::agent::ModelError;
use crate::clients::{Answer, ChatAnswer, Request, Said};
use hyper::Response;
use serde_json::Value;
use std::sync::atomic::Ordering;

impl Routes {
    /// Answers a question to the model.
    pub(super) async fn chat(
        &self,
        api: &dyn Api,
        task: Option<String>,
        body: Value,
        posted: Posted,
    ) -> Result<Response<Body>, Gone> {
        let tasks: Vec<&str> = self.catalogue.tasks().collect();
        let asked = match api.read(&body, &tasks) {
            Ok(asked) => asked,
            Err(message) => return Ok(error(api, 400, "invalid_request_error", &message)),
        };
        if let Some(upstream) = &self.upstream {
            return self.relay(upstream, api, (task, asked), posted).await;
        }
        let names = match Names::of(&self.catalogue, &asked.tools) {
            Ok(names) => names,
            Err(message) => return Ok(error(api, 400, "invalid_request_error", &message)),
        };
        let ChatRequest { turns, model, is_streamed, wants_usage, .. } = asked;
        let request = Request::Chat { task, turns: names.served(turns), said: None };
        match self.handle.ask(request).await {
            Some(Answer::Chat(Ok(said))) => {
                Ok(self.say(api, &names.of_client(said), &model, (is_streamed, wants_usage)))
            }
            Some(Answer::Chat(Err(error))) => Ok(self.model_error(api, error)),
            Some(_) | None => Err(Gone),
        }
    }

    /// Asks the real model, and passes on what it says unless a fault alters it.
    async fn relay(
        &self,
        upstream: &Upstream,
        api: &dyn Api,
        (task, asked): (Option<String>, ChatRequest),
        posted: Posted,
    ) -> Result<Response<Body>, Gone> {
        let real = match upstream.ask(posted).await {
            Ok(real) => real,
            Err(why) => return Ok(error(api, 502, "api_error", &why)),
        };
        // An error of the real model is no fault of the scenario, and the client gets it as it is.
        if !real.status.is_success() {
            return Ok(passed_on(real));
        }
        let Some(said) = real.said(api) else {
            return Ok(error(api, 502, "api_error", "the reply of the real model cannot be read"));
        };
        let ChatRequest { turns, tools, model, is_streamed, wants_usage } = asked;
        let names = Names::known(&self.catalogue, &tools);
        let said = Said { calls: names.served_calls(said.calls), ..said };
        let request = Request::Chat { task, turns: names.served(turns), said: Some(said) };
        match self.handle.ask(request).await {
            Some(Answer::AsSaid) => Ok(passed_on(real)),
            Some(Answer::Chat(Ok(said))) => {
                Ok(self.say(api, &names.of_client(said), &model, (is_streamed, wants_usage)))
            }
            Some(Answer::Chat(Err(error))) => Ok(self.model_error(api, error)),
            Some(_) | None => Err(Gone),
        }
    }

    /// A reply as the API writes it, streamed or not, with the count of tokens at the end of a stream or not.
    fn say(
        &self,
        api: &dyn Api,
        said: &ChatAnswer,
        model: &str,
        (is_streamed, wants_usage): (bool, bool),
    ) -> Response<Body> {
        let id = ReplyId(self.replies.fetch_add(1, Ordering::Relaxed));
        if is_streamed {
            let pieces = api.pieces(said, &id, model, wants_usage);
            text_of(200, "text/event-stream", &pieces.iter().map(written).collect::<String>())
        } else {
            json_of(200, &api.whole(said, &id, model))
        }
    }

    fn model_error(&self, api: &dyn Api, why: ModelError) -> Response<Body> {
        let (status, kind) = status_of(why);
        let response = error(api, status, kind, &why.to_string());
        match why {
            ModelError::RateLimited { retry_after_secs } => self.limited(response, retry_after_secs),
            // A reply that cannot be read breaks off in the middle.
            ModelError::Unreadable => text_of(200, "application/json", "{\"id\": \"msg"),
            _ => response,
        }
    }
}

fn error(api: &dyn Api, status: u16, kind: &str, message: &str) -> Response<Body> {
    json_of(status, &api.error(kind, message))
}

fn passed_on(real: RealReply) -> Response<Body> {
    let RealReply { status, headers, body } = real;
    let mut response = Response::new(super::http::full(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// An event of a stream. The end of one of OpenAI's is no JSON.
fn written(Sent(name, data): &Sent) -> String {
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    if data.is_null() { "data: [DONE]\n\n".to_owned() } else { format!("{name}data: {data}\n\n") }
}
