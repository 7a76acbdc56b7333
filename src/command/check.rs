//! `perfidy check`: are these files what they should be?

use super::{Status, complain, say};
use perfidy::explore::SavedSeed;
use perfidy::scenario::{self, Problems};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Scenarios, saved failures, or folders of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub fn check(arguments: &Arguments) -> Status {
    let mut status = Status::AsExpected;
    let mut files = Vec::new();
    for path in &arguments.files {
        match scenario::files_below(path) {
            Ok(found) => files.extend(found),
            Err(problems) => {
                complain(problems.render(true));
                status = Status::BadInput;
            }
        }
    }
    for file in &files {
        match check_one(file) {
            Ok(what) => say(format_args!("{}: {what}", file.display())),
            Err(problems) => {
                complain(problems);
                status = Status::BadInput;
            }
        }
    }
    status
}

/// What a file is, if it is good.
fn check_one(file: &Path) -> Result<String, String> {
    let render = |problems: &Problems| problems.render(true);
    let text = scenario::read_text(file).map_err(|problems| render(&problems))?;
    if SavedSeed::is_one(&text) {
        let saved = SavedSeed::read(file).map_err(|bad| render(bad.problems()))?;
        return Ok(format!("a saved failure of {}, {}: {}", saved.case.scenario, saved.case.label, saved.property));
    }
    let scenario = scenario::Scenario::parse_file(file, &text).map_err(|problems| render(&problems))?;
    let cases = scenario::Case::all(&scenario).len();
    Ok(format!("a scenario for {} with {cases} cases", scenario.workflow.name))
}
