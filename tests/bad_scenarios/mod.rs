//! The diagnostics for invalid scenario files: each with its position and what to do.
//!
//! A valid file is edited in one place at a time; the snapshots contain the diagnostics of each edit.

mod any_text;
mod faults;
mod files;
mod teams;
mod tools;
mod words;

use perfidy::scenario::Scenario;
use perfidy::suite::Suite;
use std::fmt::Write as _;

const GOOD: &str = include_str!("good.toml");

/// The valid file with some text replaced.
fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the good file has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    text
}

fn said_of(text: &str) -> String {
    Scenario::parse(&Suite::shipped(), "lost-ack.toml", text)
        .map_or_else(|problems| problems.to_string(), |_| "nothing".to_owned())
}

/// The diagnostics of each of these edits, by name.
fn said_of_edits(table: &[(&str, &[(&str, &str)])]) -> String {
    let mut all = String::new();
    for (name, edits) in table {
        writeln!(all, "--- {name}\n{}\n", said_of(&edited(edits))).unwrap();
    }
    all
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(said_of(GOOD), "nothing");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = edited(&[
        ("executors = 2", "executors = 9999"),
        ("mail.send", "male.send"),
        ("count = 5", "cuont = 5"),
        ("\"5%\"", "\"500%\""),
        ("do = \"drop\"", "do = \"pause 1s\""),
        ("\"15m\"", "\"15\""),
    ]);
    insta::assert_snapshot!(said_of(&text));
}
