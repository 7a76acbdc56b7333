use super::*;
use std::fs;

const SCENARIO: &str = include_str!("../../../tests/clients/lost-ack.toml");

/// What was seen, in a folder with its scenario.
fn judged(lines: &[&str]) -> Result<Observed, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("support.toml"), SCENARIO).unwrap();
    let text = format!("{{\"perfidy-observed\": 1, \"scenario\": \"support.toml\"}}\n{}", lines.join("\n"));
    assert!(Observed::is_one(&text));
    Observed::parse(&Suite::shipped(), &text, folder.path()).map_err(|why| why.to_string())
}

const GIVEN: &str = r#"{"at_ms": 1764558000000, "seen": {"given": {"task": "case-4711"}}}"#;
const TICKET: &str = r#"{"at_ms": 1764558000900, "by": "helper", "seen": {"effect": {"tool": "ticketing", "operation": "create", "arguments": {"title": "Login is down", "priority": 2}}}}"#;
const MAIL: &str = r#"{"at_ms": 1764558001900, "seen": {"effect": {"tool": "mail", "operation": "send", "arguments": {"to": "customer", "text": "We are on it."}}}}"#;
const TOLD: &str =
    r#"{"at_ms": 1764558003000, "by": "helper", "seen": {"told": {"task": "case-4711", "done": true}}}"#;

fn message(observed: &Observed, property: &str) -> String {
    observed.run.violation(property).map_or_else(String::new, |violation| violation.message.clone())
}

#[test]
fn work_that_was_done_once_holds() {
    let observed = judged(&[GIVEN, TICKET, MAIL, TOLD]).unwrap();
    for property in [EFFECTS_AS_WANTED, EVENTUAL_TERMINATION, "no-duplicate-effects", "no-phantom-completion"]
    {
        assert_eq!(*observed.run.verdict(property), Verdict::Holds, "{property}");
    }
    assert_eq!(observed.lines, 4);
}

#[test]
fn two_effects_for_one_intent_are_a_duplicate_in_whatever_order_the_lines_stand() {
    for lines in [[GIVEN, TICKET, TICKET, MAIL, TOLD], [TOLD, MAIL, TICKET, GIVEN, TICKET]] {
        let said = message(&judged(&lines).unwrap(), "no-duplicate-effects");
        assert_eq!(said, "ticketing.create happened twice for case-4711/file-ticket");
    }
}

#[test]
fn what_was_said_to_be_done_and_was_not_is_caught() {
    let said = message(&judged(&[GIVEN, MAIL, TOLD]).unwrap(), "no-phantom-completion");
    assert!(said.contains("case-4711 was reported done, but case-4711/file-ticket"), "{said}");
}

#[test]
fn other_arguments_than_wanted_are_caught_and_unknown_ones_are_no_verdict() {
    let other = TICKET.replace("\"priority\": 2", "\"priority\": 3");
    let observed = judged(&[GIVEN, &other, MAIL, TOLD]).unwrap();
    assert!(observed.run.violation(EFFECTS_AS_WANTED).is_some());
    let unknown =
        r#"{"at_ms": 1764558000900, "seen": {"effect": {"tool": "ticketing", "operation": "create"}}}"#;
    let observed = judged(&[GIVEN, unknown, MAIL, TOLD]).unwrap();
    assert!(matches!(observed.run.verdict(EFFECTS_AS_WANTED), Verdict::Unknown { .. }));
    assert_eq!(*observed.run.verdict("no-phantom-completion"), Verdict::Holds);
}

#[test]
fn a_history_without_the_last_word_and_a_property_that_reads_more_are_not_judged() {
    let observed = judged(&[GIVEN, TICKET]).unwrap();
    assert!(matches!(observed.run.verdict(EVENTUAL_TERMINATION), Verdict::Unknown { .. }));
    for (property, verdict) in &observed.run.verdicts {
        let is_open = matches!(verdict, Verdict::Unknown { .. } | Verdict::Vacuous);
        assert!(is_open || Observed::can_judge(property), "{property}: {verdict:?}");
    }
}

#[test]
fn what_is_judged_is_in_the_shipped_suite() {
    for name in JUDGED {
        assert!(Suite::shipped().properties().iter().any(|property| property.name == *name), "{name}");
    }
}

#[test]
fn a_line_that_cannot_be_understood_is_named() {
    let second = GIVEN.replace("4711", "4712");
    let call = r#"{"at_ms": 1764558000100, "seen": {"called": {"tool": "ticketing", "operation": "create", "step": "walk"}}}"#;
    let answer = r#"{"at_ms": 1764558000100, "seen": {"answered": {"tool": "mail", "operation": "send", "outcome": "fine"}}}"#;
    for (lines, why) in [
        (vec![], "no line after the first"),
        (vec!["{"], "line 2: "),
        (vec![GIVEN, "{\"at_ms\": -1}"], "line 3: "),
        (vec![GIVEN, "{\"at_ms\": 1, \"seen\": {\"guessed\": {}}}"], "line 3: unknown variant `guessed`"),
        (vec![TOLD], "line 2: no line says that the user has given a task `case-4711`"),
        (vec![GIVEN, &second, TICKET], "line 4: ticketing.create could be for case-4711/file-ticket or for"),
        (vec![GIVEN, call], "line 3: no step of that name is ticketing.create"),
        (vec![GIVEN, answer], "line 3: there is no outcome `fine`"),
    ] {
        let refused = judged(&lines).err().unwrap_or_default();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn an_effect_that_nobody_wants_stands_for_itself() {
    let extra = r#"{"at_ms": 1764558000950, "seen": {"effect": {"tool": "billing", "operation": "charge"}}}"#;
    let observed = judged(&[GIVEN, TICKET, extra, MAIL, TOLD]).unwrap();
    assert_eq!(*observed.run.verdict("no-duplicate-effects"), Verdict::Holds);
    let twice = judged(&[GIVEN, TICKET, extra, extra, MAIL, TOLD]).unwrap();
    assert!(message(&twice, "no-duplicate-effects").contains("unasked/billing-charge"));
}
