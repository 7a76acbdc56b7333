//! `serve` and `judge`, with a client written here: it speaks MCP over standard input and output, and HTTP.

use super::place::{Place, Said};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const LOST_ACK: &str = include_str!("../clients/lost-ack.toml");

/// An answer that is due comes within this time.
const SOON: Duration = Duration::from_mins(1);

/// What does not come within this time is taken not to come.
const IN_VAIN: Duration = Duration::from_millis(1_500);

/// A process that is killed if its test fails.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Serving {
    /// What it has said when it has ended. What was read of its standard error before is not part of it.
    fn ends(mut self, read_before: String) -> Said {
        let (mut out, mut err) = (String::new(), read_before);
        if let Some(mut stdout) = self.0.stdout.take() {
            stdout.read_to_string(&mut out).unwrap();
        }
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut err).unwrap();
        }
        Said { status: self.0.wait().unwrap().code(), out, err }
    }
}

/// An MCP client at the standard input and output of the command.
struct McpPeer {
    serving: Serving,
    input: ChildStdin,
    lines: Receiver<Value>,
    next: u64,
}

impl McpPeer {
    #[expect(clippy::disallowed_methods, reason = "what the command says is read beside what it is told")]
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let line = line.unwrap();
                let message = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self { serving: Serving(child), input, lines, next: 1 };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "peer", "version": "1" },
        });
        let welcome = peer.ask("initialize", &hello);
        assert_eq!(welcome["result"]["protocolVersion"], "2025-11-25", "{welcome}");
        peer.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        peer
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
        self.input.flush().unwrap();
    }

    fn send(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        loop {
            let answer = self.lines.recv_timeout(SOON).expect("an answer");
            if answer["id"] == json!(id) {
                return answer;
            }
        }
    }

    /// Calls a tool as a careless client does: one that gets no answer in time is called again.
    fn call_until_answered(&mut self, tool: &str, arguments: &Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        for _ in 0..5 {
            let id = self.send("tools/call", &params);
            while let Ok(answer) = self.lines.recv_timeout(IN_VAIN) {
                if answer["id"] == json!(id) {
                    return answer;
                }
            }
            let params = json!({ "requestId": id, "reason": "timeout" });
            self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }));
        }
        panic!("{tool} is never answered");
    }

    /// Does the task; the ticket is filed with these arguments beside its own.
    fn do_the_task(&mut self, more: &[(&str, &str)]) {
        let mut ticket = json!({ "title": "Login is down", "priority": 2 });
        for (name, value) in more {
            ticket[*name] = (*value).into();
        }
        let filed = self.call_until_answered("ticketing_create", &ticket);
        assert_eq!(filed["result"]["isError"], false, "{filed}");
        let mail = json!({ "to": "customer", "text": "We are on it." });
        self.call_until_answered("mail_send", &mail);
        let told = json!({ "name": "tell_user", "arguments": { "done": true } });
        self.ask("tools/call", &told);
    }

    /// Leaves, and gives what the command says then.
    fn leave(self) -> Said {
        drop(self.input);
        self.serving.ends(String::new())
    }
}

/// The scenario in a folder of its own.
fn place() -> Place {
    Place::with(&[("scenarios/tool-loop/lost-ack.toml", LOST_ACK)])
}

const SERVE_STDIO: &[&str] = &["serve", "scenarios/tool-loop/lost-ack.toml", "--stdio"];

#[test]
fn a_client_that_tries_again_without_a_key_files_the_ticket_twice_and_is_told_so() {
    let place = place();
    let mut peer = McpPeer::start(&place, SERVE_STDIO);
    let tools = peer.ask("tools/list", &json!({}));
    let names: Vec<&str> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(names, ["mail_send", "ticketing_create", "tell_user"]);
    let properties = &tools["result"]["tools"][1]["inputSchema"]["properties"];
    assert_eq!(properties["priority"]["type"], "integer", "{properties}");
    assert_eq!(properties["idempotency_key"]["type"], "string", "{properties}");
    let prompt = peer.ask("prompts/get", &json!({ "name": "task-1" }));
    let text = prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.contains("ticketing_create with"), "{text}");
    peer.do_the_task(&[]);
    peer.leave().ends_with(1).complains(&[
        "no-duplicate-effects broke: ticketing.create happened twice for task-1/file-ticket",
        "One fault was injected",
        "ticketing, create, task-1/file-ticket, try 1: ack-lost",
        "gets the outcome of ticketing.create for task-1/file-ticket: no answer in time",
        "no-phantom-completion",
        "Judge    perfidy judge histories/",
    ]);

    let files = place.files("histories");
    assert_eq!(files.len(), 1, "{files:?}");
    let history = format!("histories/{}", files[0].trim_start_matches("histories/"));
    let judged = place.perfidy(&["judge", &history]).ends_with(1).calmly();
    let judged = judged.says(&["no-duplicate-effects broke", "EFFECT create", "serve --replay"]);
    assert_eq!(
        judged.out,
        place.perfidy(&["judge", &history]).out,
        "a history is judged the same every time"
    );
    let record = &place.perfidy(&["judge", &history, "--format", "json"]).ends_with(1).records()[0];
    assert_eq!(record["broke"][0]["property"], "no-duplicate-effects", "{record}");
    let events = &place.perfidy(&["judge", &history, "--events"]).records_of_first_line();
    assert_eq!(events["digest"], record["digest"]);

    let mut careful = McpPeer::start(&place, &["serve", "--replay", &history, "--stdio"]);
    careful.do_the_task(&[("idempotency_key", "ticket-of-task-1")]);
    careful
        .leave()
        .ends_with(0)
        .complains(&["fixed: every fault was injected, and no-duplicate-effects held"]);
    let mut careless = McpPeer::start(&place, &["serve", "--replay", &history, "--stdio"]);
    careless.do_the_task(&[]);
    careless.leave().ends_with(1).complains(&["reproduced: no-duplicate-effects broke again"]);
}

#[test]
fn a_client_that_leaves_without_a_word_is_no_pass() {
    let place = place();
    let mut peer = McpPeer::start(&place, SERVE_STDIO);
    peer.ask("tools/call", &json!({ "name": "mail_send", "arguments": {} }));
    peer.leave().ends_with(3).complains(&[
        "eventual-termination",
        "not judged: the client ended without a word to its user on how each task ended",
    ]);
}

#[test]
fn a_client_that_says_done_without_the_effects_is_caught() {
    let place = place();
    let mut peer = McpPeer::start(&place, SERVE_STDIO);
    peer.ask("tools/call", &json!({ "name": "tell_user", "arguments": { "done": true } }));
    peer.leave().ends_with(1).complains(&["no-phantom-completion broke: task-1 was reported done, but"]);
}

/// The command, serving HTTP: its address, and what it has said until it said that.
fn serve_http(place: &Place, more: &[&str]) -> (Serving, String, String) {
    let arguments =
        [&["serve", "scenarios/tool-loop/lost-ack.toml", "--listen", "127.0.0.1:0"], more].concat();
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
fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // A server that has had enough closes while this still writes.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(address: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let answer = exchange(address, request.as_bytes());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn post_json(address: &str, path: &str, body: &Value) -> Value {
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
    // Of `null` as arguments a mail was sent; the task is reported as failed.
    serving.ends(said).ends_with(0).says(&["eventual-termination    holds", "no-duplicate-effects    holds"]);
}

#[test]
fn a_client_that_is_started_here_has_ended_with_its_exit_status() {
    let place = place();
    let serve = ["serve", "scenarios/tool-loop/lost-ack.toml", "--", "sh", "-c"];
    let said =
        place.perfidy(&[&serve[..], &["test -n \"$PERFIDY_MCP_URL$OPENAI_BASE_URL\" && exit 7"]].concat());
    said.ends_with(3).says(&["eventual-termination    holds", "No fault was injected"]);
    let said = place.perfidy(&[&serve[..], &["true"]].concat());
    said.ends_with(1)
        .says(&["no-phantom-completion broke: task-1 was reported done, but task-1/file-ticket"]);
    let nothing = place.perfidy(&["serve", "scenarios/tool-loop/lost-ack.toml", "--", "./no-such-program"]);
    nothing.ends_with(2).complains(&["cannot start ./no-such-program"]);
}

#[test]
fn what_cannot_be_served_or_judged_says_why() {
    let place = place();
    let team = LOST_ACK
        .replace("\"tool-loop\"", "\"conductor\"")
        .replace("[model]\nlatency = \"100ms..300ms\"\n", "");
    place.write("scenarios/conductor/team.toml", &team);
    place
        .perfidy(&["serve", "scenarios/conductor/team.toml"])
        .ends_with(2)
        .complains(&["more agents than one"]);
    let crash = "\n[[fault]]\nat = \"assistant, after call, task-1/file-ticket, try 1\"\ndo = \"crash, back after 2s\"\n";
    place.write("scenarios/tool-loop/crash.toml", &format!("{LOST_ACK}{crash}"));
    let said = place.perfidy(&["serve", "scenarios/tool-loop/crash.toml"]);
    said.ends_with(2).complains(&["only a client that this command starts can be killed", "python agent.py"]);
    place.write("empty.jsonl", "");
    place.write("later.jsonl", "{\"perfidy-history\":2}\n");
    for (file, why) in
        [("empty.jsonl", "line 1"), ("later.jsonl", "line 1"), ("scenarios", ""), ("no-such-file.jsonl", "")]
    {
        place.perfidy(&["judge", file]).ends_with(2).complains(&[file, why]);
    }
}

impl Said {
    fn records_of_first_line(&self) -> Value {
        serde_json::from_str(self.out.lines().next().unwrap()).unwrap()
    }
}
