//! HTTP: which path is what, and what a request must be like.

use super::anthropic::Messages;
use super::completions::Completions;
use super::mcp::{Mcp, error_body};
use super::responses::Responses;
use super::upstream::{Posted, Upstream};
use super::{MOST_BYTES, ServerConfig};
use crate::agent::{Definite, Indefinite, ToolError};
use crate::clients::catalogue::KEY;
use crate::clients::{Answer, CallFailure, Catalogue, Handle, Request};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many connections there can be at once.
const MOST_CONNECTIONS: usize = 256;

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How long to wait after a connection could not be accepted.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

pub(super) type Body = BoxBody<Bytes, Infallible>;

/// The connection ends without an answer, as when a process behind it dies.
#[derive(Debug)]
pub(super) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends without an answer")
    }
}

impl std::error::Error for Gone {}

/// What there is, by path.
pub(super) struct Routes {
    pub(super) handle: Handle,
    pub(super) catalogue: Arc<Catalogue>,
    /// The real model, if the simulated one is not to be asked.
    pub(super) upstream: Option<Upstream>,
    speed: u32,
    /// Whether only this machine is served.
    is_local: bool,
    mcp: BTreeMap<Option<String>, StreamableHttpService<Mcp, LocalSessionManager>>,
    pub(super) replies: AtomicU64,
}

impl Routes {
    pub fn new(
        handle: &Handle,
        catalogue: &Arc<Catalogue>,
        config: &ServerConfig,
        is_local: bool,
    ) -> Arc<Self> {
        let tasks = catalogue.tasks().map(|task| Some(task.to_owned()));
        let mcp = tasks.chain([None]).map(|task| {
            let mcp = Mcp { handle: handle.clone(), catalogue: Arc::clone(catalogue), task: task.clone() };
            let mcp_config = StreamableHttpServerConfig::default()
                .with_max_request_body_bytes(MOST_BYTES)
                .enforce_origin_validation();
            let mcp_config = if is_local { mcp_config } else { mcp_config.disable_allowed_hosts() };
            let sessions = Arc::new(LocalSessionManager::default());
            (task, StreamableHttpService::new(move || Ok(mcp.clone()), sessions, mcp_config))
        });
        Arc::new(Self {
            handle: handle.clone(),
            catalogue: Arc::clone(catalogue),
            upstream: config.model.clone(),
            speed: config.speed.max(1),
            is_local,
            mcp: mcp.collect(),
            replies: AtomicU64::new(1),
        })
    }
}

/// Serves every connection until the process ends.
pub(super) async fn serve(listener: TcpListener, routes: Arc<Routes>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Such as too many open files: it takes a while until some are closed.
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let routes = Arc::clone(&routes);
        tokio::spawn(async move {
            let _permit = permit;
            let service = service_fn(|request| routes.answer(request));
            let mut connection = http1::Builder::new();
            connection.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
            // A client that leaves is no trouble of the server.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Routes {
    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response<Body>, Gone> {
        if self.is_local && !is_from_here(request.headers()) {
            let message = "only this machine is served, and pages of other sites are not";
            return Ok(json_of(403, &json!({ "error": "forbidden", "message": message })));
        }
        let path = request.uri().path().trim_matches('/').to_owned();
        let (task, path) = match path.split_once('/') {
            Some((task, rest)) if self.catalogue.tasks().any(|known| known == task) => {
                (Some(task.to_owned()), rest.to_owned())
            }
            _ => (None, path),
        };
        if path == "mcp" {
            return Ok(self.mcp[&task].handle(request).await);
        }
        if request.method() == Method::GET {
            return Ok(self.look_at(&path));
        }
        if request.method() != Method::POST {
            return Ok(json_of(405, &json!({ "error": "method-not-allowed", "message": "POST it" })));
        }
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MOST_BYTES).collect().await else {
            let message = format!("a request has at most {MOST_BYTES} bytes");
            return Ok(json_of(413, &json!({ "error": "too-large", "message": message })));
        };
        let bytes = body.to_bytes();
        let body: Value = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(error) => {
                let message = format!("the body is no JSON: {error}");
                return Ok(json_of(400, &json!({ "error": "unreadable", "message": message })));
            }
        };
        let posted = || {
            let query = head.uri.query().map_or_else(String::new, |query| format!("?{query}"));
            Posted { path: format!("/{path}{query}"), headers: head.headers.clone(), body: bytes.clone() }
        };
        match path.as_str() {
            "v1/chat/completions" => self.chat(&Completions, task, body, posted()).await,
            "v1/responses" => self.chat(&Responses, task, body, posted()).await,
            "v1/messages" => self.chat(&Messages, task, body, posted()).await,
            "tell_user" => self.tell(task, &body).await,
            path => match path.strip_prefix("tools/") {
                Some(tool) => self.call(task, tool, &head.headers, body).await,
                None => Ok(self.nothing_there()),
            },
        }
    }

    /// What there is to be looked at.
    fn look_at(&self, path: &str) -> Response<Body> {
        match path {
            "" => json_of(200, &self.overview()),
            "v1/models" => {
                let model =
                    json!({ "id": "perfidy", "object": "model", "created": 0, "owned_by": "perfidy" });
                json_of(200, &json!({ "object": "list", "data": [model] }))
            }
            _ => self.nothing_there(),
        }
    }

    fn overview(&self) -> Value {
        let tools = self.catalogue.tools().iter().map(|tool| {
            json!({ "name": tool.name, "path": format!("/tools/{}", tool.name), "schema": tool.schema })
        });
        let tasks =
            self.catalogue.tasks().map(|task| json!({ "name": task, "prompt": self.catalogue.prompt(task) }));
        json!({
            "paths": ["/mcp", "/v1/chat/completions", "/v1/responses", "/v1/messages", "/tell_user"],
            "tools": tools.collect::<Vec<_>>(),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    }

    fn nothing_there(&self) -> Response<Body> {
        json_of(
            404,
            &json!({ "error": "not-found", "message": "there is nothing here", "there-is": self.overview() }),
        )
    }

    async fn call(
        &self,
        task: Option<String>,
        tool: &str,
        headers: &HeaderMap,
        body: Value,
    ) -> Result<Response<Body>, Gone> {
        let bad = |message: &str| Ok(json_of(400, &json!({ "error": "unreadable", "message": message })));
        let Some(served) = self.catalogue.find(tool) else { return Ok(self.nothing_there()) };
        let mut arguments: Map<String, Value> = match body {
            Value::Object(arguments) => arguments,
            Value::Null => Map::new(),
            _ => return bad("the arguments must be an object"),
        };
        // As a header, or as the argument that the schema of the tool names.
        let argument = arguments.remove(KEY).filter(|key| !key.is_null());
        let key = match (headers.get("idempotency-key").map(|key| key.to_str()), argument) {
            (None, None) => None,
            (Some(Ok(key)), _) => Some(key.to_owned()),
            (None, Some(Value::String(key))) => Some(key),
            (Some(Err(_)), _) | (None, Some(_)) => return bad("the idempotency key must be plain text"),
        };
        let tool = served.name.clone();
        match self.handle.ask(Request::Call { task, tool, arguments, key }).await {
            Some(Answer::Call(Ok(done))) => Ok(json_of(200, &json!(done))),
            Some(Answer::Call(Err(failure))) => Ok(self.failed(&failure)),
            Some(_) | None => Err(Gone),
        }
    }

    fn failed(&self, failure: &CallFailure) -> Response<Body> {
        let Some((body, status)) = error_body(failure) else {
            return text_of(200, "application/json", "{\"rece");
        };
        match failure.error {
            ToolError::Definite(Definite::RateLimited { retry_after_secs })
            | ToolError::Indefinite(Indefinite::Refused(Definite::RateLimited { retry_after_secs })) => {
                self.limited(json_of(status, &body), retry_after_secs)
            }
            _ => json_of(status, &body),
        }
    }

    /// A refusal that says when to come again, in real time.
    pub(super) fn limited(&self, mut response: Response<Body>, virtual_secs: u32) -> Response<Body> {
        let millis = u64::from(virtual_secs) * 1_000 / u64::from(self.speed);
        let headers = response.headers_mut();
        headers.insert("retry-after", millis.div_ceil(1_000).into());
        headers.insert("retry-after-ms", millis.into());
        response
    }

    async fn tell(&self, task: Option<String>, body: &Value) -> Result<Response<Body>, Gone> {
        let Some(done) = body["done"].as_bool() else {
            let message = "`done` must be true or false";
            return Ok(json_of(400, &json!({ "error": "unreadable", "message": message })));
        };
        let named = body["task"].as_str().map(str::to_owned);
        if let Some(named) = &named
            && !self.catalogue.tasks().any(|task| task == named)
        {
            let message = "there is no such task; / has those there are";
            return Ok(json_of(400, &json!({ "error": "unreadable", "message": message })));
        }
        self.handle.ask(Request::Tell { task: named.or(task), done }).await.ok_or(Gone)?;
        Ok(json_of(200, &json!({ "told": true })))
    }
}

/// Whether a request is for this machine by its own name, and comes from no page of another site: a name that
/// leads here could be that of another connection.
fn is_from_here(headers: &HeaderMap) -> bool {
    let is_local = |host: &str| {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        matches!(name, "localhost" | "127.0.0.1" | "::1")
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let site = origin.map(|origin| origin.split_once("://").map_or("", |(_, host)| host));
    host.is_some_and(is_local) && site.is_none_or(is_local)
}

pub(super) fn json_of(status: u16, body: &Value) -> Response<Body> {
    text_of(status, "application/json", &body.to_string())
}

pub(super) fn full(body: Bytes) -> Body {
    Full::new(body).boxed()
}

pub(super) fn text_of(status: u16, kind: &'static str, text: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    response
}
