//! `perfidy run`: its output, its saved failures, and the independence of its results.

use crate::place::{Place, REFUND, Said, careless};
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

#[test]
fn scenarios_that_go_as_expected_make_a_table_and_nothing_else() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run"]).ends_with(0).calmly().says(&[
        "bank/refund",
        "as written",
        "1000",
        "holds",
        "without idempotency-keys",
        "caught: no-duplicate-effects broke",
        "ack-lost",
    ]);
    assert_eq!(place.files("seeds"), [""; 0]);
}

#[test]
fn a_broken_promise_is_told_saved_and_replayed_by_the_command_it_names() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    let said = place.perfidy(&["run", "--seeds", "100"]).ends_with(1).calmly().says(&[
        "no-duplicate-effects broke: bank.refund happened twice",
        "One fault suffices",
        "The ledger",
        "BROKEN: no-duplicate-effects (seed ",
    ]);
    let (_, command) = said.out.split_once("Replay  perfidy ").expect("the story names a command");
    let arguments: Vec<&str> = command.lines().next().unwrap().split(' ').collect();
    assert_eq!(arguments, ["replay", place.files("seeds")[0].as_str()]);
    let again = place.perfidy(&arguments).ends_with(1).calmly();
    let again = again.says(&["no-duplicate-effects broke", "reproduced, event for event"]);
    let story = |text: &str| {
        text[text.find("What happened").unwrap()..text.find("Replay").unwrap_or(text.len())].to_owned()
    };
    assert!(story(&again.out).starts_with(story(&said.out).trim_end()));
}

#[test]
fn a_safeguard_that_is_not_needed_is_reported() {
    let idle = REFUND.replace(r#"["idempotency-keys"]"#, r#"["checkpoint"]"#);
    let place = Place::with(&[("scenarios/bank/idle.toml", &idle)]);
    place.perfidy(&["run"]).ends_with(1).calmly().says(&[
        "NOT CAUGHT: no-duplicate-effects should break within 100 seeds; every fault of the file was injected, and \
                 it held in all 100 runs",
    ]);
}

#[test]
fn a_safeguard_that_is_not_missed_is_reported_with_what_happened_instead() {
    let other = REFUND.replace("violates = \"no-duplicate-effects\"", "violates = \"no-phantom-completion\"");
    let idle = REFUND.replace("chance = \"20%\"", "chance = \"0.0001%\"");
    let place = Place::with(&[("scenarios/other.toml", &other), ("scenarios/idle.toml", &idle)]);
    let said = place.perfidy(&["run", "--strategy", "random"]).ends_with(1).calmly();
    said.says(&[
        "no-phantom-completion should break within 100 seeds; no-duplicate-effects broke instead, in ",
        "no-duplicate-effects should break within 100 seeds; the fault `ack-lost` (line 21) was never injected in this case",
    ]);
}

#[test]
fn a_fault_whose_place_goes_with_the_safeguard_is_said_to_be_gone() {
    let verified = REFUND
        .replace("checkpoint = true", "checkpoint = true\nverify = true")
        .replace(
            "ack-lost = { at = \"bank\"",
            "crash = { at = \"verifier\", anywhere = true, back-after = \"1s\"",
        )
        .replace("[\"idempotency-keys\"]", "[\"verify\"]");
    let place = Place::with(&[("scenarios/verified.toml", &verified)]);
    place.perfidy(&["run", "--strategy", "random"]).ends_with(1).says(&[
        "NOT CAUGHT: no-duplicate-effects should break within 100 seeds; the fault `crash` (line 22) was never injected in \
         this case: `verifier` takes no step without verify",
    ]);
}

#[test]
fn a_case_can_name_several_properties_and_each_must_break() {
    let both = |second: &str| {
        let list = format!("violates = [\"no-duplicate-effects\", \"{second}\"]");
        REFUND.replace("violates = \"no-duplicate-effects\"", &list)
    };
    let place = Place::with(&[("scenarios/other.toml", &both("no-phantom-completion"))]);
    let said = place.perfidy(&["run", "--strategy", "random"]).ends_with(1).calmly();
    said.says(&["NOT CAUGHT: no-phantom-completion should break within 100 seeds"]);
    place.write("scenarios/other.toml", &both("no-duplicate-effects"));
    place.perfidy(&["run"]).ends_with(2).complains(&["`no-duplicate-effects` is named twice"]);
    let payment = std::fs::read_to_string("scenarios/conductor/double-payment.toml").unwrap();
    let place = Place::with(&[("scenarios/payment.toml", &payment)]);
    let said = place.perfidy(&["run", "--strategy", "random"]).ends_with(0);
    said.says(&["caught: no-double-spend broke after ", "; no-duplicate-effects broke "]);
}

#[test]
fn a_safeguard_is_not_shown_to_be_needed_by_what_breaks_with_it_as_well() {
    let case = "[[without]]\nsafeguards = \"checkpoint\"\nviolates = \"no-duplicate-effects\"\n";
    let place = Place::with(&[("scenarios/careless.toml", &(careless() + case))]);
    let said = place.perfidy(&["run"]).ends_with(1);
    said.says(&["BROKEN: no-duplicate-effects", "; it breaks as written too (seed "]);
    let said = place.perfidy(&["fuzz", "--without", "--runs", "1100"]).ends_with(1);
    said.says(&[
        "BROKEN: no-duplicate-effects",
        "NOT CAUGHT: no-duplicate-effects should have broken by now; it breaks as written too (seed ",
    ]);
}

#[test]
fn a_story_ends_with_the_safeguards_that_guard_what_broke_and_are_off() {
    let place = Place::with(&[("scenarios/careless.toml", &careless()), ("scenarios/refund.toml", REFUND)]);
    let said = place.perfidy(&["run", "scenarios/careless.toml"]).ends_with(1);
    let story = format!("{}{}", said.out, said.err);
    for line in [
        "Off, though it protects no-duplicate-effects; what the team does without it",
        "idempotency-keys = true",
        "a retry carries no key, and the tool takes it for a new call",
        "observe-before-retry = true  a call is retried blindly after an indefinite error",
    ] {
        assert!(story.contains(line), "{line}:\n{story}");
    }
    assert!(!story.contains("outbox"), "the workflow has none:\n{story}");
    let said = place.perfidy(&["run", "scenarios/refund.toml", "--save", "all"]).ends_with(0);
    let story = format!("{}{}", said.out, said.err);
    let taken =
        "Taken away in this case, and what the team does without it\n    idempotency-keys  a retry carries";
    assert!(story.contains(taken), "{story}");
    let said = place.perfidy(&["run", "scenarios/careless.toml", "--format", "json"]).ends_with(1);
    let record = said.records().remove(0);
    let off = record["findings"][0]["safeguards_off"].as_array().unwrap();
    assert!(off.iter().any(|name| name == "idempotency-keys"), "{off:?}");
}

#[test]
fn fewer_seeds_than_it_may_take_leave_open_whether_a_safeguard_is_missed() {
    let idle = REFUND.replace(r#"["idempotency-keys"]"#, r#"["checkpoint"]"#);
    let place = Place::with(&[("scenarios/bank/idle.toml", &idle)]);
    let said = place.perfidy(&["run", "--seeds", "20"]).ends_with(3).calmly();
    said.says(&["not yet caught: no-duplicate-effects has not broken in 20 of 100 seeds"]);
    let said = place.perfidy(&["run", "--seeds", "20", "--format", "json"]).ends_with(3).calmly();
    let verdicts: Vec<_> = said.records().iter().map(|record| record["verdict"].clone()).collect();
    assert_eq!(verdicts, ["holds", "not-yet-caught"]);
}

#[test]
fn a_fault_that_is_never_injected_is_vacuous() {
    let rare = REFUND.split("[[without]]").next().unwrap().replace("20%", "0.0001%");
    let place = Place::with(&[("scenarios/rare.toml", &rare)]);
    let said = place.perfidy(&["run", "--seeds", "1"]).ends_with(3).calmly();
    said.says(&["VACUOUS: the fault `ack-lost` (line 21) was never injected; raise its `chance`"]);
}

#[test]
fn a_pinned_fault_that_never_strikes_names_the_nearest_address_or_asks_for_longer_runs() {
    let pinned = |fault: &str| {
        let written = REFUND.split("[[without]]").next().unwrap();
        let faults = written.replace("ack-lost = { at = \"bank\", chance = \"20%\" }\n", "");
        Place::with(&[("scenarios/pinned.toml", &format!("{faults}\n[[fault]]\n{fault}"))])
    };
    let later = pinned("at = \"executor-1, after call, task-1/pay, try 9\"\ndo = \"crash, back after 1s\"\n");
    later.perfidy(&["run", "--seeds", "20"]).ends_with(3).says(&[
        "was never injected; `executor-1, after call, task-1/pay, try 9` never came up; the nearest that did is \
         `executor-1, after call, task-1/pay, try ",
        "`: correct it, or take it out",
    ]);
    let late =
        pinned("at = \"crash executor-1, window, try 1\"\ndo = \"crash executor-1 at 4m, back after 1s\"\n");
    late.perfidy(&["run", "--seeds", "20"]).ends_with(3).says(&[
        "every run was over before, at ",
        " at the latest: let it happen earlier, or give the team more to do with `count` in [tasks]",
    ]);
}

#[test]
fn the_other_engine_runs_saves_and_replays_too() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let said = place.perfidy(&["run", "--engine", "madsim", "--seeds", "100", "--save", "all"]);
    if cfg!(madsim) {
        said.ends_with(0).calmly().says(&["holds", "caught: no-duplicate-effects"]);
        let said = place.perfidy(&["replay", "seeds", "--format", "json"]).ends_with(0).calmly();
        let [record] = &said.records()[..] else { panic!("{}", said.out) };
        assert_eq!((&record["engine"], &record["same_history"]), (&"madsim".into(), &true.into()));
    } else {
        said.ends_with(2).complains(&["build with RUSTFLAGS=\"--cfg madsim\""]);
    }
}

#[test]
fn the_number_of_threads_changes_nothing_but_the_speed() {
    let place = Place::with(&[("scenarios/a.toml", REFUND), ("scenarios/b.toml", &careless())]);
    let records = |threads| {
        let said =
            place.perfidy(&["run", "--format", "json", "--save", "none", "--threads", threads]).ends_with(1);
        let mut records = said.calmly().records();
        for record in &mut records {
            record.as_object_mut().unwrap().remove("runs_per_second");
        }
        records
    };
    assert_eq!(records("1"), records("2"));
}

#[test]
fn a_scenario_makes_the_same_histories_alone_and_among_others() {
    let place = Place::with(&[("scenarios/a.toml", &careless()), ("scenarios/b.toml", REFUND)]);
    let digest = |path| {
        let said = place.perfidy(&["run", path, "--format", "json", "--save", "none", "--seeds", "50"]);
        let records = said.calmly().records();
        let found = records.iter().find(|record| record["scenario"] == "b" && record["case"] == "as written");
        found.unwrap()["digest"].clone()
    };
    assert_eq!(digest("scenarios"), digest("scenarios/b.toml"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let mut child = place.start(&["run", "--seeds", "100"]);
    drop(child.stdout.take());
    Said::of(child.wait_with_output().unwrap()).ends_with(0).calmly();
}

#[test]
fn logs_are_off_unless_asked_for_and_carry_virtual_time_node_and_event() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let arguments = ["run", "--seeds", "1", "--save", "none"];
    place.perfidy(&arguments).calmly();
    let logged = Said::of(place.command(&arguments).env("PERFIDY_LOG", "trace").output().unwrap());
    // With one seed the missing safeguard may not be noticed; only the logs matter here.
    let line = logged.err.lines().find(|line| line.contains("Effect {"));
    let line = line.unwrap_or_else(|| panic!("no effect in:\n{}", logged.err)).trim_start();
    assert!(line.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    assert!(line.contains("ms ") && line.contains(" #") && line.contains("node=bank"), "{line}");
    assert!(!logged.err.contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn a_log_has_every_event_of_a_run_once() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let arguments = ["run", "--seeds", "1", "--threads", "1", "--save", "none", "--log", "trace"];
    let logged = place.perfidy(&arguments);
    let number = |line: &str| {
        let (_, rest) = line.split_once(" #")?;
        rest.split(' ').next()?.parse::<u32>().ok()
    };
    let numbers: Vec<u32> =
        logged.err.lines().filter(|line| line.contains("TRACE")).filter_map(number).collect();
    assert!(numbers.len() > 20, "{}", logged.err);
    for pair in numbers.windows(2) {
        assert!(pair[1] == pair[0] + 1 || pair[1] == 1, "{pair:?}");
    }
}

/// Interrupts a process that has begun to run seeds, like Ctrl-C; its output, and the rest of its log.
#[cfg(unix)]
fn interrupted(place: &Place, arguments: &[&str]) -> (Said, String) {
    let mut child = place.start(&[arguments, &["--seeds", "10000000", "--log", "trace"]].concat());
    // The first event shows that runs have begun; the rest has to be read, or the process would block.
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    let mut rest = Vec::new();
    log.read_to_end(&mut rest).unwrap();
    (Said::of(child.wait_with_output().unwrap()), String::from_utf8_lossy(&rest).into_owned())
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_reports_what_it_has() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let (said, log) = interrupted(&place, &["run"]);
    said.ends_with(3).says(&["bank/refund", "as written", "interrupted"]);
    assert!(log.contains("stopping"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_or_ablation_ends_and_says_so() {
    let place = Place::with(&[("a.toml", REFUND), ("b.toml", &careless())]);
    for arguments in [&["compare", "a.toml", "b.toml"][..], &["ablate", "a.toml"]] {
        let (said, log) = interrupted(&place, arguments);
        said.ends_with(3);
        assert!(log.contains("stopping"), "{arguments:?}");
    }
}

#[test]
fn the_metrics_of_each_tool_are_counted_if_asked_for() {
    let place = Place::with(&[("refund.toml", REFUND)]);
    let text = place.perfidy(&["run", "refund.toml", "--save", "none", "--seeds", "100", "--metrics"]);
    let said = text.ends_with(0).calmly();
    let tools = said.out.split("SCENARIO").last().unwrap();
    assert!(tools.contains("TOOL") && tools.contains("bank") && tools.contains("timeout"), "{}", said.out);
    let json = ["run", "refund.toml", "--save", "none", "--seeds", "100", "--metrics", "--format", "json"];
    let said = place.perfidy(&json).ends_with(0).calmly();
    let bank = said.records()[0]["tools"]["bank"].clone();
    let count = |key: &str| bank[key].as_u64().unwrap();
    let effects = count("effects");
    assert!(
        effects > 200 && effects.is_multiple_of(3),
        "three tasks in each run by the chances of the file: {bank}"
    );
    assert_eq!(count("calls"), count("effects") + count("retries"), "{bank}");
    assert!(bank["failures"]["timeout"].as_u64().unwrap() > 0, "{bank}");
}
