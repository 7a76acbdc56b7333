//! Review step by step: changes of one file that come together, merges that are not acknowledged, and a
//! reviewer that has too much to do.

use perfidy::agent::{TeamEvent, ToolEvent};
use perfidy::explore::Run;
use perfidy::properties::{StatesOverTime, Verdict};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::tools::Files;
use perfidy_sim::{Engine, EventKind, Seed};

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
    let is_it =
        |what: &EventKind<TeamEvent>| matches!(what, EventKind::Sent { kind, .. } if kind.as_str() == of);
    run.outcome.history.events().iter().filter(|event| is_it(&event.what)).count()
}

fn effects(run: &Run) -> usize {
    let notes = run.outcome.history.app_events();
    notes.filter(|(_, note)| matches!(note, TeamEvent::Tool(ToolEvent::Effect { .. }))).count()
}

fn verdict<'a>(run: &'a Run, property: &str) -> &'a Verdict {
    run.verdicts.iter().find(|(name, _)| *name == property).map(|(_, verdict)| verdict).expect("the property")
}

const ALL: [&str; 3] = ["# Guide", "limits", "usage"];
const KEYS: [&str; 2] = ["idempotency-keys = true", "persist-before-call = true"];

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
