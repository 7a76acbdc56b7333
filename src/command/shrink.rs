//! `perfidy shrink`: saved failures made smaller, where shrinking was cut short or has learnt something since.

use super::{Status, complain, complain_of, files_of, interruption, say, some_time};
use perfidy::explore::{Corpus, Effort, Minimal, SavedSeed, shrink_within};
use perfidy_sim::SimSpan;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
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
    let interrupted = interruption();
    if let Some(span) = arguments.time {
        end_after(span, &interrupted);
    }
    let (files, mut status) = files_of(&arguments.files);
    for file in files {
        if interrupted.load(Ordering::Relaxed) {
            return status.worse(Status::Inconclusive);
        }
        status = status.worse(shrink_file(&file, &interrupted));
    }
    status
}

fn end_after(span: SimSpan, flag: &Arc<AtomicBool>) {
    let flag = Arc::clone(flag);
    thread::spawn(move || {
        thread::sleep(Duration::from_nanos(span.as_nanos()));
        flag.store(true, Ordering::Relaxed);
    });
}

fn shrink_file(file: &Path, interrupted: &AtomicBool) -> Status {
    let (saved, case) = match SavedSeed::read(file).and_then(|saved| Ok((saved.case()?, saved))) {
        Ok((case, saved)) => (saved, case),
        Err(bad) => {
            complain_of(bad.problems());
            return Status::BadInput;
        }
    };
    let SavedSeed { engine, seed, ref property, ref faults, .. } = saved;
    let effort = Effort { events: u64::MAX, interrupted: Some(interrupted) };
    let Some(minimal) = shrink_within(effort, &case, engine, seed, property, faults) else {
        say(format_args!(
            "{}: {property} does not break any more; `perfidy replay` says why",
            file.display()
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
        say(format_args!("{}: {}; {end}", file.display(), size(&saved)));
        return Status::AsExpected;
    }
    match Corpus::replace(file, &smaller) {
        Ok(path) => {
            say(format_args!("{}: {} became {}; {end}", path.display(), size(&saved), size(&smaller)));
            Status::AsExpected
        }
        Err(error) => {
            complain(error);
            Status::BadInput
        }
    }
}
