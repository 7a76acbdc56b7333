//! How serving begins and ends: clients that are started and killed here, signals, and what cannot be served.

use super::http::{post, serve_http};
use super::{LOST_ACK, place};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::process::Command;

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

#[test]
fn a_client_is_killed_and_started_again_by_the_faults_of_the_seed() {
    let place = place();
    let crash = "[faults]\ncrash = { at = \"assistant\", every = \"1s..4s\", lasting = \"500ms..1s\" }\n";
    place.write("scenarios/tool-loop/killed.toml", &LOST_ACK.replace("[faults]\n", crash));
    // The third of its processes does the work; those before are killed, with what they have started.
    let client = "echo $$ >> pids; test $(wc -l < pids) -gt 2 || { sleep 300 & wait; }; exit 7";
    let serve = |seed: &str| {
        let record = format!("seed-{seed}.jsonl");
        let serve = ["serve", "scenarios/tool-loop/killed.toml", "--speed", "5", "--seed", seed, "--record"];
        let said = place.perfidy(&[&serve[..], &[&record, "--", "sh", "-c", client]].concat());
        assert_eq!(place.read("pids").lines().count(), 3, "{}", said.err);
        fs::remove_file(place.path("pids")).unwrap();
        said.ends_with(3).says(&["faults injected"]);
        let history = place.read(&record);
        let header: Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
        // After the end of the client there are more, which kill nothing.
        header["faults"].as_array().unwrap()[..2].to_vec()
    };
    let faults = serve("3");
    assert!(
        faults.iter().all(|fault| fault["do"].as_str().unwrap().starts_with("crash assistant at")),
        "{faults:?}"
    );
    assert_eq!(faults, serve("3"), "a seed kills at the same times");
    assert_ne!(faults, serve("4"));
    place.perfidy(&["judge", "seed-3.jsonl"]).ends_with(3).calmly().says(&["faults injected"]);
}

#[test]
fn ctrl_c_ends_the_run_and_it_is_judged() {
    let place = place();
    let (serving, address, said) = serve_http(&place, &["--speed", "50"]);
    for _ in 0..2 {
        let (status, _) = post(&address, "/tools/mail_send", "", "{}");
        assert_eq!(status, 200);
    }
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", serving.0.id())]).status().unwrap();
    assert!(sent.success());
    let said = serving.ends(said).ends_with(1);
    said.says(&[
        "no-duplicate-effects broke: mail.send happened twice",
        "eventual-termination    not judged:",
    ]);
    assert_eq!(place.files("histories").len(), 1);
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let place = place();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = place.perfidy(&["serve", "scenarios/tool-loop/lost-ack.toml", "--listen", &address]);
    said.ends_with(2).complains(&[&format!("cannot serve at {address}"), "--listen 127.0.0.1:0"]);
}
