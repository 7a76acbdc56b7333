//! The event log in every team that has a model: what a model has answered before a crash is not asked again.

use crate::cases;
use perfidy::agent::{AgentEvent, TeamEvent};
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventKind, Name, Seed};
use std::collections::BTreeMap;
use toml_edit::{DocumentMut, Item, Table, value};

const SEEDS: u64 = 60;

/// So few questions that are asked again say nothing.
const FEW: usize = 10;

/// Everything that goes wrong: agents crash, wherever they are.
const CRASHES: &str = r#"crash = { at = "everyone", anywhere = true, chance = "3%", back-after = "1s..9s" }"#;

/// A team whose agents crash, with an event log or without.
fn crashing(scenario: &Scenario, has_log: bool) -> Case {
    let mut document: DocumentMut = scenario.text.parse().unwrap();
    for section in ["without", "fault", "properties"] {
        document.remove(section);
    }
    let crashes: DocumentMut = CRASHES.parse().unwrap();
    document["faults"] = Item::Table(Table::new());
    document["faults"]["until"] = value("5m");
    document["faults"]["crash"] = crashes["crash"].clone();
    let safeguards = document["safeguards"].as_table_mut().unwrap();
    safeguards.remove("event-log");
    if has_log {
        safeguards["event-log"] = value(true);
    }
    let scenario = Scenario::parse(&Suite::shipped(), "event-log", &document.to_string());
    Case::as_written(&scenario.unwrap_or_else(|problems| panic!("{problems}")))
}

/// How many prompts were completed in these runs, and how many of them again, for a later incarnation.
fn completions(case: &Case) -> (usize, usize) {
    let (mut all, mut again) = (0, 0);
    for seed in (0..SEEDS).map(Seed) {
        let run = Run::fuzzed(case, Engine::Native, seed);
        let mut first: BTreeMap<(Name, Name, String), u32> = BTreeMap::new();
        for event in run.outcome.history.events() {
            let EventKind::App(TeamEvent::Agent(AgentEvent::Completed { about, prompt, .. })) = &event.what
            else {
                continue;
            };
            all += 1;
            let asked = (event.node, *about, prompt.json().to_string());
            let incarnation = *first.entry(asked).or_insert(event.incarnation);
            again += usize::from(incarnation < event.incarnation);
        }
    }
    (all, again)
}

#[test]
fn an_event_log_spares_teams_with_a_model_questions_that_a_crash_repeats() {
    let (mut spared, mut rare) = (Vec::new(), Vec::new());
    for scenario in cases::with_all_faults() {
        let workflow = &scenario.workflow;
        let (all, again) = completions(&crashing(scenario, false));
        if !workflow.safeguards.contains(&"event-log") {
            assert_eq!(all, 0, "{} cannot keep answers", workflow.name);
            continue;
        }
        if all == 0 {
            // A loop of a model and tools has a transcript in place of completions.
            continue;
        }
        let (_, again_with_log) = completions(&crashing(scenario, true));
        let counts = (workflow.name, again, again_with_log);
        if ["pipeline", "review", "scratchpad"].contains(&workflow.name) {
            // A model adds to the version just read: of a newer version it is asked something else. And an
            // agent with a log has more places at which it can crash. A pipeline makes a step again from
            // evidence that it reads anew.
            rare.push(counts);
        } else if again < FEW {
            rare.push(counts);
        } else {
            assert!(again_with_log * 4 < again * 3, "{counts:?}");
            spared.push(workflow.name);
        }
    }
    // Where a crash hardly ever repeats a question, a log has little to spare.
    assert!(spared.len() >= 10, "{spared:?}, {rare:?}");
}
