//! Module layers: each module may use only the modules before it in this list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The modules, from the one that knows nothing of the others to the one that may know them all.
const LAYERS: [&str; 23] = [
    "inert",
    "process_group",
    "config",
    "agent",
    "tools",
    "faults",
    "properties",
    "probe",
    "protocols",
    "safeguards",
    "workflows",
    "suite",
    "scenario",
    "explore",
    "report",
    "catalogue",
    "schema",
    "testing",
    "clients",
    "cli",
    "prelude",
    "glossary",
    "guide",
];

/// The sources of a module without its tests and comments, file by file.
fn sources(path: &Path, all: &mut Vec<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), all);
        }
    } else if !path.ends_with("tests.rs") {
        let text = fs::read_to_string(path).unwrap();
        let code = without_tests(&text);
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        all.push(code.lines().filter(is_code).collect::<Vec<_>>().join("\n"));
    }
}

/// A source up to the tests that stand in it. A module of tests in a file of its own ends nothing.
fn without_tests(text: &str) -> &str {
    let starts = text.match_indices("#[cfg(test)]\nmod ").map(|(start, _)| start);
    let is_in_here = |start: &usize| text[*start..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    starts.into_iter().find(is_in_here).map_or(text, |start| &text[..start])
}

/// The modules that a source uses.
fn used(source: &str) -> BTreeSet<&'static str> {
    let names = source.split("crate::").skip(1).flat_map(|rest| {
        let end = if rest.starts_with('{') {
            rest.find(';')
        } else {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        };
        rest[..end.unwrap_or(rest.len())].split(|c: char| !c.is_alphanumeric() && c != '_')
    });
    let names: BTreeSet<&str> = names.collect();
    LAYERS.into_iter().filter(|layer| names.contains(layer)).collect()
}

#[test]
fn every_module_is_in_the_list_of_layers() {
    let is_module = |name: &String| !matches!(name.as_str(), "lib" | "main");
    let names = fs::read_dir("src")
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let found: BTreeSet<String> = names.filter(is_module).collect();
    assert_eq!(found, LAYERS.map(str::to_owned).into());
}

#[test]
fn no_module_uses_one_that_comes_after_it() {
    for (place, layer) in LAYERS.iter().enumerate() {
        let (folder, file) = (Path::new("src").join(layer), Path::new("src").join(format!("{layer}.rs")));
        let mut all = Vec::new();
        sources(if folder.is_dir() { &folder } else { &file }, &mut all);
        let uses: BTreeSet<&str> = all.iter().flat_map(|source| used(source)).collect();
        let above: Vec<&&str> = LAYERS[place + 1..].iter().filter(|name| uses.contains(**name)).collect();
        assert!(above.is_empty(), "{layer} uses {above:?}");
    }
}
