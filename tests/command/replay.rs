//! `perfidy replay`: whether a saved failure still fails.

use crate::place::{Place, REFUND, in_the_repository};
use std::fs;
use std::ops::Range;

/// The table of the only fault of a saved failure.
fn fault_of(text: &str) -> Option<Range<usize>> {
    Some(text.find("[[fault]]")?..text.find("\n[case]")?)
}

#[test]
fn a_saved_failure_means_the_same_from_another_folder() {
    let (here, there) = (Place::new(), Place::new());
    let file = here.path(&here.saved_failure());
    let text = fs::read_to_string(&file).unwrap();
    there.write("mail/attachment.toml", &text);
    let records = there
        .perfidy(&["replay", "mail", file.to_str().unwrap(), "--format", "json"])
        .ends_with(1)
        .calmly()
        .records();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["outcome"], "reproduced");
        assert_eq!(record["same_history"], true);
        assert!(text.contains(&format!("digest = {}", record["digest"])), "{record}");
    }
}

#[test]
fn a_failure_that_a_check_has_saved_is_left_to_its_test() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = place.read(&file).replace("workflow = \"conductor\"", "workflow = \"helpdesk\"");
    place.write(&file, &text);
    place.perfidy(&["replay"]).ends_with(2).complains(&["unknown workflow `helpdesk`"]);
    place
        .write(&file, &text.replacen("\nengine", "\ncheck = \"cargo test --test desk a_ticket\"\nengine", 1));
    for command in ["replay", "shrink", "check"] {
        let said = place.perfidy(&[command]).ends_with(0);
        said.complains(&["of a check, which replays it: cargo test --test desk a_ticket"]);
    }
}

#[test]
fn a_failure_of_other_code_is_stale_and_the_nearest_place_is_named() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = place.read(&file);
    let at = text.find("\nat = \"").unwrap();
    let moved = text[at..].replacen("bank, refund, task-", "bank, refund, task-9", 1);
    place.write(&file, &format!("{}{moved}", &text[..at]));
    let said = place.perfidy(&["replay", &file]).ends_with(3).calmly();
    said.says(&[
        "stale: `bank, refund, task-9",
        "never came up; the nearest that did is `bank, refund, task-",
        "if something was only renamed, say so in seeds/bank/aliases.toml",
    ]);
}

#[test]
fn a_fault_that_the_run_was_too_short_for_is_ambiguous() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(&file, fault_of, |_| {
        "[[fault]]\nat = \"crash planner, window, try 1\"\ndo = \"crash planner at 4m 59s for good\"\n"
            .to_owned()
    });
    let said = place.perfidy(&["replay", &file]).ends_with(3).calmly();
    said.says(&["ambiguous: all was over at ", "before `crash planner, window, try 1` could come up"]);
}

#[test]
fn a_failure_whose_safeguard_is_back_is_fixed_as_it_should_be() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(
        &file,
        |text| text.find("persist-before-call").map(|at| at..at),
        |_| "idempotency-keys = true\n".to_owned(),
    );
    let said = place.perfidy(&["replay", &file]).ends_with(0).calmly();
    said.says(&["fixed: every fault was injected, and no-duplicate-effects holds"]);
}

#[test]
fn a_failure_that_should_show_what_a_safeguard_is_for_must_not_be_fixed() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run", "--save", "all"]).ends_with(0);
    let file = place.files("seeds")[0].clone();
    place.change(&file, fault_of, |_| String::new());
    let said = place.perfidy(&["replay", &file]).ends_with(1).calmly();
    said.says(&["fixed: every fault was injected", "the case takes a safeguard away, so it should fail"]);
}

#[test]
fn a_failure_with_another_history_is_refreshed_when_asked_to_and_nothing_else_in_its_file_changes() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(&file, |text| text.find("\nschema").map(|at| at..at), |_| "# See issue 12.\n".to_owned());
    let whole = place.read(&file);
    let replay = |arguments: &[&str], word: &str| {
        place.perfidy(&[&["replay", &file][..], arguments].concat()).ends_with(1).calmly().says(&[word]);
        place.read(&file)
    };
    assert_eq!(replay(&["--refresh"], "reproduced, event for event"), whole, "there was nothing to refresh");

    place.change(&file, |text| text.find("\ndigest = \"").map(|at| at + 11..at + 43), |_| "0".repeat(32));
    let message = "bank.refund happened twice";
    for from in [whole.find("\nmessage").unwrap(), 0] {
        let words = |text: &str| text[from..].find(message).map(|at| from + at..from + at + message.len());
        place.change(&file, words, |_| "it broke".to_owned());
    }
    let old = place.read(&file);
    assert_eq!(replay(&[], "the history is not the saved one"), old);
    assert_eq!(replay(&["--refresh"], "the history was not the saved one, and is now"), whole);
    assert_eq!(place.files("seeds"), [file.as_str()], "nothing is left behind");
}

#[test]
fn a_failure_saved_under_other_names_asks_for_aliases_and_is_replayed_with_them() {
    let place = Place::new();
    let file = place.saved_failure();
    // As if it had been saved when the executors were called runners: the text of its scenario says so.
    let group = |text: &str| text.find("\nexecutors = ").map(|at| at + 1..at + 10);
    place.change(&file, group, |_| "runners".to_owned());
    place.perfidy(&["replay", "seeds"]).ends_with(2).complains(&[
        "the workflow `conductor` has no role `runners`",
        "if something was renamed since this was saved, say so in seeds/bank/aliases.toml",
    ]);
    place.write("seeds/aliases.toml", "[agents]\nrunner = \"executor\"\nrunners = \"executors\"\n");
    place
        .perfidy(&["replay", "seeds"])
        .ends_with(1)
        .calmly()
        .says(&["no-duplicate-effects broke", "reproduced"]);
    place
        .perfidy(&["check", "seeds"])
        .ends_with(0)
        .calmly()
        .says(&["seeds/aliases.toml: aliases of 2 names"]);

    place.write("seeds/aliases.toml", "[agents]\nrunners = \"executers\"\n");
    for command in ["replay", "check"] {
        place.perfidy(&[command, "seeds"]).ends_with(2).complains(&[
            "seeds/aliases.toml:2:11",
            "unknown agent `executers`",
            "did you mean `executors`?",
        ]);
    }
}

#[test]
fn the_story_in_the_guide_is_the_one_that_the_command_tells() {
    let page = fs::read_to_string("src/guide/reading_a_failure.md").unwrap();
    let file = page.lines().find_map(|line| line.strip_prefix("  Replay  perfidy replay "));
    let said = in_the_repository(&["replay", file.expect("the guide shows a failure")]).ends_with(0).out;
    let (story, _) = said.split_once("\nseeds/").expect("what a replay came to stands last");
    assert!(page.contains(story), "the guide tells it otherwise:\n{story}");
}
