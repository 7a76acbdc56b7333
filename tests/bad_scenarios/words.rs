//! Invalid words: not TOML, a wrong type, an unknown name, a senseless quantity.

use super::said_of_edits;

#[test]
fn keys_and_types() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a key that does not exist", &[("[settle]", "[setle]")]),
        ("a key that does not exist, in an inline table", &[("chance = \"5%\"", "chnace = \"5%\"")]),
        ("a key with an underscore", &[("within-seeds", "within_seeds")]),
        ("text for a number", &[("count = 5", "count = \"five\"")]),
        ("a number for text", &[("within = \"15m\"", "within = 15")]),
        ("a fraction for a chance", &[("chance = \"5%\"", "chance = 0.05")]),
        ("a word for a switch", &[("irreversible = true", "irreversible = \"yes\"")]),
        ("a switch for a table", &[("retry = { attempts = 4, backoff = \"1s..30s\" }", "retry = true")]),
        (
            "a value for a table",
            &[("[settle]\nwithin = \"15m\"", ""), ("[team]", "settle = \"15m\"\n[team]")],
        ),
        ("a table for a list of tables", &[("[[without]]", "[without]")]),
        ("a key that is missing", &[("tool = \"mail.send\"\n", "")]),
        ("no first line", &[("# A lost acknowledgement must not file the ticket twice.\n", "")]),
        ("an empty first line", &[("# A lost acknowledgement must not file the ticket twice.", "#")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn toml_that_is_none() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a quote that does not end", &[("\"conductor\"", "\"conductor")]),
        ("a value without quotes", &[("\"conductor\"", "conductor")]),
        ("a key twice", &[("count = 5", "count = 5\ncount = 6")]),
        ("a table twice", &[("[settle]", "[team]")]),
        ("a bracket that does not end", &[("[\"file-ticket\"]", "[\"file-ticket\"")]),
        ("no value", &[("executors = 2", "executors =")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn unknown_names() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a workflow", &[("\"conductor\"", "\"conducter\"")]),
        ("no workflow", &[("workflow = \"conductor\"\n", "")]),
        ("a role", &[("executors = 2", "executor = 2")]),
        ("a role of another workflow", &[("executors = 2", "workers = 2")]),
        ("a tool, nearly", &[("ticketing.create", "ticketting.create")]),
        ("a tool without a table", &[("mail.send", "calendar.invite")]),
        ("a step", &[("needs = [\"file-ticket\"]", "needs = [\"file-tickets\"]")]),
        ("a property", &[("violates = \"no-duplicate-effects\"", "violates = \"no-duplicates\"")]),
        ("a waived property", &[("no-phantom-completion =", "no-phantom-completions =")]),
        ("a safeguard", &[("idempotency-keys = true", "idempotency = true")]),
        ("a kind of fault", &[("ack-lost", "ack-list")]),
        ("an agent", &[("\"coordinator\", ", "\"cordinator\", ")]),
        ("an agent that the team does not have", &[("\"coordinator\", ", "\"executor-3\", ")]),
        ("a tool that lies", &[("at = \"ticketing\"", "at = \"ticket\"")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn quantities_that_make_no_sense() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("more than always", &[("\"5%\"", "\"120%\"")]),
        ("never", &[("\"5%\"", "\"0%\"")]),
        ("less than never", &[("\"5%\"", "\"-5%\"")]),
        ("no percent", &[("\"5%\"", "\"5\"")]),
        ("a range that runs backwards", &[("\"50ms..2s\"", "\"2s..50ms\"")]),
        ("a range without an end", &[("\"50ms..2s\"", "\"50ms..\"")]),
        ("no length of time", &[("\"15m\"", "\"a while\"")]),
        ("no time to settle", &[("\"15m\"", "\"0s\"")]),
        ("faults for more than a month", &[("\"10m\"", "\"31d\"")]),
        ("windows without a pause", &[("\"1m..5m\"", "\"0s..5m\"")]),
        ("windows that never open", &[("\"1m..5m\"", "\"20m..30m\"")]),
        ("too many executors", &[("executors = 2", "executors = 1001")]),
        ("fewer than no executors", &[("executors = 2", "executors = -1")]),
        ("no tasks", &[("count = 5", "count = 0")]),
        ("tasks that come after a month", &[("\"1s..2s\"", "\"1s..8d\"")]),
        ("no events", &[("[settle]", "[limits]\nevents = 0\n[settle]")]),
        (
            "more events than any machine can hold",
            &[("[settle]", "[limits]\nevents = 5_000_000_000\n[settle]")],
        ),
        ("events in words", &[("[settle]", "[limits]\nevents = \"many\"\n[settle]")]),
        ("a limit that is none", &[("[settle]", "[limits]\nevent = 5_000\n[settle]")]),
        ("no seeds", &[("within-seeds = 200", "within-seeds = 0")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn names_of_what_is_never_sent_or_called() {
    let lost = r#"ack-lost = { at = "ticketing", chance = "5%" }"#;
    let pinned = "ticketing > executor-1, reply to create, task-2, try 1";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a message, nearly", &[(lost, r#"drop = { message = "verdicts", chance = "5%" }"#)]),
        ("a message of a tool, nearly", &[(lost, r#"drop = { message = "call creat", chance = "5%" }"#)]),
        ("one message of several", &[(lost, r#"drop = { message = ["plan", "transfer"], chance = "5%" }"#)]),
        (
            "an operation, nearly",
            &[(lost, r#"ack-lost = { at = "ticketing", operation = "crate", chance = "5%" }"#)],
        ),
        (
            "an operation of another tool",
            &[(lost, r#"no-response = { at = "mail", operation = "create", chance = "5%" }"#)],
        ),
        (
            "an operation that troubles begin with",
            &[(lost, r#"outage = { at = "mail", operation = "sent", chance = "5%", lasting = "1m" }"#)],
        ),
        ("a pinned message", &[(pinned, "user > coordinator, submits, task-2, try 1")]),
        ("a pinned call", &[(pinned, "ticketing, creates, task-2, try 1"), ("\"drop\"", "\"no-response\"")]),
        (
            "a pinned look-up",
            &[(pinned, "ticketing, look-up of creation, task-2, try 1"), ("\"drop\"", "\"outage 1m\"")],
        ),
        (
            "a step that is wrong is the only problem",
            &[
                ("ticketing.create", "ticketing"),
                (lost, r#"ack-lost = { at = "ticketing", operation = "create", chance = "5%" }"#),
            ],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn service_levels() {
    let level = |keys: &str| format!("[[service-level]]\n{keys}\n[settle]");
    let time = "completes-within = \"5m\"\nat-least = \"99%\"";
    let bad = [
        ("of no promise", level("at-least = \"99%\"")),
        ("of two promises", level(&format!("{time}\nproperty = \"no-duplicate-effects\""))),
        ("without a share", level("completes-within = \"5m\"")),
        ("of every run", level("completes-within = \"5m\"\nat-least = \"100%\"")),
        ("of no run", level("completes-within = \"5m\"\nat-least = \"0%\"")),
        ("more than certain", level(&format!("{time}\nconfidence = \"100%\""))),
        ("less sure than a coin", level(&format!("{time}\nconfidence = \"50%\""))),
        ("without any time", level("completes-within = \"0s\"\nat-least = \"99%\"")),
        ("of a property that there is not", level("property = \"no-duplicates\"\nat-least = \"99%\"")),
        ("of a waived property", level("property = \"no-phantom-completion\"\nat-least = \"99%\"")),
        ("the same twice", level(&format!("{time}\n[[service-level]]\n{time}"))),
        ("a table for a list", format!("[service-level]\n{time}\n[settle]")),
    ];
    let edits = bad.each_ref().map(|(name, text)| (*name, [("[settle]", text.as_str())]));
    let table: Vec<(&str, &[(&str, &str)])> = edits.iter().map(|(name, edit)| (*name, &edit[..])).collect();
    insta::assert_snapshot!(said_of_edits(&table));
}
