//! Clients that speak HTTP: tools, and the model by its APIs.

use super::{IN_VAIN, SOON, Serving, place};
use crate::place::Place;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// The command, serving HTTP: its address, and what it has said until it said that.
pub fn serve_http(place: &Place, more: &[&str]) -> (Serving, String, String) {
    serve_scenario(place, "scenarios/tool-loop/lost-ack.toml", more)
}

/// The same with another scenario.
pub fn serve_scenario(place: &Place, scenario: &str, more: &[&str]) -> (Serving, String, String) {
    let arguments = [&["serve", scenario, "--listen", "127.0.0.1:0"], more].concat();
    let mut child = place.start(&arguments);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let mut line = String::new();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {said}");
        said.push_str(&line);
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split('/').next().unwrap().trim().to_owned();
        }
    };
    // The rest is read at the end; it fits into the pipe.
    let mut serving = Serving(child);
    serving.0.stderr = Some(stderr.into_inner());
    (serving, address, said)
}

/// Sends bytes and gives what comes back until the server closes the connection.
pub fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // A server that has had enough closes while this still writes.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn post(address: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let answer = exchange(address, request.as_bytes());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

pub fn post_json(address: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = post(address, path, "", &body.to_string());
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

const TOOLS: &[&str] = &["mcp__perfidy__ticketing_create", "mailSend"];

#[test]
fn the_model_asks_for_the_steps_of_the_task_and_a_key_saves_the_client() {
    let place = place();
    let (serving, address, said) = serve_http(&place, &["--speed", "20", "--record", "whole.jsonl"]);
    let tools: Vec<Value> =
        TOOLS.iter().map(|name| json!({ "type": "function", "function": { "name": name } })).collect();
    let mut messages = vec![json!({ "role": "user", "content": "Please do task-1." })];
    loop {
        let body = json!({ "model": "any", "messages": messages, "tools": tools });
        let reply = post_json(&address, "/v1/chat/completions", &body);
        let message = reply["choices"][0]["message"].clone();
        messages.push(message.clone());
        let Some(calls) = message["tool_calls"].as_array() else {
            assert!(message["content"].as_str().unwrap().contains("task-1 is done"), "{message}");
            break;
        };
        for call in calls {
            let name = call["function"]["name"].as_str().unwrap();
            assert!(TOOLS.contains(&name), "{call}");
            let tool = if name == "mailSend" { "mail_send" } else { "ticketing_create" };
            let arguments = call["function"]["arguments"].as_str().unwrap();
            let key = format!("idempotency-key: {}\r\n", call["id"].as_str().unwrap());
            let answer = call_until_answered(&address, tool, &key, arguments);
            messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": answer }));
        }
    }
    // The user has been told of every task, so the run comes to its end.
    let said = serving.ends(said).ends_with(0);
    let said = said.says(&["no-duplicate-effects", "holds", "no-phantom-completion", "1 fault injected"]);
    assert!(!said.out.contains("BROKE"), "{}", said.out);
    place.perfidy(&["judge", "whole.jsonl"]).ends_with(0).calmly().says(&["no-duplicate-effects"]);
    let history = place.read("whole.jsonl");
    assert!(history.lines().next().unwrap().contains("\"perfidy-history\":1"), "{history}");
}

fn call_until_answered(address: &str, tool: &str, key: &str, arguments: &str) -> String {
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(IN_VAIN)).unwrap();
        let request = format!(
            "POST /tools/{tool} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n{key}\r\n{arguments}",
            arguments.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        if stream.read_to_string(&mut answer).is_ok() {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            return answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        }
    }
    panic!("{tool} is never answered");
}

#[test]
fn every_model_api_streams_the_call_that_it_says_whole() {
    let place = place();
    let (serving, address, _said) = serve_http(&place, &["--speed", "50"]);
    let functions = json!([
        { "type": "function", "function": { "name": "ticketing_create" } },
        { "type": "function", "function": { "name": "mail_send" } },
    ]);
    let tools = json!([{ "name": "ticketing_create" }, { "name": "mail_send" }]);
    let messages = json!([{ "role": "user", "content": "task-1" }]);
    let apis = [
        ("/v1/chat/completions", json!({ "messages": messages, "tools": functions }), "data: [DONE]\n\n"),
        ("/v1/responses", json!({ "input": "task-1", "tools": tools }), "event: response.completed\n"),
        ("/v1/messages", json!({ "messages": messages, "tools": tools }), "event: message_stop\n"),
    ];
    for (path, mut body, last) in apis {
        let whole = post_json(&address, path, &body).to_string();
        assert!(whole.contains("\"ticketing_create\"") && whole.contains("Login is down"), "{whole}");
        body["stream"] = true.into();
        let (status, streamed) = post(&address, path, "", &body.to_string());
        assert_eq!(status, 200, "{streamed}");
        assert!(streamed.contains("ticketing_create") && streamed.contains(last), "{streamed}");
        for line in streamed.lines().filter_map(|line| line.strip_prefix("data: ")) {
            assert!(line == "[DONE]" || serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
        let (status, refused) = post(&address, path, "", &json!({ "messages": [], "input": [] }).to_string());
        assert_eq!(status, 400, "{refused}");
        assert!(refused.contains("declares no tool `mail_send`"), "{refused}");
    }
    drop(serving);
}

#[test]
fn nothing_that_a_client_sends_breaks_the_server() {
    let place = place();
    let (serving, address, said) = serve_http(&place, &["--speed", "50"]);
    let deep = "[".repeat(100_000);
    for path in
        ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/tools/mail_send", "/tell_user", "/mcp"]
    {
        for body in ["", "{", "null", "[]", "\"\\ud800\"", "{\"messages\": [{}], \"input\": [[]]}", &deep] {
            // A tool takes any object as arguments.
            if path == "/tools/mail_send" && body.starts_with("{\"") {
                continue;
            }
            let (status, answer) = post(&address, path, "content-type: application/json\r\n", body);
            let is_call = path == "/tools/mail_send" && body == "null";
            assert!((400..500).contains(&status) || is_call, "{path} {body:.40}: {status} {answer}");
        }
    }
    let head = format!("POST /tools/mail_send HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let invalid = [head.as_bytes(), b"content-length: 4\r\n\r\n\"\xff\xfe\""].concat();
    assert!(exchange(&address, &invalid).starts_with("HTTP/1.1 400"));
    let too_long = format!("{head}content-length: 9000000\r\n\r\n{}", "x".repeat(9_000_000));
    let refused = exchange(&address, too_long.as_bytes());
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 413"), "{refused}");
    for (host, origin) in [("evil.example", ""), ("127.0.0.1", "origin: https://evil.example\r\n")] {
        for path in ["/", "/mcp", "/tools/mail_send"] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\n{origin}connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            let answer = exchange(&address, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} for {host}: {answer}");
        }
    }
    let (status, _) = post(&address, "/tell_user", "", "{\"done\": false}");
    assert_eq!(status, 200);
    // Of `null` as arguments a mail was sent that has no address; the task is reported as failed.
    let said = serving.ends(said).ends_with(1);
    said.says(&[
        "effects-as-wanted       BROKE",
        "eventual-termination    holds",
        "no-duplicate-effects    holds",
    ]);
}
