//! Old saved failures of this repository, with former names of properties, faults, workflows, moments,
//! agents, messages and steps: with their aliases they are reproduced, without them they are rejected or
//! stale.

use perfidy::explore::{Aliases, Corpus, Failure, ReplayOutcome};
use perfidy::suite::Suite;
use std::path::{Path, PathBuf};

const ROOT: &str = "tests/older_failures";

fn files() -> Vec<PathBuf> {
    Corpus::new(Path::new(ROOT)).files().unwrap()
}

#[test]
fn failures_that_name_what_has_another_name_today_are_reproduced() {
    let files = files();
    assert_eq!(files.len(), 101);
    for file in files {
        let failure = Failure::read(&Suite::shipped(), &file).unwrap_or_else(|bad| panic!("{bad}"));
        let (_, answer) = failure.replay();
        assert!(matches!(answer, ReplayOutcome::Reproduced { .. }), "{}: {answer:?}", file.display());
    }
}

#[test]
fn without_their_aliases_those_with_other_names_are_refused_with_where_to_write_one_or_not_reproduced() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut reproduced = 0;
    for (number, file) in files().iter().enumerate() {
        let copy = elsewhere.path().join(format!("{number}.toml"));
        std::fs::copy(file, &copy).unwrap();
        match Failure::read(&Suite::shipped(), &copy).map(|failure| failure.replay().1) {
            Err(refused) => {
                let refused = refused.to_string();
                assert!(refused.contains(Aliases::FILE), "{}: {refused}", file.display());
            }
            // The sites of its faults have messages and steps that no agent has, or it names nothing that has
            // another name today.
            Ok(outcome) => reproduced += usize::from(outcome.is_reproduced()),
        }
    }
    assert!(files().len() - reproduced >= 30, "{reproduced}");
}
