//! `perfidy shrink`: saved failures made smaller, where shrinking was cut short or has learnt something
//! since.

use super::ending::Ending;
use super::{Status, files_of, print, print_bad_seed, print_error, some_time};
use crate::explore::{Aliases, Corpus, Effort, Failure, SavedSeed, ShrunkFailure, SpanLimits, shrink_within};
use crate::inert;
use crate::suite::Suite;
use perfidy_sim::SimSpan;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Saved failures, or folders of them [default: seeds]
    files: Vec<PathBuf>,
    /// For how long in all, such as 90s or 10m [default: until nothing more can go, or Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
    /// Let faults have spans that their scenario's file does not give them
    #[arg(long)]
    any_span: bool,
}

pub fn shrink(suite: &Suite, arguments: &Arguments) -> Status {
    let ending = Ending::within(arguments.time);
    let (mut files, mut status) = files_of(suite, &arguments.files, &["seeds"]);
    files.retain(|file| !Aliases::is_one(file));
    for file in files {
        if ending.runs.is_set() {
            status = status.worse(Status::Inconclusive);
            break;
        }
        status = status.worse(shrink_file(suite, &file, arguments.any_span, &ending));
    }
    ending.reached();
    if ending.was_signalled() { status.worse(Status::Inconclusive) } else { status }
}

fn shrink_file(suite: &Suite, file: &Path, any_span: bool, ending: &Ending) -> Status {
    let Failure { saved, case, .. } = match Failure::read(suite, file) {
        Ok(failure) if failure.is_renamed() => {
            print(format_args!(
                "{}: this was saved under other names, under which it is drawn; it stays as it is",
                inert::path(file)
            ));
            return Status::Inconclusive;
        }
        Ok(failure) => failure,
        Err(bad) => return print_bad_seed(file, &bad),
    };
    let SavedSeed { engine, seed, ref property, ref faults, .. } = saved;
    let shrunk = ending.runs.within(|| {
        ending.watchdog.watch_each(&case, seed, |next| {
            let is_over = || {
                next();
                ending.runs.is_set()
            };
            let spans = match &saved.changes {
                _ if any_span => SpanLimits::Any,
                Some(changes) => SpanLimits::Known(&changes.spans),
                None => SpanLimits::File,
            };
            let effort = Effort { events: u64::MAX, is_over: &is_over, spans };
            shrink_within(effort, &case, engine, seed, property, faults)
        })
    });
    let Ok(shrunk) = shrunk else {
        print(format_args!(
            "{}: there was no time to run it even once; it stays as it is",
            inert::path(file)
        ));
        return Status::Inconclusive;
    };
    let Some(mut minimal) = shrunk else {
        print(format_args!(
            "{}: {property} does not break any more; `{} replay` says why",
            inert::path(file),
            suite.command()
        ));
        return Status::Inconclusive;
    };
    minimal.changes = minimal.changes.after(saved.changes.as_ref());
    let smaller = SavedSeed::new(engine, seed, property, &minimal);
    let ShrunkFailure { is_finished, .. } = minimal;
    let end = if is_finished { "nothing more can go" } else { "cut short; shrink it again to go on" };
    let size = |saved: &SavedSeed| {
        let faults = match saved.faults.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        format!("{faults} in a scenario of {} lines", saved.case.text.lines().count())
    };
    if smaller.faults == *faults && smaller.case.text == saved.case.text && is_finished != saved.unfinished {
        print(format_args!("{}: {}; {end}", inert::path(file), size(&saved)));
        return Status::AsExpected;
    }
    match Corpus::replace(file, &smaller) {
        Ok(path) => {
            print(format_args!("{}: {} became {}; {end}", inert::path(&path), size(&saved), size(&smaller)));
            Status::AsExpected
        }
        Err(error) => {
            print_error(error);
            Status::BadInput
        }
    }
}
