//! Invalid input gives an error with its position, and nothing is run.

use crate::place::{Place, REFUND};
use std::fs::{self, File};

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
    let said = place.perfidy(&["run", "scenario"]).ends_with(2);
    said.complains(&["no such file", "did you mean scenarios?", "note: there is no `scenario` in /"]);
    for command in ["run", "fuzz", "audit"] {
        let place = Place::new();
        let folder = place.path("").canonicalize().unwrap();
        let looked = format!("there is no `scenarios` in {}", folder.display());
        let said = place.perfidy(&[command]).ends_with(2);
        said.complains(&[&looked, "nothing was run", "perfidy run path/to/scenarios", "`perfidy new`"]);
    }
    for command in ["replay", "shrink", "check"] {
        let said = place.perfidy(&[command, "seeds/refund.toml"]).ends_with(2);
        said.complains(&["there is no `refund.toml` in", "/seeds"]);
    }
}

#[test]
fn a_mistyped_command_gets_the_nearest_one() {
    for (typed, meant) in [("rnu", "run"), ("repaly", "replay"), ("explian", "explain"), ("shcema", "schema")]
    {
        let said = Place::new().perfidy(&[typed]).ends_with(2);
        said.complains(&[&format!("there is no command `{typed}`; did you mean `{meant}`?")]);
    }
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

/// The commands that read files, and whether they report that nothing was run.
const READERS: [(&str, bool); 6] =
    [("run", true), ("fuzz", true), ("audit", true), ("check", false), ("replay", false), ("shrink", false)];

#[test]
fn every_command_names_a_path_that_it_can_make_nothing_of_and_leaves_nothing_behind() {
    let place =
        Place::with(&[("nothing/readme.md", "# Nothing to see."), ("scenarios/bank/refund.toml", REFUND)]);
    // Fifty megabytes, of which no command reads more than a saved failure can have.
    File::create(place.path("huge.toml")).unwrap().set_len(50 << 20).unwrap();
    fs::write(place.path("latin.toml"), b"# Gr\xfc\xdfe.\n").unwrap();
    let paths = [
        ("huge.toml", "the file is larger than"),
        ("latin.toml", "line 1 is not UTF-8 text"),
        ("nothing", "there is no TOML file in this directory"),
        ("no/such/folder", "there is no such file or directory"),
        ("scenarios/bank/refunds.toml", "did you mean scenarios/bank/refund.toml?"),
    ];
    for (command, runs) in READERS {
        for (path, complaint) in paths {
            let said = place.perfidy(&[command, path]).ends_with(2).complains(&[path, complaint]);
            assert_eq!(said.out, "", "{command} {path}");
            assert_eq!(said.err.contains("nothing was run"), runs, "{command} {path}: {}", said.err);
        }
    }
    assert_eq!(place.files("seeds"), [""; 0]);
}

#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_not_waited_for() {
    let place = Place::new();
    std::os::unix::fs::symlink("circle.toml", place.path("circle.toml")).unwrap();
    for (command, _) in READERS {
        place.perfidy(&[command, "/dev/zero"]).ends_with(2).complains(&["this is not an ordinary file"]);
        place.perfidy(&[command, "circle.toml"]).ends_with(2).complains(&["circle.toml", "cannot be read"]);
    }
}

#[test]
fn every_command_that_runs_scenarios_names_the_same_mistakes_at_the_same_places() {
    let place = Place::new();
    for (file, text, complaint) in [
        ("empty.toml", String::new(), ["empty.toml", "the file is empty"]),
        ("type.toml", REFUND.replace("attempts = 4", "attempts = \"four\""), ["type.toml:14:22", "number"]),
        (
            "workflow.toml",
            REFUND.replace("\"conductor\"", "\"conducter\""),
            ["workflow.toml:2:12", "did you mean `conductor`?"],
        ),
        (
            "key.toml",
            REFUND.replace("within-seeds", "within-sedes"),
            ["key.toml:26:1", "did you mean `within-seeds`?"],
        ),
        ("toml.toml", REFUND.replace("until = \"5m\"", "until = \"5m"), ["toml.toml:20:", "until"]),
    ] {
        place.write(file, &text);
        for (command, runs) in READERS.into_iter().take(4) {
            let said = place.perfidy(&[command, file]).ends_with(2).complains(&complaint);
            assert_eq!(
                (said.out.as_str(), said.err.contains("nothing was run")),
                ("", runs),
                "{command} {file}"
            );
        }
    }
}

#[test]
fn a_saved_failure_is_no_scenario_and_a_scenario_is_no_saved_failure() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND), ("empty.toml", "")]);
    let failure = place.saved_failure();
    for command in ["run", "fuzz", "audit"] {
        let said = place.perfidy(&[command, &failure]).ends_with(2);
        said.complains(&[&failure, "a saved failure, not a scenario", "`perfidy replay`", "nothing was run"]);
    }
    for command in ["replay", "shrink"] {
        let said = place.perfidy(&[command, "scenarios/bank/refund.toml"]).ends_with(2);
        said.complains(&["refund.toml", "a scenario, not a saved failure", "`perfidy run`"]);
        place.perfidy(&[command, "empty.toml"]).ends_with(2).complains(&["empty.toml"]);
    }
    assert_eq!(place.files("seeds"), [failure]);
}
