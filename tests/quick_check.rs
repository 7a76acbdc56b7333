//! `perfidy::check`: one workflow and one scenario within an ordinary test, and a crate that needs nothing
//! but the prelude.

use perfidy::explore::Failure;
use perfidy::prelude::*;
use std::fs;

/// A clerk that files each ticket with its one tool, and asks again until the answer is clear.
fn helpdesk() -> Workflow {
    Workflow::new("helpdesk")
        .about("one clerk, who files tickets")
        .agent("clerk", clerk)
        .safeguards(&["tool-dedupe"])
        .properties(&["no-duplicate-effects", "eventual-termination"])
}

async fn clerk(agent: Agent, team: TeamContext) {
    loop {
        let message = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = message.open().cloned() else { continue };
        let call = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
        while let Err(ToolError::Indefinite(_)) = agent.call(call.clone(), SimSpan::from_secs(5)).await {
            agent.sleep(SimSpan::from_secs(1)).await;
        }
        agent.send(message.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
    }
}

const LOST_ACK: &str = r#"
    # A lost acknowledgement must not file the ticket twice.
    workflow = "helpdesk"

    [[step]]
    name = "file-ticket"
    tool = "ticketing.create"

    [tools.ticketing]

    [faults]
    ack-lost = { at = "ticketing", chance = "20%" }
"#;

/// The same with a tool that deduplicates.
fn guarded() -> String {
    LOST_ACK.replace(
        "[tools.ticketing]",
        "[safeguards]\n    tool-dedupe = true\n\n    [tools.ticketing]\n    deduplicates = true",
    )
}

const WITHOUT: &str =
    "\n    [[without]]\n    safeguards = [\"tool-dedupe\"]\n    violates = \"no-duplicate-effects\"\n";

#[test]
fn a_team_that_keeps_its_promises_passes_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    perfidy::check(helpdesk(), guarded() + WITHOUT).seeds(50).saving_to(folder.path()).assert();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_breaks_is_told_saved_and_replayed_first_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let checked = || perfidy::check(helpdesk(), LOST_ACK).seeds(50).saving_to(folder.path()).run();
    let story = checked().unwrap_err();
    for words in [
        "no-duplicate-effects broke: ticketing.create happened twice",
        "One fault suffices",
        "Replay  cargo test --test quick_check what_breaks_is_told_saved_and_replayed_first_the_next_time",
    ] {
        assert!(story.contains(words), "no {words:?} in\n{story}");
    }
    let saved = folder.path().join("helpdesk");
    let file = fs::read_dir(saved).unwrap().next().unwrap().unwrap().path();
    assert!(story.contains(&file.display().to_string()), "{story}");
    // A suite that does not know the workflow leaves it to this test.
    let bad = Failure::read(&Suite::shipped(), &file).unwrap_err();
    let test = "cargo test --test quick_check what_breaks_is_told_saved_and_replayed_first_the_next_time";
    assert_eq!(bad.check(), Some(test));
    // From the file: a campaign of its own would have found this at another seed.
    let again = checked().unwrap_err();
    assert_eq!(again, story);
    perfidy::check(helpdesk(), guarded()).seeds(50).saving_to(folder.path()).assert();
}

#[test]
fn a_scenario_that_cannot_be_read_says_where_and_what_to_do() {
    let typo = LOST_ACK.replace("ack-lost", "ack-lots");
    let problem = perfidy::check(helpdesk(), typo).run().unwrap_err();
    assert!(problem.contains("helpdesk/check:11:1"), "{problem}");
    assert!(problem.contains("did you mean `ack-lost`?"), "{problem}");
}

#[test]
fn a_case_that_is_not_caught_fails_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let text = guarded().replace("20%", "0.0001%") + WITHOUT + "    within-seeds = 5\n";
    let story = perfidy::check(helpdesk(), text).seeds(5).saving_to(folder.path()).run().unwrap_err();
    assert!(story.contains("vacuous") || story.contains("was never injected"), "{story}");
}

#[test]
fn a_check_can_bring_what_the_shipped_suite_has_not() {
    let folder = tempfile::tempdir().unwrap();
    let within_an_hour = |history: &TeamHistory| {
        history.events().iter().all(|event| event.at < SimTime::ZERO + SimSpan::from_secs(3_600))
    };
    let check = perfidy::check(helpdesk().properties(&["prompt"]), guarded());
    check.with(|suite| suite.property("prompt", within_an_hour)).seeds(20).saving_to(folder.path()).assert();
}

#[test]
#[should_panic(expected = "no-duplicate-effects broke")]
fn an_assertion_panics_with_the_story() {
    let folder = tempfile::tempdir().unwrap();
    perfidy::check(helpdesk(), LOST_ACK).seeds(50).saving_to(folder.path()).assert();
}
