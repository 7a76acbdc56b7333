//! Tests of the properties: teams that are plainly wrong must be caught, each by the property it violates.

mod calm_team;
mod chats;
mod evasions;
mod handovers;
mod liars;
mod loops;
mod planted;
mod traces;

use perfidy::agent::{Agent, Outcome, Report, ToolCall};
use perfidy::explore::Run;
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::user::UserMessage;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Engine, Seed};

const TEXT: &str = r#"# A calm world, in which any honest team succeeds.
workflow = "team"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[tools.ticketing]
deduplicates = false
"#;

/// A team of one agent that handles every task with this code.
fn worker_that(how: Work) -> Workflow {
    Workflow::new("team")
        .about("a team of one")
        .agent("worker", move |agent, team| work(agent, team, how))
        .properties(&["eventual-termination"])
}

const HONEST: Work = Work { calls: 1, reports: true };
const IDLE: Work = Work { calls: 0, reports: false };
const EAGER: Work = Work { calls: 2, reports: true };
const BOASTFUL: Work = Work { calls: 0, reports: true };
const SILENT: Work = Work { calls: 1, reports: false };

#[derive(Clone, Copy)]
struct Work {
    calls: u32,
    reports: bool,
}

async fn work(agent: Agent, team: TeamContext, work: Work) {
    loop {
        let mail = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = mail.open().cloned() else { continue };
        for _ in 0..work.calls {
            let call = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
            agent.call(call, CALL_TIMEOUT).await.expect("the world is calm");
        }
        if work.reports {
            agent.send(mail.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
        }
    }
}

/// The properties that a team violates in a world without faults.
fn broken_by(work: Work) -> Vec<&'static str> {
    let scenario =
        Scenario::parse(&Suite::shipped().workflow(worker_that(work)), "honesty/team", TEXT).unwrap();
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let broken = run.verdicts.iter().filter(|(_, verdict)| verdict.is_violated());
    broken.map(|(property, _)| *property).collect()
}

#[test]
fn a_team_that_does_its_work_breaks_no_promise() {
    assert!(broken_by(HONEST).is_empty());
}

#[test]
fn a_team_that_does_nothing_never_ends() {
    assert_eq!(broken_by(IDLE), ["eventual-termination"]);
}

#[test]
fn a_team_that_does_everything_twice_duplicates_effects() {
    assert_eq!(broken_by(EAGER), ["no-duplicate-effects"]);
}

#[test]
fn a_team_that_reports_what_it_has_not_done_loses_effects() {
    assert_eq!(broken_by(BOASTFUL), ["no-phantom-completion"]);
}

#[test]
fn a_team_that_does_its_work_again_when_asked_again_and_never_answers_breaks_both() {
    assert_eq!(broken_by(SILENT), ["eventual-termination", "no-duplicate-effects"]);
}

/// The tests in which a team with a planted defect violates a property.
const TESTS: [&str; 12] = [
    include_str!("chats.rs"),
    include_str!("evasions.rs"),
    include_str!("handovers.rs"),
    include_str!("liars.rs"),
    include_str!("loops.rs"),
    include_str!("mod.rs"),
    include_str!("planted.rs"),
    include_str!("traces.rs"),
    include_str!("../protocols/cascade.rs"),
    include_str!("../protocols/hierarchy.rs"),
    include_str!("../protocols/review.rs"),
    include_str!("../protocols/two_phase_commit.rs"),
];

#[test]
fn every_shipped_property_has_a_team_that_violates_it() {
    let suite = Suite::shipped();
    let is_asserted = |line: &str, property: &str| {
        let says_so = ["assert", "broken", "violation", "contains", "is_violated"];
        line.contains(&format!("\"{property}\"")) && says_so.iter().any(|word| line.contains(word))
    };
    let is_in_a_test =
        |property: &str| TESTS.iter().any(|test| test.lines().any(|line| is_asserted(line, property)));
    let missing: Vec<_> =
        suite.properties().iter().map(|one| one.name).filter(|name| !is_in_a_test(name)).collect();
    assert!(missing.is_empty(), "no team with a planted defect violates {missing:?}");
}
