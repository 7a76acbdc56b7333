//! Work that no team can do, and safeguards that it cannot have.

use super::{edited, said_of, said_of_edits};
use std::fmt::Write as _;

#[test]
fn steps_that_cannot_be_taken() {
    let needs = "needs = [\"file-ticket\"]";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a step that needs itself", &[(needs, "needs = [\"tell-customer\"]")]),
        (
            "steps in a circle",
            &[("tool = \"ticketing.create\"", "tool = \"ticketing.create\"\nneeds = \"tell-customer\"")],
        ),
        ("two steps of one name", &[("name = \"tell-customer\"", "name = \"file-ticket\"")]),
        (
            "a name that cannot stand in an address",
            &[("name = \"file-ticket\"", "name = \"file, then tell\"")],
        ),
        ("a tool without an operation", &[("mail.send", "mail")]),
        ("needs that are empty", &[(needs, "needs = []")]),
        (
            "a tool with the name of an agent",
            &[("mail.send", "planner.send"), ("[tools.mail]", "[tools.planner]")],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
    insta::assert_snapshot!(said_of("# No steps.\nworkflow = \"standby\"\nstep = []\n"));
}

const WITH_STORE: &str = r#"# No part is lost.
workflow = "scratchpad"

[[step]]
name = "findings"
tool = "library.search"

[safeguards]
retry = { attempts = 4, backoff = "1s..30s" }

[store]
replicas = 3
lag = "10ms..2s"
reads = "sequential"

[tools.library]
"#;

#[test]
fn stores_that_make_no_sense() {
    assert_eq!(said_of(WITH_STORE), "nothing");
    let table = [
        ("a workflow that has none", "scratchpad\"", "conductor\""),
        ("too many replicas", "replicas = 3", "replicas = 30"),
        ("replicas without a number", "replicas = 3", "replicas = \"a few\""),
        ("a lag without replicas", "replicas = 3\n", ""),
        ("an unknown consistency model", "sequential", "strong"),
        ("a tool of the same name", "library.search\"", "store.search\"\n\n[tools.store]"),
        ("a lease that makes no sense", "retry = {", "write-lock = { lease = \"1ms\" }\nretry = {"),
    ];
    let mut all = String::new();
    for (name, from, to) in table {
        assert!(WITH_STORE.contains(from), "{from}");
        writeln!(all, "--- {name}\n{}\n", said_of(&WITH_STORE.replacen(from, to, 1))).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn steps_that_cannot_be_undone() {
    let saga = |steps: &str| {
        format!(
            "# A saga.\nworkflow = \"saga-orchestrated\"\n\n{steps}\n[safeguards]\ncompensate = true\n\n[tools.airline]\n\n\
             [tools.payments]\n"
        )
    };
    let step = |name: &str, rest: &str| {
        format!("[[step]]\nname = \"{name}\"\ntool = \"airline.{name}\"\n{rest}\n\n")
    };
    let (undo, last) = ("undo = \"airline.cancel\"", "irreversible = true");
    let table = [
        ("the way it should be", [step("fly", undo), step("pay", last)].concat()),
        ("nothing said", [step("fly", ""), step("pay", "")].concat()),
        ("an irreversible step before others", [step("pay", last), step("fly", undo)].concat()),
        (
            "an irreversible step that others need",
            [step("fly", &format!("needs = \"pay\"\n{undo}")), step("pay", last)].concat(),
        ),
        ("both at once", [step("fly", &format!("{undo}\n{last}")), step("pay", last)].concat()),
        ("itself", [step("fly", "undo = \"airline.fly\""), step("pay", last)].concat()),
        ("a tool that is not there", [step("fly", "undo = \"airlines.cancel\""), step("pay", last)].concat()),
        ("no operation", [step("fly", "undo = \"cancel\""), step("pay", last)].concat()),
        ("one step, and no way back", step("pay", last)),
    ];
    let mut all = String::new();
    for (name, steps) in &table {
        writeln!(all, "--- {name}\n{}\n", said_of(&saga(steps))).unwrap();
    }
    let undoing = "tool = \"ticketing.create\"\nundo = \"ticketing.close\"";
    let conductor = edited(&[("tool = \"ticketing.create\"", undoing)]);
    writeln!(all, "--- a team that undoes nothing\n{}\n", said_of(&conductor)).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn tasks_that_cannot_be_cancelled() {
    let (tasks, switch) = ("[tasks]\nwithin = \"3m\"\n", "idempotency-keys = true\n");
    let cancelled = "cancelled = { chance = \"40%\", after = \"1s..20s\" }";
    let undo = "undo = \"shop.cancel\"";
    let (able, unable) = ("deduplicates = true", "");
    let acknowledged = "acknowledged-cancel = true\ntool-dedupe = true\n";
    let both = [switch, acknowledged].concat();
    let passed_on = "deadline-propagation = true\n";
    let table: [(&str, [&str; 4]); 9] = [
        ("the way it should be", [&[tasks, cancelled].concat(), undo, &[&both, passed_on].concat(), able]),
        ("never", ["[tasks]\ncancelled = { chance = \"0%\", after = \"1s\" }", undo, switch, unable]),
        ("not said when", ["[tasks]\ncancelled = { chance = \"10%\" }", undo, switch, unable]),
        ("no time at all", ["[tasks]\nwithin = \"0s\"", undo, switch, unable]),
        ("a deadline that is not there", ["", undo, passed_on, unable]),
        ("a step that cannot be undone", ["", "irreversible = true", switch, unable]),
        ("a step without an undo", ["", "", switch, unable]),
        ("operations without ids", ["", undo, acknowledged, able]),
        (
            "a tool that does not know them",
            ["", undo, "idempotency-keys = true\nacknowledged-cancel = true\n", unable],
        ),
    ];
    let mut all = String::new();
    for (name, [tasks, undo, safeguards, tool]) in &table {
        let text = format!(
            "# A hierarchy.\nworkflow = \"hierarchy\"\n\n[[step]]\nname = \"order\"\ntool = \"shop.order\"\n{undo}\n\n\
             {tasks}\n\n[safeguards]\n{safeguards}\n[tools.shop]\n{tool}\n"
        );
        writeln!(all, "--- {name}\n{}\n", said_of(&text)).unwrap();
    }
    let every = "every = \"1s..2s\"\n";
    let conductor = edited(&[(every, &format!("{every}within = \"3m\"\n{cancelled}\n"))]);
    writeln!(all, "--- a team that cannot be told to stop\n{}\n", said_of(&conductor)).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn safeguards_that_cannot_be_had_or_taken() {
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "one the agents do not know",
            &[("idempotency-keys = true", "idempotency-keys = true\nfencing-tokens = true")],
        ),
        ("a tool that deduplicates, without the switch", &[("tool-dedupe = true\n", "")]),
        ("the switch, without a tool", &[("deduplicates = true", "")]),
        ("taking away what is not on", &[("safeguards = [\"idempotency-keys\"]", "safeguards = \"verify\"")]),
        (
            "taking away what does not exist",
            &[("safeguards = [\"idempotency-keys\"]", "safeguards = \"keys\"")],
        ),
        (
            "breaking what is waived",
            &[("violates = \"no-duplicate-effects\"", "violates = \"no-phantom-completion\"")],
        ),
        (
            "breaking what has nothing to judge",
            &[("violates = \"no-duplicate-effects\"", "violates = \"one-firing-per-tick\"")],
        ),
        ("a property that is turned on", &[("{ waive = \"the network may drop it\" }", "true")]),
        ("waiving without a reason", &[("\"the network may drop it\"", "\"\"")]),
        (
            "the same case twice",
            &[(
                "within-seeds = 200",
                "\n[[without]]\nsafeguards = \"idempotency-keys\"\nviolates = \"well-behaved\"",
            )],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn safeguards_that_need_what_is_not_there() {
    let clocks = |tool: &str| {
        format!(
            "# The last writer wins.\nworkflow = \"peers\"\n\n[[step]]\nname = \"draft\"\ntool = \"wiki.put\"\n\
             args = {{ key = \"{{task}}\", value = \"draft\" }}\n\n[safeguards]\nlogical-clocks = true\n\n\
             [tools.wiki]\n{tool}\n"
        )
    };
    let traces = |safeguards: &str| {
        format!(
            "# A trace is lost.\nworkflow = \"router\"\n\n[[step]]\nname = \"bill\"\ntool = \"billing.charge\"\n\n\
             [safeguards]\ntraced-calls = true\n{safeguards}\n\n[tools.billing]\n"
        )
    };
    assert_eq!(said_of(&clocks("kind = \"registers\"")), "nothing");
    assert_eq!(said_of(&traces("retry = { attempts = 4, backoff = \"1s..10s\" }")), "nothing");
    let (clocks, traces) = (said_of(&clocks("")), said_of(&traces("")));
    insta::assert_snapshot!(format!("{clocks}\n\n{traces}"));
}
