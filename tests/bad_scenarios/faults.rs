//! Faults that can never be injected.

use super::said_of_edits;

#[test]
fn faults_that_cannot_be_injected() {
    let partition = "partition = { between = [\"coordinator\", \"executors\"]";
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "a partition of a group from its member",
            &[(partition, "partition = { between = [\"executor-1\", \"executors\"]")],
        ),
        (
            "a partition of three",
            &[(partition, "partition = { between = [\"planner\", \"verifier\", \"executors\"]")],
        ),
        ("an agent that lies", &[("at = \"ticketing\"", "at = \"planner\"")]),
        ("a tool that crashes", &[("ack-lost = { at = \"ticketing\"", "crash = { at = \"ticketing\"")]),
        (
            "a crash at no time",
            &[("ack-lost = { at = \"ticketing\", chance = \"5%\" }", "crash = { at = \"planner\" }")],
        ),
        (
            "a crash before a step that no agent takes",
            &[("ack-lost = { at = \"ticketing\",", "crash = { at = \"planner\", before = \"plans\",")],
        ),
        ("no fault in a list", &[("ack-lost = { at = \"ticketing\", chance = \"5%\" }", "ack-lost = []")]),
        (
            "one of two in a list",
            &[(
                "ack-lost = { at = \"ticketing\", chance = \"5%\" }",
                "no-response = [{ at = \"mail\", chance = \"1%\" }, { at = \"post\", chance = \"1%\" }]",
            )],
        ),
        (
            "two in a list that are alike",
            &[(
                "ack-lost = { at = \"ticketing\", chance = \"5%\" }",
                "no-response = [{ at = \"mail\", chance = \"1%\" }, { at = \"mail\", chance = \"2%\" }]",
            )],
        ),
        (
            "a field that no answer has",
            &[(
                "ack-lost = { at = \"ticketing\",",
                "wrong-value = { at = \"ticketing\", field = \"amount\",",
            )],
        ),
        (
            "a field that is misspelt",
            &[(
                "ack-lost = { at = \"ticketing\",",
                "wrong-value = { at = \"ticketing\", field = \"recept\",",
            )],
        ),
        (
            "a message of a liar that it never sends",
            &[("ack-lost = { at = \"ticketing\",", "byzantine = { at = \"planner\", message = \"done\",")],
        ),
        (
            "a field that is misspelt in a message of a liar",
            &[(
                "ack-lost = { at = \"ticketing\",",
                "byzantine = { at = \"planner\", message = \"plan\", field = \"wrokers\",",
            )],
        ),
        (
            "a field that no message of a liar has",
            &[("ack-lost = { at = \"ticketing\",", "byzantine = { at = \"planner\", field = \"amount\",")],
        ),
        (
            "a field that a broken contract leaves out and no message has",
            &[(
                "ack-lost = { at = \"ticketing\",",
                "omitted-field = { at = \"executors\", message = \"done\", field = \"rond\",",
            )],
        ),
        (
            "a field of a fault that alters nothing",
            &[("ack-lost = { at = \"ticketing\",", "ack-lost = { at = \"ticketing\", field = \"receipt\",")],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn pinned_faults_that_cannot_happen() {
    let at = "ticketing > executor-1, reply to create, task-2, try 1";
    let action = "do = \"drop\"";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("no address", &[(at, "somewhere")]),
        ("an address of nothing", &[(at, "ticketing, task-2, try 1")]),
        ("a message without a kind", &[(at, "ticketing > executor-1, task-2, try 1")]),
        ("a message to an unknown agent", &[(at, "ticketing > executor-9, reply to create, task-2, try 1")]),
        ("a message to a group", &[(at, "ticketing > executors, reply to create, task-2, try 1")]),
        (
            "a step that no agent takes",
            &[(at, "executor-1, before lunch, task-2, try 1"), (action, "do = \"pause 1s\"")],
        ),
        (
            "neither before nor after",
            &[(at, "executor-1, call, task-2, try 1"), (action, "do = \"pause 1s\"")],
        ),
        ("no action", &[(action, "do = \"Drop it!\"")]),
        ("an action that is misspelt", &[(action, "do = \"dorp\"")]),
        ("a crash of a message", &[(action, "do = \"crash for good\"")]),
        ("a loss of a step", &[(at, "executor-1, before call, task-2, try 1")]),
        (
            "a tool fault that there is not",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"ack-loss\"")],
        ),
        (
            "a late reply that is not late",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"late-reply\"")],
        ),
        (
            "a lie that takes no time",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"no-response 3s\"")],
        ),
        (
            "a lie about no field",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"no-response in receipt\"")],
        ),
        (
            "a lie about a field that is not said",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"wrong-value in amount\"")],
        ),
        (
            "a disk that does something else",
            &[(at, "planner's disk, read, journal, try 1"), (action, "do = \"refuse\"")],
        ),
        (
            "a torn write that is no crash",
            &[(at, "planner's disk, write, finished, try 1"), (action, "do = \"tear\"")],
        ),
        ("the disk of a tool", &[(at, "mail's disk, write, finished, try 1"), (action, "do = \"refuse\"")]),
        ("a twin of a tool", &[(action, "do = \"overlapping-restart mail at 1m for 9s\"")]),
        ("a clock of an unknown agent", &[(action, "do = \"skew bob at 1m for 9s, 5s ahead\"")]),
        ("a flapping link to oneself", &[(action, "do = \"flap mail from mail at 1m for 9s, every 1s\"")]),
        ("a partition of an unknown agent", &[(action, "do = \"cut planner from bob at 1m for 1s\"")]),
        ("a partition of one group", &[(action, "do = \"cut planner from verifier+planner at 1m for 1s\"")]),
        ("a crash of a tool", &[(action, "do = \"crash mail at 1m for good\"")]),
        ("a pause after the end", &[(action, "do = \"pause planner at 11m for 1s\"")]),
        (
            "two at one place",
            &[(
                "do = \"drop\"",
                "do = \"drop\"\n[[fault]]\nat = \"ticketing > executor-1, reply to create, task-2, try 1\"\ndo = \"delay 1s\"",
            )],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn faults_of_actions_that_no_agent_takes() {
    let fault = "ack-lost = { at = \"ticketing\", chance = \"5%\" }";
    let at = "ticketing > executor-1, reply to create, task-2, try 1";
    let action = "do = \"drop\"";
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "a message that is sent the other way",
            &[(
                fault,
                "drop = { between = [\"planner\", \"verifier\"], message = \"assign\", chance = \"1%\" }",
            )],
        ),
        ("a message that is never sent", &[(fault, "drop = { message = \"lunch\", chance = \"1%\" }")]),
        (
            "a step of another agent",
            &[(
                fault,
                "pause = { at = \"planner\", before = \"assign\", chance = \"1%\", lasting = \"1s\" }",
            )],
        ),
        (
            "a step that is misspelt",
            &[(
                fault,
                "pause = { at = \"coordinator\", after = \"asign\", chance = \"1%\", lasting = \"1s\" }",
            )],
        ),
        ("a mistake at no call site", &[(fault, "unknown-target = { at = \"everyone\", chance = \"1%\" }")]),
        ("a journal that is not kept", &[(fault, "torn-write = { at = \"planner\", chance = \"1%\" }")]),
        (
            "one of two journals",
            &[(fault, "torn-write = { at = [\"coordinator\", \"planner\"], chance = \"1%\" }")],
        ),
        (
            "a question that is never asked",
            &[(fault, "stale-read = { at = \"ticketing\", chance = \"1%\", by = \"9s\" }")],
        ),
        ("the place of a message of another agent", &[(at, "planner > executor-1, assign, task-2, try 1")]),
        (
            "the place of a step of another agent",
            &[(at, "planner, before assign, task-2, try 1"), (action, "do = \"pause 1s\"")],
        ),
        (
            "the place of a question that is never asked",
            &[(at, "ticketing, read of create, task-2, try 1"), (action, "do = \"ack-lost\"")],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn timed_faults_that_make_no_difference() {
    let partition = "partition = { between = [\"coordinator\", \"executors\"], every = \"1m..5m\", lasting = \"10s..60s\" }";
    let tools = "[tools.mail]\n";
    let idle = "[tools.mail]\n\n[tools.calendar]\n";
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "a partition between agents that send each other nothing",
            &[(
                partition,
                "partition = { between = [\"planner\", \"verifier\"], every = \"1m\", lasting = \"10s\" }",
            )],
        ),
        (
            "a slow link where no message is",
            &[(
                partition,
                "slow-link = { between = [\"planner\", \"mail\"], every = \"1m\", lasting = \"10s\", by = \"1s\" }",
            )],
        ),
        (
            "an outage of a tool that no agent calls",
            &[
                (tools, idle),
                (partition, "outage = { at = [\"mail\", \"calendar\"], every = \"1m\", lasting = \"10s\" }"),
            ],
        ),
        (
            "messages that are lost where none is sent",
            &[(partition, "drop = { between = [\"planner\", \"verifier\"], chance = \"5%\" }")],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}
