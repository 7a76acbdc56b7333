//! `perfidy report`: a run as a page, a picture, or a trace.

use crate::place::{Place, REFUND, careless, in_the_repository};
use std::fs;
use std::path::Path;

const FAILURE: &str = "seeds/standby/paused-leader-without-fencing-tokens-no-split-brain-bae20ea6.toml";

#[test]
fn a_saved_failure_is_a_page_in_a_file_of_its_own() {
    let place = Place::new();
    let file = place.saved_failure();
    let said = place.perfidy(&["report", &file, "-o", "out.html"]).ends_with(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "wrote out.html\n"));
    let page = place.read("out.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(page.contains(&format!("perfidy replay {file}")));
    assert_eq!(place.perfidy(&["report", &file]).ends_with(0).calmly().out, page, "the same without a file");
}

#[test]
fn a_seed_of_a_scenario_is_a_page_too_whether_it_breaks_or_not() {
    let place = Place::with(&[("scenarios/refund.toml", &careless())]);
    let pages = (0..20).map(|seed| {
        let seed = seed.to_string();
        place.perfidy(&["report", "scenarios/refund.toml", "--seed", &seed]).ends_with(0).calmly().out
    });
    let (broke, held): (Vec<String>, Vec<String>) = pages.partition(|page| page.contains("</em> broke"));
    assert!(!broke.is_empty() && !held.is_empty());
    assert!(broke.iter().all(|page| page.contains("perfidy report scenarios/refund.toml --seed ")));
    assert!(held.iter().all(|page| page.contains("Nothing broke")));
}

#[test]
fn what_cannot_be_shown_is_refused_with_what_there_is() {
    let place = Place::with(&[("scenarios/refund.toml", &careless())]);
    place.perfidy(&["report", "nowhere.toml"]).ends_with(2).complains(&["nowhere.toml"]);
    let no_case = ["report", "scenarios/refund.toml", "--case", "without luck"];
    place
        .perfidy(&no_case)
        .ends_with(2)
        .complains(&["there is no case `without luck`; there are: as written"]);
    let nowhere = ["report", "scenarios/refund.toml", "-o", "no/such/folder.html"];
    place.perfidy(&nowhere).ends_with(2).complains(&["cannot write `no/such/folder.html`"]);
    place
        .perfidy(&["report", "scenarios/refund.toml", "--format", "png"])
        .ends_with(2)
        .complains(&["possible values"]);
}

#[test]
fn the_diagram_of_a_failure_has_a_column_for_each_node() {
    let said = in_the_repository(&["report", FAILURE, "--format", "diagram"]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
    let replayed = in_the_repository(&["replay", FAILURE, "--diagram"]).ends_with(0).calmly();
    assert!(replayed.out.contains(said.out.trim_end()), "replay draws the same");
}

#[test]
fn the_sequence_diagram_of_a_failure_fits_into_an_issue() {
    let said = in_the_repository(&["report", FAILURE, "--format", "mermaid"]).ends_with(0).calmly();
    insta::assert_snapshot!(said.out);
}

#[test]
fn junit_has_the_verdict_of_each_case_also_of_one_that_broke() {
    let place = Place::with(&[("scenarios/refund.toml", &careless())]);
    place.perfidy(&["run", "--seeds", "100", "--save", "none", "--junit", "verdicts.xml"]).ends_with(1);
    let text = place.read("verdicts.xml");
    for part in [
        "<testsuites name=\"perfidy\" tests=\"1\" failures=\"1\" errors=\"0\"",
        "<failure type=\"broken\"",
        "no-duplicate-effects",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// The pictures of the README, each with the command that writes it. A picture that is not what its command
/// writes today is written anew, and this fails.
#[test]
fn junit_has_an_error_for_each_file_that_cannot_be_read() {
    let place = Place::with(&[("scenarios/a.toml", "workflow = 3\n"), ("scenarios/b.toml", REFUND)]);
    place.perfidy(&["run", "--junit", "junit.xml"]).ends_with(2).complains(&["nothing was run"]);
    let report = place.read("junit.xml");
    assert!(
        report.contains("<testsuites name=\"perfidy\" tests=\"1\" failures=\"0\" errors=\"1\""),
        "{report}"
    );
    assert!(report.contains("scenarios/a.toml") && report.contains("<error type=\"bad-input\""), "{report}");
}

#[test]
fn a_folder_of_scenarios_is_no_folder_of_failures() {
    let place = Place::with(&[("scenarios/a.toml", REFUND), ("scenarios/b.toml", REFUND)]);
    let said = place.perfidy(&["report", "scenarios"]).ends_with(2);
    said.complains(&["scenarios holds no saved failure", "perfidy report scenarios/a.toml --seed 7"]);
}

#[test]
fn the_pictures_of_the_readme_are_what_the_commands_write() {
    let pictures: [(&str, &[&str]); 3] = [
        ("paused-leader", &["report", FAILURE]),
        ("standby", &["explain", "standby"]),
        ("campaign", &["report", "seeds/standby", "--detection", "300"]),
    ];
    let mut written = Vec::new();
    for (name, command) in pictures {
        for theme in ["light", "dark"] {
            let file = format!("src/report/picture/shown/{name}-{theme}.svg");
            let command = [command, &["--format", "svg", "--theme", theme]].concat();
            let said = in_the_repository(&command).ends_with(0).calmly();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
            if fs::read_to_string(&path).ok().as_ref() != Some(&said.out) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &said.out).unwrap();
                written.push(file);
            }
        }
    }
    assert!(written.is_empty(), "written anew: look at them, and commit them: {written:?}");
}

#[test]
fn a_folder_of_failures_is_a_page_of_what_broke_with_the_campaign_that_was_left_there() {
    let place = Place::new();
    place.saved_failure();
    let page = place.perfidy(&["report", "seeds"]).ends_with(0).calmly().out;
    for part in
        ["1 saved failure", "What broke, by which faults", "no-duplicate-effects", "perfidy replay seeds/"]
    {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    assert!(!page.contains("Table of cases"), "no campaign was left here");
    place.perfidy(&["fuzz", "--runs", "600", "--strategy", "random"]).ends_with(1);
    let page = place.perfidy(&["report", "seeds", "--detection", "50"]).ends_with(0).calmly().out;
    for part in [
        "600 runs of random from seed 0",
        "Table of cases",
        "BROKEN: no-duplicate-effects",
        "How soon it is found",
    ] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
}

#[test]
fn the_page_of_a_folder_also_has_ablations_and_two_designs_compared() {
    let place = Place::new();
    let seed = place.saved_failure();
    let (file, other) = ("scenarios/bank/careless.toml", "scenarios/bank/other.toml");
    fs::copy(place.path(file), place.path(other)).unwrap();
    let asked = ["report", "seeds", "--ablation", "20", "--compare", file, other];
    let page = place.perfidy(&asked).ends_with(0).calmly().out;
    for part in ["sheet-0", "sheet-1", "bank/careless", "bank/other"] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    place.perfidy(&["report", &seed, "--ablation", "20"]).ends_with(2).complains(&["belongs to a folder"]);
    let missing = ["report", "seeds", "--compare", file, "scenarios/none.toml"];
    place.perfidy(&missing).ends_with(2).complains(&["scenarios/none.toml"]);
}

#[test]
fn a_folder_that_cannot_be_shown_is_refused() {
    let place = Place::with(&[("empty/note.txt", "")]);
    place.perfidy(&["report", "empty"]).ends_with(2).complains(&["there is no saved failure in empty"]);
    place
        .perfidy(&["report", "empty", "--case", "x"])
        .ends_with(2)
        .complains(&["--case belongs to a scenario"]);
    let seed = place.saved_failure();
    place.perfidy(&["report", "seeds", "--format", "otlp"]).ends_with(2).complains(&["`page` or as `svg`"]);
    let needless = ["report", &seed, "--detection", "5"];
    place.perfidy(&needless).ends_with(2).complains(&["--detection belongs to a folder"]);
    place
        .perfidy(&["explain", "retry", "--format", "svg"])
        .ends_with(2)
        .complains(&["only a workflow has a map"]);
}

#[test]
fn a_run_and_a_campaign_write_a_page_of_all_and_one_for_each_failure() {
    let place = Place::with(&[("scenarios/refund.toml", &careless())]);
    for (folder, command) in [
        ("of-run", vec!["run", "--seeds", "100"]),
        ("of-fuzz", vec!["fuzz", "--runs", "600", "--corpus", "found", "--strategy", "random"]),
    ] {
        let said = place.perfidy(&[command.as_slice(), &["--pages", folder]].concat()).ends_with(1);
        assert!(said.err.contains(&format!("pages: {folder}/index.html")), "{}", said.err);
        let index = place.read(&format!("{folder}/index.html"));
        let pages: Vec<String> =
            place.files(folder).into_iter().filter(|file| !file.ends_with("index.html")).collect();
        assert!(!pages.is_empty() && index.contains("BROKEN: no-duplicate-effects"));
        for page in pages {
            let name = page.strip_prefix(&format!("{folder}/")).unwrap();
            assert!(index.contains(&format!("href=\"{name}\"")), "{name} in {index}");
            assert!(place.read(&page).contains("</em> broke"));
        }
    }
}

#[test]
fn a_pull_request_gets_an_annotation_for_what_broke_and_for_nothing_else() {
    let place = Place::with(&[("scenarios/refund.toml", REFUND), ("scenarios/careless.toml", &careless())]);
    let said = place.perfidy(&["run", "--seeds", "100", "--save", "none", "--format", "github"]).ends_with(1);
    let annotations: Vec<&str> = said.out.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(annotations.len(), 1, "{}", said.out);
    let annotation = annotations[0];
    let title = "::error file=scenarios/careless.toml,line=1,title=careless%2C as written::";
    assert!(annotation.starts_with(&format!("{title}no-duplicate-effects broke (seed ")), "{annotation}");
    assert!(
        annotation.contains("%0Aagain: perfidy run scenarios/careless.toml --strategy random --seed "),
        "{annotation}"
    );
    place.write("scenarios/refund.toml", &REFUND.replace("workflow = ", "workflows = "));
    let said = place.perfidy(&["run", "--format", "github"]).ends_with(2);
    assert!(said.out.starts_with("::error file=scenarios/refund.toml,line="), "{}", said.out);
}
