//! `perfidy watch`: what is broken now, after each change.

use crate::place::{Place, REFUND, Said, careless};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::process::ChildStdout;

/// The next screen: up to its last line.
fn screen(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    let mut screen = String::new();
    for line in lines {
        let line = line.unwrap();
        screen += &line;
        screen.push('\n');
        if line.contains("last run: ") {
            return screen;
        }
    }
    panic!("the watch has ended after:\n{screen}");
}

#[test]
fn what_is_broken_now_is_shown_after_each_change_of_a_scenario() {
    let place = Place::with(&[("scenarios/refund.toml", REFUND), ("scenarios/other.toml", &careless())]);
    let mut watch = place.start(&["watch", "--seeds", "100", "--for", "4m"]);
    let mut lines = BufReader::<ChildStdout>::new(watch.stdout.take().unwrap()).lines();
    let first = screen(&mut lines);
    assert!(first.contains("other, as written\n  BROKEN: no-duplicate-effects"), "{first}");
    assert!(
        first.contains("1 broken, 0 open, 2 as they should be; last run: everything, 3 cases"),
        "{first}"
    );
    place.write("scenarios/other.toml", "workflow = \"nonsense\"\n");
    let wrong = screen(&mut lines);
    assert!(wrong.contains("NOTHING COULD BE RUN") && wrong.contains("nonsense"), "{wrong}");
    place.write("scenarios/other.toml", REFUND);
    let mended = screen(&mut lines);
    assert!(mended.contains("0 broken, 0 open, 4 as they should be; last run: everything"), "{mended}");
    let mut file = OpenOptions::new().append(true).open(place.path("scenarios/other.toml")).unwrap();
    writeln!(file, "# the end").unwrap();
    let only = screen(&mut lines);
    assert!(only.contains("4 as they should be; last run: scenarios/other.toml, 2 cases"), "{only}");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn a_watch_ends_with_what_is_broken_at_its_end() {
    for (scenario, status) in [(REFUND.to_owned(), 0), (careless(), 1)] {
        let place = Place::with(&[("scenarios/refund.toml", &scenario)]);
        let said = place.perfidy(&["watch", "--seeds", "100", "--for", "10s"]).ends_with(status).calmly();
        assert_eq!(said.out.matches("last run").count(), 1, "{}", said.out);
    }
}

#[test]
fn what_is_not_there_cannot_be_watched() {
    let said: Said = Place::new().perfidy(&["watch", "scenarios"]);
    said.ends_with(2).complains(&["there is no `scenarios` in "]);
}
