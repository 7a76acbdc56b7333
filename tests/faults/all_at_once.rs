//! Every kind of fault at once: the injected faults, as a list, make the same run, and the team recovers from
//! all of them.

use perfidy::explore::{Run, first_difference};
use perfidy::faults;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Action, Engine, EventKind, Plan, Seed, SimSpan, SimTime};
use std::collections::BTreeMap;

/// Two teams with every kind of fault, each with a low probability.
fn everything() -> Vec<Case> {
    let conductor = "# Everything at once.\nworkflow = \"conductor\"\n\n[team]\nexecutors = 3\n";
    let standby = "# Everything at once.\nworkflow = \"standby\"\n\n[team]\nworkers = 3\n";
    let teams =
        [(conductor, "coordinator", "executors", "call"), (standby, "orchestrator", "workers", "call")];
    let scenario = |(team, single, group, step): (&str, &str, &str, &str)| {
        let text = format!(
            r#"{team}
[[step]]
name = "file-ticket"
tool = "ticketing.create"

[tasks]
count = 12
every = "5s..20s"

[safeguards]
checkpoint = true
idempotency-keys = true
tool-dedupe = true
retry = {{ attempts = 4, backoff = "1s..20s" }}

[tools.ticketing]
deduplicates = true

[faults]
until = "6m"
drop = {{ chance = "0.5%" }}
delay = {{ chance = "0.5%", by = "1s..9s" }}
duplicate = {{ chance = "0.5%", after = "1ms..5s" }}
reorder = {{ chance = "0.5%", within = "90ms" }}
corrupt = {{ chance = "1%" }}
partition = [
    {{ between = ["{single}", "{group}"], every = "2m..6m", lasting = "1s..20s" }},
    {{ between = ["leader", "everyone"], every = "2m..6m", lasting = "1s..20s" }},
    {{ split = "random", every = "2m..6m", lasting = "1s..20s" }},
    {{ split = "minority", every = "2m..6m", lasting = "1s..20s" }},
]
flap = {{ between = ["{single}", "{group}"], turn = "100ms..2s", every = "1m..4m", lasting = "1s..20s" }}
slow-link = {{ between = ["{single}", "{group}"], by = "100ms..2s", every = "1m..4m", lasting = "1s..20s" }}
slow-receiver = {{ at = "{group}", each = "100ms..2s", every = "1m..4m", lasting = "1s..20s" }}
crash = [
    {{ at = "{group}", before = "{step}", chance = "1%", back-after = "1s..9s" }},
    {{ at = "everyone", during = "sync", chance = "1%", back-after = "1s..9s" }},
    {{ at = "everyone", every = "1m..3m", lasting = "1s..9s" }},
    {{ at = "{group}", every = "2m..6m", lasting = "never", at-most = 1 }},
]
pause = {{ at = "everyone", every = "1m..3m", lasting = "1s..9s" }}
zombie = [
    {{ at = "everyone", before = "record", chance = "1%", lasting = "5s..20s" }},
    {{ at = "everyone", every = "1m..3m" }},
]
overlapping-restart = {{ at = "everyone", every = "1m..3m", lasting = "1s..20s" }}
runtime-restart = {{ at = "everyone", every = "1m..3m", lasting = "10ms..2s" }}
slow-node = {{ at = "everyone", times = 5, every = "1m..3m", lasting = "1s..20s" }}
clock-skew = {{ at = ["everyone", "leases"], by = "1ms..9s" }}
clock-step = {{ at = "everyone", by = "1s..30s", every = "1m..3m", lasting = "1s..20s" }}
clock-drift = {{ at = ["everyone", "ticketing"], ppm = 90000, every = "1m..3m", lasting = "1s..50s" }}
torn-write = {{ at = "everyone", chance = "50%" }}
stale-journal = {{ at = "everyone", chance = "20%", records = 2 }}
write-error = {{ at = "everyone", chance = "2%" }}
slow-sync = {{ at = "everyone", chance = "3%", by = "100ms..3s" }}
"#
        );
        let scenario = Scenario::parse(&Suite::shipped(), "all-faults", &text)
            .unwrap_or_else(|problems| panic!("{problems}"));
        Case::as_written(&scenario)
    };
    teams.map(scenario).to_vec()
}

fn until() -> SimTime {
    SimTime::ZERO + SimSpan::from_secs(360)
}

fn engines() -> impl Iterator<Item = Engine> {
    Engine::ALL.into_iter().filter(|engine| engine.available().is_ok())
}

#[test]
fn what_is_injected_in_a_run_is_a_list_that_makes_the_same_run() {
    for engine in engines() {
        for case in everything() {
            for seed in (0..25).map(Seed) {
                let fuzzed = Run::fuzzed(&case, engine, seed).outcome;
                let replayed =
                    Run::planned(&case, engine, seed, &Plan::Explicit(fuzzed.injected.clone().into()))
                        .outcome;
                if let Some(difference) = first_difference(&fuzzed, &replayed) {
                    panic!("{case}, seed {seed}, {engine}: {difference}");
                }
                assert_eq!(fuzzed.digest(), replayed.digest(), "{case}, seed {seed}, {engine}");
                let unmet: Vec<_> = replayed.pinned.iter().filter(|pinned| !pinned.reached).collect();
                assert!(unmet.is_empty(), "{case}, seed {seed}, {engine}: {unmet:?}");
            }
        }
    }
}

#[test]
fn every_kind_that_a_file_of_the_world_can_name_is_injected_sooner_or_later() {
    let mut injected: BTreeMap<&str, u32> = BTreeMap::new();
    for case in everything() {
        for seed in (0..150).map(Seed) {
            for fault in &Run::fuzzed(&case, Engine::Native, seed).outcome.injected {
                *injected.entry(fault.action.kind().as_str()).or_default() += 1;
            }
        }
    }
    let families = [
        faults::network::KINDS,
        faults::links::KINDS,
        faults::process::KINDS,
        faults::clock::KINDS,
        faults::storage::KINDS,
    ];
    let never: Vec<&str> = families
        .into_iter()
        .flatten()
        .map(|kind| kind.name)
        .filter(|name| !injected.contains_key(name))
        .collect();
    assert!(never.is_empty(), "{never:?} of {injected:?}");
}

#[test]
fn after_until_no_fault_is_injected_and_everything_is_well_again() {
    for case in everything() {
        for seed in (0..60).map(Seed) {
            let run = Run::fuzzed(&case, Engine::Native, seed);
            let history = &run.outcome.history;
            let mut partitions = 0;
            let mut degraded: BTreeMap<_, i32> = BTreeMap::new();
            for event in history.events() {
                match &event.what {
                    EventKind::Injected(fault) => {
                        assert!(event.at < until(), "{case}, seed {seed}: {fault} at {}", event.at);
                        let clock = |kind: &str| kind.starts_with("clock-") || kind.starts_with("slow-");
                        if let Action::Degrade { node, degradation, at, lasting } = fault.action
                            && clock(degradation.kind().as_str())
                        {
                            assert!(at + lasting <= until(), "{case}, seed {seed}: {fault}");
                            *degraded.entry((node, degradation.kind())).or_default() += 1;
                        }
                    }
                    EventKind::Recovered { from } if degraded.contains_key(&(event.node, *from)) => {
                        assert!(event.at <= until(), "{case}, seed {seed}: {from} until {}", event.at);
                        *degraded.entry((event.node, *from)).or_default() -= 1;
                    }
                    EventKind::PartitionBegan { .. } => partitions += 1,
                    EventKind::PartitionHealed { .. } => {
                        assert!(event.at <= until(), "{case}, seed {seed}");
                        partitions -= 1;
                    }
                    _ => {}
                }
            }
            if run.outcome.ended >= until() {
                assert_eq!(partitions, 0, "{case}, seed {seed}");
                assert!(degraded.values().all(|count| *count == 0), "{case}, seed {seed}: {degraded:?}");
            }
        }
    }
}

#[test]
fn of_those_who_may_die_for_good_no_more_do_than_the_file_allows() {
    let for_good = |action: &Action| matches!(action, Action::CrashAt { back_after: None, .. });
    let mut most = 0;
    for case in everything() {
        for seed in (0..60).map(Seed) {
            let injected = Run::fuzzed(&case, Engine::Native, seed).outcome.injected;
            most = most.max(injected.iter().filter(|fault| for_good(&fault.action)).count());
        }
    }
    assert_eq!(most, 1);
}
