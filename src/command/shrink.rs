//! `perfidy shrink`: saved failures made smaller, where shrinking was cut short or has learnt something since.

use super::clock::Stopwatch;
use super::{Status, complain, complain_of, files_of, interruption, say, some_time};
use perfidy::explore::{Aliases, Corpus, Effort, Failure, Minimal, SavedSeed, shrink_within};
use perfidy::inert;
use perfidy_sim::SimSpan;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Arguments {
    /// Saved failures, or folders of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// For how long in all, such as 90s or 10m [default: until nothing more can go, or Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
}

pub fn shrink(arguments: &Arguments) -> Status {
    let (interrupted, stopwatch) = (interruption(), Stopwatch::start());
    let time = arguments.time.map(|span| Duration::from_nanos(span.as_nanos()));
    let is_over =
        || interrupted.load(Ordering::Relaxed) || time.is_some_and(|time| stopwatch.elapsed() >= time);
    let (mut files, mut status) = files_of(&arguments.files);
    files.retain(|file| !Aliases::is_one(file));
    for file in files {
        if is_over() {
            return status.worse(Status::Inconclusive);
        }
        status = status.worse(shrink_file(&file, &is_over));
    }
    status
}

fn shrink_file(file: &Path, is_over: &dyn Fn() -> bool) -> Status {
    let Failure { saved, case, .. } = match Failure::read(file) {
        Ok(failure) if failure.is_renamed() => {
            say(format_args!(
                "{}: this was saved under other names, under which it is drawn; it stays as it is",
                inert::path(file)
            ));
            return Status::Inconclusive;
        }
        Ok(failure) => failure,
        Err(bad) => {
            complain_of(bad.problems());
            return Status::BadInput;
        }
    };
    let SavedSeed { engine, seed, ref property, ref faults, .. } = saved;
    let effort = Effort { events: u64::MAX, is_over };
    let Some(minimal) = shrink_within(effort, &case, engine, seed, property, faults) else {
        say(format_args!(
            "{}: {property} does not break any more; `perfidy replay` says why",
            inert::path(file)
        ));
        return Status::Inconclusive;
    };
    let smaller = SavedSeed::new(engine, seed, property, &minimal);
    let Minimal { is_finished, .. } = minimal;
    let end = if is_finished { "nothing more can go" } else { "cut short; shrink it again to go on" };
    let size = |saved: &SavedSeed| {
        let faults = match saved.faults.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        format!("{faults} in a scenario of {} lines", saved.case.text.lines().count())
    };
    if smaller.faults == *faults && smaller.case.text == saved.case.text && is_finished != saved.unfinished {
        say(format_args!("{}: {}; {end}", inert::path(file), size(&saved)));
        return Status::AsExpected;
    }
    match Corpus::replace(file, &smaller) {
        Ok(path) => {
            say(format_args!("{}: {} became {}; {end}", inert::path(&path), size(&saved), size(&smaller)));
            Status::AsExpected
        }
        Err(error) => {
            complain(error);
            Status::BadInput
        }
    }
}
