//! Orderings of team designs that are known from measurements, reproduced: coding tasks by teams whose steps
//! are assigned beforehand, and by teams whose agents claim steps for themselves.
//!
//! A task has ten steps, of which a share `p` can be done at once, behind the others, which need each other.
//! An agent works on one step at a time. What a team of n agents can gain is bounded (Amdahl 1967, "Validity
//! of the Single Processor Approach to Achieving Large Scale Computing Capabilities"); what it pays for
//! coordination grows with it.
//!
//! And of judges: one model that grades, a panel of them, and a check by code, by what each accepts wrongly
//! and what it costs.

use perfidy::agent::{AgentEvent, StoreOutcome, TeamEvent};
use perfidy::explore::{Campaign, Collect, Comparison, Measure, Run, Watchdog};
use perfidy::prelude::*;
use perfidy::scenario::Case;
use perfidy::sim::{Engine, Interrupt, Seed};
use serde_json::json;
use std::sync::Arc;

const STEPS: usize = 10;
const SEEDS: u64 = 60;
const SHARES_IN_PERCENT: [usize; 3] = [90, 50, 20];
const SIZES: [u32; 4] = [2, 3, 4, 5];

/// A coding task for a team of this design, of whose steps this share can be done at once.
fn coding(workflow: &str, agents: u32, share_in_percent: usize) -> Arc<Scenario> {
    let at_once = STEPS * share_in_percent / 100;
    let one_by_one = STEPS - at_once;
    let role = if workflow == "conductor" { "executors" } else { "peers" };
    let mut scenario = Scenario::of(workflow)
        .named(&format!("{workflow}/coding-{share_in_percent}-{agents}"))
        .about("A team writes code in ten steps.")
        .team(role, agents)
        .tasks(1);
    for number in 1..=STEPS {
        let before = if number <= one_by_one { number - 1 } else { one_by_one };
        let mut step = json!({ "name": format!("part-{number}"), "tool": "repository.commit" });
        if before > 0 {
            step["needs"] = json!([format!("part-{before}")]);
        }
        scenario = scenario.push("step", step);
    }
    let scenario = scenario
        .tool("repository", json!({ "latency": "20s..40s", "deduplicates": true }))
        .set("model.latency", "2s..6s")
        .safeguard("idempotency-keys", true)
        .safeguard("tool-dedupe", true)
        .safeguard("call-timeout", "60s")
        .safeguard("retry", json!({ "attempts": 4, "backoff": "1s..10s" }))
        .fault("until", "10m")
        .fault("ack-lost", json!({ "at": "repository", "chance": "3%" }))
        .set("settle.within", "60m");
    let scenario = if workflow == "conductor" {
        scenario
            .safeguard("checkpoint", true)
            .safeguard("persist-before-call", true)
            .safeguard("fan-out-cap", "1 step")
    } else {
        scenario.safeguard("claim-by-lease", json!({ "lease": "12s" })).safeguard("plan-commit", true)
    };
    scenario.build(&Suite::shipped()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn compare(designs: &[Arc<Scenario>; 2]) -> Comparison {
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: SEEDS,
        collect: Collect::NONE,
        interrupted: &Interrupt::default(),
        watchdog: &Watchdog::new(),
    };
    Comparison::of(designs, &campaign).unwrap()
}

/// A measure of both designs, and whether the seeds show that the second has more.
fn values(comparison: &Comparison, measure: Measure) -> ([f64; 2], bool) {
    let estimate = comparison.estimate(measure);
    let is_more = estimate.interval.is_some_and(|(low, _)| low > 0);
    (estimate.values.map(|value| value.unwrap() as f64), is_more)
}

#[test]
fn a_team_with_assigned_steps_comes_near_the_bound_of_amdahl_and_stays_under_it() {
    for percent in SHARES_IN_PERCENT {
        let one = coding("conductor", 1, percent);
        for agents in SIZES {
            let comparison = compare(&[Arc::clone(&one), coding("conductor", agents, percent)]);
            let ([alone, together], _) = values(&comparison, Measure::Median);
            let (speedup, share) = (alone / together, percent as f64 / 100.0);
            let bound = 1.0 / (1.0 - share + share / f64::from(agents));
            assert!(speedup < bound, "p = {share}, {agents} agents: {speedup:.2}, bound {bound:.2}");
            assert!(speedup > 0.6 * bound, "p = {share}, {agents} agents: {speedup:.2}, bound {bound:.2}");
        }
    }
}

#[test]
fn a_team_that_claims_its_steps_pays_more_messages_and_the_more_the_larger_it_is() {
    for percent in SHARES_IN_PERCENT {
        let mut smaller = 0.0;
        for agents in SIZES {
            let comparison =
                compare(&[coding("conductor", agents, percent), coding("peers", agents, percent)]);
            let ([assigned, claimed], is_more) = values(&comparison, Measure::Messages);
            assert!(is_more && claimed > 3.0 * assigned, "{percent}%, {agents}: {assigned} {claimed}");
            assert!(claimed > smaller, "{percent}%, {agents}: {claimed} {smaller}");
            smaller = claimed;
        }
    }
}

#[test]
fn the_tokens_of_a_team_that_claims_grow_with_it_and_those_of_one_with_assigned_steps_do_not() {
    for percent in SHARES_IN_PERCENT {
        let grows = |workflow: &str| {
            let comparison = compare(&[coding(workflow, 2, percent), coding(workflow, 5, percent)]);
            let ([small, large], _) = values(&comparison, Measure::Tokens);
            large / small
        };
        let (claimed, assigned) = (grows("peers"), grows("conductor"));
        assert!(claimed > 2.0 && (0.95..1.05).contains(&assigned), "{percent}%: {claimed:.2} {assigned:.2}");
    }
}

/// Writes that a store refused, since another agent had written meanwhile, in all runs together.
fn refused_writes(scenario: &Arc<Scenario>) -> usize {
    let case = Case::as_written(scenario);
    let refused = |seed: u64| {
        let run = Run::fuzzed(&case, Engine::Native, Seed(seed));
        let events = run.outcome.history.app_events();
        let is_refused = |note: &TeamEvent| {
            matches!(note, TeamEvent::Agent(AgentEvent::StoreOutcome { heard: StoreOutcome::Moved(_), .. }))
        };
        events.filter(|(_, note)| is_refused(note)).count()
    };
    (0..SEEDS).map(refused).sum()
}

#[test]
fn agents_that_claim_write_against_each_other_and_the_more_the_larger_the_team_is() {
    for percent in SHARES_IN_PERCENT {
        let conflicts = [2, 5].map(|agents| refused_writes(&coding("peers", agents, percent)));
        assert!(conflicts[1] > conflicts[0], "{percent}%: {conflicts:?}");
        assert_eq!(refused_writes(&coding("conductor", 5, percent)), 0);
    }
}

/// A shipped design by which questions are answered.
fn judging(name: &str) -> Arc<Scenario> {
    let text = std::fs::read_to_string(format!("scenarios/vote/{name}.toml")).expect("it is shipped");
    Scenario::parse(&Suite::shipped(), &format!("vote/{name}"), &text).unwrap_or_else(|bad| panic!("{bad}"))
}

#[test]
fn a_check_by_code_accepts_nothing_wrong_and_costs_less_than_a_panel_and_little_more_than_one_judge() {
    let [one, panel, checked] = ["one-judge", "panel-of-five", "checked-judge"].map(judging);
    let with_one = compare(&[Arc::clone(&checked), one]);
    let ([none, some], one_accepts_more) = values(&with_one, Measure::WrongAnswers);
    assert!(one_accepts_more && none == 0.0, "{none} {some}");
    let ([checks, judges], _) = values(&with_one, Measure::Tokens);
    assert!(checks < 1.2 * judges, "{checks} {judges}");
    let with_panel = compare(&[checked, panel]);
    let ([checks, votes], _) = values(&with_panel, Measure::Tokens);
    assert!(4.0 * checks < votes, "{checks} {votes}");
    assert!(values(&with_panel, Measure::WrongAnswers).0[0] == 0.0);
}
