//! What agents do is learnt and not declared: all of it, whatever the team, and no legal fault is rejected
//! for it.

use crate::cases;
use perfidy::agent::{Agent, Operation, ToolCall};
use perfidy::explore::{Failure, SavedSeed};
use perfidy::faults::ActionMap;
use perfidy::scenario::{Scenario, files_below, read_text};
use perfidy::suite::Suite;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// A workflow, and the kinds of messages that each of its senders sends.
type Sends = (&'static str, &'static [(&'static str, &'static [&'static str])]);

/// The messages that the agents of each shipped workflow send, as their code says.
const SENDS: &[Sends] = &[
    (
        "chain",
        &[
            ("user", &["submit"]),
            ("lead", &["delegate", "report", "accepted"]),
            ("stage", &["dead letter", "ended", "request approval", "delegate", "accepted"]),
            ("approver", &["approved", "vetoed"]),
            ("on-call", &["recorded"]),
        ],
    ),
    (
        "conductor",
        &[
            ("user", &["submit"]),
            ("coordinator", &["assign", "commit", "request plan", "read", "report", "verify"]),
            ("planner", &["plan"]),
            ("verifier", &["verdict"]),
            ("executor", &["done", "failed", "verdict"]),
        ],
    ),
    (
        "evaluator-optimizer",
        &[
            ("user", &["submit"]),
            ("generator", &["report", "review"]),
            ("evaluator", &["accepted", "rejected"]),
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
            (
                "director",
                &["cancel delegation", "cancelled", "delegate", "report", "to undo", "unwanted", "wanted"],
            ),
            ("manager", &["ended", "ack", "order", "is wanted", "stop", "undo", "unwanted", "wanted"]),
            ("worker", &["done", "failed", "is wanted", "stopped", "undone"]),
        ],
    ),
    ("peers", &[("user", &["submit"]), ("peer", &["commit", "read", "report"])]),
    (
        "pipeline",
        &[
            ("user", &["submit"]),
            ("lead", &["store", "work item", "ask evidence", "report", "current", "superseded"]),
            ("link", &["evidence", "fetch", "refused", "store", "work item"]),
            ("actor", &["dead letter", "done", "failed", "fetch", "check version", "refused"]),
            ("artifact-store", &["stored", "found", "not found"]),
        ],
    ),
    (
        "research",
        &[
            ("user", &["submit"]),
            ("synthesiser", &["question", "report"]),
            ("researcher", &["finding", "not found"]),
        ],
    ),
    (
        "roundtable",
        &[
            ("user", &["submit"]),
            ("chair", &["contribute", "report"]),
            ("planner", &["done", "failed", "part", "not ready", "probe", "request part"]),
            ("coder", &["done", "failed", "part", "not ready", "probe", "request part"]),
            ("tester", &["done", "failed", "part", "not ready", "probe", "request part"]),
            ("docs", &["done", "failed", "part", "not ready", "probe", "request part"]),
        ],
    ),
    (
        "router",
        &[
            ("user", &["submit"]),
            ("router", &["assign", "report"]),
            ("specialist", &["done", "failed", "not mine"]),
        ],
    ),
    (
        "saga-choreographed",
        &[
            ("user", &["submit"]),
            ("service", &["dead letter", "done", "failed", "report", "received", "undone"]),
            ("on-call", &["recorded"]),
        ],
    ),
    (
        "saga-orchestrated",
        &[
            ("user", &["submit"]),
            ("orchestrator", &["do", "report", "undo"]),
            ("worker", &["dead letter", "done", "failed"]),
            ("on-call", &["recorded"]),
        ],
    ),
    (
        "scheduled",
        &[
            ("user", &["ack", "publish"]),
            ("scheduler", &["acquire", "fire"]),
            ("backup-scheduler", &["acquire", "fire"]),
            ("queue", &["accepted", "fire"]),
            ("webhook", &["accepted", "fire"]),
            ("runner", &["commit", "finished", "read", "report"]),
        ],
    ),
    (
        "scratchpad",
        &[
            ("user", &["submit"]),
            ("editor", &["acquire", "add", "added", "commit", "release", "read", "report", "updated"]),
            ("leases", &["granted", "held"]),
            ("store", &["committed", "refused", "snapshot"]),
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
    (
        "supervisor",
        &[
            ("user", &["submit"]),
            ("supervisor", &["dead letter", "order", "report", "unwanted", "wanted"]),
            ("worker", &["done", "failed", "request approval", "is wanted"]),
            ("approver", &["approved", "vetoed"]),
            ("on-call", &["recorded"]),
        ],
    ),
    (
        "tool-loop",
        &[
            ("user", &["submit"]),
            ("assistant", &["check", "dead letter", "request approval", "report"]),
            ("approver", &["approved", "vetoed"]),
            ("guardrail", &["allowed", "forbidden"]),
            ("on-call", &["recorded"]),
        ],
    ),
];

/// A workflow with the steps, the model call sites, the requests to tools, and whether any agent keeps a
/// journal.
type Does = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], bool);

const DOES: &[Does] = &[
    (
        "cascade",
        &["ask", "call", "read", "record", "report"],
        &[],
        &["call a tool", "read from a tool"],
        true,
    ),
    (
        "chain",
        &["ask", "call", "delegate", "record", "report"],
        &["approval", "chat", "summary"],
        &["call a tool", "look a call up"],
        true,
    ),
    (
        "conductor",
        &["assign", "call", "commit", "plan", "record", "report"],
        &["answer", "role"],
        &["call a tool", "look a call up"],
        true,
    ),
    (
        "evaluator-optimizer",
        &["ask", "call", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up"],
        true,
    ),
    ("handoff", &["call", "record", "report", "transfer"], &["answer", "handoff"], &["call a tool"], true),
    (
        "hierarchy",
        &["call", "delegate", "order", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up", "cancel one"],
        true,
    ),
    ("peers", &["call", "commit", "report"], &[], &["call a tool", "look a call up"], true),
    (
        "pipeline",
        &["brief", "call", "check", "forward", "read", "record", "report"],
        &["answer", "summary"],
        &["call a tool", "read from a tool"],
        true,
    ),
    ("research", &["answer", "ask", "read", "report"], &[], &["read from a tool"], true),
    (
        "roundtable",
        &["call", "contribute", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up"],
        true,
    ),
    (
        "router",
        &["assign", "call", "record", "report"],
        &["answer", "handoff"],
        &["call a tool", "look a call up"],
        true,
    ),
    ("saga-choreographed", &["call", "publish", "record", "report"], &["answer"], &["call a tool"], true),
    ("saga-orchestrated", &["call", "order", "record", "report"], &["answer"], &["call a tool"], true),
    (
        "scheduled",
        &["acquire", "call", "commit", "fire", "record", "report"],
        &["answer", "trigger"],
        &["call a tool"],
        true,
    ),
    ("scratchpad", &["call", "commit", "report"], &[], &["call a tool", "look a call up"], true),
    (
        "standby",
        &["call", "lease", "order", "record", "report"],
        &["answer"],
        &["call a tool", "look a call up"],
        true,
    ),
    (
        "supervisor",
        &["ask", "call", "order", "record", "report"],
        &["approval", "chat"],
        &["call a tool", "look a call up"],
        true,
    ),
    (
        "tool-loop",
        &["ask", "call", "record", "report"],
        &["approval", "chat", "check"],
        &["call a tool", "look a call up"],
        true,
    ),
];

#[test]
fn all_that_the_code_of_the_agents_does_is_learnt() {
    let mut learnt: BTreeMap<&str, ActionMap> = BTreeMap::new();
    for scenario in cases::scenarios() {
        learnt.entry(scenario.workflow.name).or_default().extend(ActionMap::of(scenario));
    }
    let mut missed = Vec::new();
    for (workflow, sends) in SENDS {
        let by = &learnt[workflow].by;
        for (agent, kinds) in *sends {
            let sent = by.get(&Name::new(agent)).map(|does| &does.sends);
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
    for (workflow, steps, sites, requests, keeps_journals) in DOES {
        let does = || learnt[workflow].by.values();
        let mut miss = |what: &str| missed.push(format!("{workflow}: {what}"));
        for step in *steps {
            if !does().any(|does| does.steps.contains_key(&Name::new(step))) {
                miss(step);
            }
        }
        for site in *sites {
            if !does().any(|does| does.model_call_sites.contains(site)) {
                miss(site);
            }
        }
        for request in *requests {
            if !does().any(|does| does.requests.iter().any(|(_, asked, _)| asked.to_string() == *request)) {
                miss(request);
            }
        }
        if does().any(|does| does.keeps_journal) != *keeps_journals {
            miss("journals");
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_learnt_is_the_same_in_every_process_and_order() {
    // A suite to which something is added knows nothing of its teams yet.
    let fresh = || Suite::shipped().workflow(Workflow::new("idle").about("no agent at all"));
    let learnt = |names: [&str; 2]| {
        let suite = fresh();
        names.map(|name| {
            let path = PathBuf::from(format!("scenarios/{name}.toml"));
            let scenario = Scenario::read(&suite, &path, &PathBuf::from("scenarios")).unwrap();
            ActionMap::of(&scenario)
        })
    };
    let [conductor, hierarchy] = learnt(["conductor/all-faults", "hierarchy/all-faults"]);
    let [hierarchy_first, conductor_then] = learnt(["hierarchy/all-faults", "conductor/all-faults"]);
    assert_eq!((conductor, hierarchy), (conductor_then, hierarchy_first));
}

/// A conductor with so many executors, and a fault.
fn conductor(executors: u32, fault: &str) -> String {
    format!(
        "# A team.\nworkflow = \"conductor\"\n[team]\nexecutors = {executors}\n[[step]]\nname = \"file\"\n\
         tool = \"ticketing.create\"\n[safeguards]\ncheckpoint = true\n[tools.ticketing]\n[faults]\n{fault}\n"
    )
}

#[test]
fn a_team_of_a_thousand_does_what_a_small_one_of_the_same_roles_does() {
    let read =
        |executors, fault: &str| Scenario::parse(&Suite::shipped(), "team", &conductor(executors, fault));
    let small = ActionMap::of(&read(2, "").unwrap());
    let large =
        read(1_000, r#"crash = { at = "executor-1000", after = "call", chance = "1%", back-after = "1s" }"#);
    assert_eq!(
        ActionMap::of(&large.unwrap()).by.keys().collect::<Vec<_>>(),
        small.by.keys().collect::<Vec<_>>()
    );
    let problems = read(
        1_000,
        r#"drop = { between = ["executor-1000", "coordinator"], message = "assign", chance = "1%" }"#,
    );
    assert!(problems.is_ok(), "messages are lost in both directions");
    let problems = read(
        1_000,
        r#"crash = { at = "executor-1000", after = "assign", chance = "1%", back-after = "1s" }"#,
    );
    assert!(problems.unwrap_err().to_string().contains("`coordinator` does"));
}

#[test]
fn a_team_whose_agents_cannot_be_observed_may_do_anything() {
    let panics = Workflow::new("panics")
        .about("an agent that needs another engine")
        .agent("worker", |_, _| async { panic!("there is no reactor running") });
    let text = conductor(2, r#"drop = { message = "whatever it sends", chance = "1%" }"#)
        .replace("conductor", "panics")
        .replace("[team]\nexecutors = 2\n", "")
        .replace("[safeguards]\ncheckpoint = true\n", "");
    let scenario = Scenario::parse(&Suite::shipped().workflow(panics), "panics", &text);
    assert!(scenario.is_ok(), "{}", scenario.unwrap_err());
}

/// Every place at which a fault of a saved failure was injected is one that a file may name.
#[test]
fn no_place_of_a_saved_failure_is_rejected() {
    let mut rejected = Vec::new();
    let mut count = 0;
    let files = |folder: &str| files_below(&PathBuf::from(folder)).unwrap();
    for path in files("seeds").into_iter().chain(files("tests/older_failures")) {
        if !SavedSeed::is_one(&read_text(&path).unwrap()) {
            continue;
        }
        let failure =
            Failure::read(&Suite::shipped(), &path).unwrap_or_else(|bad| panic!("{}", bad.problems()));
        let mut with_faults = failure.case.scenario.text.to_string();
        for fault in &failure.saved.faults {
            let [at, action] = [fault.at.to_string(), fault.action.to_string()].map(toml::Value::String);
            writeln!(with_faults, "\n[[fault]]\nat = {at}\ndo = {action}").expect("a string takes it");
        }
        count += failure.saved.faults.len();
        let name = failure.case.scenario.name.as_str();
        let Err(problems) = Scenario::parse(&Suite::shipped(), name, &with_faults) else { continue };
        // Shrinking leaves safeguards on that need a step which it has taken out.
        let problems = problems.to_string();
        let is_of_a_place = |line: &str| line.starts_with("error") && !line.contains("has no effect");
        if problems.lines().any(is_of_a_place) {
            rejected.push(format!("{}: {problems}", path.display()));
        }
    }
    assert!(rejected.is_empty(), "{}", rejected.join("\n"));
    assert!(count > 50, "{count} faults are too few to tell");
}

/// Whether a scenario of a team is read, in which the agent asks its tool for an operation that no step
/// names.
fn read_with_auditor(fault: &str) -> Result<(), String> {
    let auditor = |agent: Agent, team: TeamContext| async move {
        let task = team.plan.tasks[0];
        let operation = Operation::new(Name::new("ticketing"), Name::new("audit"), task);
        let call = ToolCall::unkeyed(operation, agent.new_operation_id(task));
        let _ = agent.call(call, SimSpan::from_secs(5)).await;
    };
    let workflow = Workflow::new("audited").agent("auditor", auditor);
    let text = format!(
        "# An audit.\nworkflow = \"audited\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n\
         [tools.ticketing]\n[tools.mail]\n{fault}\n"
    );
    let suite = Suite::shipped().workflow(workflow);
    let read = Scenario::parse(&suite, "audited", &text);
    read.map(drop).map_err(|problems| {
        let problem = &problems.list[0];
        format!("{}; {}", problem.message, problem.help.as_deref().unwrap_or_default())
    })
}

#[test]
fn a_fault_can_name_an_operation_that_an_agent_calls_and_no_step_names() {
    for fault in [
        "[faults]\nack-lost = { at = \"ticketing\", operation = \"audit\", chance = \"5%\" }",
        "[[fault]]\nat = \"ticketing, audit, task-1, try 1\"\ndo = \"ack-lost\"",
    ] {
        assert_eq!(read_with_auditor(fault), Ok(()));
    }
}

#[test]
fn a_fault_of_an_operation_that_no_agent_calls_is_refused_with_which_agent_calls_what() {
    for (fault, said) in [
        (
            "[faults]\nack-lost = { at = \"ticketing\", operation = \"audits\", chance = \"5%\" }",
            "no agent of the workflow `audited` asks `ticketing` for `audits`; did you mean `audit`? `auditor` asks \
             `ticketing` for `audit`",
        ),
        (
            "[[fault]]\nat = \"ticketing, revoke, task-1, try 1\"\ndo = \"ack-lost\"",
            "no agent of the workflow `audited` asks `ticketing` for `revoke`; `auditor` asks `ticketing` for `audit`; \
             `perfidy explain audited` shows all",
        ),
        (
            "[faults]\nack-lost = { at = \"mail\", operation = \"audit\", chance = \"5%\" }",
            "no agent of the workflow `audited` asks `mail` for `audit`; nothing is asked of it; `perfidy explain \
             audited` shows all",
        ),
    ] {
        assert_eq!(read_with_auditor(fault), Err(said.to_owned()));
    }
}
