//! `serve --model`: a real model behind the harness. Another server of this command stands for it: to the one
//! that is tested it is a stranger that speaks the API.

use super::http::{post, post_json, serve_http, serve_scenario};
use super::{LOST_ACK, place};
use crate::place::Place;
use serde_json::{Value, json};

/// The scenario with no faults, for the server that is the real model.
fn faultless() -> String {
    LOST_ACK.split("[[fault]]").next().unwrap().to_owned()
}

fn with_fault(turn: u32, what: &str) -> String {
    format!(
        "{}\n[[fault]]\nat = \"assistant, chat, task-1/turn-{turn}, try 1\"\ndo = \"{what}\"\n",
        faultless()
    )
}

/// A place with a scenario whose model has a fault, and the faultless one.
fn place_with(fault: &str) -> Place {
    Place::with(&[
        ("scenarios/tool-loop/model.toml", fault),
        ("scenarios/tool-loop/faultless.toml", &faultless()),
    ])
}

fn question(path: &str, is_streamed: bool) -> Value {
    let named = ["ticketing_create", "mail_send"];
    let function = |name: &&str| json!({ "type": "function", "function": { "name": name } });
    let tools: Vec<Value> = match path {
        "/v1/chat/completions" => named.iter().map(function).collect(),
        _ => named.iter().map(|name| json!({ "type": "function", "name": name })).collect(),
    };
    let messages = json!([{ "role": "user", "content": "Please do task-1." }]);
    let asked = if path == "/v1/responses" { "input" } else { "messages" };
    json!({ "model": "any", asked: messages, "tools": tools, "stream": is_streamed })
}

const APIS: [&str; 3] = ["/v1/chat/completions", "/v1/responses", "/v1/messages"];

#[test]
fn what_a_real_model_says_comes_through_as_it_is() {
    let place = place_with(&faultless());
    let (_real, real, _) = serve_scenario(&place, "scenarios/tool-loop/faultless.toml", &["--speed", "100"]);
    let url = format!("http://{real}/v1");
    let (serving, address, said) = serve_http_of(&place, &["--model", &url, "--speed", "100"]);
    for path in APIS {
        for is_streamed in [false, true] {
            let (status, answer) = post(&address, path, "", &question(path, is_streamed).to_string());
            assert_eq!(status, 200, "{answer}");
            assert!(answer.contains("ticketing_create") && answer.contains("Login is down"), "{answer}");
        }
    }
    // The last word of a real model does not tell the user anything, so the client has to.
    let (status, _) = post(&address, "/tell_user", "", "{\"done\": false}");
    assert_eq!(status, 200);
    serving.ends(said).ends_with(0).says(&["7 requests, 0 faults injected"]);
}

fn serve_http_of(place: &Place, more: &[&str]) -> (super::Serving, String, String) {
    serve_scenario(place, "scenarios/tool-loop/model.toml", more)
}

#[test]
fn a_fault_comes_in_the_place_of_what_a_real_model_says_and_is_recorded() {
    for (what, path, status, word) in [
        ("model-error", "/v1/chat/completions", 529, "overloaded_error"),
        ("model-refusal", "/v1/responses", 200, "refusal"),
        ("unknown-tool", "/v1/messages", 200, "search_web"),
        ("invalid-arguments", "/v1/chat/completions", 200, "ticketing_create"),
        ("truncated-reply", "/v1/messages", 200, "max_tokens"),
    ] {
        let place = place_with(&with_fault(1, what));
        let (_real, real, _) =
            serve_scenario(&place, "scenarios/tool-loop/faultless.toml", &["--speed", "100"]);
        let url = format!("http://{real}");
        let more = ["--model", &url, "--speed", "100", "--record", "history.jsonl"];
        let (serving, address, said) = serve_http_of(&place, &more);
        let (got, answer) = post(&address, path, "", &question(path, false).to_string());
        assert_eq!(got, status, "{what}: {answer}");
        assert!(answer.contains(word), "{what}: {answer}");
        let again = post_json(&address, path, &question(path, false)).to_string();
        assert!(again.contains("Login is down"), "{what}: {again}");
        post(&address, "/tell_user", "", "{\"done\": false}");
        serving.ends(said).says(&["1 fault injected"]);
        // The history stands by itself: no model is asked again.
        place.perfidy(&["judge", "history.jsonl"]).calmly().says(&["1 fault injected"]);
    }
}

#[test]
fn a_model_that_cannot_be_reached_or_refuses_is_no_fault_of_the_scenario() {
    let place = place();
    for address in ["api.openai.com", "ftp://models.example"] {
        let said = place.perfidy(&["serve", "scenarios/tool-loop/lost-ack.toml", "--model", address]);
        said.ends_with(2).complains(&["is no address of a model", "https://"]);
    }
    let (_serving, address, _) = serve_http(&place, &["--model", "http://127.0.0.1:9", "--speed", "100"]);
    let (status, answer) = post(&address, APIS[0], "", &question(APIS[0], false).to_string());
    assert_eq!(status, 502, "{answer}");
    assert!(answer.contains("the real model at http://127.0.0.1:9"), "{answer}");
    // The real one answers that the request has none of its tools.
    let (_real, real, _) = serve_http(&place, &["--speed", "100"]);
    let (_serving, address, _) =
        serve_http(&place, &["--model", &format!("http://{real}"), "--speed", "100"]);
    let bare = json!({ "model": "any", "messages": [{ "role": "user", "content": "task-1" }] });
    let (status, answer) = post(&address, APIS[0], "", &bare.to_string());
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("declares no tool `mail_send`"), "{answer}");
}
