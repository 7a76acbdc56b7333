//! The identity of failures: equal if property, and kinds and sites of the faults up to numbering, are equal.

use super::{FILED_TWICE, failures, filed_twice, filed_twice_but};
use crate::cases;
use perfidy::explore::{Corpus, Failure, Saved, SavedSeed};
use perfidy::suite::Suite;
use perfidy_sim::Fault;
use std::collections::BTreeMap;
use std::fs;

/// Failures of one case, grouped by identity, at least two forms of each.
fn forms() -> Vec<Vec<SavedSeed>> {
    let mut forms: BTreeMap<u64, Vec<SavedSeed>> = BTreeMap::new();
    for saved in failures(cases::titled(FILED_TWICE), 0..60) {
        forms.entry(saved.fingerprint()).or_default().push(saved);
    }
    forms.retain(|_, forms| forms.len() > 1);
    forms.into_values().collect()
}

#[test]
fn of_many_forms_of_a_failure_the_same_one_stands_in_whatever_order_they_are_found() {
    let forms = forms();
    assert!(!forms.is_empty());
    for forms in forms {
        let stands_after = |forms: &mut dyn Iterator<Item = &SavedSeed>| {
            let folder = tempfile::tempdir().unwrap();
            let corpus = Corpus::new(folder.path());
            let saved: Vec<Saved> = forms.map(|form| corpus.save(form).unwrap()).collect();
            let files = corpus.files().unwrap();
            assert_eq!(files.len(), 1);
            assert_eq!(saved.iter().filter(|saved| matches!(saved, Saved::Now(_))).count(), 1);
            let failure = Failure::read(&Suite::shipped(), &files[0]).unwrap();
            assert!(failure.replay().1.is_reproduced());
            (failure.saved.seed, failure.saved.faults, failure.saved.case.text)
        };
        let forwards = stands_after(&mut forms.iter());
        assert_eq!(forwards, stands_after(&mut forms.iter().rev()));
        assert!(forms.iter().all(|form| forwards.2.len() <= form.case.text.len()));
    }
}

#[test]
fn threads_that_save_at_once_leave_the_smallest_form_alone() {
    for forms in forms() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for form in &forms {
                scope.spawn(|| Corpus::new(folder.path()).save(form).unwrap());
            }
        });
        let files = Corpus::new(folder.path()).files().unwrap();
        assert_eq!(files.len(), 1);
        let at_once = fs::read_to_string(&files[0]).unwrap();
        for form in &forms {
            assert!(matches!(Corpus::new(folder.path()).save(form).unwrap(), Saved::Before(_)));
        }
        assert_eq!(fs::read_to_string(&files[0]).unwrap(), at_once);
    }
}

#[test]
fn numbers_of_agents_tasks_and_tries_do_not_tell_failures_apart_and_all_else_does() {
    let of = |faults: &[&str]| {
        let fault = |text: &&str| {
            let (at, action) = text.rsplit_once(": ").unwrap();
            Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
        };
        filed_twice_but(|saved| saved.faults = faults.iter().map(fault).collect()).fingerprint()
    };
    let one = of(&[
        "executor-1 > mail-x, call send, task-1/a, try 1: drop",
        "a, before call, task-1, try 1: pause 1s",
    ]);
    let same = [
        of(&[
            "executor-2 > mail-x, call send, task-7/b, try 3: drop",
            "a, before call, task-1, try 1: pause 1s",
        ]),
        of(&[
            "a, before call, task-2, try 9: pause 8s",
            "executor-1 > mail-x, call send, task-1/a, try 1: drop",
        ]),
    ];
    assert!(same.iter().all(|other| *other == one));
    let others = [
        of(&["executor-1 > mail-x, call send, task-1/a, try 1: drop"]),
        of(&[
            "executor-1 > mail-x, call send, task-1/a, try 1: corrupt",
            "a, before call, task-1, try 1: pause 1s",
        ]),
        of(&[
            "executor-1 > mail-x, call read, task-1/a, try 1: drop",
            "a, before call, task-1, try 1: pause 1s",
        ]),
        of(&[
            "worker-1 > mail-x, call send, task-1/a, try 1: drop",
            "a, before call, task-1, try 1: pause 1s",
        ]),
        of(&[
            "executor-1 > mail-y, call send, task-1/a, try 1: drop",
            "a, before call, task-1, try 1: pause 1s",
        ]),
        of(&[
            "executor-1 > mail-x, call send, task-1/a, try 1: drop",
            "a, after call, task-1, try 1: pause 1s",
        ]),
    ];
    assert!(others.iter().all(|other| *other != one));
    let others = [
        filed_twice_but(|saved| saved.property = "no-orphans".to_owned()),
        filed_twice_but(|saved| saved.case.label = "as written".to_owned()),
        filed_twice_but(|saved| saved.case.scenario = "conductor/other".to_owned()),
    ];
    assert!(others.iter().all(|other| other.fingerprint() != filed_twice().fingerprint()));
}

#[test]
fn a_form_that_no_longer_breaks_makes_room_for_one_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let (corpus, saved) = (Corpus::new(folder.path()), filed_twice());
    let place = corpus.save(&saved).unwrap();
    let text = fs::read_to_string(place.path()).unwrap();
    // It would come first by its seed; but its place is never reached.
    assert!(saved.seed.0 > 0);
    let seed = format!("seed = {}", saved.seed);
    fs::write(place.path(), text.replacen(&seed, "seed = 0", 1).replacen("try 1\"", "try 9\"", 1)).unwrap();
    assert!(!Failure::read(&Suite::shipped(), place.path()).unwrap().replay().1.is_reproduced());
    assert_eq!(corpus.save(&saved).unwrap(), Saved::Smaller(place.path().to_owned()));
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text);
}

#[test]
fn what_is_shrunk_into_a_failure_that_is_there_leaves_the_smaller_of_both() {
    let forms = forms().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::new(folder.path());
    let place = corpus.save(&forms[0]).unwrap();
    let old = place.path().with_file_name("large.toml");
    fs::write(&old, "what it was shrunk from").unwrap();
    assert_eq!(Corpus::replace(&old, &forms[1]).unwrap(), place.path());
    assert_eq!(corpus.files().unwrap(), [place.path()]);
    let stands = fs::read_to_string(place.path()).unwrap();
    corpus.save(&forms[0]).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), stands);
}
