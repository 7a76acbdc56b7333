//! `perfidy compare`: two designs over the same seeds.

use crate::place::{Place, REFUND, careless};

fn designs() -> Place {
    Place::with(&[("designs/keys.toml", REFUND), ("designs/no-keys.toml", &careless())])
}

const BOTH: [&str; 3] = ["compare", "designs/keys.toml", "designs/no-keys.toml"];

#[test]
fn a_comparison_says_what_each_design_does_and_how_sure_the_difference_is() {
    let said = designs().perfidy(&[&BOTH[..], &["--seeds", "100"]].concat()).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_comparison_can_be_put_into_a_document() {
    let options = ["--seeds", "50", "--format", "markdown"];
    let said = designs().perfidy(&[&BOTH[..], &options].concat()).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn programs_get_whole_numbers_and_the_same_on_any_number_of_threads() {
    let place = designs();
    let [one, four] = ["1", "4"].map(|threads| {
        let options = ["--seeds", "60", "--format", "json", "--threads", threads];
        place.perfidy(&[&BOTH[..], &options].concat()).ends_with(0).calmly()
    });
    assert_eq!(one.out, four.out);
    let record = &one.records()[0];
    assert_eq!((record["seeds"].as_u64(), record["confidence"].as_u64()), (Some(60), Some(95)));
    assert_eq!(record["a"]["tasks"], record["b"]["tasks"]);
    let measures = record["measures"].as_array().unwrap();
    let duplicates = measures.iter().find(|measure| measure["name"] == "duplicate-effects").unwrap();
    assert_eq!(duplicates["a"], 0);
    assert!(duplicates["low"].as_i64().unwrap() > 0 && duplicates["includes_zero"] == false, "{duplicates}");
}

#[test]
fn a_design_is_equal_to_itself() {
    let same = ["compare", "designs/keys.toml", "designs/keys.toml", "--seeds", "20"];
    let said = designs().perfidy(&same).ends_with(0).calmly();
    assert_eq!(said.out.matches("equal").count(), 10, "{}", said.out);
}

#[test]
fn designs_with_other_faults_or_tasks_are_said_to_have_them() {
    let place = designs();
    place.write("designs/no-keys.toml", &careless().replace("chance = \"20%\"", "chance = \"30%\""));
    place
        .perfidy(&[&BOTH[..], &["--seeds", "20"]].concat())
        .ends_with(0)
        .says(&["The files differ in faults, so a difference need not be one of the designs."]);
}

#[test]
fn a_design_is_one_file() {
    let place = designs();
    let folder = place.perfidy(&["compare", "designs", "designs/keys.toml"]);
    folder.ends_with(2).complains(&["there are 2 scenarios in designs; name the file of one design"]);
    let missing = place.perfidy(&["compare", "designs/keys.toml", "designs/kyes.toml"]);
    missing.ends_with(2).complains(&["there is no `kyes.toml`", "nothing was run"]);
}
