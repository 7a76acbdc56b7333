//! Text from files is escaped wherever it is shown, and a saved failure stays in its corpus.

use crate::place::{Place, REFUND, Said, in_the_repository};
use perfidy::inert::is_active;
use std::fs;
use std::ops::Range;

/// Every active character that a file can contain.
fn active() -> impl Iterator<Item = char> {
    ('\0'..=char::MAX).filter(|c| is_active(*c))
}

/// All of them, as they are and as TOML escapes.
fn forms() -> [String; 2] {
    let escaped = active().map(|c| format!("\\u{:04X}", u32::from(c))).collect::<Vec<_>>().concat();
    // On one line, which is shown completely.
    [active().filter(|c| *c != '\n').collect(), escaped]
}

/// No character is active except line feeds, tabs and, if wanted, colours.
#[track_caller]
fn is_inert(said: &Said, has_colours: bool) {
    for text in [&said.out, &said.err] {
        let mut rest = text.as_str();
        while let Some(at) = rest.find(|c| is_active(c) && !matches!(c, '\n' | '\t')) {
            let colour = rest[at..].strip_prefix("\u{1b}[").filter(|_| has_colours);
            let end = colour.and_then(|rest| rest.find(|c: char| c != ';' && !c.is_ascii_digit()));
            let end = end.filter(|end| colour.is_some_and(|rest| rest[*end..].starts_with('m')));
            let around =
                &rest[rest.floor_char_boundary(at.saturating_sub(80))..rest.ceil_char_boundary(at + 20)];
            let end = end.unwrap_or_else(|| panic!("this is active: {around:?}"));
            rest = &rest[at + end + 3..];
        }
    }
}

/// Runs the command with output to a pipe, without and with forced colours.
fn run_both(place: &Place, arguments: &[&str]) -> Said {
    let coloured = Said::of(place.command(arguments).env("CLICOLOR_FORCE", "1").output().unwrap());
    is_inert(&coloured, true);
    let plain = place.perfidy(arguments);
    is_inert(&plain, false);
    plain
}

/// Positions in a file where text can be: after the `#` of the first comment, in every string, and in every
/// key.
fn places(text: &str) -> Vec<usize> {
    let mut places = vec![text.find('#').unwrap() + 1];
    let mut is_open = false;
    for (at, c) in text.char_indices() {
        if c == '"' {
            is_open = !is_open;
            places.extend(is_open.then_some(at + 1));
        } else if !is_open && (c == '=' || c == ']') {
            places.push(at);
        }
    }
    places
}

fn with(text: &str, at: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at..])
}

#[test]
fn no_text_of_a_scenario_is_active_anywhere() {
    let place = Place::new();
    let waived = format!("{REFUND}\n[properties]\nwell-behaved = {{ waive = \"it is known\" }}\n");
    let mut count = 0;
    for form in forms() {
        for at in places(&waived) {
            place.write(&format!("scenarios/{count}.toml"), &with(&waived, at, &form));
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
    let checked = run_both(&place, &["check", "scenarios"]).ends_with(2);
    checked
        .says(&["a scenario for conductor"])
        .complains(&["the character U+0000 acts", "unknown property `\\u{0}\\u{1}"]);
    for command in ["run", "fuzz", "audit", "ablate"] {
        run_both(&place, &[command, "scenarios"]).ends_with(2).complains(&["nothing was run"]);
    }
    run_both(&place, &["explain", "retry"]).ends_with(0);

    // Only the reason of a waiver can be any text, and that scenario runs.
    let [_, escaped] = forms();
    let good = with(&waived, waived.find("it is known").unwrap(), &escaped);
    let place = Place::with(&[("scenarios/good.toml", &good)]);
    for arguments in [
        &["run", "--seeds", "20", "--save", "all"][..],
        &["run", "--seeds", "20", "--format", "json"],
        &["ablate", "--seeds", "20"],
        &["ablate", "--seeds", "20", "--format", "markdown"],
        &["run", "--seeds", "1", "--log", "trace"],
        &["list"],
        &["explain", "retry"],
        &["replay", "seeds"],
    ] {
        run_both(&place, arguments);
    }
}

#[cfg(unix)]
#[test]
fn no_name_of_a_file_is_active_anywhere() {
    let place = Place::new();
    let failure = place.saved_failure();
    let saved = place.read(&failure);
    let names = active().filter(|c| *c != '\0').map(|c| format!("bad/a{c}b"));
    for name in names.chain(["bad/a\u{1b}[31mb/c\u{1b}]0;d\u{7}".to_owned()]) {
        place.write(&format!("{name}.toml"), REFUND);
        place.write(&format!("{name}-saved.toml"), &saved);
        place.write(&format!("{name}-not.toml"), "# Nothing.\nworkflow = 3\n");
    }
    run_both(&place, &["check", "bad"]).ends_with(2).complains(&["a scenario cannot be called"]);
    run_both(&place, &["replay", "bad"]).ends_with(2).says(&[r"bad/a\u{202e}b-saved.toml: reproduced"]);
    run_both(&place, &["replay", "bad", "--format", "json"]).ends_with(2).records();
    run_both(&place, &["run", "bad"]).ends_with(2).complains(&[r"a\u{9b}b", "nothing was run"]);
    for argument in ["run \u{9b}2J", "\u{1b}[2J", "--\u{1b}[2J", "--seeds=\u{202e}"] {
        for command in ["run", "fuzz", "audit", "check", "replay", "shrink", "explain", "list"] {
            run_both(&place, &[command, argument]).ends_with(2);
        }
        run_both(&place, &["list", "--log", argument]);
    }
    let records = place.perfidy(&["replay", "bad/a\u{202e}b-saved.toml", "--format", "json"]).records();
    assert_eq!(records[0]["file"], "bad/a\u{202e}b-saved.toml", "programs are told the name as it is");
}

#[test]
fn a_line_break_in_an_argument_is_shown_as_one() {
    let place = Place::new();
    place.perfidy(&["list", "--log", "a\n=b"]).ends_with(2).complains(&[r"`a\n=b` is not a log filter"]);
    place.perfidy(&["new", "my\nagents"]).ends_with(2).complains(&[r"a crate cannot be called `my\nagents`"]);
}

#[test]
fn no_text_of_a_saved_failure_is_active_anywhere() {
    let place = Place::new();
    let failure = place.saved_failure();
    let whole = place.read(&failure);
    let mut count = 0;
    for form in forms() {
        for at in places(&whole) {
            place.write(&format!("bad/{count}.toml"), &with(&whole, at, &form));
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
    for arguments in [
        &["check", "bad"][..],
        &["replay", "bad"],
        &["replay", "bad", "--format", "json"],
        &["shrink", "bad"],
    ] {
        run_both(&place, arguments).ends_with(2);
    }
}

fn value_of(key: &str) -> impl Fn(&str) -> Option<Range<usize>> + '_ {
    move |text| {
        let at = text.find(&format!("\n{key} = \""))? + key.len() + 5;
        Some(at..at + text[at..].find('"')?)
    }
}

#[test]
fn a_saved_failure_cannot_lead_out_of_its_corpus() {
    let place = Place::new();
    let failure = place.saved_failure();
    for name in ["../../../up", "/tmp/perfidy-outside", "..", "a\\u0000b", "bank//x", &"long/".repeat(2_000)]
    {
        place.change(&failure, value_of("scenario"), |_| name.to_owned());
        for command in ["check", "replay", "shrink"] {
            let said = place.perfidy(&[command, &failure]).ends_with(2);
            said.complains(&["a scenario cannot be called `", &failure, ":"]);
        }
    }
    let long = "long".repeat(200);
    place.change(&failure, value_of("scenario"), |_| long.clone());
    place.change(
        &failure,
        |text| text.find("unfinished").or(text.find("\ndigest")).map(|at| at..at),
        |_| "\nunfinished = true".to_owned(),
    );
    place.perfidy(&["shrink", &failure]).ends_with(0);
    let files = place.files("seeds");
    assert!(files.len() == 1 && files[0] != failure && files[0].len() < 255, "{files:?}");
    assert_eq!(place.files("").len(), 2, "{:?}", place.files(""));
}

#[test]
fn the_help_and_the_lists_have_no_colours_on_a_pipe() {
    for arguments in [&["list"][..], &["explain", "zombie", "conductor"], &["--help"]] {
        is_inert(&in_the_repository(arguments), false);
    }
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    fs::create_dir(place.path("seeds")).unwrap();
    run_both(&place, &["run", "--seeds", "100", "--save", "all", "--log", "trace"]).ends_with(0);
}
