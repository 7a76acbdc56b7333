//! `perfidy compare`: two designs over the same seeds.

use super::ending::Ending;
use super::options::{Runs, Threads};
use super::{
    SheetFormat, Status, is_available, not_there, output, print, print_error, print_problems, say_record,
    tell,
};
use crate::explore::{Campaign, Collect, Comparison};
use crate::inert;
use crate::report::{ComparisonRecord, SheetsPage, comparison_in_markdown, comparison_in_text};
use crate::scenario::{self, Scenario};
use crate::suite::Suite;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Arguments {
    /// The scenario of one design
    a: PathBuf,
    /// The scenario of the other
    b: PathBuf,
    #[command(flatten)]
    runs: Runs,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    /// How many seeds both are run with
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    seeds: u64,
    #[command(flatten)]
    threads: Threads,
}

pub fn compare(suite: &Suite, arguments: &Arguments) -> Status {
    if !is_available(arguments.runs.engine) {
        return Status::BadInput;
    }
    let designs = [&arguments.a, &arguments.b].map(|path| read(suite, path));
    let [Some(a), Some(b)] = designs else {
        print_error("nothing was run");
        return Status::BadInput;
    };
    if !arguments.threads.start() {
        return Status::BadInput;
    }
    let ending = Ending::by_signal();
    let campaign = Campaign {
        engine: arguments.runs.engine,
        first_seed: arguments.runs.first_seed(),
        seeds: arguments.seeds,
        collect: Collect::NONE,
        interrupted: &ending.runs,
        watchdog: &ending.watchdog,
    };
    let compared = Comparison::of(&[a, b], &campaign);
    ending.reached();
    if let Ok(comparison) = compared {
        arguments.tell(&comparison);
        Status::AsExpected
    } else {
        print_error("interrupted before both designs had all their runs; nothing is compared");
        Status::Inconclusive
    }
}

/// Reads the one scenario at a path; complains if there is none, or more.
pub(super) fn read(suite: &Suite, path: &Path) -> Option<Arc<Scenario>> {
    let path = path.to_path_buf();
    match scenario::read_all(suite, slice::from_ref(&path)).as_deref() {
        Ok([scenario]) => Some(Arc::clone(scenario)),
        Ok(several) => {
            let (path, count) = (inert::path(&path), several.len());
            print_error(format!("there are {count} scenarios in {path}; name the file of one design"));
            None
        }
        Err(bad) => {
            bad.iter().for_each(print_problems);
            if path.is_relative() && !path.exists() {
                tell(format_args!("  = note: {}", not_there(&path)));
            }
            None
        }
    }
}

impl Arguments {
    fn tell(&self, comparison: &Comparison) {
        let files = [&self.a, &self.b].map(|path| inert::path(path));
        let files = files.each_ref().map(String::as_str);
        match self.format {
            SheetFormat::Text => print(comparison_in_text(comparison, files)),
            SheetFormat::Markdown => print(comparison_in_markdown(comparison, files)),
            SheetFormat::Json => say_record(&ComparisonRecord::new(comparison)),
            SheetFormat::Page => {
                let mut page = SheetsPage::default();
                page.add_comparison(comparison, files);
                output::say_document(page.to_html().as_bytes());
            }
        }
    }
}
