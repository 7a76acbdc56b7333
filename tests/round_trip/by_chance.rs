//! Round trip of failures of randomly edited scenarios, found by every strategy, saved as found and shrunk.
//!
//! `PERFIDY_SEEDS` sets the number of scenarios, `PERFIDY_SEED` the first seed; the same two numbers make the
//! same scenarios.

use super::reads_back;
use crate::cases;
use perfidy::explore::strategy::{self, Bounds, Start};
use perfidy::explore::{Campaign, Collect, Effort, Finding, SavedSeed, Watchdog, shrink_within};
use perfidy::faults::{self, ActionMap, FaultKind};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use std::env;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

/// How many scenarios are made if the environment does not say.
const SCENARIOS: u32 = 80;

/// How many trials each of them gets.
const TRIALS: u64 = 24;

/// How many events may be simulated to shrink one failure.
const EVENTS: u64 = 40_000;

/// How many of these scenarios have a failure, at least: one in so many.
const ONE_IN: u64 = 4;

/// One edit of a scenario's text. An edit that makes an invalid text is skipped.
#[derive(Clone, Debug)]
enum Change {
    Team { role: Index, count: u32 },
    Tasks { count: u32 },
    Until { span: &'static str },
    Settle { span: &'static str },
    Latency { table: &'static str, span: &'static str },
    NoSafeguard { which: Index },
    Fault { kind: Index, at: [Index; 3], chance: &'static str, spans: [&'static str; 3], number: u32 },
    Pinned { action: String },
}

/// A scenario, its edits, and how its failures are searched.
#[derive(Clone)]
struct World {
    scenario: Arc<Scenario>,
    changes: Vec<Change>,
    case: Index,
    strategy: &'static strategy::Kind,
    first_seed: Seed,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = self.case();
        let Self { strategy, first_seed, .. } = self;
        write!(f, "{case}, {}, from seed {first_seed}:\n{}", strategy.name, case.scenario.text)
    }
}

fn span() -> impl Strategy<Value = &'static str> {
    select(vec![
        "0s",
        "1ns",
        "1ns..3s",
        "0s..1m",
        "1us..1ms",
        "7ms..8ms",
        "100ms..2s",
        "1s",
        "3s 7ms..11s 13us 1ns",
        "10s..1m",
        "1m..5m",
        "9m 59s 999ms..10m",
        "1h..24h",
    ])
}

fn change() -> impl Strategy<Value = Change> {
    let chance = || select(vec!["0.3%", "2%", "10%", "40%", "100%"]);
    let fault = (any::<Index>(), any::<[Index; 3]>(), chance(), [span(), span(), span()], 1..=7_u32);
    let pinned = select(vec![
        "cut everyone from user at 59s for 24h",
        "drift everyone at 0s for 1ns, 1ppm slow",
        "crash everyone at 7s, back after 0s",
    ]);
    prop_oneof![
        2 => (any::<Index>(), 1..=6_u32).prop_map(|(role, count)| Change::Team { role, count }),
        2 => (1..=6_u32).prop_map(|count| Change::Tasks { count }),
        1 => select(vec!["61s", "2m 1ns", "10m", "1h 3m 7s 1us"]).prop_map(|span| Change::Until { span }),
        1 => select(vec!["1s", "2m", "15m", "2h"]).prop_map(|span| Change::Settle { span }),
        1 => (select(vec!["network", "model"]), span()).prop_map(|(table, span)| Change::Latency { table, span }),
        3 => any::<Index>().prop_map(|which| Change::NoSafeguard { which }),
        9 => fault.prop_map(|(kind, at, chance, spans, number)| Change::Fault { kind, at, chance, spans, number }),
        1 => pinned.prop_map(|action| Change::Pinned { action: action.to_owned() }),
    ]
}

fn worlds() -> impl Strategy<Value = World> {
    // Seeds above the integer range of TOML are valid too.
    let first_seed = prop_oneof![0..1_000_u64, any::<u64>()];
    let strategies = select(strategy::ALL.to_vec());
    (select(cases::scenarios()), vec(change(), 0..9), any::<Index>(), strategies, first_seed).prop_map(
        |(scenario, changes, case, strategy, first_seed)| World {
            scenario,
            changes,
            case,
            strategy,
            first_seed: Seed(first_seed),
        },
    )
}

/// The table of that name, made if it is not there.
fn table<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut Table> {
    document.entry(name).or_insert_with(|| Item::Table(Table::new())).as_table_mut()
}

impl Change {
    /// Makes the change in the text of a scenario; `None` if there is no place for it.
    fn make(&self, scenario: &Arc<Scenario>, document: &mut DocumentMut) -> Option<()> {
        match self {
            Self::Team { role, count } => {
                let roles = &scenario.workflow.roles;
                let role = (!roles.is_empty()).then(|| &roles[role.index(roles.len())])?;
                table(document, "team")?[role.group] = i64::from(*count).into();
            }
            Self::Tasks { count } => table(document, "tasks")?["count"] = i64::from(*count).into(),
            Self::Until { span } => table(document, "faults")?["until"] = (*span).into(),
            Self::Settle { span } => table(document, "settle")?["within"] = (*span).into(),
            Self::Latency { table: name, span } => table(document, name)?["latency"] = (*span).into(),
            Self::NoSafeguard { which } => {
                let names: Vec<&str> = scenario.safeguards.names().collect();
                let name = (!names.is_empty()).then(|| names[which.index(names.len())])?;
                table(document, "safeguards")?.remove(name)?;
            }
            Self::Fault { kind, at, chance, spans, number } => {
                let kinds: Vec<_> = faults::shipped().collect();
                let kind = kinds[kind.index(kinds.len())];
                let example: DocumentMut = kind.example.parse().ok()?;
                let said = example[kind.name].as_inline_table()?;
                let said = fault(kind.name, said, scenario, *at, chance, *spans, *number)?;
                table(document, "faults")?[kind.name] = Item::Value(said.into());
            }
            Self::Pinned { action } => {
                let agents = scenario.directory().agents;
                let list = document.entry("fault").or_insert_with(|| ArrayOfTables::new().into());
                let list = list.as_array_of_tables_mut()?;
                let mut pinned = Table::new();
                pinned["at"] = format!("by hand, number-{}, try 1", list.len()).into();
                pinned["do"] = action.replace("everyone", agents.first()?.as_str()).into();
                list.push(pinned);
            }
        }
        Some(())
    }
}

/// A fault as in its kind's example, but for this team and with other numbers, or in another form.
fn fault(
    kind: &str,
    example: &InlineTable,
    scenario: &Arc<Scenario>,
    at: [Index; 3],
    chance: &str,
    spans: [&str; 3],
    number: u32,
) -> Option<InlineTable> {
    let directory = scenario.directory();
    let agents = directory.agent_names();
    let tools: Vec<&str> = directory.tools.iter().map(|tool| tool.as_str()).collect();
    let nodes = [&agents[..], &tools, &["user", "leases", "store"]].concat();
    let pick = |names: &[&str], index: Index| {
        (!names.is_empty()).then(|| names[index.index(names.len())].to_owned())
    };
    let actions = ActionMap::of(scenario);
    let steps = actions.by.values().flat_map(|does| &does.steps);
    let steps: Vec<&str> =
        steps.filter(|(_, places)| places.before && places.after).map(|(step, _)| step.as_str()).collect();
    let mut said = InlineTable::new();
    for (place, (key, value)) in example.iter().enumerate() {
        let value: Value = match key {
            "at" if scenario.suite.find_fault(kind).is_some_and(FaultKind::is_of_tools) => {
                pick(&tools, at[0])?.into()
            }
            "at" => pick(&agents, at[0])?.into(),
            "between" => [pick(&nodes, at[0])?, pick(&nodes, at[1])?].into_iter().collect(),
            "before" | "after" if value.as_str().is_some_and(|step| steps.contains(&step)) => {
                pick(&steps, at[2])?.into()
            }
            "message" | "operation" => continue,
            "chance" => chance.into(),
            "times" | "records" => i64::from(number).into(),
            "ppm" => i64::from(number * 100_000).into(),
            "direction" => value.clone(),
            _ => spans[place % spans.len()].into(),
        };
        said.insert(key, value);
    }
    let is_of_steps = said.contains_key("before") || said.contains_key("after");
    match number {
        1 if is_of_steps => ["before", "after"].iter().for_each(|key| drop(said.remove(key))),
        2 if is_of_steps => {
            for key in ["before", "after"] {
                said.remove(key);
            }
            said.insert("during", "sync".into());
        }
        3 | 4 if is_of_steps => {
            for key in ["before", "after", "chance", "back-after"] {
                said.remove(key);
            }
            said.insert("every", spans[1].into());
            said.insert("lasting", spans[2].into());
        }
        2 | 3 if kind == "partition" => drop(said.insert("one-way", true.into())),
        4 if kind == "partition" => {
            said.remove("between");
            said.insert("split", "random".into());
        }
        _ => {}
    }
    Some(said)
}

impl World {
    /// The scenario with those edits that keep it valid.
    fn case(&self) -> Case {
        let name = self.scenario.name.as_str();
        let mut scenario = Arc::clone(&self.scenario);
        for change in &self.changes {
            let mut document: DocumentMut = scenario.text.parse().unwrap();
            if change.make(&scenario, &mut document).is_some()
                && let Ok(changed) = Scenario::parse(&Suite::shipped(), name, &document.to_string())
            {
                scenario = changed;
            }
        }
        let cases = Case::all(&scenario);
        cases[self.case.index(cases.len())].clone()
    }

    /// The findings of its strategy: the first violation of each property.
    fn findings(&self, case: &Case) -> Vec<Finding> {
        let bounds = Bounds { faults: 2, plans: TRIALS, sample: Some(TRIALS), ..Bounds::default() };
        let start = Start { case, engine: Engine::Native, first_seed: self.first_seed, bounds };
        let Ok(mut strategy) = (self.strategy.start)(&start) else { return Vec::new() };
        let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: self.first_seed,
            seeds: TRIALS,
            collect: Collect::NONE,
            interrupted: &interrupted,
            watchdog: &watchdog,
        };
        campaign.run_with(case, &mut *strategy).findings
    }

    /// Saves all findings, as found and shrunk; returns the number of failures, or the one that did not read
    /// back.
    fn saves_what_reads_back(&self) -> Result<u64, String> {
        let (case, mut count) = (self.case(), 0);
        for finding in self.findings(&case) {
            for events in [0, EVENTS] {
                let effort = Effort { events, ..Effort::default() };
                let Finding { property, seed, ref faults, .. } = finding;
                let minimal = shrink_within(effort, &case, Engine::Native, seed, property, faults)
                    .ok_or_else(|| format!("{property}, seed {seed}: it does not break again"))?;
                let saved = SavedSeed::new(Engine::Native, seed, property, &minimal);
                reads_back(&saved)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

fn number(name: &str) -> Option<u64> {
    let value = env::var_os(name)?;
    let shown = value.to_string_lossy();
    let number = shown.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is `{shown}`, which is not a whole number")))
}

#[test]
fn whatever_is_saved_reads_back_and_is_reproduced_event_for_event() {
    let cases = number("PERFIDY_SEEDS").map_or(SCENARIOS, |seeds| u32::try_from(seeds).unwrap_or(u32::MAX));
    let rng_seed = RngSeed::Fixed(number("PERFIDY_SEED").unwrap_or(0));
    let config =
        Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 512, ..Config::default() };
    let saved = AtomicU64::new(0);
    let result = TestRunner::new(config).run(&worlds(), |world| {
        let count = world.saves_what_reads_back().map_err(TestCaseError::fail)?;
        saved.fetch_add(count, Ordering::Relaxed);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let saved = saved.into_inner();
    println!("{saved} failures of {cases} scenarios were saved, and all of them read back");
    assert!(saved >= u64::from(cases) / ONE_IN, "only {saved} of {cases} scenarios");
}
