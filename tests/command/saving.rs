//! Saving of failures: once each, complete, and never over another file.

use crate::place::{Place, REFUND, Said, careless};
use std::process::Child;

#[test]
fn a_failure_is_saved_once_however_often_it_is_found() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let files = |arguments: &[&str]| {
        place.perfidy(arguments).ends_with(0).calmly();
        place.files("seeds")
    };
    assert_eq!(files(&["run", "--save", "none"]), [""; 0]);
    let once = files(&["run", "--save", "all"]);
    assert_eq!(once.len(), 1);
    let text = place.read(&once[0]);
    assert_eq!(files(&["run", "--save", "all"]), once);
    assert_eq!(place.read(&once[0]), text);
    // The case has no safeguard, so its failure is expected.
    place.perfidy(&["replay", "seeds"]).ends_with(0).calmly().says(&["reproduced, event for event"]);
}

#[test]
fn two_processes_that_save_the_same_failure_make_one_whole_file() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    let both: Vec<Child> = (0..2).map(|_| place.start(&["run", "--seeds", "100"])).collect();
    for one in both {
        Said::of(one.wait_with_output().unwrap()).ends_with(1).calmly();
    }
    let files = place.files("seeds");
    assert_eq!(files.len(), 1, "{files:?}");
    place.perfidy(&["check", &files[0]]).ends_with(0).calmly();
}

#[test]
fn a_run_and_a_campaign_at_once_leave_whole_files_that_break_again() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    let both =
        [&["run", "--seeds", "100"][..], &["fuzz", "--runs", "2000"]].map(|command| place.start(command));
    for one in both {
        Said::of(one.wait_with_output().unwrap()).ends_with(1);
    }
    place.perfidy(&["check", "seeds"]).ends_with(0).calmly();
    let failures = place.perfidy(&["replay", "seeds", "--format", "json"]).ends_with(1).calmly().records();
    assert!(!failures.is_empty());
    assert!(failures.iter().all(|failure| failure["same_history"] == true), "{failures:?}");
}

#[test]
fn a_half_written_failure_is_named_and_passed_over_and_left_as_it_is() {
    let place = Place::new();
    let whole = place.saved_failure();
    let text = place.read(&whole);
    let half = &text[..text.len() / 2];
    place.write("seeds/bank/broken.toml", half);
    for command in ["replay", "check"] {
        let said = place.perfidy(&[command, "seeds"]).ends_with(2);
        said.complains(&["seeds/bank/broken.toml"]).says(&[&whole, "no-duplicate-effects"]);
    }
    assert_eq!(place.read("seeds/bank/broken.toml"), half);
}

#[test]
fn a_half_written_file_where_a_failure_belongs_is_not_taken_for_it() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = place.read(&file);
    let half = &text[..text.len() / 2];
    place.write(&file, half);
    let said = place.perfidy(&["run", "--seeds", "100"]).ends_with(2);
    said.complains(&["cannot save", &file]).says(&["no-duplicate-effects broke"]);
    assert_eq!(place.read(&file), half);
}

#[test]
fn a_corpus_that_cannot_be_written_to_is_an_error_and_the_story_is_told_all_the_same() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless()), ("file", "in the way")]);
    let said = place.perfidy(&["run", "--seeds", "100", "--corpus", "file"]).ends_with(2);
    said.complains(&["error: cannot save", "file"]).says(&[
        "no-duplicate-effects broke",
        "One fault suffices",
        "BROKEN",
    ]);
    assert_eq!(place.read("file"), "in the way");
}
