//! What people read when a promise breaks, and the table of a campaign.

use perfidy::agent::{Outcome, Report};
use perfidy::explore::{Campaign, CaseReport, Run, SavedSeed, Watchdog, shrink};
use perfidy::report::{Story, table};
use perfidy::scenario::{Case, Scenario};
use perfidy::workflows::user::{USER, UserSay, user};
use perfidy::workflows::{Briefing, Workflow};
use perfidy_sim::{Engine, Name, Seed, SimSpan};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn campaign(case: &Case, seeds: u64) -> CaseReport {
    let (interrupted, watchdog) = (AtomicBool::new(false), Watchdog::new());
    let (engine, first_seed) = (Engine::Native, Seed(0));
    Campaign { engine, first_seed, seeds, interrupted: &interrupted, watchdog: &watchdog }.run(case)
}

/// The story of the first failure of a property, made small, without colours.
fn story(case: &Case, property: &str) -> String {
    let seed = campaign(case, 300).finding(property).expect("it breaks within 300 seeds").seed;
    let faults = Run::fuzzed(case, Engine::Native, seed).outcome.fired;
    let minimal =
        shrink(case, Engine::Native, seed, property, &faults).expect("it breaks again when replayed");
    let saved = SavedSeed::new(Engine::Native, seed, property, &minimal);
    let story =
        Story::new(&minimal.case, &saved, &minimal.run, Some("seeds/it.toml".to_owned())).expect("it broke");
    anstream::adapter::strip_str(&story.to_string()).to_string()
}

fn lost_ack(label: &str) -> Case {
    let (file, root) = (Path::new("scenarios/conductor/lost-ack.toml"), Path::new("scenarios"));
    let scenario = Scenario::read(file, root).unwrap_or_else(|problems| panic!("{problems}"));
    Case::labelled(&scenario, label).unwrap()
}

#[test]
fn the_story_of_a_ticket_filed_twice() {
    insta::assert_snapshot!(story(&lost_ack("without idempotency-keys"), "no-duplicate-effects"));
}

/// A team of one whose only member gives up on life when it hears the same task twice.
const FRAGILE: Workflow = Workflow {
    name: "fragile",
    about: "one agent that expects the world to be as it should",
    roles: &[],
    singles: &["intern"],
    safeguards: &[],
    crash_points: &[],
    sends: &[],
    moments: &[],
    requests: &[],
    keeps_journals: false,
    properties: &["well-behaved"],
    assemble: |case, world| {
        let briefing = Briefing::new(case, None);
        briefing.hire(world, Name::new(USER), |agent, briefing| Box::pin(user(agent, briefing, &["intern"])));
        briefing.hire(world, Name::new("intern"), |agent, _| {
            Box::pin(async move {
                let mut tasks = Vec::new();
                loop {
                    let task = agent.receive().await.about();
                    agent.sleep(SimSpan::from_millis(100)).await;
                    assert!(!tasks.contains(&task), "nobody told me what to do if {task} comes twice");
                    tasks.push(task);
                    agent.send(Name::new(USER), task, UserSay::Report(Report::of(task, Outcome::Failed)));
                }
            })
        });
    },
};

#[test]
fn the_story_of_an_agent_that_panics() {
    let text = "# A message that comes twice.\nworkflow = \"fragile\"\n\n[[step]]\nname = \"file\"\n\
                tool = \"ticketing.create\"\n\n[tools.ticketing]\n\n[faults]\n\
                duplicate = { chance = \"10%\", after = \"1s..5s\" }\n";
    let scenario = Scenario::parse_for(&[&FRAGILE], "own/fragile", text).unwrap();
    insta::assert_snapshot!(story(&Case::as_written(&scenario), "well-behaved"));
}

#[test]
fn a_campaign_is_a_table_with_a_row_for_each_case() {
    let labels = ["as written", "without idempotency-keys", "without tool-dedupe"];
    let rows: Vec<_> = labels.map(lost_ack).iter().map(|case| campaign(case, 100)).collect();
    let rows: Vec<_> = rows.into_iter().map(|report| (report, Duration::from_millis(10))).collect();
    insta::assert_snapshot!(table(&rows));
}
