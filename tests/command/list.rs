//! `perfidy list` and `perfidy explain`, for a new user.

use crate::place::{Place, REFUND, in_the_repository};

fn said(arguments: &[&str]) -> String {
    in_the_repository(arguments).ends_with(0).out
}

#[test]
fn the_list_has_a_line_for_everything_that_a_scenario_can_name() {
    let list = said(&["list"]);
    for item in perfidy::catalogue::all(&perfidy::suite::Suite::shipped()) {
        let is_its_line = |line: &str| line.trim().starts_with(item.name) && line.ends_with(item.about);
        assert!(list.lines().any(is_its_line), "{}:\n{list}", item.name);
    }
    assert!(list.lines().all(|line| line.len() <= 160));
}

#[test]
fn a_list_of_one_family_has_only_that_one_and_programs_read_it_as_well() {
    let safeguards = said(&["list", "safeguards"]);
    assert!(safeguards.contains("idempotency-keys") && !safeguards.contains("ack-lost"));
    let records = said(&["list", "faults", "--format", "json"]);
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["family"], "fault");
        assert!(record["example"].as_str().unwrap().starts_with(record["name"].as_str().unwrap()));
    }
}

#[test]
fn an_explanation_says_what_it_is_what_can_be_said_of_it_and_where_to_see_it_at_work() {
    let explained = said(&["explain", "ack-lost", "--scenarios", "nowhere"]);
    let here = std::env::current_dir().unwrap().display().to_string();
    insta::assert_snapshot!("explain_a_fault", explained.replace(&here, "FOLDER"));
    let seen = said(&["explain", "retry", "checkpoint"]);
    assert!(seen.contains("perfidy run scenarios/"), "{seen}");
}

#[test]
fn a_workflow_is_explained_by_what_each_of_its_agents_does() {
    for workflow in ["conductor", "hierarchy", "scratchpad"] {
        let explained = said(&["explain", workflow]);
        let (_, map) = explained.split_once("  What its agents do").expect("the map has a heading");
        let (map, _) = map.split_once("\n\n").expect("a blank line ends it");
        insta::assert_snapshot!(format!("actions_of_{workflow}"), map);
    }
}

#[test]
fn a_workflow_is_explained_by_who_sends_what_to_whom_and_how_often_it_arrives() {
    let explained = said(&["explain", "conductor"]);
    let (_, picture) = explained.split_once("  Who sends what to whom").expect("the picture has a heading");
    let (picture, _) = picture.split_once("\n\n").expect("a blank line ends it");
    insta::assert_snapshot!("picture_of_conductor", picture);
}

#[test]
fn a_property_leads_to_its_safeguards_and_faults_and_they_lead_back() {
    let property = said(&["explain", "no-double-spend"]);
    for words in [
        "  Safeguards that protect it, and a scenario that shows it\n    idempotency-keys  conductor/double-payment",
        "  Faults that have broken it, and a case in which few suffice\n    ",
        "  Judged on\n    an effect of a tool, and the first state of a tool: a run without is vacuous",
    ] {
        assert!(property.contains(words), "{words}:\n{property}");
    }
    let safeguard = said(&["explain", "tool-dedupe"]);
    for words in [
        "  Without it\n    a tool carries out every request, also one with a key that it has seen\n",
        "  What it needs\n    `idempotency-keys`, and a tool with `deduplicates = true`\n",
        "  Properties that it protects, and a scenario that shows it\n    no-double-spend       conductor/double-payment",
        "  Workflows that have it\n    cascade, chain, commit, ",
    ] {
        assert!(safeguard.contains(words), "{words}:\n{safeguard}");
    }
    let fault = said(&["explain", "ack-lost"]);
    for words in [
        "  Properties that it has broken, and a case in which few faults suffice\n    ",
        "    no-duplicate-effects  ",
        "  Where scenarios inject it\n    a request that a tool handles\n",
    ] {
        assert!(fault.contains(words), "{words}:\n{fault}");
    }
}

#[test]
fn tables_and_keys_of_a_file_are_explained_as_the_schema_describes_them() {
    let explained = said(&[
        "explain",
        "[[without]]",
        "settle",
        "within",
        "do",
        "at",
        "cut",
        "everyone",
        "quorum",
        "linearizable",
    ]);
    for words in [
        "without, a table: a case in which safeguards are taken away, and the properties that must break then",
        "[[without]]\n    safeguards = [\"idempotency-keys\"]",
        "settle, a table: how long the team has after the end of the faults",
        "within, a key\n",
        "\n  Of [tasks]\n    the time that the team has for each task\n",
        "do, a key\n\n  Of [[fault]]\n    what is injected there",
        "\n  Of [[fault]]\n    where: the address that stories show",
        "cut, in `do` of [[fault]]: how stories write the fault `partition`\n",
        "everyone, in `at` and `between`: every agent of the team\n",
        "quorum, in `join` of [safeguards]: an answer waits for",
        "linearizable, in `reads` of [store]: the consistency that readers rely on",
    ] {
        assert!(explained.contains(words), "{words}:\n{explained}");
    }
    let schema = perfidy::schema::pretty(&perfidy::suite::Suite::shipped());
    assert!(schema.contains("the time that the team has for each task"), "one home");
}

#[test]
fn a_scenario_of_another_suite_does_not_keep_anything_from_being_explained() {
    let own = REFUND.replace("workflow = \"conductor\"", "workflow = \"own\"");
    let place = Place::with(&[("scenarios/bank/own.toml", &own), ("scenarios/bank/refund.toml", REFUND)]);
    let said = place.perfidy(&["explain", "tool-dedupe"]).ends_with(0);
    said.says(&["bank/refund"])
        .complains(&["1 of 2 scenarios cannot be read", "`perfidy check scenarios` says why"]);
    place.perfidy(&["explain", "own"]).ends_with(2).complains(&["what is of a crate is known to its tests"]);
    let said = place.perfidy(&["check", "scenarios/bank/own.toml"]).ends_with(2);
    said.complains(&["unknown workflow `own`", "what is of a crate is known to its tests"]);
}

#[test]
fn what_is_shipped_is_explained_in_every_folder() {
    let place = Place::new();
    let said = |name: &str| place.perfidy(&["explain", name]).ends_with(0).calmly().out;
    for (name, words) in [
        ("no-duplicate-effects", "\n    ack-lost "),
        ("no-duplicate-effects", "  Scenarios that use it, all in the repository of perfidy\n"),
        ("no-double-spend", "\n    idempotency-keys  conductor/double-payment\n"),
        ("ack-lost", "    conductor "),
        ("conductor", "  Who sends what to whom, and how often it arrives if the network loses one\n"),
        (
            "assign",
            "assign, a message (`message` in [faults])\n\n  In conductor\n    coordinator sends it to executor\n",
        ),
        ("a report on the task", "a report on the task, a wait, as stories tell it\n"),
        ("window", "window, in an address: "),
        ("try 2", "try, in an address: "),
    ] {
        let explained = said(name);
        assert!(explained.contains(words), "{name}: no `{words}` in:\n{explained}");
    }
    let here = in_the_repository(&["explain", "conductor"]).ends_with(0).out;
    let (_, picture) = here.split_once("  Who sends what to whom").unwrap();
    assert!(said("conductor").contains(picture.split_once("  Try it").unwrap().0), "the same everywhere");
    let said = place.perfidy(&["explain", "asign"]).ends_with(2);
    said.complains(&["did you mean `assign`?", "what agents of your own do is not known"]);
    place.perfidy(&["explain", "--help"]).ends_with(0).says(&["property, probe, workflow"]);
}

#[test]
fn what_agents_do_in_a_scenario_of_ones_own_is_explained_with_what_is_shipped() {
    let own = REFUND
        .replace("\"pay\"", "\"pay-back\"")
        .replace("bank.refund", "till.refund")
        .replace("bank", "till");
    let place = Place::with(&[("scenarios/own/refund.toml", &own)]);
    let json = place.perfidy(&["explain", "conductor", "--format", "json"]).ends_with(0).records().remove(0);
    let asked = json["actions"]["executor"]["requests"].as_array().unwrap();
    for tool in ["till", "ticketing"] {
        assert!(asked.iter().any(|asked| asked["tool"] == tool), "{tool}: {asked:?}");
    }
    let said = place.perfidy(&["explain", "conductor"]).ends_with(0);
    said.says(&["  Try it\n    perfidy run scenarios/own/refund.toml\n"]);
}

#[test]
fn messages_steps_records_and_waits_are_explained_by_who_does_what_in_which_workflow() {
    let explained = said(&["explain", "assign", "record", "task state", "a message", "coordinator"]);
    for words in [
        "assign, a message (`message` in [faults])\n\n  In conductor\n    coordinator sends it to executor\n",
        "record, a step (`before` and `after` in [faults])\n",
        "task state, a record\n",
        "a message, a wait\n",
        "coordinator, an agent, a role or a tool\n",
    ] {
        assert!(explained.contains(words), "{words}:\n{explained}");
    }
    let said = in_the_repository(&["explain", "asign"]).ends_with(2);
    assert_eq!(said.err, "error: nothing is called `asign`; did you mean `assign`?\n");
}

#[test]
fn programs_read_an_explanation_as_well() {
    let explained = |name: &str| -> Vec<serde_json::Value> {
        let said = said(&["explain", name, "--format", "json"]);
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let [ref safeguard] = explained("tool-dedupe")[..] else { panic!() };
    assert_eq!((&safeguard["family"], &safeguard["place"]), (&"safeguard".into(), &"[safeguards]".into()));
    assert_eq!(
        safeguard["without"],
        "a tool carries out every request, also one with a key that it has seen"
    );
    let protected = serde_json::json!({ "name": "no-double-spend", "shown_by": "conductor/double-payment" });
    assert!(safeguard["properties"].as_array().unwrap().contains(&protected), "{safeguard:#}");
    assert!(safeguard["scenarios"].as_array().unwrap().len() > 8, "all of them");
    let [ref fault] = explained("ack-lost")[..] else { panic!() };
    assert_eq!(fault["places"], serde_json::json!(["a request that a tool handles"]));
    assert!(fault["targets"]["conductor"].as_array().is_some_and(|agents| !agents.is_empty()), "{fault:#}");
    let [ref property] = explained("no-double-spend")[..] else { panic!() };
    assert!(property["judged_on"].as_array().is_some_and(|on| on.len() == 2), "{property:#}");
    let [ref conductor] = explained("conductor")[..] else { panic!() };
    let assign = conductor["messages"].as_array().unwrap().iter().find(|sent| sent["message"] == "assign");
    assert_eq!(assign.unwrap()["delivery"], "at-least-once");
    assert_eq!(conductor["actions"]["executor"]["steps"]["write finished"]["before"], true, "{conductor:#}");
    let [ref within] = explained("within")[..] else { panic!() };
    assert_eq!(within["key"], "within");
    assert!(within["meanings"].as_array().unwrap().len() > 1, "{within:#}");
    let [ref assign] = explained("assign")[..] else { panic!() };
    let uses = &assign["uses"]["a message (`message` in [faults])"]["conductor"];
    assert_eq!(uses, &serde_json::json!(["coordinator sends it to executor"]));
}

#[test]
fn what_is_explained_is_shown_first_where_it_is_missed() {
    for (name, missed) in [
        ("no-split-brain", "violates = \"no-split-brain\""),
        ("fencing-tokens", "safeguards = [\"fencing-tokens\"]"),
    ] {
        let explained = said(&["explain", name]);
        let file = explained.lines().find_map(|line| line.trim().strip_prefix("perfidy run "));
        let scenario = std::fs::read_to_string(file.unwrap()).unwrap();
        assert!(scenario.contains(missed), "{explained}");
    }
}

#[test]
fn everything_in_the_list_can_be_explained() {
    let names: Vec<&str> =
        perfidy::catalogue::all(&perfidy::suite::Suite::shipped()).iter().map(|item| item.name).collect();
    let explained = said(&[&["explain"], names.as_slice()].concat());
    assert!(names.iter().all(|name| explained.contains(&format!("{name}, a "))));
}

#[test]
fn an_unknown_name_is_bad_input_with_the_nearest_name() {
    let said = in_the_repository(&["explain", "ack-lots"]).ends_with(2);
    assert_eq!(said.err, "error: nothing is called `ack-lots`; did you mean `ack-lost`?\n");
}
