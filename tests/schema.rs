//! The schema of scenario files: it is up to date, every shipped scenario names it and fits it, and typical
//! mistakes do not.

use jsonschema::Validator;
use perfidy::catalogue::{self, Family, Item};
use perfidy::scenario::{Scenario, files_below};
use perfidy::schema;
use perfidy::suite::Suite;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const FILE: &str = "scenario.schema.json";

fn validator() -> Validator {
    jsonschema::validator_for(&schema::schema(&Suite::shipped())).unwrap()
}

/// A text in TOML as JSON, which is what validators look at.
fn json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

fn scenarios() -> Vec<PathBuf> {
    files_below(Path::new("scenarios")).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_file_in_the_repository_is_what_the_command_writes() {
    let is = fs::read_to_string(FILE).unwrap_or_default();
    let should_be = schema::pretty(&Suite::shipped()) + "\n";
    assert!(is == should_be, "{FILE} is out of date: cargo run -- schema > {FILE}");
}

#[test]
fn every_shipped_scenario_names_the_schema_and_fits_it() {
    let validator = validator();
    for file in scenarios() {
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap();
        let named =
            first.strip_prefix("#:schema ").unwrap_or_else(|| panic!("{} names none", file.display()));
        let schema = file.parent().unwrap().join(named);
        let is_it = fs::canonicalize(schema).is_ok_and(|path| path == fs::canonicalize(FILE).unwrap());
        assert!(is_it, "{}: {named}", file.display());
        let problems: Vec<String> =
            validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", file.display());
    }
}

#[test]
fn every_example_of_the_catalogue_fits_the_schema() {
    let validator = validator();
    let is_workflow = |item: &Item| item.family == Family::Table && item.name == "workflow";
    for item in catalogue::all(&Suite::shipped()).into_iter().filter(|item| !is_workflow(item)) {
        let Some(example) = item.example else { continue };
        let text = format!(
            "workflow = \"conductor\"\n[[step]]\nname = \"a\"\ntool = \"b.c\"\n{}\n{example}\n",
            catalogue::heading(&item)
        );
        let problems: Vec<String> =
            validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}\n{text}", item.name);
    }
}

#[test]
fn typical_mistakes_do_not_fit_the_schema() {
    let validator = validator();
    let good = fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
    for (right, wrong) in [
        ("workflow = \"conductor\"", "workflow = \"conducter\""),
        ("workflow = \"conductor\"", "workflows = \"conductor\""),
        ("executors = 2", "workers = 2"),
        ("executors = 2", "executors = 0"),
        ("executors = 2", "executors = \"2\""),
        ("[safeguards]", "[safeguard]"),
        ("idempotency-keys = true", "idempotency_keys = true"),
        ("idempotency-keys = true", "idempotency-keys = \"yes\""),
        ("attempts = 4", "attempt = 4"),
        ("ack-lost =", "ack-lots ="),
        ("chance = \"5%\"", "chance = \"5\""),
        ("chance = \"5%\"", "chance = 5"),
        ("chance = \"5%\"", "odds = \"5%\""),
        ("until = \"10m\"", "until = \"10\""),
        ("latency = \"50ms..2s\"", "latency = \"50..2s\""),
        ("within-seeds", "within_seeds"),
        ("violates = \"no-duplicate-effects\"", "violates = \"no-duplicates\""),
        ("tool = \"mail.send\"", "tool = \"mail\""),
        ("needs = [", "need = ["),
        ("irreversible = true", "irreversible = 1"),
        ("deduplicates = true", "dedupes = true"),
        ("[tools.mail]", "[tools.mail]\nkind = \"postbox\""),
        ("[tools.mail]", "[tools.mail]\nbalances = { alice = 1 }"),
        ("[settle]\nwithin = \"15m\"", "[settle]\nwithin = 15"),
    ] {
        assert!(good.contains(right), "{right}");
        let text = good.replacen(right, wrong, 1);
        assert!(!validator.is_valid(&json(&text)), "{wrong}");
        assert!(Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).is_err(), "{wrong}");
    }
    assert!(validator.is_valid(&json(&good)));
}

#[test]
fn a_suite_of_its_own_has_a_schema_of_its_own() {
    let team = perfidy::prelude::Workflow::new("helpdesk").about("one clerk").agent("clerk", |_, _| async {});
    let schema = schema::schema(&Suite::shipped().workflow(team));
    let text = "workflow = \"helpdesk\"\n[[step]]\nname = \"a\"\ntool = \"b.c\"\n[tools.b]\n";
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json(text)));
    assert!(!validator().is_valid(&json(text)));
}
