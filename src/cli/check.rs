//! `perfidy check`: are these files what they should be?

use super::{Status, files_of, print, print_bad_seed};
use crate::explore::{Aliases, BadSeed, Failure, SavedSeed};
use crate::inert;
use crate::scenario::{self};
use crate::suite::Suite;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Scenarios, saved failures, or folders of them [default: scenarios and seeds]
    files: Vec<PathBuf>,
}

pub fn check(suite: &Suite, arguments: &Arguments) -> Status {
    let (files, mut status) = files_of(suite, &arguments.files, &["scenarios", "seeds"]);
    for file in &files {
        match check_one(suite, file) {
            Ok(what) => print(format_args!("{}: {what}", inert::path(file))),
            Err(bad) => status = status.worse(print_bad_seed(file, &bad)),
        }
    }
    status
}

/// What a file is, if it is good.
fn check_one(suite: &Suite, file: &Path) -> Result<String, BadSeed> {
    if Aliases::is_one(file) {
        let count = Aliases::read(suite, file)?.count();
        return Ok(format!("aliases of {count} names in saved failures"));
    }
    if SavedSeed::is_one(&scenario::read_long_text(file)?) {
        let saved = Failure::read(suite, file)?.saved;
        return Ok(format!(
            "a saved failure of {}, {}: {}",
            saved.case.scenario, saved.case.label, saved.property
        ));
    }
    let text = scenario::read_text(file)?;
    let scenario = scenario::Scenario::parse_file(suite, file, &scenario::root_of(file), &text)?;
    let cases = scenario::Case::all(&scenario).len();
    let cases = if cases == 1 { "1 case".to_owned() } else { format!("{cases} cases") };
    Ok(format!("a scenario for {} with {cases}", scenario.workflow.name))
}
