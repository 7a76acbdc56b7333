//! Clients on another thread, without any server between.

use super::*;
use crate::properties::Verdict;
use crate::scenario::{Case, Scenario};
use crate::suite::Suite;
use perfidy_sim::{Fault, Plan, Seed};
use serde_json::{Map, json};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;
use tokio::time::timeout;

const LOST_ACK: &str = include_str!("../../tests/clients/lost-ack.toml");

/// Acknowledgements are lost by chance.
fn by_chance() -> String {
    let (before, _) = LOST_ACK.split_once("[[fault]]").unwrap();
    before
        .replace("[faults]\n", "[faults]\nack-lost = { at = [\"ticketing\", \"mail\"], chance = \"40%\" }\n")
}

fn session(text: &str, seed: u64) -> Session {
    let scenario = Scenario::parse(&Suite::shipped(), "tool-loop/served", text).unwrap();
    Session::new(&Case::as_written(&scenario), Seed(seed), None::<Plan>).unwrap()
}

/// Serves a client that runs on a thread of its own; also which incarnations of its node there were.
#[expect(clippy::disallowed_methods, reason = "the client is outside of the world")]
fn serve<F>(
    session: &Session,
    speed: u32,
    client: impl FnOnce(Handle) -> F + Send + 'static,
) -> (Served, Vec<u32>)
where
    F: Future<Output = ()>,
{
    let (handle, inbox) = channel();
    let client = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client(handle));
    });
    let (stop, mut incarnations) = (AtomicBool::new(false), Vec::new());
    let live = Live::new(inbox, speed, &stop, |incarnation| incarnations.push(incarnation.unwrap_or(0)));
    let served = session.serve(live);
    client.join().unwrap();
    (served, incarnations)
}

fn call(tool: &str, key: Option<&str>) -> Request {
    let arguments = match tool {
        "ticketing_create" => json!({ "title": "Login is down", "priority": 2 }),
        _ => json!({ "to": "customer", "text": "We are on it." }),
    };
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    Request::Call { task: None, tool: tool.to_owned(), arguments, key: key.map(str::to_owned) }
}

/// Calls until there is an answer, as a client with a timeout does.
async fn call_until_answered(handle: &Handle, tool: &str, key: Option<&str>, within: Duration) {
    while timeout(within, handle.ask(call(tool, key))).await.is_err() {}
}

/// A client that does the task, with keys or without, and leaves.
async fn do_the_task(handle: Handle, with_keys: bool, within: Duration) {
    for tool in ["ticketing_create", "mail_send"] {
        call_until_answered(&handle, tool, with_keys.then_some(tool), within).await;
    }
    handle.tell(Request::Ended(Some(true)));
}

const A_MOMENT: Duration = Duration::from_millis(60);

fn verdict<'a>(served: &'a Served, property: &str) -> &'a Verdict {
    served.run.verdict(property)
}

#[test]
fn a_recording_makes_the_very_run_again() {
    for with_keys in [false, true] {
        let (served, _) =
            serve(&session(LOST_ACK, 0), 20, move |handle| do_the_task(handle, with_keys, A_MOMENT));
        let duplicates = verdict(&served, "no-duplicate-effects");
        assert_eq!(matches!(duplicates, Verdict::Violated(_)), !with_keys, "{duplicates:?}");
        assert_eq!(*verdict(&served, "no-phantom-completion"), Verdict::Holds);
        let text = served.recording.to_lines();
        let read = Recording::parse(&Suite::shipped(), &text).unwrap();
        assert_eq!(read.to_lines(), text);
        let again = read.judge();
        assert!(again.same_history, "{text}");
        assert_eq!(again.run.verdicts, served.run.verdicts);
    }
}

#[test]
fn a_seed_means_the_same_faults_however_long_the_client_takes() {
    let faults = |speed: u32, within: u64| -> Vec<Fault> {
        let within = Duration::from_millis(within);
        let (served, _) = serve(&session(&by_chance(), 5), speed, move |handle| async move {
            for _ in 0..12 {
                let _ = timeout(within, handle.ask(call("mail_send", None))).await;
            }
            handle.tell(Request::Ended(Some(false)));
        });
        served.run.outcome.injected.clone()
    };
    let quick = faults(100, 20);
    assert!(quick.len() > 1, "{quick:?}");
    assert_eq!(quick, faults(20, 50));
}

#[test]
fn a_node_that_is_down_refuses_what_comes_and_starts_afresh() {
    let text = LOST_ACK.replace(
        "\"ticketing, create, task-1/file-ticket, try 1\"",
        "\"assistant, after call, task-1/file-ticket, try 1\"",
    );
    let session = session(&text.replace("do = \"ack-lost\"", "do = \"crash, back after 10s\""), 0);
    assert!(session.needs_process());
    let (served, incarnations) = serve(&session, 20, |handle| async move {
        assert_eq!(handle.ask(call("ticketing_create", None)).await, None, "it dies before it can answer");
        assert_eq!(handle.ask(call("ticketing_create", None)).await, None, "it is down");
        tokio::time::sleep(Duration::from_millis(900)).await;
        do_the_task(handle, false, A_MOMENT).await;
    });
    assert_eq!(incarnations, [1, 0, 2]);
    assert!(matches!(verdict(&served, "no-duplicate-effects"), Verdict::Violated(_)));
    assert!(Recording::parse(&Suite::shipped(), &served.recording.to_lines()).unwrap().judge().same_history);
}

#[test]
fn requests_that_make_no_sense_are_answered_or_refused_and_recorded() {
    let (served, _) = serve(&session(LOST_ACK, 0), 50, |handle| async move {
        let unknown =
            Request::Call { task: None, tool: "rm -rf".to_owned(), arguments: Map::new(), key: None };
        assert_eq!(handle.ask(unknown).await, None);
        let orphan = ChatTurn::Result { call: "call_1".to_owned(), text: "{".to_owned(), is_error: true };
        for turns in [vec![], vec![ChatTurn::System], vec![orphan]] {
            let answer =
                handle.ask(Request::Chat { task: Some("task-9".to_owned()), turns, said: None }).await;
            assert!(matches!(answer, Some(Answer::Chat(Err(_)))), "{answer:?}");
        }
        handle.tell(Request::GaveUp(1_000));
        let long = "x".repeat(100_000);
        assert!(handle.ask(call("mail_send", Some(&long))).await.is_some());
        handle.tell(Request::Ended(None));
    });
    assert!(matches!(verdict(&served, "eventual-termination"), Verdict::Unknown { .. }));
    assert!(Recording::parse(&Suite::shipped(), &served.recording.to_lines()).unwrap().judge().same_history);
}

#[test]
fn half_a_recording_is_none() {
    let (served, _) = serve(&session(LOST_ACK, 0), 50, |handle| do_the_task(handle, true, A_MOMENT));
    let text = served.recording.to_lines();
    for (end, _) in text.trim_end().char_indices().step_by(37) {
        let half = Recording::parse(&Suite::shipped(), &text[..end]);
        assert!(half.is_err(), "{}", &text[..end]);
    }
    let twice = format!("{text}{}", text.lines().nth(1).unwrap());
    let why = Recording::parse(&Suite::shipped(), &twice).unwrap_err().to_string();
    assert!(why.contains("nothing comes after the end"), "{why}");
}

#[test]
fn a_team_is_not_served_and_says_which_workflows_are() {
    let text = LOST_ACK.replace("\"tool-loop\"", "\"conductor\"").replace("\"assistant", "\"coordinator");
    let scenario = Scenario::parse(&Suite::shipped(), "conductor/served", &text);
    let Ok(scenario) = scenario else { panic!("{}", scenario.unwrap_err()) };
    let refused = Session::new(&Case::as_written(&scenario), Seed(0), None).unwrap_err();
    assert!(refused.to_string().contains("more agents than one"), "{refused}");
}
