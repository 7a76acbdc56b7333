//! A real model, asked in the place of the simulated one.
//!
//! What the client asks is passed on as it is, with its own key, and the reply is read whole before the
//! client gets it: the world must know what was said to let a fault alter it. Keys and texts go nowhere else,
//! and stand in no recording.

use super::MOST_BYTES;
use super::api::Api;
use crate::clients::Said;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a reply may take, as the SDKs of models wait by default.
const REPLY_WITHIN: Duration = Duration::from_mins(10);

/// What of the head of a request is for the model.
const PASSED_ON: &[&str] = &[
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "authorization",
    "content-type",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "user-agent",
    "x-api-key",
];

/// What of the head of a reply is for the client.
const PASSED_BACK: &[&str] = &["content-type", "request-id", "retry-after", "retry-after-ms", "x-request-id"];

/// The address of a real model, and the client for it.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: HttpClient,
    /// Without `/v1`, which the paths begin with.
    base: String,
}

#[derive(Clone, Debug)]
enum HttpClient {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Encrypted(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// A request for a model.
pub(super) struct Posted {
    /// The path, with what follows a question mark.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What a real model has answered.
pub(super) struct RealReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Upstream {
    /// The model at an address such as `https://api.openai.com`; it can end with `/v1`.
    ///
    /// # Errors
    /// Why there can be no model at this address.
    pub fn new(address: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{address}` is no address of a model: {why}");
        let uri: Uri = address.parse().map_err(|error| wrong(&format!("{error}")))?;
        if uri.authority().is_none() || uri.query().is_some() {
            return Err(wrong("it should be like https://api.openai.com"));
        }
        let client = match uri.scheme_str() {
            Some("http") => HttpClient::Plain(Client::builder(TokioExecutor::new()).build_http()),
            Some("https") => {
                let connector = HttpsConnectorBuilder::new().with_native_roots();
                let connector =
                    connector.map_err(|error| wrong(&format!("no certificates here: {error}")))?;
                let connector = connector.https_only().enable_http1().build();
                HttpClient::Encrypted(Client::builder(TokioExecutor::new()).build(connector))
            }
            None => return Err(wrong("it should be like https://api.openai.com")),
            _ => return Err(wrong("it should begin with https:// or http://")),
        };
        let base = address.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base).to_owned();
        Ok(Self { client, base })
    }

    /// Passes a request on.
    ///
    /// # Errors
    /// Why there is no reply.
    pub(super) async fn ask(&self, posted: Posted) -> Result<RealReply, String> {
        let Posted { path, headers, body } = posted;
        let wrong = |why: &dyn std::fmt::Display| format!("the real model at {}: {why}", self.base);
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}{path}", self.base).parse().map_err(|error| wrong(&error))?;
        *request.headers_mut() = only(PASSED_ON, &headers);
        let reply = async {
            let reply = match &self.client {
                HttpClient::Plain(client) => client.request(request).await,
                HttpClient::Encrypted(client) => client.request(request).await,
            };
            let (head, body) = reply.map_err(|error| wrong(&in_full(&error)))?.into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| wrong(&error))?;
            let headers = only(PASSED_BACK, &head.headers);
            Ok(RealReply { status: head.status, headers, body: body.to_bytes() })
        };
        timeout(REPLY_WITHIN, reply).await.unwrap_or_else(|_| Err(wrong(&"no reply in ten minutes")))
    }
}

impl RealReply {
    /// What the model has said; `None` if that is no reply of this API.
    pub fn said(&self, api: &dyn Api) -> Option<Said> {
        let text = std::str::from_utf8(&self.body).ok()?;
        let kind = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let whole = if kind.starts_with(b"text/event-stream") {
            api.joined(&events(text))?
        } else {
            serde_json::from_str(text).ok()?
        };
        api.said(&whole)
    }
}

/// The events of a stream that are JSON.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

fn only(names: &[&'static str], headers: &HeaderMap) -> HeaderMap {
    let kept = names
        .iter()
        .filter_map(|name| headers.get(*name).map(|value| (HeaderName::from_static(name), value.clone())));
    kept.collect()
}

/// An error with what has led to it.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_end_with_the_version_or_not() {
        for address in ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/", "http://127.0.0.1:1"] {
            assert_eq!(Upstream::new(address).unwrap().base, "http://127.0.0.1:1");
        }
        assert_eq!(Upstream::new("http://router.example/api/v1").unwrap().base, "http://router.example/api");
    }

    #[test]
    fn what_is_no_address_is_refused_and_says_what_is_one() {
        for (address, why) in [
            ("api.openai.com", "like https://api.openai.com"),
            ("ftp://model.example", "begin with https:// or http://"),
            ("http://model.example/?key=1", "like https://"),
            ("", ""),
        ] {
            let refused = Upstream::new(address).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
