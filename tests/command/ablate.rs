//! `perfidy ablate`: the matrix, where its hints lead, and the independence of its results.

use crate::place::{Place, REFUND, Said, careless};

/// The careless team of the tests with its keys back, and without the case that claims what they are for.
fn unclaimed() -> String {
    REFUND.split("[[without]]").next().unwrap().to_owned()
}

fn matrix(text: &str, options: &[&str]) -> Said {
    let place = Place::with(&[("scenarios/bank/refund.toml", text)]);
    place.perfidy(&[&["ablate", "--seeds", "100"], options].concat())
}

#[test]
fn a_matrix_says_what_breaks_without_each_safeguard() {
    let said = matrix(REFUND, &[]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn what_no_case_of_the_file_claims_is_news() {
    let said = matrix(&unclaimed(), &[]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn pairs_are_shown_if_they_break_what_neither_breaks_alone() {
    let text = unclaimed().replace("checkpoint = true", "checkpoint = true\nobserve-before-retry = true");
    let said = matrix(&text, &["--pairs"]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_matrix_can_be_put_into_a_document() {
    let said = matrix(&unclaimed(), &["--format", "markdown"]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn the_command_beside_a_cell_that_is_news_tells_how_the_property_breaks() {
    let place = Place::with(&[("scenarios/bank/refund.toml", &unclaimed())]);
    let said = place.perfidy(&["ablate", "--seeds", "50"]).ends_with(0);
    let mut looks = said.out.lines().filter_map(|line| line.trim_start().strip_prefix("perfidy "));
    let look: Vec<&str> = looks.next().expect("there is news").split(' ').collect();
    place.perfidy(&look).ends_with(0).calmly().says(&[
        "no-duplicate-effects broke: bank.refund happened twice for task-",
        "bank/refund, without idempotency-keys; seed ",
        "One fault suffices",
        "Taken away in this case",
    ]);
    let all = ["ablate", "--seeds", "50", "--remove", "all"];
    place.perfidy(&all).ends_with(0).says(&["5 safeguards", "no-duplicate-effects broke: "]);
    assert_eq!(place.files("seeds"), [""; 0]);
}

#[test]
fn a_claim_as_it_is_suggested_makes_a_case_that_is_caught() {
    let place = Place::with(&[("scenarios/bank/refund.toml", &unclaimed())]);
    let said = place.perfidy(&["ablate", "--seeds", "50"]).ends_with(0);
    let claim = &said.out[said.out.rfind("[[without]]").expect("a claim is suggested")..];
    let claim = claim.lines().map(|line| line.trim_start().to_owned() + "\n").collect::<String>();
    place.write("scenarios/bank/refund.toml", &format!("{}\n{claim}", unclaimed()));
    place.perfidy(&["run", "--seeds", "300"]).ends_with(0).says(&["caught: no-duplicate-effects broke"]);
    let again = place.perfidy(&["ablate", "--seeds", "50"]).ends_with(0);
    assert!(!again.out.contains("without idempotency-keys: no-duplicate-effects"), "{}", again.out);
}

#[test]
fn a_matrix_is_the_same_on_any_number_of_threads() {
    for strategy in ["random", "mix"] {
        let [one, four] = ["1", "4"].map(|threads| {
            let options = ["--threads", threads, "--strategy", strategy, "--format", "json"];
            matrix(&unclaimed(), &options).ends_with(0).out
        });
        assert_eq!(one, four);
    }
}

#[test]
fn what_breaks_with_nothing_removed_is_no_news_but_a_failure() {
    let said = matrix(&careless(), &["--format", "json"]).ends_with(1).calmly();
    let record = &said.records()[0];
    assert_eq!(record["news"], 0);
    let as_written = &record["rows"][0];
    assert_eq!(as_written["removed"].as_array().unwrap().len(), 0);
    assert_eq!(as_written["broke"]["no-duplicate-effects"]["claim"], "as-written");
}

#[test]
fn several_scenarios_have_a_summary() {
    let other = unclaimed().replace("chance = \"20%\"", "chance = \"1%\"");
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND), ("scenarios/bank/rare.toml", &other)]);
    place.perfidy(&["ablate", "--seeds", "50"]).ends_with(0).says(&[
        "2 scenarios together",
        "No difference in any scenario that has it on: checkpoint (2 scenarios)",
    ]);
    let records = place.perfidy(&["ablate", "--seeds", "50", "--format", "json"]).ends_with(0).records();
    assert_eq!(records.len(), 3);
    assert_eq!(records[2]["scenarios"], 2);
    assert_eq!(records[2]["no_difference"]["checkpoint"], 2);
}

#[test]
fn what_cannot_be_removed_is_said_before_anything_runs() {
    for (removed, complaint) in [
        ("idempotency-kyes", "there is no safeguard `idempotency-kyes`; did you mean `idempotency-keys`?"),
        ("verify", "`verify` is not on in bank/refund, so it cannot be removed; nothing was run"),
    ] {
        matrix(REFUND, &["--remove", removed]).ends_with(2).complains(&[complaint]);
    }
    Place::new().perfidy(&["ablate"]).ends_with(2).complains(&["nothing was run"]);
    Place::new().perfidy(&["ablate", "--pairs", "--remove", "retry"]).ends_with(2);
}

#[test]
fn a_team_without_safeguards_has_nothing_to_remove() {
    let text = "# A ticket.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\ntool = \"desk.file\"\n[tools.desk]\n";
    matrix(text, &[]).ends_with(0).says(&[
        "Nothing broke in any row: ",
        "The file turns on no safeguard, so there is nothing to remove.",
    ]);
}

#[test]
fn a_matrix_that_there_is_no_time_for_says_that_rows_are_missing() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let said = place.perfidy(&["ablate", "--for", "1ms", "--seeds", "1000000"]).ends_with(3);
    said.says(&["Interrupted: rows are missing."]);
}
