//! Input that makes no sense is named with its place, and nothing is run.

use crate::place::{Place, REFUND};

#[test]
fn bad_input_is_named_with_its_place_and_nothing_is_run() {
    let bad = REFUND.replace("chance = \"20%\"", "chance = \"20\"");
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND), ("scenarios/bank/typo.toml", &bad)]);
    let said = place.perfidy(&["run"]).ends_with(2);
    assert_eq!(said.out, "");
    said.complains(&["scenarios/bank/typo.toml:21:", "is not a chance in percent", "nothing was run"]);
}

#[test]
fn a_folder_that_is_not_there_is_bad_input() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run", "scenario"]).ends_with(2).complains(&["no such file", "did you mean scenarios?"]);
    Place::new().perfidy(&["run"]).ends_with(2).complains(&["scenarios", "no such file", "nothing was run"]);
}

#[test]
fn arguments_that_make_no_sense_are_bad_input() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    for arguments in [
        &["run", "--seeds", "0"][..],
        &["run", "--seeds", "many"],
        &["run", "--engine", "steam"],
        &["run", "--threads", "0"],
        &["replay"],
        &["dance"],
        &["run", "--log", "perfidy=loud"],
    ] {
        let said = place.perfidy(arguments).ends_with(2);
        assert_eq!(
            (said.out.as_str(), said.err.starts_with("error: ")),
            ("", true),
            "{arguments:?}: {}",
            said.err
        );
    }
}

#[test]
fn check_says_what_good_files_are_and_what_is_wrong_with_others() {
    let place =
        Place::with(&[("scenarios/bank/refund.toml", REFUND), ("bad.toml", "# Nothing.\nworkflow = 3\n")]);
    let file = place.saved_failure();
    place.perfidy(&["check", "scenarios", &file]).ends_with(0).calmly().says(&[
        "scenarios/bank/refund.toml: a scenario for conductor with 2 cases",
        "a saved failure of bank/careless, as written: no-duplicate-effects",
    ]);
    let said = place.perfidy(&["check", "bad.toml", "nowhere", &file]).ends_with(2);
    said.complains(&["bad.toml:2:12", "nowhere"]).says(&["a saved failure of bank/careless"]);
}
