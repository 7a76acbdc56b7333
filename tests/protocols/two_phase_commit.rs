//! Two-phase commit step by step: what happens when its coordinator or a participant fails at a given moment,
//! and when all are blocked.

use perfidy::agent::{TeamEvent, ToolEvent, UserEvent};
use perfidy::explore::Run;
use perfidy::properties::Verdict;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventKind, RunEnd, Seed};

const ALL: &[&str] = &["cooperative-termination", "durable-decision", "durable-vote"];

/// A transaction of one task and two participants with these faults, each `place: action`.
fn run(safeguards: &[&str], faults: &[&str]) -> Run {
    let on: Vec<String> = safeguards.iter().map(|safeguard| format!("{safeguard} = true\n")).collect();
    let faults = faults.iter().filter_map(|fault| fault.split_once(": "));
    let faults: Vec<String> =
        faults.map(|(at, action)| format!("[[fault]]\nat = \"{at}\"\ndo = \"{action}\"\n")).collect();
    let text = format!(
        "# A transaction.\nworkflow = \"commit\"\n[team]\nparticipants = 2\n\
         [[step]]\nname = \"charge\"\ntool = \"payments.charge\"\n\
         [[step]]\nname = \"reserve\"\ntool = \"warehouse.reserve\"\n\
         [tasks]\ncount = 1\n\
         [safeguards]\n{}event-log = true\nidempotency-keys = true\ntool-dedupe = true\n\
         [tools.payments]\ndeduplicates = true\n[tools.warehouse]\ndeduplicates = true\n{}",
        on.concat(),
        faults.concat()
    );
    let scenario = Scenario::parse(&Suite::shipped(), "commit.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let missed: Vec<_> = run.outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
    assert!(missed.is_empty(), "{missed:?} never came up");
    run
}

/// The effects of all tools.
fn ledger(run: &Run) -> Vec<&'static str> {
    let effect = |note: &TeamEvent| match note {
        TeamEvent::Tool(ToolEvent::Effect { intent, .. }) => Some(intent.as_str()),
        _ => None,
    };
    let mut effects: Vec<_> = run.outcome.history.app_events().filter_map(|(_, note)| effect(note)).collect();
    effects.sort_unstable();
    effects
}

/// What the user was told, in words; nothing if it was told nothing.
fn told(run: &Run) -> Option<String> {
    let outcome = |note: &TeamEvent| match note {
        TeamEvent::User(UserEvent::Informed { report, .. }) => Some(report.outcome.to_string()),
        _ => None,
    };
    run.outcome.history.app_events().find_map(|(_, note)| outcome(note))
}

fn verdict<'a>(run: &'a Run, property: &str) -> &'a Verdict {
    run.verdicts.iter().find(|(name, _)| *name == property).map(|(_, verdict)| verdict).expect("the property")
}

const BOTH: [&str; 2] = ["task-1/charge", "task-1/reserve"];

#[test]
fn in_a_calm_world_everything_is_done() {
    let calm = run(ALL, &[]);
    assert_eq!(ledger(&calm), BOTH);
    assert_eq!(told(&calm).as_deref(), Some("done"));
    assert_eq!(verdict(&calm, "atomic-agreement"), &Verdict::Holds);
}

#[test]
fn a_coordinator_that_dies_before_it_decides_decides_once_in_the_end_and_nothing_is_done_twice() {
    let dies = run(ALL, &["coordinator, before decision, task-1, try 1: crash, back after 5s"]);
    assert!(told(&dies).is_some());
    assert!(!verdict(&dies, "atomic-agreement").is_violated());
    assert!(!verdict(&dies, "no-duplicate-effects").is_violated());
}

#[test]
fn a_coordinator_that_dies_after_it_has_decided_tells_the_same_decision() {
    let dies = run(ALL, &["coordinator, after decision, task-1, try 1: crash, back after 5m"]);
    assert_eq!(ledger(&dies), BOTH);
    assert_eq!(told(&dies).as_deref(), Some("done"));
}

#[test]
fn a_coordinator_without_a_durable_decision_can_decide_otherwise_after_a_crash() {
    let only_one_is_told = [
        "coordinator > participant-2, commit, task-1, try 1: drop",
        "participant-1 > coordinator, finished, task-1, try 1: drop",
        "coordinator, before decide, task-1, try 3: crash, back after 2m",
    ];
    let without = run(&["durable-vote"], &only_one_is_told);
    assert!(
        verdict(&without, "atomic-agreement").is_violated(),
        "{:?} {:?}",
        ledger(&without),
        told(&without)
    );
    let with = run(&["durable-decision", "durable-vote"], &only_one_is_told);
    assert_eq!(verdict(&with, "atomic-agreement"), &Verdict::Holds);
    assert_eq!(ledger(&with), BOTH);
}

#[test]
fn participants_whose_coordinator_is_gone_learn_the_decision_from_each_other() {
    let gone = [
        "coordinator > participant-2, commit, task-1, try 1: drop",
        "coordinator, before decide, task-1, try 3: crash for good",
    ];
    let together = run(ALL, &gone);
    assert_eq!(ledger(&together), BOTH);
    assert_eq!(told(&together), None, "no coordinator is left that could report");
    let alone = run(&["durable-decision", "durable-vote"], &gone);
    assert!(verdict(&alone, "atomic-agreement").is_violated(), "{:?}", ledger(&alone));
}

#[test]
fn participants_none_of_whom_knows_the_decision_are_blocked_and_have_done_nothing() {
    let blocked = run(ALL, &["coordinator, before decision, task-1, try 1: crash for good"]);
    assert_eq!(ledger(&blocked), [""; 0]);
    assert!(!verdict(&blocked, "atomic-agreement").is_violated());
    assert!(verdict(&blocked, "eventual-termination").is_violated());
    assert_eq!(blocked.outcome.stop, RunEnd::Deadline);
    let waits = blocked.outcome.history.events().iter().filter(|event| {
        let is_in_doubt = |on: &str, why: &str| on == "coordinator" && why == "the decision";
        matches!(&event.what, EventKind::Waiting { on, why, .. } if is_in_doubt(on.as_str(), why.as_str()))
    });
    assert_eq!(waits.count(), 2, "both participants are in doubt");
}

#[test]
fn a_participant_that_was_not_asked_to_prepare_lets_one_in_doubt_abort() {
    let not_asked = run(
        ALL,
        &[
            "coordinator > participant-2, prepare, task-1, try 1: drop",
            "coordinator, after receive vote, task-1, try 1: crash for good",
        ],
    );
    assert_eq!(ledger(&not_asked), [""; 0]);
    let aborts = not_asked.outcome.history.events().iter().filter(|event| {
        matches!(&event.what, EventKind::Sent { kind, .. } if kind.as_str() == "abort")
            && event.node.as_str() == "participant-2"
    });
    assert!(aborts.count() > 0);
}
