//! Review step by step: changes of one file that come together, merges that are not acknowledged, and a
//! reviewer that has too much to do.

use perfidy::agent::{TeamEvent, ToolEvent};
use perfidy::explore::Run;
use perfidy::properties::{StatesOverTime, Verdict};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::tools::Files;
use perfidy_sim::{Engine, EventKind, Seed, SimTime};
use std::ops::RangeInclusive;

/// A team of two whose tasks have two steps, both of which edit one file; with these safeguards and faults,
/// each fault `place: action`.
fn run(safeguards: &[&str], faults: &[&str]) -> Run {
    let on: Vec<String> = safeguards.iter().map(|safeguard| format!("{safeguard}\n")).collect();
    let faults = faults.iter().filter_map(|fault| fault.split_once(": "));
    let faults: Vec<String> =
        faults.map(|(at, action)| format!("[[fault]]\nat = \"{at}\"\ndo = \"{action}\"\n")).collect();
    let text = format!(
        "# Two changes of one file.\nworkflow = \"review\"\n[team]\nworkers = 2\n\
         [[step]]\nname = \"usage\"\ntool = \"repo.edit\"\nargs = {{ path = \"guide.md\", line = \"usage\" }}\n\
         [[step]]\nname = \"limits\"\ntool = \"repo.edit\"\nargs = {{ path = \"guide.md\", line = \"limits\" }}\n\
         [tasks]\ncount = 1\n\
         [safeguards]\n{}checkpoint = true\nretry = {{ attempts = 4, backoff = \"1s..5s\" }}\ntool-dedupe = true\n\
         [tools.repo]\nkind = \"files\"\nfiles = {{ \"guide.md\" = \"# Guide\" }}\ndeduplicates = true\n{}",
        on.concat(),
        faults.concat()
    );
    let scenario = Scenario::parse(&Suite::shipped(), "review.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let missed: Vec<_> = run.outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
    assert!(missed.is_empty(), "{missed:?} never came up");
    run
}

/// The lines of the file in the end, in order of their names.
fn lines(run: &Run) -> Vec<String> {
    let states = run.outcome.history.states::<Files>("repo");
    let text = states.last().map(|files| files.text("guide.md").to_owned()).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// How many messages of a kind were sent.
fn sent(run: &Run, of: &str) -> usize {
    sent_at(run, of).len()
}

fn effects(run: &Run) -> usize {
    let notes = run.outcome.history.app_events();
    notes.filter(|(_, note)| matches!(note, TeamEvent::Tool(ToolEvent::Effect { .. }))).count()
}

fn verdict<'a>(run: &'a Run, property: &str) -> &'a Verdict {
    run.verdicts.iter().find(|(name, _)| *name == property).map(|(_, verdict)| verdict).expect("the property")
}

/// When the messages of a kind were sent.
fn sent_at(run: &Run, of: &str) -> Vec<SimTime> {
    let is_it =
        |what: &EventKind<TeamEvent>| matches!(what, EventKind::Sent { kind, .. } if kind.as_str() == of);
    run.outcome.history.events().iter().filter(|event| is_it(&event.what)).map(|event| event.at).collect()
}

const ALL: [&str; 3] = ["# Guide", "limits", "usage"];
const KEYS: [&str; 2] = ["idempotency-keys = true", "persist-before-call = true"];

/// With these a step is given up after two failures, which then are on record.
const GIVING_UP: [&str; 3] = ["merge-queue = true", "give-up-after = \"2 failures\"", "dead-letter = true"];

/// Faults by which the file is not read for one of the steps, in these tries.
fn unread(worker: &str, step: &str, tries: RangeInclusive<u32>) -> Vec<String> {
    tries.map(|nth| format!("{worker} > repo, call read of read, task-1/{step}, try {nth}: drop")).collect()
}

/// Faults by which the calls of an edit do not reach the tool.
fn lost_edits(step: &str, tries: RangeInclusive<u32>) -> Vec<String> {
    tries.map(|nth| format!("reviewer > repo, call edit, task-1/{step}, try {nth}: drop")).collect()
}

fn run_with(safeguards: &[&str], faults: &[Vec<String>]) -> Run {
    let faults: Vec<String> = faults.concat();
    run(safeguards, &faults.iter().map(String::as_str).collect::<Vec<_>>())
}

fn with_keys<'a>(more: &[&'a str]) -> Vec<&'a str> {
    KEYS.iter().chain(more).copied().collect()
}

#[test]
fn the_change_that_comes_second_is_made_again_on_the_version_with_the_first() {
    let queued = run(&with_keys(&["merge-queue = true"]), &[]);
    assert_eq!(lines(&queued), ALL);
    assert_eq!((sent(&queued, "outdated"), effects(&queued)), (1, 2));
    assert_eq!(verdict(&queued, "no-lost-update"), &Verdict::Holds);
}

#[test]
fn without_the_queue_the_change_that_comes_second_takes_the_first_one_back() {
    let overwritten = run(&KEYS, &[]);
    assert_eq!(lines(&overwritten).len(), 2, "{:?}", lines(&overwritten));
    assert!(verdict(&overwritten, "no-lost-update").is_violated());
    assert_eq!(verdict(&overwritten, "no-phantom-completion"), &Verdict::Holds, "both were merged once");
}

#[test]
fn with_owners_the_second_change_begins_when_the_first_is_merged() {
    let owned = run(&with_keys(&["file-ownership = true"]), &[]);
    assert_eq!(lines(&owned), ALL);
    assert_eq!(sent(&owned, "request review"), 2, "nothing is made again");
}

#[test]
fn a_merge_that_was_not_acknowledged_is_recognised_by_its_key() {
    let fault = ["repo, edit, task-1/usage, try 1: ack-lost"];
    let keyed = run(&with_keys(&["merge-queue = true", "file-ownership = true"]), &fault);
    assert_eq!((lines(&keyed), effects(&keyed)), (ALL.map(str::to_owned).to_vec(), 2));
    let unkeyed = run(&["merge-queue = true", "file-ownership = true"], &fault);
    assert_eq!(
        effects(&unkeyed),
        3,
        "the retry finds that the file has changed, and the change is made again"
    );
    assert!(verdict(&unkeyed, "no-duplicate-effects").is_violated());
}

#[test]
fn a_reviewer_that_crashed_in_a_merge_goes_on_with_it_before_anything_else() {
    let fault = ["reviewer, after call, task-1/usage, try 1: crash, back after 5s"];
    let recovered = run(&with_keys(&["merge-queue = true"]), &fault);
    assert_eq!((lines(&recovered), effects(&recovered)), (ALL.map(str::to_owned).to_vec(), 2));
}

#[test]
fn a_change_that_is_refused_for_want_of_room_stays_with_its_worker_until_there_is_room() {
    let bounded = run(&with_keys(&["merge-queue = true", "bounded-queue = { capacity = 1 }"]), &[]);
    assert!(sent(&bounded, "busy") > 0);
    assert_eq!(lines(&bounded), ALL);
}

#[test]
fn a_task_that_is_given_up_ends_for_its_user_when_none_of_its_changes_is_under_way() {
    let slow = vec!["reviewer, first-token, task-1/usage, try 1: slow-first-token 40s".to_owned()];
    let faults = [unread("worker-2", "limits", 1..=8), slow, lost_edits("usage", 1..=4)];
    let run = run_with(&with_keys(&GIVING_UP), &faults);
    assert_eq!(lines(&run), ["# Guide", "usage"]);
    assert_eq!((sent(&run, "withdraw"), sent(&run, "withdrawn")), (1, 1));
    assert!(sent_at(&run, "report")[0] > *sent_at(&run, "reply to edit").last().expect("an answer"));
    assert_eq!(verdict(&run, "every-call-accounted"), &Verdict::Holds);
}

#[test]
fn of_a_task_that_is_given_up_no_change_is_merged_that_was_not_under_way() {
    let slow = vec!["reviewer, first-token, task-1/usage, try 1: slow-first-token 5m".to_owned()];
    let run = run_with(&with_keys(&GIVING_UP), &[unread("worker-2", "limits", 1..=8), slow]);
    assert_eq!(lines(&run), ["# Guide"]);
    assert_eq!((sent(&run, "call edit"), sent(&run, "report")), (0, 1));
}

#[test]
fn a_change_that_was_refused_after_a_try_without_an_answer_is_on_record_if_its_task_is_given_up() {
    let unread = unread("worker-1", "usage", 2..=9);
    let faults = [vec!["repo, edit, task-1/usage, try 1: ack-lost".to_owned()], unread];
    let run = run_with(&GIVING_UP, &faults);
    assert_eq!((lines(&run), effects(&run)), (ALL.map(str::to_owned).to_vec(), 2), "it was written");
    assert_eq!((sent(&run, "call edit"), sent(&run, "dead letter")), (4, 1));
    assert_eq!(verdict(&run, "every-call-accounted"), &Verdict::Holds);
}
