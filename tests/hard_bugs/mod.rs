//! Hard bugs of real teams are what strategies are measured by (`sim/benches/hard_bugs.rs`). Here it is shown
//! that each of them is one: its smallest known plan breaks its property, and no fault of it does so alone.

mod suite;

use std::collections::BTreeSet;
use suite::{HardBug, all};

fn each_bug(check: impl Fn(&HardBug)) {
    let bugs = all();
    assert!(bugs.len() >= 20, "{} bugs", bugs.len());
    bugs.iter().for_each(check);
}

#[test]
fn the_smallest_known_plan_of_each_bug_breaks_its_property() {
    each_bug(|bug| assert!(bug.breaks(bug.pinned.seed, &bug.pinned.faults), "{}", bug.name));
}

#[test]
fn each_bug_takes_two_to_four_faults_of_which_none_can_be_left_out() {
    each_bug(|bug| {
        let faults = &bug.pinned.faults;
        assert!((2..=4).contains(&faults.len()), "{}: {} faults", bug.name, faults.len());
        for left_out in 0..faults.len() {
            let mut rest = faults.clone();
            rest.remove(left_out);
            assert!(!bug.breaks(bug.pinned.seed, &rest), "{}: without {}", bug.name, faults[left_out]);
        }
    });
}

#[test]
fn no_single_fault_breaks_a_bug_and_neither_does_none() {
    each_bug(|bug| {
        assert!(!bug.breaks(bug.pinned.seed, &[]), "{}", bug.name);
        for fault in &bug.pinned.faults {
            assert!(!bug.breaks(bug.pinned.seed, &[*fault]), "{}: {fault}", bug.name);
        }
    });
}

#[test]
fn each_bug_has_a_file_that_says_what_was_observed_what_is_wrong_and_what_it_takes() {
    each_bug(|bug| {
        let file = format!("{}/tests/hard_bugs/{}.toml", env!("CARGO_MANIFEST_DIR"), bug.name);
        let text = std::fs::read_to_string(file).unwrap();
        let starts: BTreeSet<&str> =
            text.lines().filter_map(|line| line.split_once(':')).map(|it| it.0).collect();
        for start in ["# Observed", "# Wrong", "# Takes"] {
            assert!(starts.contains(start), "{}: {start}", bug.name);
        }
    });
}
