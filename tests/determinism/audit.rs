//! The audit finds runs that depend on more than their seed, and shows the first difference.

use perfidy::agent::{Agent, Outcome, Report, ToolCall};
use perfidy::explore::{Divergence, Rerun, Run, Trace, audit};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::user::UserMessage;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Engine, Seed, SimSpan};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

const TEXT: &str = r#"# A calm world.
workflow = "forgetless"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[tools.ticketing]
deduplicates = false
"#;

/// State that one run leaves to the next, as a defect.
static RUNS_SO_FAR: AtomicU64 = AtomicU64::new(0);

fn forgetless() -> Workflow {
    Workflow::new("forgetless")
        .about("a worker who counts across runs")
        .agent("worker", work)
        .properties(&["eventual-termination"])
}

/// A worker that gets slower with every run.
async fn work(agent: Agent, team: TeamContext) {
    loop {
        let mail = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = mail.open().cloned() else { continue };
        let call = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
        agent.call(call, CALL_TIMEOUT).await.expect("the world is calm");
        agent.sleep(SimSpan::from_secs(RUNS_SO_FAR.fetch_add(1, Ordering::Relaxed))).await;
        agent.send(mail.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn lost_ack() -> Case {
    let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
    Case::as_written(&Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).unwrap())
}

#[test]
fn a_static_that_one_run_leaves_to_the_next_is_found_at_the_first_event_that_it_changes() {
    let scenario =
        Scenario::parse(&Suite::shipped().workflow(forgetless()), "audit/forgetless", TEXT).unwrap();
    let divergence = audit(&Case::as_written(&scenario), Engine::Native, Seed(7)).unwrap_err();
    assert_eq!(divergence.rerun, Rerun::AnotherThread);
    insta::assert_snapshot!(divergence);
}

#[test]
fn a_run_that_depends_on_its_seed_only_gives_its_digest() {
    for engine in Engine::ALL.into_iter().filter(|engine| engine.available().is_ok()) {
        let digest = Run::fuzzed(&lost_ack(), engine, Seed(3)).outcome.digest();
        assert_eq!(audit(&lost_ack(), engine, Seed(3)).ok(), Some(digest));
    }
}

#[test]
fn a_history_that_another_process_told_parts_where_the_events_do() {
    let (one, other) = [1, 2].map(|seed| Run::fuzzed(&lost_ack(), Engine::Native, Seed(seed)).outcome).into();
    let told = serde_json::to_string(&Trace::of(&other)).unwrap();
    let (one, other) = (Trace::of(&one), serde_json::from_str::<Trace>(&told).unwrap());
    let divergence =
        Divergence::between(&lost_ack(), Engine::Native, Seed(1), Rerun::AnotherProcess, &one, &other);
    let (left, right) = (divergence.one.event.unwrap(), divergence.other.event.unwrap());
    assert_eq!(left.event, right.event);
    assert_ne!(left, right);
    assert_eq!(one.moments[..left.event as usize - 1], other.moments[..left.event as usize - 1]);
}

#[test]
fn a_difference_that_does_not_come_again_says_so() {
    let run = Run::fuzzed(&lost_ack(), Engine::Native, Seed(1)).outcome;
    let told = Trace::of(&run);
    let divergence =
        Divergence::between(&lost_ack(), Engine::Native, Seed(1), Rerun::AnotherProcess, &told, &told);
    assert!(divergence.to_string().contains("it does not differ every time"), "{divergence}");
}

#[test]
fn another_process_says_the_same_digests_as_this_one() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_perfidy"))
        .args(["trace", "--name", "conductor/lost-ack", "--case", "as written", "--engine", "native"])
        .args(["--seed", "5", "--seeds", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let scenario = lost_ack().scenario.clone();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), scenario.text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let digest =
        |seed| format!("{}\n", Run::fuzzed(&lost_ack(), Engine::Native, Seed(seed)).outcome.digest());
    assert_eq!(text(&output.stdout), (5..8).map(digest).collect::<String>());
}
