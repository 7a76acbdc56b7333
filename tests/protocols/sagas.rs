//! Sagas step by step: what is undone, in which order, under which faults, and to whom remaining effects are
//! reported.
//!
//! Both kinds of saga run in worlds with exactly the faults that a test names.

use perfidy::agent::{PersonEvent, TeamEvent, ToolEvent};
use perfidy::explore::Run;
use perfidy::properties::Verdict;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventKind, Seed};

const KINDS: [&str; 2] = ["saga-orchestrated", "saga-choreographed"];

/// A saga of one task with these faults, each `place: action`, and every safeguard on.
fn run(workflow: &str, faults: &[&str]) -> Run {
    let own = if workflow == "saga-orchestrated" { "saga-log" } else { "inbox-dedupe = true\noutbox" };
    let faults = faults.iter().filter_map(|fault| fault.split_once(": "));
    let faults: Vec<String> =
        faults.map(|(at, action)| format!("[[fault]]\nat = \"{at}\"\ndo = \"{action}\"\n")).collect();
    let faults = faults.concat();
    let text = format!(
        "# A saga.\nworkflow = \"{workflow}\"\n\
         [[step]]\nname = \"flight\"\ntool = \"airline.book\"\nundo = \"airline.cancel\"\n\
         [[step]]\nname = \"hotel\"\ntool = \"hotels.book\"\nundo = \"hotels.cancel\"\n\
         [[step]]\nname = \"charge\"\ntool = \"payments.charge\"\nirreversible = true\n\
         [tasks]\ncount = 1\n\
         [safeguards]\ncompensate = true\ndead-letter = true\nidempotency-keys = true\n\
         retry = {{ attempts = 2, backoff = \"1s\" }}\ntool-dedupe = true\n{own} = true\n\
         [tools.airline]\ndeduplicates = true\n[tools.hotels]\ndeduplicates = true\n\
         [tools.payments]\ndeduplicates = true\n{faults}"
    );
    let scenario = Scenario::parse(&Suite::shipped(), "saga.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let missed: Vec<_> = run.outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
    assert!(missed.is_empty(), "{workflow}: {missed:?} never came up");
    for (property, verdict) in &run.verdicts {
        assert!(matches!(verdict, Verdict::Holds | Verdict::Vacuous), "{workflow}: {property:?} {verdict:?}");
    }
    run
}

/// The ledgers of all tools, line by line.
fn ledger(run: &Run) -> Vec<String> {
    let line = |note: &TeamEvent| match note {
        TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) => Some(format!("{operation} {intent}")),
        _ => None,
    };
    run.outcome.history.app_events().filter_map(|(_, note)| line(note)).collect()
}

fn dead_lettered(run: &Run) -> Vec<String> {
    let line = |note: &TeamEvent| match note {
        TeamEvent::Person(PersonEvent::DeadLetterRecorded { tool, operation, intent, by, .. }) => {
            Some(format!("{tool}.{operation} {intent} by {by}"))
        }
        _ => None,
    };
    run.outcome.history.app_events().filter_map(|(_, note)| line(note)).collect()
}

#[test]
fn in_a_calm_world_everything_is_done_and_nothing_undone() {
    for kind in KINDS {
        let run = run(kind, &[]);
        assert_eq!(
            ledger(&run),
            ["book task-1/flight", "book task-1/hotel", "charge task-1/charge"],
            "{kind}"
        );
    }
}

#[test]
fn what_was_done_before_a_refusal_is_undone_last_first() {
    for kind in KINDS {
        let run = run(kind, &["payments, charge, task-1/charge, try 1: permanent-error"]);
        let undone = ["cancel task-1/hotel", "cancel task-1/flight"];
        assert_eq!(ledger(&run)[..2], ["book task-1/flight", "book task-1/hotel"], "{kind}");
        assert_eq!(ledger(&run)[2..], undone, "{kind}");
        assert!(dead_lettered(&run).is_empty());
    }
}

#[test]
fn a_refusal_of_the_first_step_leaves_nothing_to_undo() {
    for kind in KINDS {
        assert!(
            ledger(&run(kind, &["airline, book, task-1/flight, try 1: permanent-error"])).is_empty(),
            "{kind}"
        );
    }
}

#[test]
fn a_copy_of_a_refused_call_that_comes_later_is_not_carried_out() {
    for (kind, caller) in [(KINDS[0], "worker-2"), (KINDS[1], "service-2")] {
        let twice = format!("{caller} > hotels, call book, task-1/hotel, try 1: duplicate after 20s");
        let run = run(kind, &["hotels, book, task-1/hotel, try 1: permanent-error", &twice]);
        assert_eq!(ledger(&run), ["book task-1/flight", "cancel task-1/flight"], "{kind}");
    }
}

#[test]
fn an_undoing_whose_answer_is_lost_is_not_done_twice() {
    for kind in KINDS {
        let faults = [
            "hotels, book, task-1/hotel, try 1: permanent-error",
            "airline, cancel, task-1/flight, try 1: ack-lost",
        ];
        assert_eq!(ledger(&run(kind, &faults)), ["book task-1/flight", "cancel task-1/flight"], "{kind}");
    }
}

#[test]
fn an_undoing_that_was_refused_is_tried_again_under_another_id() {
    for kind in KINDS {
        let faults = [
            "hotels, book, task-1/hotel, try 1: permanent-error",
            "airline, cancel, task-1/flight, try 1: permanent-error",
        ];
        let run = run(kind, &faults);
        assert_eq!(ledger(&run), ["book task-1/flight", "cancel task-1/flight"], "{kind}");
        assert!(dead_lettered(&run).is_empty(), "{kind}");
    }
}

#[test]
fn an_undoing_that_goes_on_failing_is_handed_to_the_person_on_call() {
    for (kind, caller) in [(KINDS[0], "worker-1"), (KINDS[1], "service-1")] {
        let faults = [
            "hotels, book, task-1/hotel, try 1: permanent-error",
            "airline, cancel, task-1/flight, try 1: permanent-error",
            "airline, cancel, task-1/flight, try 2: no-response",
            "airline, cancel, task-1/flight, try 3: no-response",
            "airline, cancel, task-1/flight, try 4: permanent-error",
        ];
        let lost = format!("{caller} > on-call, dead letter, task-1/flight, try 1: drop");
        let run = run(kind, &[&faults[..], &[&lost]].concat());
        assert_eq!(ledger(&run), ["book task-1/flight"], "{kind}");
        assert_eq!(dead_lettered(&run), [format!("airline.cancel task-1/flight by {caller}")], "{kind}");
    }
}

#[test]
fn an_orchestrator_that_dies_at_any_step_goes_on_where_it_was() {
    let steps = [
        "before order, task-1/flight",
        "before order, task-1/hotel",
        "before order, task-1/charge",
        "before report, task-1",
    ];
    let marks = (1..=7).flat_map(|nth| {
        ["before", "after"]
            .map(|when| format!("orchestrator, {when} record, task-1, try {nth}: crash, back after 20s"))
    });
    let orders = steps.iter().map(|step| format!("orchestrator, {step}, try 1: crash, back after 20s"));
    for crash in marks.chain(orders) {
        let run = run(KINDS[0], &["payments, charge, task-1/charge, try 1: permanent-error", &crash]);
        assert!(
            run.outcome.history.events().iter().any(|event| matches!(event.what, EventKind::Crashed { .. }))
        );
        let all = ["book task-1/flight", "book task-1/hotel", "cancel task-1/hotel", "cancel task-1/flight"];
        assert_eq!(ledger(&run), all, "{crash}");
    }
}

#[test]
fn news_that_dies_with_its_sender_is_sent_when_it_is_back() {
    // The first service records that a task has come in before it records the outcome of its step.
    for (service, step, nth) in
        [("service-1", "flight", 2), ("service-2", "hotel", 1), ("service-3", "charge", 1)]
    {
        for moment in [
            format!("before record, task-1/{step}, try {nth}"),
            format!("before publish, task-1/{step}, try 1"),
        ] {
            let crash = format!("{service}, {moment}: crash, back after 20s");
            let run = run(KINDS[1], &["payments, charge, task-1/charge, try 1: permanent-error", &crash]);
            let all =
                ["book task-1/flight", "book task-1/hotel", "cancel task-1/hotel", "cancel task-1/flight"];
            assert_eq!(ledger(&run), all, "{crash}");
        }
    }
}
