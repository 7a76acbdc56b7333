//! A hierarchy step by step: which agent stops when, and how the race between a cancel and a call ends.
//!
//! There are one spare manager, one worker and one tool, in worlds with exactly the faults that a test names.
//! The manager takes a second to plan, the worker three, and the tool takes two for each request.

use perfidy::agent::{Outcome, Purpose, TeamEvent, ToolEvent, UserEvent};
use perfidy::explore::Run;
use perfidy::properties::Verdict;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventKind, Name, Seed};

/// One task of two steps, with `tasks` as the settings of tasks, these faults, each `place: action`, and
/// every safeguard except those of `without`.
fn run(tasks: &str, faults: &[&str], without: &[&str]) -> Run {
    let faults = faults.iter().filter_map(|fault| fault.split_once(": "));
    let faults: Vec<String> =
        faults.map(|(at, action)| format!("[[fault]]\nat = \"{at}\"\ndo = \"{action}\"\n")).collect();
    let faults = faults.concat();
    let safeguards = [
        "acknowledged-cancel = true",
        "cancellation = true",
        "checkpoint = true",
        "compensate = true",
        "deadline-propagation = true",
        "idempotency-keys = true",
        "parent-lease = { lease = \"10s\" }",
        "tool-dedupe = true",
    ];
    let on = safeguards.iter().filter(|entry| !without.iter().any(|name| entry.starts_with(name)));
    let on: Vec<&str> = on.copied().collect();
    let text = format!(
        "# A hierarchy.\nworkflow = \"hierarchy\"\n[team]\nworkers = 1\n\
         [[step]]\nname = \"order\"\ntool = \"shop.order\"\nundo = \"shop.cancel\"\n\
         [[step]]\nname = \"pack\"\ntool = \"shop.pack\"\nundo = \"shop.unpack\"\nneeds = \"order\"\n\
         [tasks]\ncount = 1\n{tasks}\n[safeguards]\n{}\n\
         [tools.shop]\nlatency = \"2s\"\ndeduplicates = true\n[model]\nlatency = \"1s\"\n{faults}",
        on.join("\n")
    );
    let scenario = Scenario::parse(&Suite::shipped(), "hierarchy.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let missed: Vec<_> = run.outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
    assert!(missed.is_empty(), "{missed:?} never came up");
    run
}

/// A run in which every property must hold.
fn kept(tasks: &str, faults: &[&str]) -> Run {
    let run = run(&format!("within = \"5m\"\n{tasks}"), faults, &[]);
    for (property, verdict) in &run.verdicts {
        assert!(matches!(verdict, Verdict::Holds | Verdict::Vacuous), "{property:?} {verdict:?}");
    }
    run
}

fn cancelled_after(span: &str) -> String {
    format!("cancelled = {{ chance = \"100%\", after = \"{span}\" }}")
}

/// The ledger of the tool, line by line.
fn ledger(run: &Run) -> Vec<String> {
    let line = |note: &TeamEvent| match note {
        TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) => Some(format!("{operation} {intent}")),
        TeamEvent::Tool(ToolEvent::Cancelled { operation, intent, .. }) => {
            Some(format!("cancels {operation} {intent}"))
        }
        _ => None,
    };
    run.outcome.history.app_events().filter_map(|(_, note)| line(note)).collect()
}

fn was_cancelled(run: &Run) -> bool {
    let cancelled = |note: &TeamEvent| matches!(note, TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Cancelled);
    run.outcome.history.app_events().any(|(_, note)| cancelled(note))
}

/// The managers that ordered steps from the worker, each once, in order.
fn managers(run: &Run) -> Vec<&'static str> {
    let worker = Name::new("worker-1");
    let is_order = |what: &EventKind<TeamEvent>| match what {
        EventKind::Sent { to, content, .. } => {
            *to == worker && content.headers().purpose == Some(Purpose::Order)
        }
        _ => false,
    };
    let orders = run.outcome.history.events().iter().filter(|event| is_order(&event.what));
    let mut managers: Vec<_> = orders.map(|event| event.node.as_str()).collect();
    managers.dedup();
    managers
}

const DONE: [&str; 2] = ["order task-1/order", "pack task-1/pack"];
const CANCELLED: [&str; 2] = ["cancels pack task-1/pack", "cancels order task-1/order"];

#[test]
fn in_a_calm_world_everything_is_done() {
    let run = kept("", &[]);
    assert_eq!(ledger(&run), DONE);
    assert_eq!(managers(&run), ["manager-1"]);
}

#[test]
fn when_a_manager_dies_another_brings_its_task_to_an_end() {
    let run = kept("", &["manager-1, before order, task-1/pack, try 1: crash for good"]);
    assert_eq!(ledger(&run), DONE);
    assert_eq!(managers(&run), ["manager-1", "manager-2"]);
}

#[test]
fn a_manager_that_is_back_in_time_goes_on_with_its_task() {
    let run = kept("", &["manager-1, before order, task-1/pack, try 1: crash, back after 3s"]);
    assert_eq!(ledger(&run), DONE);
    assert_eq!(managers(&run), ["manager-1"]);
}

#[test]
fn a_director_that_dies_stops_the_whole_team_and_goes_on_when_it_is_back() {
    let faults = ["director, before delegate, task-1, try 1: crash, back after 40s"];
    assert_eq!(ledger(&kept("", &faults)), DONE);
    let faults = ["director, before report, task-1, try 1: crash, back after 40s"];
    assert_eq!(ledger(&kept("", &faults)), DONE);
}

#[test]
fn a_cancel_before_the_call_leaves_nothing_behind() {
    let run = kept(&cancelled_after("3s"), &[]);
    assert_eq!(ledger(&run), CANCELLED);
    assert!(was_cancelled(&run));
}

#[test]
fn a_cancel_that_has_overtaken_its_task_still_counts() {
    let run = kept(&cancelled_after("1s"), &["user > director, submit, task-1, try 1: delay 10s"]);
    assert!(ledger(&run).is_empty() && was_cancelled(&run));
}

#[test]
fn a_call_that_is_being_worked_on_wins_the_race_and_is_undone() {
    let run = kept(&cancelled_after("5s"), &[]);
    assert_eq!(ledger(&run), ["order task-1/order", CANCELLED[0], "cancel task-1/order"]);
    assert!(was_cancelled(&run));
}

#[test]
fn a_call_that_is_still_on_its_way_loses_the_race_for_good() {
    let late = "worker-1 > shop, call order, task-1/order, try 1: delay 30s";
    let run = kept(&cancelled_after("5s"), &[late]);
    assert_eq!(ledger(&run), CANCELLED);
    assert!(was_cancelled(&run));
}

#[test]
fn without_the_word_of_the_tool_the_same_call_acts_after_the_cancel() {
    let late = "worker-1 > shop, call order, task-1/order, try 1: delay 30s";
    let run = run(&format!("within = \"5m\"\n{}", cancelled_after("5s")), &[late], &["acknowledged-cancel"]);
    assert_eq!(ledger(&run), ["order task-1/order"]);
    let violation = run.violation("no-effect-after-cancel").unwrap();
    assert_eq!(violation.message, "task-1 was reported cancelled, but task-1/order happened after that");
}

#[test]
fn a_cancel_that_comes_too_late_changes_nothing() {
    let run = kept(&cancelled_after("20s"), &[]);
    assert_eq!(ledger(&run), DONE);
    assert!(!was_cancelled(&run));
}

#[test]
fn what_was_done_is_undone_last_first() {
    let lost = "manager-1 > director, ended, task-1, try 1: drop";
    let run = kept(&cancelled_after("12s"), &[lost]);
    assert_eq!(ledger(&run), DONE, "all of it was done, whether the director had heard of it or not");
    let slow = "worker-1 > manager-1, done, task-1/pack, try 1: delay 30s";
    let run = kept(&cancelled_after("12s"), &[slow]);
    let undone = ["unpack task-1/pack", "cancel task-1/order"];
    assert_eq!(ledger(&run), [DONE, undone].concat());
    assert!(was_cancelled(&run));
}

#[test]
fn when_time_is_up_a_task_is_undone() {
    let run = run("within = \"8s\"", &[], &[]);
    assert_eq!(ledger(&run), ["order task-1/order", CANCELLED[0], "cancel task-1/order"]);
    assert!(was_cancelled(&run));
}

#[test]
fn an_order_that_comes_after_the_cancel_brings_nothing_back() {
    let late = "manager-1 > worker-1, order, task-1/order, try 1: duplicate after 20s";
    let run = kept(&cancelled_after("3s"), &[late]);
    assert_eq!(ledger(&run), CANCELLED);
}
