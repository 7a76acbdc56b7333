//! `perfidy replay`: what do saved failures mean today?

use super::ending::Ending;
use super::{Format, Status, files_of, print, print_bad_seed, print_error, say_record, say_styled};
use crate::explore::{Aliases, Failure, ReplayOutcome};
use crate::inert;
use crate::report::{Picture, ReplayRecord, Story};
use crate::scenario::Case;
use crate::suite::Suite;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Saved failures, or folders of them [default: seeds]
    files: Vec<PathBuf>,
    /// Write the history of today into the files of failures that are reproduced
    #[arg(long)]
    refresh: bool,
    /// Also draw what led to the violation, as lanes of characters
    #[arg(long)]
    diagram: bool,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn replay(suite: &Suite, arguments: &Arguments) -> Status {
    let ending = Ending::by_signal();
    let (mut files, mut status) = files_of(suite, &arguments.files, &["seeds"]);
    files.retain(|file| !Aliases::is_one(file));
    for file in files {
        // A bad file is named and skipped; the others still get their answer.
        let failure = match Failure::read(suite, &file) {
            Ok(failure) => failure,
            Err(bad) => {
                status = status.worse(print_bad_seed(&file, &bad));
                continue;
            }
        };
        let Failure { saved, case, .. } = &failure;
        let replay = || ending.watchdog.watch(case, saved.seed, || failure.replay());
        let Ok((run, outcome)) = ending.runs.within(replay) else {
            ending.reached();
            return status.worse(Status::Inconclusive);
        };
        let mut refreshed =
            arguments.refresh && outcome == (ReplayOutcome::Reproduced { same_history: false });
        if refreshed && let Err(error) = failure.refresh(&run) {
            print_error(error);
            status = status.worse(Status::BadInput);
            refreshed = false;
        }
        if arguments.format == Format::Json {
            let record = ReplayRecord::new(&file, &failure, &run, &outcome);
            say_record(&record);
        } else {
            if let Some(story) = Story::new(case, saved, &run, None) {
                say_styled(&story.styled());
                if arguments.diagram {
                    print(Picture::of_failure(&failure, &run).to_terminal());
                }
            }
            print(in_words(&file, &failure, &outcome, refreshed));
        }
        status = status.worse(status_of(case, &outcome));
    }
    ending.reached();
    status
}

/// A failure of a `[[without]]` case should still fail; one of a case as written should be fixed.
fn status_of(case: &Case, outcome: &ReplayOutcome) -> Status {
    match (outcome, case.without().is_some()) {
        (ReplayOutcome::Reproduced { .. }, true) | (ReplayOutcome::Fixed, false) => Status::AsExpected,
        (ReplayOutcome::Reproduced { .. }, false) | (ReplayOutcome::Fixed, true) => Status::Broken,
        (ReplayOutcome::Stale { .. } | ReplayOutcome::Ambiguous { .. }, _) => Status::Inconclusive,
    }
}

fn in_words(file: &Path, failure: &Failure, outcome: &ReplayOutcome, refreshed: bool) -> String {
    let Failure { saved, case, .. } = failure;
    let outcome = match outcome {
        ReplayOutcome::Reproduced { same_history: true } => {
            format!("reproduced, event for event (digest {})", saved.digest)
        }
        ReplayOutcome::Reproduced { same_history: false } if refreshed => {
            "reproduced; the history was not the saved one, and is now".to_owned()
        }
        ReplayOutcome::Reproduced { same_history: false } => {
            "reproduced, though the history is not the saved one: the code has changed since (--refresh saves the new \
             history)"
                .to_owned()
        }
        ReplayOutcome::Fixed => format!("fixed: every fault was injected, and {} holds", saved.property),
        ReplayOutcome::Stale { missing, nearest } => {
            let nearest =
                nearest.map_or_else(String::new, |near| format!("; the nearest that did is `{near}`"));
            format!(
                "stale: `{missing}` never came up{nearest}. The code has moved: if something was only renamed, say so in \
                 {}; else find the failure again with `{} run`",
                inert::path(&file.with_file_name(Aliases::FILE)),
                case.scenario.suite.command()
            )
        }
        ReplayOutcome::Ambiguous { why } => format!("ambiguous: {why}"),
    };
    let expected = match case.without() {
        Some(_) => " (the case takes a safeguard away, so it should fail)",
        None => "",
    };
    format!("{}: {outcome}{expected}", inert::path(file))
}
