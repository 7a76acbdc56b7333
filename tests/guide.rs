//! What the guide says of scenarios, safeguards and properties is so.

use crate::cases;
use std::fs;
use std::path::Path;

/// The cells of the tables of a page, row by row, without the heads.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(format!("src/guide/{page}.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    cells.skip(2).collect()
}

/// The words of a cell that are set as code.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_safeguard_of_the_guide_keeps_the_property_beside_it_in_a_shipped_scenario() {
    let scenarios = cases::scenarios();
    let cases = || scenarios.iter().flat_map(|scenario| &scenario.without);
    for row in rows("choosing_safeguards") {
        let (properties, safeguards) = (words(&row[1]), words(&row[2]));
        assert!(!properties.is_empty() && !safeguards.is_empty(), "{row:?}");
        for safeguard in &safeguards {
            let is_shown = cases().any(|case| {
                case.safeguards.contains(safeguard)
                    && case.violates.iter().any(|broken| properties.contains(broken))
            });
            assert!(is_shown, "no scenario without {safeguard} violates {properties:?}");
        }
    }
}

#[test]
fn every_safeguard_that_can_be_missed_is_in_the_guide() {
    let rows = rows("choosing_safeguards");
    let known: Vec<&str> = rows.iter().flat_map(|row| words(&row[2])).collect();
    let missed: Vec<&str> = cases::scenarios()
        .iter()
        .flat_map(|scenario| &scenario.without)
        .flat_map(|case| case.safeguards.clone())
        .collect();
    let unknown: Vec<&&str> = missed
        .iter()
        .filter(|name| !known.contains(name) && !["reply-dedupe", "lock-whole-cycle"].contains(name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_scenario_of_the_gallery_is_shipped() {
    for row in rows("gallery") {
        for name in words(&row[1]) {
            assert!(Path::new("scenarios").join(format!("{name}.toml")).exists(), "{name}");
        }
    }
}

#[test]
fn the_readme_is_short_and_leads_to_every_page_of_the_guide() {
    let readme = fs::read_to_string("README.md").unwrap();
    assert!(readme.lines().count() < 200);
    for entry in fs::read_dir("src/guide").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("(src/guide/{name})")), "{name}");
    }
}

/// The blocks of code of a page in a language, each in parts: what stands between empty lines.
fn parts<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks = page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.trim().split("\n\n")).collect()
}

#[test]
fn the_code_of_the_page_on_frameworks_stands_in_the_files_that_ci_runs() {
    let files = |folder: &str| {
        let files =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>().join("\n")
    };
    let known = files("tests/programs/agents") + &files("tests/programs");
    let page = fs::read_to_string("src/guide/agent_frameworks.md").unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let shown: Vec<&str> = [(&page, "python"), (&page, "toml"), (&readme, "python")]
        .into_iter()
        .flat_map(|(text, language)| parts(text, language))
        .collect();
    assert!(shown.len() > 20);
    for part in shown {
        assert!(known.contains(part.trim()), "in no file:\n{part}");
    }
}
