//! A good file, and what it comes to.

use super::*;
use crate::safeguards::idempotency::IdempotencyKeys;
use crate::safeguards::retry::Retry;
use crate::scenario::Without;
use crate::tools::ToolConfig;
use crate::workflows::conductor;
use perfidy_sim::{Hook, SimTime};

/// A good file, which tests of diagnostics edit.
const GOOD: &str = include_str!("../../../tests/bad_scenarios/good.toml");

/// The good file without what it need not say, and with more that goes wrong.
fn text() -> String {
    let mut text = GOOD.replace("tool-dedupe = true\n", "tool-dedupe = true\ncheckpoint = false\n");
    for needless in [
        "[network]\nlatency = \"1ms..9ms\"\n",
        "[model]\nlatency = \"1s\"\n",
        "[settle]\nwithin = \"15m\"\n",
        "within-seeds = 200\n",
    ] {
        assert!(text.contains(needless), "{needless}");
        text = text.replace(needless, "");
    }
    text + r#"
[[faults.drop]]
chance = "1%"

[[faults.drop]]
between = ["executors", "mail"]
chance = "2%"

[[fault]]
at = "pause of the planner, by hand, try 1"
do = "pause planner at 1m for 20s"
"#
}

fn scenario() -> Arc<Scenario> {
    resolve(&Suite::shipped(), "conductor/lost-ack", &text(), Unreachable::Rejected)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn a_good_file_means_what_it_says() {
    let scenario = scenario();
    assert_eq!(scenario.name.as_str(), "conductor/lost-ack");
    assert_eq!(scenario.about, "A lost acknowledgement must not file the ticket twice.");
    assert_eq!(scenario.workflow.name, "conductor");
    assert_eq!(scenario.team, BTreeMap::from([("executors", 2)]));
    assert_eq!(scenario.tasks.count, 5);
    let [first, second] = scenario.steps.as_slice() else { panic!("{:?}", scenario.steps) };
    assert_eq!((first.tool.as_str(), first.operation.as_str()), ("ticketing", "create"));
    assert_eq!((second.needs.as_slice(), second.irreversible), ([0].as_slice(), true));
    assert!(scenario.tools[&Name::new("ticketing")].deduplicates);
    assert!(scenario.safeguards.has::<IdempotencyKeys>());
    assert_eq!(scenario.safeguards.get::<Retry>().map(|retry| retry.attempts), Some(4));
    assert_eq!(
        scenario.safeguards.names().collect::<Vec<_>>(),
        ["idempotency-keys", "retry", "tool-dedupe"],
        "what is switched off is off"
    );
    let (safeguards, violates) = (vec!["idempotency-keys"], vec!["no-duplicate-effects"]);
    assert_eq!(scenario.without, [Without { safeguards, violates, within_seeds: 300 }]);
    assert_eq!(scenario.waived["no-phantom-completion"], "the network may drop it");
}

#[test]
fn what_a_good_file_leaves_out_is_usual() {
    let scenario = scenario();
    let ms = SimSpan::from_millis;
    assert_eq!(scenario.settle_within, SimSpan::from_secs(900));
    assert_eq!(scenario.network.latency, ms(1)..=ms(20));
    assert_eq!(scenario.model.latency, ms(200)..=ms(2_000));
    let ToolConfig { kind, latency, deduplicates, .. } = &scenario.tools[&Name::new("mail")];
    assert_eq!((*kind, latency.clone(), *deduplicates), ("records", ms(50)..=ms(500), false));
}

#[test]
fn a_good_file_says_what_goes_wrong() {
    let scenario = scenario();
    assert_eq!(scenario.heals_at(), SimTime::ZERO + SimSpan::from_secs(600));
    let kinds: Vec<&str> = scenario.fault_kinds.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, ["ack-lost", "partition", "drop"]);
    let rules: Vec<_> = scenario.chaos.rules.iter().map(|rule| (rule.kind.as_str(), rule.hook)).collect();
    let drop = ("drop", Hook::Message);
    assert_eq!(rules, [("ack-lost", Hook::Service), drop, drop, drop], "the second drop has two directions");
    assert_eq!(scenario.chaos.windows.len(), 1);
    assert_eq!(scenario.chaos.pinned.len(), 2);
}

#[test]
fn a_calm_world_heals_at_once() {
    let text =
        "# Nothing goes wrong.\nworkflow = \"standby\"\n[tools.t]\n[[step]]\nname = \"s\"\ntool = \"t.o\"\n";
    let scenario = resolve(&Suite::shipped(), "calm", text, Unreachable::Rejected).unwrap();
    assert_eq!(scenario.heals_at(), SimTime::ZERO);
    let pinned = "[[fault]]\nat = \"t, o, task-1, try 1\"\ndo = \"no-response\"\n";
    let scenario =
        resolve(&Suite::shipped(), "pinned", &format!("{text}{pinned}"), Unreachable::Rejected).unwrap();
    assert_eq!(scenario.heals_at(), SimTime::ZERO + SimSpan::from_secs(600));
}

#[test]
fn links_between_groups_take_a_time_of_their_own() {
    let link = "\n[network]\nlatency = \"1ms\"\nlink = [{ between = [\"executors\", \"mail\"], latency = \"7ms\" }]\n";
    let scenario = resolve(&Suite::shipped(), "links", &(text() + link), Unreachable::Rejected).unwrap();
    let links = scenario.network.to_links();
    let latency = |a, b| *links.latency(Name::new(a), Name::new(b)).start();
    assert_eq!(latency("executor-1", "mail"), SimSpan::from_millis(7));
    assert_eq!(latency("mail", "executor-1"), SimSpan::from_millis(7));
    assert_eq!(latency("coordinator", "executor-1"), SimSpan::from_millis(1));
}

#[test]
fn a_workflow_that_names_what_is_not_there_is_refused() {
    let refusal = |workflow: Workflow| {
        let text = "# A mistake in code.\nworkflow = \"conductor\"\n[[step]]\nname = \"s\"\ntool = \"t.o\"\n[tools.t]\n";
        let suite = Suite::shipped().replacing_workflow(workflow);
        let problems = Scenario::parse(&suite, "mistake", text).unwrap_err();
        assert_eq!(problems.list.len(), 1, "{problems}");
        problems.list[0].message.clone()
    };
    for (workflow, message) in [
        (
            conductor::workflow().properties(&["no-duplicate-efects"]),
            "names the property `no-duplicate-efects`; did you mean `no-duplicate-effects`?",
        ),
        (
            conductor::workflow().safeguards(&["retry", "chekpoint"]),
            "names the safeguard `chekpoint`; did you mean `checkpoint`?",
        ),
        (
            conductor::workflow().tasks_to(&["executor-2", "coordinater"]),
            "gives its tasks to `coordinater`, who is not in the team; did you mean `coordinator`?",
        ),
    ] {
        assert_eq!(refusal(workflow), format!("the workflow `conductor` {message}"));
    }
}

/// What is wrong with the file of a workflow with this entry of `[safeguards]` and a case without a
/// safeguard.
fn refusal_of(workflow: &str, entry: &str, without: &str) -> Vec<(String, String)> {
    let text = format!(
        "# A protection that is built in.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"s\"\ntool = \"t.o\"\n\
         [tools.t]\n[safeguards]\n{entry}\n[[without]]\nsafeguards = \"{without}\"\n\
         violates = \"eventual-termination\"\n"
    );
    let read = resolve(&Suite::shipped(), "built-in", &text, Unreachable::Accepted);
    let said = |problem: Problem| (problem.message, problem.help.unwrap_or_default());
    read.err().unwrap_or_default().into_iter().map(said).collect()
}

#[test]
fn what_is_built_in_can_be_taken_away_without_being_named_before() {
    assert_eq!(refusal_of("conductor", "", "call-timeout"), []);
    assert_eq!(refusal_of("conductor", "call-timeout = \"7s\"", "call-timeout"), []);
    let twice = refusal_of("conductor", "call-timeout = \"none\"", "call-timeout");
    assert_eq!(twice[0].0, "`call-timeout` is not on, so it cannot be taken away");
}

#[test]
fn what_a_workflow_cannot_be_without_is_refused_with_what_it_can() {
    for refused in
        [refusal_of("research", "", "lease-check"), refusal_of("research", "lease-check = false", "retry")]
    {
        assert_eq!(refused[0].0, "the agents of the workflow `research` have no `lease-check`");
        assert!(refused[0].1.starts_with("they know how to use "), "{refused:?}");
    }
}

#[test]
fn the_value_of_a_protection_is_read_and_senseless_ones_are_refused() {
    for (entry, message) in [
        ("call-timeout = \"soon\"", "soon"),
        ("call-timeout = \"2d\"", "makes no sense here; it can be 10ms to 1h, or \"none\""),
        ("give-up-after = \"0 failures\"", "`0 failures` is no number of failures from 1 to 1000"),
        ("give-up-after = \"often\"", "`often` is no number of failures from 1 to 1000"),
        ("resend-orders = \"1ms\"", "makes no sense here; it can be 100ms to 1h, or \"none\""),
    ] {
        let refused = refusal_of("conductor", entry, "retry-writes");
        assert!(refused[0].0.contains(message), "{entry}: {refused:?}");
    }
}

#[test]
fn a_guarded_step_is_refused_where_no_agent_asks_a_guardrail() {
    let refusal = |workflow: &str, guarded: bool| {
        let text = format!(
            "# A guarded step.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"s\"\ntool = \"t.o\"\n\
             guarded = {guarded}\n[tools.t]\n"
        );
        let read = resolve(&Suite::shipped(), "guarded", &text, Unreachable::Accepted);
        read.err().unwrap_or_default().into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(refusal("tool-loop", true), [""; 0]);
    assert_eq!(refusal("conductor", false), [""; 0]);
    assert_eq!(refusal("conductor", true), ["the agents of the workflow `conductor` ask no guardrail"]);
}

#[test]
fn evidence_of_a_step_is_refused_where_no_agent_reads_it_and_from_a_source_that_there_is_not() {
    let refusal = |workflow: &str, evidence: &str| {
        let text = format!(
            "# A step that rests on evidence.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"s\"\n\
             tool = \"t.o\"\nevidence = \"{evidence}\"\n[tools.t]\n[tools.filings]\nkind = \"sources\"\n"
        );
        let read = resolve(&Suite::shipped(), "evidence", &text, Unreachable::Accepted);
        read.err().unwrap_or_default().into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(refusal("pipeline", "filings.revenue"), [""; 0]);
    assert_eq!(refusal("pipeline", "books.revenue"), ["unknown tool `books`"]);
    assert_eq!(
        refusal("conductor", "filings.revenue"),
        ["the agents of the workflow `conductor` read no evidence for a step"]
    );
}
