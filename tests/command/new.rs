//! `perfidy new`: the start of a crate's tests, and one more scenario. That what is written passes is tested
//! where it can be built, by `.ci/run`; here it is about the files.

use crate::place::{Place, in_the_repository};
use perfidy::suite::Suite;

#[test]
fn a_folder_becomes_a_crate_with_a_start() {
    let place = Place::new();
    let said = place.perfidy(&["new", "my-agents"]).ends_with(0).calmly();
    let written = [
        "src/lib.rs",
        "tests/agents/main.rs",
        "tests/agents/bank.rs",
        "tests/agents/teller.rs",
        "scenarios/branch/lost-ack.toml",
        "scenario.schema.json",
        "clippy.toml",
        ".github/workflows/agents.yml",
        "Cargo.toml",
    ];
    for file in written {
        assert!(said.out.contains(&format!("my-agents/{file}\n")), "{}", said.out);
        assert!(!place.read(&format!("my-agents/{file}")).is_empty(), "{file}");
    }
    said.says(&["cargo test --test agents"]);
    let manifest: toml::Table = place.read("my-agents/Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some("my-agents"));
    let perfidy = &manifest["dev-dependencies"]["perfidy"];
    assert_eq!(perfidy["path"].as_str(), Some(env!("CARGO_MANIFEST_DIR")), "the command comes from a clone");
    assert_eq!(manifest["test"][0]["harness"].as_bool(), Some(false));
}

#[test]
fn a_crate_keeps_what_it_has() {
    let manifest = "[package]\nname = \"shop\"\nversion = \"1.0.0\" # ours\nedition = \"2024\"\n";
    let place = Place::with(&[
        ("Cargo.toml", manifest),
        ("src/lib.rs", "//! Ours.\n"),
        ("clippy.toml", "# Ours.\n"),
        ("scenarios/shop/own.toml", "# Ours.\n"),
    ]);
    place.perfidy(&["new"]).ends_with(0).calmly().says(&["kept     ./clippy.toml (it is there already)"]);
    assert!(place.read("Cargo.toml").starts_with(manifest));
    for file in ["src/lib.rs", "clippy.toml", "scenarios/shop/own.toml"] {
        assert!(place.read(file).contains("Ours."), "{file}");
    }
    let before = place.read("Cargo.toml");
    let again = place.perfidy(&["new"]).ends_with(2);
    again.complains(&["tests/agents is there already", "perfidy new scenario"]);
    assert_eq!(place.read("Cargo.toml"), before);
}

#[test]
fn a_folder_whose_name_no_crate_can_have_is_not_made() {
    let place = Place::new();
    place.perfidy(&["new", "1st agents"]).ends_with(2).complains(&["a crate cannot be called `1st agents`"]);
    assert!(!place.path("1st agents").exists());
}

#[test]
fn a_start_that_could_not_pass_is_not_written() {
    for (file, text) in [
        ("tests/agents.rs", "fn main() {}\n"),
        ("scenario.schema.json", "{}\n"),
        ("Cargo.toml", "[workspace]\nmembers = []\n"),
    ] {
        let place = Place::with(&[(file, text)]);
        place.perfidy(&["new"]).ends_with(2).complains(&[file]);
        assert_eq!(place.read(file), text);
        assert!(!place.path("tests/agents/main.rs").exists(), "{file}");
    }
}

#[test]
fn a_scenario_for_every_workflow_is_accepted_and_holds() {
    let place = Place::new();
    for workflow in Suite::shipped().workflows() {
        place.perfidy(&["new", "scenario", "--workflow", workflow.name]).ends_with(0).calmly();
        let file = format!("scenarios/{}/first.toml", workflow.name);
        place.perfidy(&["check", &file]).ends_with(0);
        place
            .perfidy(&["run", &file, "--seeds", "200", "--strategy", "random"])
            .ends_with(0)
            .says(&["holds"]);
    }
}

#[test]
fn a_scenario_says_what_its_lines_are_for() {
    let place = Place::new();
    place.perfidy(&["new", "scenario", "--workflow", "conductor"]).ends_with(0);
    insta::assert_snapshot!("new_scenario", place.read("scenarios/conductor/first.toml"));
}

#[test]
fn a_scenario_that_is_there_is_kept_and_a_workflow_that_is_not_has_a_nearest_name() {
    let place = Place::with(&[("scenarios/conductor/first.toml", "# Ours.\n")]);
    let said = place.perfidy(&["new", "scenario", "--workflow", "conductor"]).ends_with(2);
    said.complains(&["scenarios/conductor/first.toml is there already"]);
    assert_eq!(place.read("scenarios/conductor/first.toml"), "# Ours.\n");
    place.perfidy(&["new", "scenario", "--workflow", "conductor", "mine.toml"]).ends_with(0);
    let said = place.perfidy(&["new", "scenario", "--workflow", "conducter"]).ends_with(2);
    said.complains(&["there is no workflow `conducter`; did you mean `conductor`?"]);
}

#[test]
fn the_command_writes_the_schema_that_the_repository_has() {
    let said = in_the_repository(&["schema"]).ends_with(0).calmly();
    assert_eq!(said.out, std::fs::read_to_string("scenario.schema.json").unwrap());
}
