//! Generated scenarios: random teams, tasks and faults, with every safeguard on.
//!
//! Whatever the team and the faults, no property may break, and the team must finish after the faults end.
//! `PERFIDY_SEEDS` sets the number of scenarios, `PERFIDY_SEED` the first seed; the same two numbers make the
//! same scenarios. A scenario that breaks a property is shrunk and printed. Those that did once are kept in
//! `tests/regressions`.

use perfidy::explore::{Run, SavedSeed, shrink};
use perfidy::properties::Verdict;
use perfidy::report::Story;
use perfidy::scenario::{self, Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Seed};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::collections::BTreeSet;
use std::env;
use std::fmt;

/// The default number of scenarios for each workflow.
const SCENARIOS: u32 = 64;

/// How many seeds each of them gets.
const SEEDS_EACH: u64 = 24;

/// How many seeds a scenario gets that once broke a property.
const SEEDS_ONCE_BROKEN: u64 = 200;

/// Within so many scenarios the effect of a safeguard must show.
const MAX_SCENARIOS: u32 = 1_000;

/// The generator's data about a workflow.
struct Kind {
    workflow: &'static str,
    role: &'static str,
    agents: &'static [&'static str],
    steps: &'static [&'static str],
    safeguards: &'static [&'static str],
    /// Tool faults that its safeguards tolerate.
    lies: &'static [&'static str],
    /// Additional settings of the tasks.
    tasks: &'static str,
}

const CONDUCTOR: Kind = Kind {
    workflow: "conductor",
    role: "executors",
    agents: &["coordinator", "planner", "verifier", "executors"],
    steps: &["assign", "call", "plan", "record", "report"],
    safeguards: &[
        "checkpoint = true",
        "idempotency-keys = true",
        "intent-keys = true",
        "observe-before-retry = true",
        "persist-before-call = true",
        "tool-dedupe = true",
        "verify = true",
    ],
    lies: &["ack-lost", "error-with-effect", "no-response", "success-without-effect", "wrong-value"],
    tasks: "",
};

const STANDBY: Kind = Kind {
    workflow: "standby",
    role: "workers",
    agents: &["orchestrator", "backup", "workers"],
    steps: &["call", "lease", "order", "record", "report"],
    safeguards: &[
        "checkpoint = true",
        "election = { lease = \"10s\" }",
        "fencing-tokens = true",
        "idempotency-keys = true",
        "observe-before-retry = true",
        "tool-dedupe = true",
    ],
    // This team does not verify, so it would not notice a success without an effect.
    lies: &["ack-lost", "error-with-effect", "no-response"],
    tasks: "",
};

const ORCHESTRATED: Kind = Kind {
    workflow: "saga-orchestrated",
    role: "workers",
    agents: &["orchestrator", "workers"],
    steps: &["call", "order", "record", "report"],
    safeguards: &[
        "compensate = true",
        "dead-letter = true",
        "idempotency-keys = true",
        "saga-log = true",
        "tool-dedupe = true",
    ],
    lies: &["ack-lost", "error-with-effect", "no-response", "permanent-error"],
    tasks: "",
};

const COMMIT: Kind = Kind {
    workflow: "commit",
    role: "participants",
    agents: &["coordinator", "participants"],
    steps: &["call", "decide", "decision", "report", "vote"],
    safeguards: &[
        "cooperative-termination = true",
        "durable-decision = true",
        "durable-vote = true",
        "idempotency-keys = true",
        "tool-dedupe = true",
    ],
    lies: &["ack-lost", "error-with-effect", "no-response"],
    tasks: "",
};

const CHOREOGRAPHED: Kind = Kind {
    workflow: "saga-choreographed",
    role: "services",
    agents: &["services"],
    steps: &["call", "publish", "record", "report"],
    safeguards: &[
        "compensate = true",
        "dead-letter = true",
        "idempotency-keys = true",
        "inbox-dedupe = true",
        "outbox = true",
        "tool-dedupe = true",
    ],
    lies: &["ack-lost", "error-with-effect", "no-response", "permanent-error"],
    tasks: "",
};

const HIERARCHY: Kind = Kind {
    workflow: "hierarchy",
    role: "workers",
    agents: &["director", "managers", "workers"],
    steps: &["call", "delegate", "order", "record", "report"],
    safeguards: &[
        "acknowledged-cancel = true",
        "cancellation = true",
        "checkpoint = true",
        "compensate = true",
        "deadline-propagation = true",
        "idempotency-keys = true",
        "parent-lease = { lease = \"10s\" }",
        "tool-dedupe = true",
    ],
    lies: &["ack-lost", "error-with-effect", "no-response"],
    tasks: "within = \"5m\"\ncancelled = { chance = \"50%\", after = \"0s..2m\" }\n",
};

/// A scenario with the first of the seeds to run it with.
#[derive(Clone)]
struct World {
    text: String,
    first_seed: u64,
}

/// A failing world is printed for people: as the file, not as an escaped string.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seeds from {}, and this scenario:\n\n{}", self.first_seed, self.text)
    }
}

/// The worlds of a workflow, with these safeguards on.
fn worlds(kind: &'static Kind, safeguards: Vec<&'static str>) -> impl Strategy<Value = World> {
    let tools = 1..=3_usize;
    let (moments, links) = places(kind, &safeguards);
    let body = tools.prop_flat_map(move |tools| {
        (steps(kind, tools), latencies(tools), faults(kind, (moments.clone(), links.clone()), tools))
    });
    let around = (1..=5_u32, 1..=6_u32, spread(0, 60_000), 1..=6_u32, 61..=600_u32, any::<u32>());
    (body, around).prop_map(move |((steps, latencies, faults), around)| {
        let (team, tasks, every, attempts, until, first_seed) = around;
        let tasks = format!("count = {tasks}\nevery = {every}");
        let retry = format!("retry = {{ attempts = {attempts}, backoff = \"1s..30s\" }}");
        let faults = format!("until = \"{until}s\"\n{}", faults.join("\n"));
        let parts = [steps.join("\n"), tasks, retry, latencies.join("\n"), faults];
        World { text: text(kind, &safeguards, team, &parts), first_seed: first_seed.into() }
    })
}

/// The text of a scenario with these steps, tasks, policy of retries, tools and faults.
fn text(kind: &Kind, safeguards: &[&str], team: u32, parts: &[String; 5]) -> String {
    let [steps, tasks, retry, tools, faults] = parts;
    let (workflow, role, more, safeguards) = (kind.workflow, kind.role, kind.tasks, safeguards.join("\n"));
    format!(
        "# Made by chance.\nworkflow = \"{workflow}\"\n\n[team]\n{role} = {team}\n\n{steps}\n[tasks]\n{tasks}\n\
         {more}\n[safeguards]\n{safeguards}\n{retry}\n\n{tools}\n[faults]\n{faults}\n"
    )
}

/// An agent or role, `before` or `after`, and a step.
type Moment = (&'static str, &'static str, &'static str);

/// The moments of a team with these safeguards at which an agent can crash, and the pairs that send each
/// other anything: other faults are rejected.
fn places(kind: &'static Kind, safeguards: &[&str]) -> (Vec<Moment>, Vec<[&'static str; 2]>) {
    let [tasks, retry] =
        ["count = 2\nevery = \"10s\"", "retry = { attempts = 3, backoff = \"1s..30s\" }"].map(str::to_owned);
    let steps = [step(kind, 0, 0, &BTreeSet::new()), step(kind, 1, 0, &BTreeSet::from([0]))].join("\n");
    let tools = "[tools.tool-0]\ndeduplicates = true\n".to_owned();
    let accepts = |fault: String| {
        let faults = format!("until = \"10m\"\n{fault}");
        let parts = [steps.clone(), tasks.clone(), retry.clone(), tools.clone(), faults];
        Scenario::parse(&Suite::shipped(), "moments", &text(kind, safeguards, 2, &parts)).is_ok()
    };
    let is_accepted = |(agents, when, step): &Moment| {
        accepts(format!(
            "crash = {{ at = \"{agents}\", {when} = \"{step}\", chance = \"1%\", back-after = \"1s\" }}"
        ))
    };
    let sides = |agents: &'static str| ["before", "after"].map(|when| (agents, when));
    let all = kind.agents.iter().flat_map(|agents| sides(agents));
    let all = all.flat_map(|(agents, when)| kind.steps.iter().map(move |step| (agents, when, *step)));
    let accepted: Vec<Moment> = all.filter(is_accepted).collect();
    assert!(accepted.len() >= kind.steps.len(), "{}: {accepted:?}", kind.workflow);
    let nodes = [kind.agents, &["user", "tool-0"]].concat();
    let pairs =
        nodes.iter().flat_map(|from| nodes.iter().filter(move |to| *from < **to).map(|to| [*from, *to]));
    let links = pairs.filter(|pair| {
        accepts(format!("partition = {{ between = {pair:?}, every = \"10s\", lasting = \"1s\" }}"))
    });
    let links: Vec<[&str; 2]> = links.collect();
    assert!(links.len() >= kind.agents.len(), "{}: {links:?}", kind.workflow);
    (accepted, links)
}

/// A range of milliseconds as a file has it.
fn spread(least: u64, most: u64) -> impl Strategy<Value = String> {
    (least..=most, least..=most).prop_map(|(a, b)| format!("\"{}ms..{}ms\"", a.min(b), a.max(b)))
}

/// A low probability, so that the team can still finish.
fn chance() -> impl Strategy<Value = String> {
    (1..=120_u32).prop_map(|tenths| format!("\"{}.{}%\"", tenths / 10, tenths % 10))
}

fn tool(number: usize) -> String {
    format!("tool-{number}")
}

/// Up to four steps, each through some tool and needing some of those before it. No tool is without a step.
fn steps(kind: &'static Kind, tools: usize) -> impl Strategy<Value = Vec<String>> {
    vec((0..tools, btree_set(0..4_usize, 0..3)), tools..=4).prop_map(move |steps| {
        let tool_of = |index, drawn| if index < tools { index } else { drawn };
        let steps = steps.into_iter().enumerate();
        steps.map(|(index, (drawn, needs))| step(kind, index, tool_of(index, drawn), &needs)).collect()
    })
}

/// A step through the tool of a number, which needs those of these steps that come before it.
fn step(kind: &Kind, index: usize, number: usize, needs: &BTreeSet<usize>) -> String {
    let needs: Vec<String> = needs.range(..index).map(|need| format!("\"step-{need}\"")).collect();
    // A transaction takes its steps at once.
    let needs = if needs.is_empty() || kind.workflow == "commit" {
        String::new()
    } else {
        format!("needs = [{}]\n", needs.join(", "))
    };
    let (tool, undoes) = (tool(number), kind.safeguards.contains(&"compensate = true"));
    let undo = if undoes { format!("undo = \"{tool}.undo\"\n") } else { String::new() };
    format!("[[step]]\nname = \"step-{index}\"\ntool = \"{tool}.do\"\n{undo}{needs}")
}

/// Tool latencies below the timeouts of their callers.
fn latencies(tools: usize) -> impl Strategy<Value = Vec<String>> {
    vec(spread(1, 4_000), tools).prop_map(|latencies| {
        let tool = |(number, latency)| {
            format!("[tools.{}]\nlatency = {latency}\ndeduplicates = true\n", tool(number))
        };
        latencies.into_iter().enumerate().map(tool).collect()
    })
}

/// Any of the faults that a team with all safeguards must tolerate. No agent crashes forever.
fn faults(
    kind: &'static Kind,
    (moments, links): (Vec<Moment>, Vec<[&'static str; 2]>),
    tools: usize,
) -> impl Strategy<Value = Vec<String>> {
    let liars = move || {
        let all: Vec<String> = (0..tools).map(|number| format!("{:?}", tool(number))).collect();
        subsequence(all, 1..=tools).prop_map(|some| format!("[{}]", some.join(", ")))
    };
    let lies = subsequence(kind.lies, 0..=2).prop_flat_map(move |words| {
        vec((liars(), chance()), words.len()).prop_map(move |lies| {
            let lie = |(word, (at, chance))| format!("{word} = {{ at = {at}, chance = {chance} }}");
            words.iter().zip(lies).map(lie).collect::<Vec<_>>()
        })
    });
    let late = (liars(), chance(), spread(1, 60_000))
        .prop_map(|(at, chance, by)| format!("late-reply = {{ at = {at}, chance = {chance}, by = {by} }}"));
    let drop = chance().prop_map(|chance| format!("drop = {{ chance = {chance} }}"));
    let delay = (chance(), spread(1, 30_000))
        .prop_map(|(chance, by)| format!("delay = {{ chance = {chance}, by = {by} }}"));
    let duplicate = (chance(), spread(0, 60_000))
        .prop_map(|(chance, after)| format!("duplicate = {{ chance = {chance}, after = {after} }}"));
    let partition = (select(links), any::<bool>(), spread(500, 60_000), spread(1_000, 60_000)).prop_map(
        |(between, one_way, every, lasting)| {
            format!("partition = {{ between = {between:?}, one-way = {one_way}, every = {every}, lasting = {lasting} }}")
        },
    );
    let crash =
        (select(moments), chance(), spread(0, 60_000)).prop_map(|((agents, when, step), chance, back)| {
            format!("{{ at = \"{agents}\", {when} = \"{step}\", chance = {chance}, back-after = {back} }}")
        });
    let crashes = vec(crash, 1..=3).prop_map(|crashes| format!("crash = [{}]", crashes.join(", ")));
    let pause = (select(kind.agents), spread(500, 60_000), spread(1_000, 60_000)).prop_map(
        |(agents, every, lasting)| {
            format!("pause = {{ at = \"{agents}\", every = {every}, lasting = {lasting} }}")
        },
    );
    let messages = (option::of(drop), option::of(delay), option::of(duplicate), option::of(partition));
    let others = (option::of(late), option::of(crashes), option::of(pause));
    (lies, messages, others).prop_map(|(lies, (a, b, c, d), (e, f, g))| {
        lies.into_iter().chain([a, b, c, d, e, f, g].into_iter().flatten()).collect()
    })
}

/// The first violation, as a story.
fn broken(world: &World) -> Option<String> {
    let scenario = Scenario::parse(&Suite::shipped(), "fuzzed", &world.text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    broken_within(SEEDS_EACH, world.first_seed, &Case::as_written(&scenario))
}

fn broken_within(seeds: u64, first_seed: u64, case: &Case) -> Option<String> {
    (0..seeds).find_map(|index| broken_by(case, Seed(first_seed + index)))
}

fn broken_by(case: &Case, seed: Seed) -> Option<String> {
    let run = Run::fuzzed(case, Engine::Native, seed);
    let (property, verdict) = run.verdicts.iter().find_map(|(property, verdict)| match verdict {
        Verdict::Violated(_) | Verdict::Unknown { .. } => Some((*property, verdict)),
        Verdict::Vacuous if *property == "eventual-termination" => Some((*property, verdict)),
        Verdict::Holds | Verdict::Vacuous => None,
    })?;
    let Some(minimal) = shrink(case, Engine::Native, seed, property, &run.outcome.injected) else {
        return Some(format!("seed {seed}: {property} is {}", verdict.word()));
    };
    let saved = SavedSeed::new(Engine::Native, seed, property, &minimal);
    let story = Story::new(&minimal.case, &saved, &minimal.run, None)?;
    Some(anstream::adapter::strip_str(&story.to_string()).to_string())
}

fn number(name: &str) -> Option<u64> {
    let value = env::var_os(name)?;
    let shown = value.to_string_lossy();
    let number = shown.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is `{shown}`, which is not a whole number")))
}

fn runner() -> TestRunner {
    let cases = number("PERFIDY_SEEDS").map_or(SCENARIOS, |seeds| u32::try_from(seeds).unwrap_or(u32::MAX));
    let rng_seed = RngSeed::Fixed(number("PERFIDY_SEED").unwrap_or(0));
    TestRunner::new(Config {
        cases,
        rng_seed,
        failure_persistence: None,
        max_shrink_iters: 4_096,
        ..Config::default()
    })
}

fn keeps_its_promises(kind: &'static Kind) {
    let result = runner().run(&worlds(kind, kind.safeguards.to_vec()), |world| match broken(&world) {
        None => Ok(()),
        Some(story) => Err(TestCaseError::fail(story)),
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(story, world)) => panic!("{story}\nIt breaks with {world:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// In some of the worlds a property breaks without a certain safeguard.
fn is_needed(kind: &'static Kind, safeguard: &str) {
    let mut safeguards = kind.safeguards.to_vec();
    // What needs it goes with it.
    let needs_it = |entry: &&str| safeguard == "durable-vote" && entry.starts_with("cooperative-termination");
    safeguards.retain(|entry| !entry.starts_with(safeguard) && !needs_it(entry));
    let (worlds, mut runner) = (worlds(kind, safeguards), runner());
    let found =
        (0..MAX_SCENARIOS).any(|_| broken(&worlds.new_tree(&mut runner).unwrap().current()).is_some());
    assert!(
        found,
        "{}: {MAX_SCENARIOS} scenarios without {safeguard}, and every property held",
        kind.workflow
    );
}

#[test]
fn a_conductor_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&CONDUCTOR);
}

#[test]
fn a_standby_team_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&STANDBY);
}

#[test]
fn an_orchestrated_saga_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&ORCHESTRATED);
}

#[test]
fn a_choreographed_saga_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&CHOREOGRAPHED);
}

#[test]
fn a_transaction_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&COMMIT);
}

#[test]
fn a_hierarchy_with_all_safeguards_keeps_its_promises_under_combined_faults() {
    keeps_its_promises(&HIERARCHY);
}

#[test]
fn the_same_faults_break_the_promises_of_a_team_that_takes_a_safeguard_off() {
    for safeguard in ["checkpoint", "idempotency-keys", "persist-before-call", "verify"] {
        is_needed(&CONDUCTOR, safeguard);
    }
    for safeguard in ["checkpoint", "fencing-tokens", "idempotency-keys"] {
        is_needed(&STANDBY, safeguard);
    }
    for safeguard in ["compensate", "dead-letter", "idempotency-keys", "saga-log"] {
        is_needed(&ORCHESTRATED, safeguard);
    }
    for safeguard in ["compensate", "dead-letter", "idempotency-keys", "inbox-dedupe", "outbox"] {
        is_needed(&CHOREOGRAPHED, safeguard);
    }
    for safeguard in ["durable-decision", "durable-vote", "idempotency-keys"] {
        is_needed(&COMMIT, safeguard);
    }
    // Without idempotency keys the team could not cancel operations either, and the file is rejected.
    for safeguard in ["acknowledged-cancel", "cancellation", "compensate", "parent-lease"] {
        is_needed(&HIERARCHY, safeguard);
    }
}

#[test]
fn what_once_broke_a_promise_no_longer_does() {
    let scenarios = scenario::read_all(&Suite::shipped(), &["tests/regressions".into()])
        .unwrap_or_else(|bad| panic!("{}", bad[0]));
    for scenario in &scenarios {
        let story = broken_within(SEEDS_ONCE_BROKEN, 0, &Case::as_written(scenario));
        assert!(story.is_none(), "{}", story.unwrap_or_default());
    }
}
