//! What agents do is learnt and not declared: all of it, whatever the team, and nothing that is legal is refused for it.

use perfidy::explore::{Failure, SavedSeed};
use perfidy::scenario::{Actions, Scenario, read_all, read_text};
use perfidy::suite::Suite;
use perfidy_sim::Name;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

fn scenarios() -> Vec<Arc<Scenario>> {
    read_all(&Suite::shipped(), &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]))
}

/// What workflows once said of themselves, when each had a list: the messages that each agent sends.
const ONCE_SENT: &[(&str, &[(&str, &[&str])])] = &[
    (
        "conductor",
        &[
            ("user", &["submit"]),
            ("coordinator", &["assign", "commit", "plan, please", "read", "report", "verify, please"]),
            ("planner", &["plan"]),
            ("verifier", &["verdict"]),
            ("executor", &["done", "failed", "verdict"]),
        ],
    ),
    (
        "handoff",
        &[
            ("user", &["submit"]),
            ("desk", &["received", "report", "transfer"]),
            ("specialist", &["received", "transfer"]),
        ],
    ),
    (
        "hierarchy",
        &[
            ("user", &["cancel", "submit"]),
            ("director", &["call off", "cancelled", "lead", "report", "to take back", "unwanted", "wanted"]),
            (
                "manager",
                &["ended", "noted", "order", "still wanted?", "stop", "take back", "unwanted", "wanted"],
            ),
            ("worker", &["done", "failed", "still wanted?", "stopped", "taken back"]),
        ],
    ),
    ("peers", &[("user", &["submit"]), ("peer", &["commit", "read", "report"])]),
    (
        "relay",
        &[
            ("user", &["submit"]),
            ("lead", &["file", "pass on", "report", "you may", "you may not"]),
            ("link", &["fetch", "file", "pass on"]),
            ("actor", &["done", "failed", "fetch", "may I?"]),
            ("archivist", &["filed", "found", "unknown"]),
        ],
    ),
    (
        "research",
        &[
            ("user", &["submit"]),
            ("synthesiser", &["look into", "report"]),
            ("researcher", &["found", "nothing"]),
        ],
    ),
    (
        "roundtable",
        &[
            ("user", &["submit"]),
            ("chair", &["contribute", "report"]),
            ("planner", &["done", "failed", "here it is", "not yet", "probe", "show me"]),
            ("coder", &["done", "failed", "here it is", "not yet", "probe", "show me"]),
            ("tester", &["done", "failed", "here it is", "not yet", "probe", "show me"]),
            ("docs", &["done", "failed", "here it is", "not yet", "probe", "show me"]),
        ],
    ),
    (
        "saga-choreographed",
        &[
            ("user", &["submit"]),
            ("service", &["dead letter", "did", "failed", "report", "taken in", "undid"]),
            ("on-call", &["taken down"]),
        ],
    ),
    (
        "saga-orchestrated",
        &[
            ("user", &["submit"]),
            ("orchestrator", &["do", "report", "undo"]),
            ("worker", &["dead letter", "done", "failed"]),
            ("on-call", &["taken down"]),
        ],
    ),
    (
        "scratchpad",
        &[
            ("user", &["submit"]),
            ("editor", &["acquire", "add", "added", "commit", "give back", "read", "report", "updated"]),
            ("leases", &["granted", "held"]),
            ("store", &["committed", "refused", "shown"]),
        ],
    ),
    (
        "standby",
        &[
            ("user", &["submit"]),
            ("orchestrator", &["acquire", "order", "report"]),
            ("backup", &["acquire", "order", "report"]),
            ("worker", &["done", "failed", "rejected"]),
        ],
    ),
];

/// The same: steps, moments at which models are asked, what is asked of tools, and whether journals are kept.
type Once = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], bool);

const ONCE_DONE: &[Once] = &[
    (
        "conductor",
        &["assign", "call", "commit", "plan", "record", "report"],
        &["answer", "role"],
        &["call a tool", "look a call up"],
        true,
    ),
    ("handoff", &["call", "record", "report", "transfer"], &["answer", "handoff"], &["call a tool"], true),
    (
        "hierarchy",
        &["call", "lead", "order", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up", "call one off"],
        true,
    ),
    ("peers", &["call", "commit", "report"], &[], &["call a tool", "look a call up"], false),
    (
        "relay",
        &["brief", "call", "check", "pass-on", "record", "report"],
        &["answer", "summary"],
        &["call a tool"],
        true,
    ),
    ("research", &["answer", "ask", "read", "report"], &[], &["read from a tool"], false),
    (
        "roundtable",
        &["call", "contribute", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up"],
        true,
    ),
    ("saga-choreographed", &["call", "publish", "record", "report"], &["answer"], &["call a tool"], true),
    ("saga-orchestrated", &["call", "order", "record", "report"], &["answer"], &["call a tool"], true),
    ("scratchpad", &["call", "commit", "report"], &[], &["call a tool", "look a call up"], false),
    (
        "standby",
        &["call", "lease", "order", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up"],
        true,
    ),
];

#[test]
fn what_workflows_once_declared_is_learnt_of_their_agents() {
    let mut learnt: BTreeMap<&str, Actions> = BTreeMap::new();
    for scenario in scenarios() {
        learnt.entry(scenario.workflow.name).or_default().extend(Actions::of(&scenario));
    }
    let mut missed = Vec::new();
    for (workflow, sends) in ONCE_SENT {
        let by = &learnt[workflow].by;
        for (agent, kinds) in *sends {
            let sent = by.get(&Name::new(agent)).map(|doings| &doings.sends);
            let is_sent =
                |kind: &&&str| sent.is_some_and(|sent| sent.iter().any(|(_, sent)| sent.as_str() == **kind));
            missed.extend(
                kinds
                    .iter()
                    .filter(|kind| !is_sent(kind))
                    .map(|kind| format!("{workflow}: {agent} sends {kind}")),
            );
        }
    }
    for (workflow, steps, sites, requests, keeps_journals) in ONCE_DONE {
        let doings = || learnt[workflow].by.values();
        let mut miss = |what: &str| missed.push(format!("{workflow}: {what}"));
        for step in *steps {
            if !doings().any(|doings| doings.steps.contains_key(&Name::new(step))) {
                miss(step);
            }
        }
        for site in *sites {
            if !doings().any(|doings| doings.model_call_sites.contains(site)) {
                miss(site);
            }
        }
        for request in *requests {
            if !doings().any(|doings| doings.asks.iter().any(|(_, asked, _)| asked.to_string() == *request)) {
                miss(request);
            }
        }
        if doings().any(|doings| doings.keeps_a_journal) != *keeps_journals {
            miss("journals");
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_learnt_is_the_same_every_time() {
    let scenarios = scenarios();
    let scenario =
        scenarios.iter().find(|scenario| scenario.name.as_str() == "conductor/rough-weather").unwrap();
    assert_eq!(Actions::of(scenario), Actions::of(scenario));
}

/// Every place at which a fault of a saved failure struck is one that a file may name: it has come up.
#[test]
fn no_place_of_a_saved_failure_is_refused() {
    let mut refused = Vec::new();
    let mut count = 0;
    for path in perfidy::scenario::files_below(&PathBuf::from("seeds")).unwrap() {
        let text = read_text(&path).unwrap();
        if !SavedSeed::is_one(&text) {
            continue;
        }
        let failure =
            Failure::read(&Suite::shipped(), &path).unwrap_or_else(|bad| panic!("{}", bad.problems()));
        let mut with_faults = failure.case.scenario.text.to_string();
        for fault in &failure.saved.faults {
            let [at, action] = [fault.at.to_string(), fault.action.to_string()].map(toml::Value::String);
            with_faults += &format!("\n[[fault]]\nat = {at}\ndo = {action}\n");
        }
        count += failure.saved.faults.len();
        let name = failure.case.scenario.name.as_str();
        if let Err(problems) = Scenario::parse(&Suite::shipped(), name, &with_faults) {
            refused.push(format!("{}: {problems}", path.display()));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count > 50, "{count} faults are too few to tell");
}
