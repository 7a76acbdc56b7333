//! A closed output pipe changes neither the exit status nor what is saved.

use crate::place::{Place, REFUND, careless};
use std::io::{BufRead, BufReader, Read};

/// Runs the command, reads so many lines of its output, closes the pipe, and returns the exit status and
/// standard error.
fn read_lines_of(place: &Place, arguments: &[&str], lines: usize) -> (Option<i32>, String) {
    let mut child = place.start(arguments);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..lines {
        assert_ne!(out.read_line(&mut String::new()).unwrap(), 0);
    }
    drop(out);
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    (child.wait().unwrap().code(), complaints)
}

#[test]
fn a_broken_promise_is_one_when_the_reader_of_the_results_has_gone() {
    for format in ["text", "json"] {
        for lines in [0, 1] {
            // The careless scenario comes first, and most of the output comes after it.
            let place = Place::with(&[
                ("scenarios/bank/careless.toml", &careless()),
                ("scenarios/bank/refund.toml", REFUND),
            ]);
            let arguments = ["run", "--seeds", "100", "--format", format];
            assert_eq!(
                read_lines_of(&place, &arguments, lines),
                (Some(1), String::new()),
                "{format} {lines}"
            );
            assert_eq!(place.files("seeds").len(), 1, "{format} {lines}");
        }
    }
}

#[test]
fn what_comes_after_the_reader_has_gone_is_still_done() {
    let place = Place::new();
    let failure = place.saved_failure();
    let text = place.read(&failure);
    for number in 0..50 {
        place.write(&format!("many/{number:02}.toml"), &text);
    }
    place.write("many/99.toml", "# Nothing.\nworkflow = 3\n");
    let (status, complaints) = read_lines_of(&place, &["check", "many"], 0);
    assert_eq!(status, Some(2));
    assert!(complaints.contains("many/99.toml:2:12"), "{complaints}");
    assert_eq!(
        read_lines_of(&place, &["replay", "many/00.toml", "many/01.toml"], 0),
        (Some(1), String::new())
    );
    assert_eq!(read_lines_of(&place, &["list"], 0), (Some(0), String::new()));
    assert_eq!(read_lines_of(&place, &["--help"], 0).0, Some(0));
    let (status, _) = read_lines_of(&place, &["fuzz", "--runs", "2000"], 0);
    assert_eq!(status, Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_complained_of_once_and_the_work_goes_on() {
    let careless = careless();
    let place =
        Place::with(&[("scenarios/bank/one.toml", &careless), ("scenarios/bank/other.toml", &careless)]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["run", "--seeds", "100"]).stdout(full).output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaints}");
    assert_eq!(complaints.matches("error: cannot write the result").count(), 1, "{complaints}");
    assert_eq!(place.files("seeds").len(), 2, "that of each");
}
