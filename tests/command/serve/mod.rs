//! `serve` and `judge`, with a client written here: it speaks MCP over standard input and output.

mod ending;
mod http;
mod observed;
mod real_model;

use super::place::{Place, Said};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const LOST_ACK: &str = include_str!("../../clients/lost-ack.toml");

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
    fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::speaking("2025-11-25", place, arguments)
    }

    /// One that speaks an earlier revision of the protocol.
    #[expect(clippy::disallowed_methods, reason = "what the command says is read beside what it is told")]
    fn speaking(revision: &str, place: &Place, arguments: &[&str]) -> Self {
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
            "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "peer", "version": "1" },
        });
        let welcome = peer.ask("initialize", &hello);
        assert_eq!(welcome["result"]["protocolVersion"], revision, "{welcome}");
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
fn clients_of_earlier_revisions_of_the_protocol_are_served() {
    let place = place();
    for revision in ["2025-06-18", "2025-03-26", "2024-11-05"] {
        let mut peer = McpPeer::speaking(revision, &place, SERVE_STDIO);
        peer.do_the_task(&[("idempotency_key", "ticket-of-task-1")]);
        peer.leave().ends_with(0).complains(&["no-phantom-completion"]);
    }
}

#[test]
fn a_client_that_leaves_without_a_word_is_no_pass() {
    let place = place();
    let mut peer = McpPeer::start(&place, SERVE_STDIO);
    let mail = json!({ "to": "customer", "text": "We are on it." });
    peer.ask("tools/call", &json!({ "name": "mail_send", "arguments": mail }));
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

impl Said {
    fn records_of_first_line(&self) -> Value {
        serde_json::from_str(self.out.lines().next().unwrap()).unwrap()
    }
}
