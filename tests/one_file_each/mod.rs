//! A fault, a property, a safeguard, a strategy, a tool and a workflow of another crate: a file each, and a
//! line each in its suite.

mod fault;
mod property;
mod safeguard;
mod strategy;
mod tool;
mod workflow;

use perfidy::explore::Watchdog;
use perfidy::explore::strategy::{Bounds, Choice, Start};
use perfidy::prelude::*;
use perfidy::sim::Interrupt;
use std::fs;

fn suite() -> Suite {
    Suite::here()
        .fault(fault::forgotten_amount())
        .property("paid-once", property::paid_once)
        .safeguard(SafeguardKind::of::<safeguard::TrustReceipts>())
        .strategy(strategy::every_other())
        .tool("till", tool::Till::empty)
        .workflow(workflow::shop())
}

fn scenario() -> ScenarioBuilder {
    Scenario::of("shop")
        .about("A till that forgets the amount in its answer must not be paid again.")
        .push("step", json!({ "name": "pay", "tool": "till.pay", "args": { "amount": 5 } }))
        .tool("till", json!({}))
        .safeguard("trust-receipts", true)
        .fault("forgotten-amount", json!({ "at": "till", "chance": "20%" }))
        .without("trust-receipts", "paid-once")
}

#[test]
fn what_is_added_with_a_file_and_a_line_each_works_together() {
    let scenario = scenario().build(&suite()).unwrap_or_else(|problems| panic!("{problems}"));
    let [as_written, without] = &Case::all(&scenario)[..] else { panic!("two cases") };
    let breaks = |case: &Case, seed| {
        let run = Run::fuzzed(case, Engine::Native, Seed(seed));
        assert!(!run.verdicts.contains(&("paid-once", Verdict::Vacuous)));
        run.violation("paid-once").is_some()
    };
    assert!(!(0..100).any(|seed| breaks(as_written, seed)));
    assert!((0..100).any(|seed| breaks(without, seed)));
}

#[test]
fn the_strategy_is_found_by_its_name_and_finds_what_breaks() {
    let scenario = scenario().build(&suite()).unwrap_or_else(|problems| panic!("{problems}"));
    let case = Case::all(&scenario).remove(1);
    let choice = Choice::find(&scenario.suite, "every-other").expect("it is in the suite");
    let (engine, first_seed, seeds) = (Engine::Native, Seed(0), 100);
    let start = Start { case: &case, engine, first_seed, bounds: Bounds::default() };
    let mut strategy = choice.start(&start).unwrap_or_else(|refused| panic!("{refused}"));
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign { engine, first_seed, seeds, collect: Collect::NONE, interrupted, watchdog };
    let report = campaign.run_with(&case, &mut *strategy);
    let finding = report.finding("paid-once").expect("it breaks");
    assert_eq!((report.strategy, finding.seed.0 % 2), ("every-other", 0));
}

/// The lines of a function of this file, up to its end.
fn lines_of(function: &str) -> Vec<String> {
    let text = fs::read_to_string("tests/one_file_each/mod.rs").unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with(&format!("fn {function}()"))).skip(1);
    lines.take_while(|line| *line != "}").map(str::to_owned).collect()
}

#[test]
fn each_file_has_one_line_in_the_suite() {
    let suite = lines_of("suite");
    let files = fs::read_dir("tests/one_file_each").unwrap().map(|entry| entry.unwrap().path());
    let modules: Vec<String> =
        files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(modules.len(), 7);
    for module in modules.iter().filter(|module| *module != "mod") {
        let lines = suite.iter().filter(|line| line.contains(&format!("{module}::")));
        assert_eq!(lines.count(), 1, "{module}");
    }
}

/// The modules in a list of perfidy, such as `no_deadlock` in `no_deadlock::property(),`.
fn listed(file: &str, call: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter_map(|line| line.trim().strip_suffix(call)?.strip_suffix("::"));
    lines.map(str::to_owned).collect()
}

#[test]
fn each_shipped_property_and_workflow_is_a_file_or_folder_and_a_line_of_its_list() {
    for (folder, call, at_least) in
        [("src/properties", "property(),", 25), ("src/workflows", "workflow(),", 10)]
    {
        let listed = listed(&format!("{folder}/mod.rs"), call);
        assert!(listed.len() >= at_least, "{folder}: {listed:?}");
        for module in listed {
            let is_there = |path: String| fs::exists(path).unwrap();
            let (file, module_folder) = (format!("{folder}/{module}.rs"), format!("{folder}/{module}"));
            assert!(is_there(file) || is_there(module_folder), "{module}");
        }
    }
}
