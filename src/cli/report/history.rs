//! The document of a history: of a client of `perfidy serve`, or of what was seen of a real team.

use super::{Arguments, document};
use crate::cli::client_report::warn_of_another_history;
use crate::cli::ending::Ending;
use crate::cli::{Status, print_error};
use crate::clients::{History, Judged};
use crate::inert;
use crate::report::{Origin, Picture};
use crate::suite::Suite;
use perfidy_sim::{Engine, Seed};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Whether a file is a history: lines of JSON, which neither a scenario nor a saved failure is.
pub(super) fn is_one(file: &Path) -> bool {
    let mut start = [0; 1];
    File::open(file).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *b"{"
}

/// The document of a history. The run of a client is made again; there is no run beside it without the
/// faults, as the client might have asked for something else then.
pub(super) fn of_history(suite: &Suite, arguments: &Arguments) -> Result<Vec<u8>, Status> {
    arguments.are_for_a_run_that_is_over()?;
    let history = History::read(suite, &arguments.file).map_err(|error| {
        print_error(error);
        Status::BadInput
    })?;
    let file = inert::path(&arguments.file);
    let again = format!("{} judge {file}", suite.command());
    match history {
        History::Recording(recording) => {
            let (case, seed) = (recording.case(), recording.seed());
            let ending = Ending::by_signal();
            let Judged { run, same_history } = super::within(&ending, case, seed, || recording.judge())?;
            if !same_history {
                warn_of_another_history(&arguments.file);
            }
            let picture = Picture::of_run(case, Engine::Native, seed, &run).with_origin(Origin::Client);
            Ok(document(picture.again(&again), arguments))
        }
        History::Observed(observed) => {
            let picture = Picture::of_run(&observed.case, Engine::Native, Seed(0), &observed.run);
            Ok(document(picture.with_origin(Origin::RealTeam).again(&again), arguments))
        }
    }
}
