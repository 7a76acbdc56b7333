//! Every diagnostic has a position in its file, also within the scenario that a saved failure contains.

use crate::place::Place;
use insta::assert_snapshot;

/// A saved failure whose file always has the same name.
fn saved() -> (Place, String) {
    let place = Place::new();
    let text = place.read(&place.saved_failure());
    (place, text)
}

/// The diagnostics of a file in a folder; every command that reads it prints the same.
#[track_caller]
fn said_of(place: &Place, text: &str) -> String {
    place.write("broken/it.toml", text);
    let check = place.perfidy(&["check", "broken"]).ends_with(2);
    for command in ["replay", "shrink"] {
        assert_eq!(place.perfidy(&[command, "broken"]).ends_with(2).err, check.err);
    }
    check.err
}

/// The line and column of the first of these words, as errors name them.
fn place_of(text: &str, word: &str) -> String {
    let at = text.find(word).unwrap();
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let (line, column) = (text[..at].matches('\n').count() + 1, text[line_start..at].chars().count() + 1);
    format!(" --> broken/it.toml:{line}:{column}\n")
}

#[test]
fn a_mistake_in_the_scenario_of_a_saved_failure_has_a_place_in_its_file() {
    let (place, text) = saved();
    for (old, new, word, message) in [
        ("attempts = 4", "attemps = 4", "attemps", "unknown key `attemps`"),
        ("until = \"5m\"", "until = \"5x\"", "\"5x\"", "5x"),
        ("checkpoint = true", "chekpoint = true", "chekpoint", "did you mean `checkpoint`?"),
        ("[tools.bank]", "[tools.bank", "\ndeduplicates", "tools.bank"),
        ("workflow = \"conductor\"", "", "\"\"\"", "the file does not say which workflow it runs"),
    ] {
        let broken = text.replacen(old, new, 1);
        assert_ne!(text, broken, "{old}");
        let said = said_of(&place, &broken);
        assert!(said.contains(&place_of(&broken, word)) && said.contains(message), "{said}");
    }
}

#[test]
fn however_the_scenario_is_quoted_the_place_is_found() {
    let (place, text) = saved();
    let broken = text.replacen("attempts = 4", "attemps = 4", 1);
    let table: toml::Table = toml::from_str(&broken).unwrap();
    let scenario = table["case"]["text"].as_str().unwrap();
    let before = &broken[..broken.find("\ntext = ").unwrap()];
    let in_one_line = format!("\"{}\"", scenario.replace('"', "\\\"").replace('\n', "\\n"));
    let escaped =
        format!("\"\"\"\n{}\"\"\"", scenario.replace('"', "\\u0022").replace("attemps", "\\\n    attemps"));
    let literal = format!("'''{scenario}'''");
    for string in [in_one_line, escaped, literal] {
        let file = format!("{before}\ntext = {string}\n");
        let said = said_of(&place, &file);
        assert!(said.contains(&place_of(&file, "attemps")), "{said}");
    }
}

#[test]
fn what_a_saved_failure_names_and_is_not_there_has_a_place_and_a_nearest_name() {
    let (place, text) = saved();
    let property =
        text.replacen("property = \"no-duplicate-effects\"", "property = \"no-duplicate-efects\"", 1);
    let said = said_of(&place, &property);
    assert!(said.contains(&place_of(&property, "\"no-duplicate-efects\"")), "{said}");
    assert!(said.contains("unknown property `no-duplicate-efects`"), "{said}");
    assert!(said.contains("did you mean `no-duplicate-effects`?"), "{said}");
    let label = text.replacen("label = \"as written\"", "label = \"as writen\"", 1);
    let said = said_of(&place, &label);
    assert!(said.contains(&place_of(&label, "\"as writen\"")), "{said}");
    assert!(said.contains("unknown case `as writen`"), "{said}");
    assert!(
        said.contains("did you mean `as written`?") || said.contains("there is only `as written`"),
        "{said}"
    );
    let schema = text.replacen("schema = 1", "schema = 7", 1);
    let after_key = place_of(&schema, "schema = 7").replace(":1\n", ":10\n");
    let said = said_of(&place, &schema);
    assert!(said.contains(&after_key), "{said}");
}

#[test]
fn a_saved_failure_with_an_unknown_property_reads_like_this() {
    let place = Place::with(&[(
        "it.toml",
        "schema = 1\nperfidy = \"0.1.0\"\nproperty = \"no-duplicate-efects\"\nmessage = \"m\"\nengine = \"native\"\n\
         seed = 1\ndigest = \"00000000000000000000000000000000\"\n\n[case]\nscenario = \"a\"\nlabel = \"as written\"\n\
         text = \"# a\"\n",
    )]);
    assert_snapshot!(place.perfidy(&["check", "it.toml"]).ends_with(2).err, @r#"
    error: unknown property `no-duplicate-efects`
     --> it.toml:3:12
      |
    3 | property = "no-duplicate-efects"
      |            ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: if something was renamed since this was saved, say so in aliases.toml; did you mean `no-duplicate-effects`?
    "#);
}

#[test]
fn what_is_nested_too_deeply_has_a_line() {
    let place = Place::new();
    let (_, failure) = saved();
    let deep = 10_000;
    let arrays = format!("tools = {}{}", "[".repeat(deep), "]".repeat(deep));
    let tables = format!("tools = {}1{}", "{a=".repeat(deep), "}".repeat(deep));
    let dots = format!("{}a = 1", "a.".repeat(deep));
    let header = format!("[{}a]", "a.".repeat(deep));
    let headers = format!("[[{}a]]", "a.".repeat(deep));
    let inline = format!("tools = {{{}a = 1}}", "a.".repeat(deep));
    for what in [arrays, tables, dots, header, headers, inline] {
        place.write("scenarios/deep.toml", &format!("# Deep.\nworkflow = \"conductor\"\n{what}\n"));
        for command in ["run", "fuzz", "audit", "check"] {
            let said = place.perfidy(&[command, "scenarios/deep.toml"]).ends_with(2);
            said.complains(&["error: this is nested too deeply", "scenarios/deep.toml:3:"]);
        }
        let inside = failure.replacen("workflow = ", &format!("{what}\nworkflow = "), 1);
        place.write("failure.toml", &inside);
        let line = inside.lines().position(|line| line.starts_with(&what[..9])).unwrap() + 1;
        for command in ["check", "replay"] {
            let said = place.perfidy(&[command, "failure.toml"]).ends_with(2);
            said.complains(&["error: this is nested too deeply", &format!("failure.toml:{line}:")]);
        }
    }
}

#[test]
fn a_warning_is_called_one() {
    let place = Place::new();
    place.saved_failure();
    // Simulates another campaign that holds the lock.
    let lock =
        std::fs::File::options().create(true).append(true).open(place.path("seeds/.campaign.lock")).unwrap();
    lock.lock().unwrap();
    let said = place.perfidy(&["fuzz", "--runs", "10"]);
    said.complains(&["warning: another campaign keeps its checkpoint in seeds"]);
}
