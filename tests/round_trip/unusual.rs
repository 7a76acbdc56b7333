//! Failures that are hard to write to a file: they are written correctly, or not at all.

use super::{FILED_TWICE, failures, filed_twice, filed_twice_but, reads_back};
use crate::cases;
use perfidy::explore::{Corpus, Failure, SavedSeed};
use perfidy::suite::Suite;
use perfidy_sim::Digest;
use std::fs;
use std::path::Path;

/// The error when a failure is not saved; no file may be left.
fn refusal(saved: &SavedSeed) -> String {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::new(folder.path());
    let error = corpus.save(saved).expect_err("it is not saved").to_string();
    assert!(corpus.files().unwrap().is_empty());
    let old = folder.path().join("old.toml");
    fs::write(&old, "as it was").unwrap();
    Corpus::replace(&old, saved).expect_err("it replaces nothing");
    assert_eq!(fs::read_to_string(&old).unwrap(), "as it was");
    error
}

#[test]
fn a_message_of_any_characters_and_any_length_reads_back() {
    for message in [
        "two\nlines",
        "a return\r\nand a tab\t",
        "quotes \" \"\"\" ' ''' and \\ # all",
        "\u{1b}[2J\u{7f}\u{9b}\u{0}",
        "\u{202e}backwards\u{2028}\u{feff}",
        "",
        " ",
    ] {
        let saved = filed_twice_but(|saved| saved.message = message.to_owned());
        reads_back(&saved).unwrap_or_else(|error| panic!("{message:?}: {error}"));
        let text = saved.to_toml(Path::new("line\nbreak.toml"));
        let head = text.split_once("\n\n").unwrap().0;
        assert!(head.lines().count() == 3 && head.lines().all(|line| line.starts_with("# ")), "{head}");
        assert!(!head.contains(|c| c != '\n' && perfidy::inert::is_active(c)), "{head}");
    }
}

#[test]
fn a_seed_beyond_the_numbers_of_toml_reads_back() {
    let last = (u64::MAX - 300..=u64::MAX).rev();
    let saved = failures(cases::titled(FILED_TWICE), last).next().expect("it breaks");
    assert!(saved.seed.0 > i64::MAX as u64);
    reads_back(&saved).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_scenario_of_any_name_that_it_can_have_is_saved_below_the_corpus() {
    let long = format!("folder/{}", "long".repeat(100));
    for name in ["x", "a b/c: d*", ".hidden/.file", "C:/x", "\\\\a\\b", "žluťoučký/kůň 🐎", &long] {
        let saved = filed_twice_but(|saved| saved.case.scenario = name.to_owned());
        reads_back(&saved).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("corpus");
        let place = Corpus::new(&root).save(&saved).unwrap();
        let whole = fs::canonicalize(place.path()).unwrap();
        assert!(whole.starts_with(fs::canonicalize(&root).unwrap()), "{}", whole.display());
    }
    for name in ["", "/", "..", "../../out", "/out", "a/../../b", "a//b", "c\nd", "x\u{202e}y"] {
        let saved = filed_twice_but(|saved| saved.case.scenario = name.to_owned());
        assert!(refusal(&saved).contains("a scenario cannot be called"), "{name:?}");
    }
}

#[test]
fn what_no_file_may_say_is_not_written() {
    for (action, why) in [
        ("cut user from coordinator at 24h for 1m", "but faults end at"),
        ("cut user+planner from planner at 1m for 1m", "on both sides of the partition"),
        ("cut user from executor-9 at 1m for 1m", "unknown agent or tool `executor-9`"),
    ] {
        let mut saved = filed_twice();
        let mut fault = saved.faults[0];
        fault.at = "by hand, fault, try 1".parse().unwrap();
        fault.action = action.parse().unwrap();
        saved.faults.push(fault);
        let refusal = refusal(&saved);
        assert!(refusal.contains("the file could not be replayed") && refusal.contains(why), "{refusal}");
    }
    let mut saved = filed_twice();
    saved.case.label = "without anything".to_owned();
    assert!(refusal(&saved).contains("unknown case `without anything`"));
    saved.case.text.clear();
    assert!(refusal(&saved).contains("the file is empty"));
}

#[test]
fn what_would_make_another_run_is_not_written() {
    let saved = filed_twice_but(|saved| saved.digest = Digest::default());
    assert!(refusal(&saved).contains("makes another run"));
    let saved = filed_twice_but(|saved| saved.faults.clear());
    assert!(refusal(&saved).contains("makes another run"));
}

#[test]
fn a_refreshed_failure_reads_back_whatever_its_message_was() {
    let folder = tempfile::tempdir().unwrap();
    let saved = filed_twice_but(|saved| saved.message = "two\nlines\u{1b}".to_owned());
    let place = Corpus::new(folder.path()).save(&saved).unwrap();
    let failure = Failure::read(&Suite::shipped(), place.path()).unwrap();
    failure.refresh(&failure.replay().0).unwrap();
    let text = fs::read_to_string(place.path()).unwrap();
    assert_eq!(text, filed_twice().to_toml(place.path()));
    Failure::read(&Suite::shipped(), place.path()).unwrap();
}
