//! Every command that the README and the guide name can be run. Those of the command itself are run here,
//! over less than they would be; those of cargo are run by `.ci/run`, benches at their smallest sizes. A
//! command that is new in the README is run as well, or if no way to make it short is known, this fails.

use crate::place::{Place, Said, in_the_repository};
use std::fs;

const SCENARIO: &str = "scenarios/conductor/lost-ack.toml";
const SAVED: &str = "seeds/conductor/lost-ack-without-tool-dedupe-no-duplicate-effects-9d121ce9.toml";

/// Each cargo command of the README, and the line of `.ci/run` that runs it or a smaller version of it.
/// Benches are not included: one line runs all of them.
const CARGO: &[(&str, &str)] = &[
    (
        "cargo install --path .",
        "cargo install --path . --debug --root \"$outside/installed\" --target-dir target",
    ),
    ("cargo test", "cargo test"),
    (
        "cargo test --test scenarios -- \"lost-ack, as written\"",
        "cargo test --test scenarios -- \"lost-ack, as written\"",
    ),
    (
        "PERFIDY_SEED=17 cargo test --test scenarios -- lost-ack",
        "PERFIDY_SEED=17 cargo test --test scenarios -- lost-ack",
    ),
    (
        "PERFIDY_SEEDS=20000 cargo test --test scenarios",
        "PERFIDY_SEEDS=20 cargo test --test scenarios -- lost-ack",
    ),
    ("cargo test --test agents", "cargo test --test agents"),
    ("cargo test --test agents -- fuzz --for 10m", "cargo test --test agents -- fuzz --runs 500"),
    ("cargo test --test agents -- watch", "cargo test --test agents -- watch --for 20s"),
    ("cargo doc --open", "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps"),
];

/// The line of `.ci/run` for every bench.
const BENCHES: &str = "cargo test --workspace --bench '*'";

/// perfidy commands that the README also mentions without the word perfidy.
const SHORT: [&str; 5] = ["run --", "replay --", "fuzz --", "audit --", "check --"];

/// The README and the pages of the guide.
fn documents() -> String {
    let pages = fs::read_dir(format!("{}/src/guide", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut pages: Vec<_> = pages.map(|page| page.unwrap().path()).collect();
    pages.sort();
    let pages = pages.iter().map(|page| fs::read_to_string(page).unwrap());
    [read("README.md")].into_iter().chain(pages).collect::<Vec<_>>().join("\n\n")
}

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The commands in a text: in its blocks of code and between backticks.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        if is_fenced || line.starts_with("    ") {
            let code = line.trim_start().trim_start_matches("$ ").trim_start_matches("Replay  ");
            let code = code.split("  #").next().unwrap_or_default().trim_end();
            let mut words = code.split(' ').skip_while(|word| is_setting(word));
            if matches!(words.next(), Some("cargo" | "perfidy")) {
                commands.push(code.to_owned());
            }
        }
        for span in line.split('`').skip(1).step_by(2) {
            if span.starts_with("--bench ") {
                commands.push(format!("cargo bench {span}"));
            } else if SHORT.iter().any(|short| span.starts_with(short)) {
                commands.push(format!("perfidy {span}"));
            } else if span.starts_with("cargo ") || span.starts_with("perfidy ") {
                commands.push(span.to_owned());
            }
        }
    }
    commands
}

/// Whether a word sets a variable for the command after it.
fn is_setting(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// The arguments of a perfidy command, limited so that it ends soon; `None` if it is not a known one.
fn bounded(command: &str) -> Option<Vec<&str>> {
    let arguments = command.strip_prefix("perfidy ").or(command.strip_prefix("cargo run --release -- "))?;
    // Text in quotes is filled in by the shell, and the part after a pipe is another program.
    let arguments = arguments.split(['"', '|']).next()?.trim();
    let words = arguments.split(' ').filter(|word| !word.is_empty());
    let mut words: Vec<&str> = words.map(|word| if word == "FILE..." { SCENARIO } else { word }).collect();
    match *words.first()? {
        "explain" if words.len() == 1 => words.push("zombie"),
        "replay" if !words.iter().any(|word| word.starts_with("seeds")) => words.push("seeds/conductor"),
        "report" if words.len() == 1 => words.push(SAVED),
        // The label of a case is quoted, and left out here.
        "report" if words.last() == Some(&"--case") => drop(words.pop()),
        "list" | "check" | "explain" | "replay" | "report" | "new" | "schema" | "shrink" => {}
        // They need a client, or packages of Python, which their own tests have.
        "serve" | "judge" => words = vec![words[0], "--help"],
        "run" if words.contains(&"langgraph-timeout.toml") => words = vec![words[0], "--help"],
        "watch" => {
            words.truncate(1);
            words.extend([SCENARIO, "--for", "15s"]);
        }
        "run" | "audit" => {
            words.retain(|word| !word.starts_with("scenarios") && *word != "ticket.toml");
            words.push(SCENARIO);
        }
        "ablate" => {
            words.retain(|word| !word.starts_with("scenarios"));
            words.extend([SCENARIO, "--seeds", "20"]);
        }
        "compare" => {
            words.truncate(1);
            words.extend([SCENARIO, "scenarios/conductor/late-reply.toml", "--seeds", "20"]);
        }
        "fuzz" => {
            if let Some(place) = words.iter().position(|word| *word == "--for") {
                words.drain(place..place + 2);
            }
            if words.last() == Some(&"--base") {
                words.push("this-commit");
            }
            words.extend(["--runs", "600"]);
        }
        _ => return None,
    }
    Some(words)
}

/// Whether a command writes files.
fn writes(arguments: &[&str]) -> bool {
    let writes = ["--save", "--refresh", "--junit", "--pages", "-o"];
    matches!(arguments[0], "fuzz" | "shrink") || writes.iter().any(|option| arguments.contains(option))
}

#[test]
fn every_command_of_the_readme_can_be_run() {
    let place = Place::with(&[(SCENARIO, &read(SCENARIO)), (SAVED, &read(SAVED))]);
    let mut done: Vec<Vec<&str>> = Vec::new();
    let text = documents();
    let commands = commands(&text);
    for arguments in commands.iter().filter_map(|command| bounded(command)) {
        if done.contains(&arguments) {
            continue;
        }
        // A command that writes nothing runs in the repository, which has all files.
        let files = arguments.iter().filter(|word| word.starts_with("scenarios/"));
        for file in files.filter(|_| writes(&arguments)) {
            place.write(file, &read(file));
        }
        let said: Said = match arguments[0] {
            "new" => Place::with(&[("Cargo.toml", "[package]\nname = \"own\"\n")]).perfidy(&arguments),
            _ if writes(&arguments) => place.perfidy(&arguments),
            _ => in_the_repository(&arguments),
        };
        said.ends_with(0);
        done.push(arguments);
    }
    for command in [
        "run", "replay", "fuzz", "audit", "ablate", "compare", "check", "list", "explain", "new", "schema",
        "shrink", "report", "watch",
    ] {
        assert!(done.iter().any(|arguments| arguments[0] == command), "the README does not name {command}");
    }
}

#[test]
fn every_command_of_the_readme_that_is_cargos_is_run_by_ci() {
    let (script, manifests) = (read(".ci/run"), read("Cargo.toml") + &read("sim/Cargo.toml"));
    let is_in_script = |line: &str| script.lines().any(|known| known == line);
    assert!(is_in_script(BENCHES), "benches are not run");
    for command in commands(&documents()) {
        if bounded(&command).is_some() {
            continue;
        }
        if let Some((_, bench)) =
            command.strip_prefix("cargo bench ").and_then(|it| it.split_once("--bench "))
        {
            assert!(
                manifests.contains(&format!("[[bench]]\nname = \"{bench}\"")),
                "`{command}`: no such bench"
            );
            continue;
        }
        let known = CARGO.iter().find(|(known, _)| *known == command);
        let (_, line) =
            known.unwrap_or_else(|| panic!("`{command}` is new in the README; how is it run soon?"));
        assert!(is_in_script(line), "`{command}` is not run: {line}");
    }
}

#[test]
fn commands_are_found_wherever_a_text_names_them() {
    let text = "Say `perfidy list`, or `fuzz --for 1s`.\n\n    cargo run --release -- run scenarios   # all\n\n\
                ```text\n$ perfidy explain zombie\nzombie\n  Replay  perfidy replay seeds/a.toml\n```\n\n    \
                PERFIDY_SEED=17 cargo test -- x\n\n`cargo bench --bench a` and `--bench b`, `Cargo.toml`.\n";
    let found = [
        "perfidy list",
        "perfidy fuzz --for 1s",
        "cargo run --release -- run scenarios",
        "perfidy explain zombie",
        "perfidy replay seeds/a.toml",
        "PERFIDY_SEED=17 cargo test -- x",
        "cargo bench --bench a",
        "cargo bench --bench b",
    ];
    assert_eq!(commands(text), found);
    assert_eq!(bounded("cargo install --path ."), None);
    assert_eq!(bounded("perfidy frobnicate"), None);
}

/// The files that the package of this crate has, or the folders of them.
fn packaged() -> Vec<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let include = manifest["package"]["include"].as_array().unwrap().iter();
    include.map(|path| path.as_str().unwrap().trim_start_matches('/').to_owned()).collect()
}

#[test]
fn the_readme_links_only_to_files_that_its_package_has() {
    let (readme, packaged) = (read("README.md"), packaged());
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = links.filter(|link| !link.starts_with("http")).collect();
    assert!(!files.is_empty());
    for file in files {
        let is_in = |known: &String| file == known || file.starts_with(&format!("{known}/"));
        assert!(packaged.iter().any(is_in), "{file} is not in {packaged:?}");
        read(file);
    }
}
