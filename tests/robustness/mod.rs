//! Seeds stay valid: failures that were saved before an edit of the workflow still fail after it.
//!
//! Failures are found, shrunk and saved with a team; then the team's code is edited, and every file is
//! replayed. For each edit at least 95% must still fail, shrunk or with all injected faults:
//!
//! | edit | of 220 failures of the desk, shrunk | with all their faults |
//! |---|--:|--:|
//! | an extra draw at boot, or midway | 220 | 220 |
//! | a heartbeat | 220 | 220 |
//! | an audit call before each step | 220 | 219 |
//! | a longer timeout | 220 | 216 |
//! | another task | 218 | 214 |
//!
//! Of 298 failures of the shipped teams all survived a heartbeat, and 291 another task. Shrinking helps: it
//! leaves spans twice as long as necessary, and crashes nodes at a step instead of at a time. With minimal
//! spans, only 189 survived a longer timeout and 204 another task.
//!
//! Two designs lose many more:
//!
//! * A saved seed without faults, with one generator for the whole run: any additional draw shifts it, so
//!   that the seed makes another run, and of the 220 only 65 fail by luck. The list of faults by their
//!   addresses makes most of the difference (182 of them fail with it under another seed), draws keyed by
//!   identity the rest.
//! * Another effect under the same intent: an audit call under the intent of the step loses nearly every
//!   failure with a missing effect, because the ledger then has an effect of that intent.

mod team;

use perfidy::explore::{Changes, Corpus, Failure, ReplayOutcome, Run, SavedSeed, ShrunkFailure, shrink};
use perfidy::scenario::{self, Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventId, Plan, Seed, SimTime};
use rayon::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use team::{EDITS, Edit, edited_conductor, edited_standby};
use tempfile::TempDir;

/// The maximum number of saved failures of a case of the desk.
const MOST: usize = 25;

/// The maximum number of those that a renaming is tried with, which each have to fail exactly as before.
const MOST_RENAMED: usize = 8;

/// The maximum number of saved failures of a case of a shipped team, of which there are more.
const MOST_SHIPPED: usize = 12;

/// The seeds of a case in which they are searched.
const SEEDS: u64 = 600;

/// The share of failures that must survive an edit, in percent.
const NEARLY_ALL: usize = 95;

const DESK: &[(&str, &str)] = &[
    ("desk/crashes", include_str!("crashes.toml")),
    ("desk/lost-ack", include_str!("lost-ack.toml")),
    ("desk/all-faults", include_str!("all-faults.toml")),
    ("desk/wrong-answers", include_str!("wrong-answers.toml")),
];

/// Failures as they were saved before an edit, each shrunk and with all injected faults.
struct Before {
    folder: TempDir,
    shrunk: Corpus,
    whole: Corpus,
}

impl Before {
    /// The failures of every case without a safeguard.
    fn of(scenarios: &[Arc<Scenario>], most: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [shrunk, whole] = ["shrunk", "whole"].map(|name| Corpus::new(folder.path().join(name)));
        let before = Self { folder, shrunk, whole };
        let cases: Vec<Case> = scenarios.iter().flat_map(Case::all).collect();
        let broken = cases.par_iter().filter(|case| case.without().is_some());
        broken.for_each(|case| before.save_failures_of(case, most));
        before
    }

    fn save_failures_of(&self, case: &Case, most: usize) {
        let property = case.without().unwrap().violates[0];
        let runs = (0..SEEDS).map(Seed).map(|seed| (seed, Run::fuzzed(case, Engine::Native, seed)));
        for (seed, run) in runs.filter(|(_, run)| run.violation(property).is_some()).take(most) {
            let injected = &run.outcome.injected;
            let minimal =
                shrink(case, Engine::Native, seed, property, injected).expect("a run is its faults");
            // Under other seeds the same faults are another failure, which a corpus would not distinguish.
            let save = |corpus: &Corpus, minimal: &ShrunkFailure| {
                let failure = SavedSeed::new(Engine::Native, seed, property, minimal);
                let path = corpus.root().join(format!(
                    "{}-{}-{seed}.toml",
                    case.scenario.name,
                    case.without().unwrap().safeguards.join("-")
                ));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, failure.to_toml(&path)).unwrap();
            };
            save(&self.shrunk, &minimal);
            let (case, faults, changes) = (case.clone(), injected.clone(), Changes::default());
            save(&self.whole, &ShrunkFailure { case, faults, run, changes, is_finished: false });
        }
    }

    /// The results of the files after an edit of the code, and perhaps of the scenario in them.
    #[track_caller]
    fn survive(&self, edit: &str, suite: &Suite, edit_text: fn(&str) -> String) {
        for (corpus, form) in [(&self.shrunk, "shrunk"), (&self.whole, "with all their faults")] {
            let files = corpus.files().unwrap();
            assert!(files.len() >= 150, "{} failures are too few to tell", files.len());
            let is_lost = |file: &PathBuf| {
                let mut saved = SavedSeed::parse("", &fs::read_to_string(file).unwrap()).unwrap();
                saved.case.text = edit_text(&saved.case.text);
                // Read back from the file, as in a real replay.
                let folder = tempfile::tempdir().unwrap();
                let edited = folder.path().join("edited.toml");
                fs::write(&edited, saved.to_toml(&edited)).unwrap();
                let failure = Failure::read(suite, &edited).unwrap_or_else(|bad| panic!("{bad}"));
                let (_, answer) = failure.replay();
                let is_there = matches!(answer, ReplayOutcome::Reproduced { .. });
                (!is_there).then(|| format!("{}, seed {}: {answer:?}", failure.case, saved.seed))
            };
            let lost: Vec<String> = files.par_iter().filter_map(is_lost).collect();
            let kept = files.len() - lost.len();
            println!("{edit}: {kept} of {} failures {form} survive", files.len());
            assert!(
                kept * 100 >= files.len() * NEARLY_ALL,
                "{edit}: these do not survive:\n{}",
                lost.join("\n")
            );
        }
    }
}

fn as_it_was(text: &str) -> String {
    text.to_owned()
}

/// The scenario with one task more.
fn with_another_task(text: &str) -> String {
    let mut table: toml::Table = text.parse().unwrap();
    let tasks = table.entry("tasks").or_insert_with(|| toml::Table::new().into()).as_table_mut().unwrap();
    let count = tasks.get("count").map_or(3, |count| count.as_integer().unwrap());
    tasks.insert("count".to_owned(), (count + 1).into());
    format!("# One task more.\n{table}")
}

/// The shipped suite and the team with an edit.
fn suite_of(edit: Edit) -> Suite {
    Suite::shipped().workflow(team::team(edit))
}

fn as_saved() -> Suite {
    suite_of(Edit::None)
}

fn renamed() -> Suite {
    suite_of(Edit::Renamed)
}

fn desk() -> Vec<Arc<Scenario>> {
    let read = |(name, text): &(&str, &str)| {
        Scenario::parse(&as_saved(), name, text).unwrap_or_else(|bad| panic!("{bad}"))
    };
    DESK.iter().map(read).collect()
}

#[test]
fn edits_of_a_team_leave_its_saved_failures_as_they_were() {
    let before = Before::of(&desk(), MOST);
    let count = before.shrunk.files().unwrap().len();
    assert!(count >= 200, "{count} failures are too few to tell");
    for edit in EDITS {
        before.survive(&format!("{edit:?}"), &suite_of(edit), as_it_was);
    }
    before.survive("another task", &as_saved(), with_another_task);

    // The contrast: all draws are different, so failures survive by chance alone.
    let files = before.whole.files().unwrap();
    let survive = files.iter().filter(|file| {
        let Failure { saved, case, .. } = Failure::read(&as_saved(), file).unwrap();
        let run = Run::fuzzed(&case, Engine::Native, Seed(saved.seed.0 + SEEDS));
        run.violation(&saved.property).is_some()
    });
    let count = survive.count();
    assert!(count * 2 < files.len(), "{count} of {} survive as mere seeds", files.len());
}

#[test]
fn edits_of_the_shipped_teams_leave_their_saved_failures_as_they_were() {
    let scenarios =
        scenario::read_all(&Suite::shipped(), &["scenarios/conductor".into(), "scenarios/standby".into()]);
    let before = Before::of(&scenarios.unwrap_or_else(|bad| panic!("{}", bad[0])), MOST_SHIPPED);
    let edited = Suite::shipped().replacing_workflow(edited_conductor()).replacing_workflow(edited_standby());
    before.survive("a heartbeat", &edited, as_it_was);
    before.survive("another task", &Suite::shipped(), with_another_task);
}

const ALIASES: &str = r#"
[agents]
clerk = "secretary"
worker = "hand"
workers = "hands"

[tools]
mail = "post"
warehouse = "depot"

[steps]
assign = "order"
file-ticket = "open-ticket"
pay = "settle"
"#;

/// The time and the cause of every event.
fn course(run: &Run) -> Vec<(SimTime, Option<EventId>)> {
    run.outcome.history.events().iter().map(|event| (event.at, event.cause)).collect()
}

#[test]
fn with_aliases_a_renamed_team_fails_as_before_to_the_nanosecond_and_without_it_is_told_of_them() {
    let before = Before::of(&desk(), MOST_RENAMED);
    for file in before.whole.files().unwrap() {
        // If no fault and no line of the scenario names an agent, its absence makes no difference.
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("workers = 3") || text.contains("clerk,") {
            let bad = Failure::read(&renamed(), &file).unwrap_err().to_string();
            let hint = format!("say so in {}", file.with_file_name("aliases.toml").display());
            assert!(bad.contains(&hint), "{bad}");
        }
    }
    for corpus in ["shrunk", "whole"] {
        fs::write(before.folder.path().join(corpus).join("aliases.toml"), ALIASES).unwrap();
    }
    let mut faults = String::new();
    for corpus in [&before.shrunk, &before.whole] {
        for file in corpus.files().unwrap() {
            let then = SavedSeed::parse("", &fs::read_to_string(&file).unwrap()).unwrap();
            let failure = Failure::read(&renamed(), &file).unwrap_or_else(|bad| panic!("{bad}"));
            let (run, answer) = failure.replay();
            assert_eq!(answer, ReplayOutcome::Reproduced { same_history: false }, "{}", file.display());
            faults.extend(failure.saved.faults.iter().map(|fault| format!("{fault}\n")));

            let scenario = Scenario::parse(&as_saved(), &then.case.scenario, &then.case.text).unwrap();
            let case = Case::labelled(&scenario, &then.case.label).unwrap();
            let plan = Plan::Explicit(then.faults.as_slice().into());
            let original = Run::planned(&case, then.engine, then.seed, &plan);
            assert_eq!(original.outcome.digest(), then.digest);
            assert_eq!(course(&run), course(&original), "{}", file.display());
        }
    }
    // Names of every kind occur, and none of the old ones does.
    for name in ["secretary", "hand-1", "post", "depot", "before order", "/open-ticket", "/settle"] {
        assert!(faults.contains(name), "no {name}");
    }
    for name in ["clerk", "worker", "mail", "warehouse", "before assign", "file-ticket", "/pay"] {
        assert!(!faults.contains(name), "{name}");
    }
}

#[test]
fn what_is_saved_after_a_renaming_is_not_taken_for_older() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::new(folder.path());
    fs::write(corpus.root().join("aliases.toml"), ALIASES).unwrap();
    let today = [("workers = ", "hands = "), ("\"workers\"", "\"hands\""), ("\"assign\"", "\"order\"")];
    let today =
        today.into_iter().chain([("\"clerk\"", "\"secretary\""), ("mail", "post"), ("file-", "open-")]);
    let text = today.fold(include_str!("crashes.toml").to_owned(), |text, (old, new)| text.replace(old, new));
    let scenario = Scenario::parse(&renamed(), "desk/crashes", &text).unwrap_or_else(|bad| panic!("{bad}"));
    for case in Case::all(&scenario).iter().filter(|case| case.without().is_some()) {
        let property = case.without().unwrap().violates[0];
        let failure = (0..SEEDS).map(Seed).find_map(|seed| {
            let run = Run::fuzzed(case, Engine::Native, seed);
            let faults = run.outcome.injected.clone();
            run.violation(property)?;
            let (case, changes) = (case.clone(), Changes::default());
            let whole = ShrunkFailure { case, faults, run, changes, is_finished: false };
            Some(SavedSeed::new(Engine::Native, seed, property, &whole))
        });
        let saved = corpus.save(&failure.expect("it breaks")).unwrap();
        let failure = Failure::read(&renamed(), saved.path()).unwrap_or_else(|bad| panic!("{bad}"));
        assert!(!failure.is_renamed());
        assert_eq!(failure.replay().1, ReplayOutcome::Reproduced { same_history: true });
    }
}
