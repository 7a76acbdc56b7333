//! `perfidy judge`: the run of a history again, judged and told.

use super::client_report::{Report, Sink};
use super::ending::watchdog;
use super::{Format, Status, print_error, say_record, warn};
use crate::clients::{Judged, Recording};
use crate::explore::Trace;
use crate::inert;
use crate::suite::Suite;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// Histories that `serve` has saved
    #[arg(required = true)]
    histories: Vec<PathBuf>,
    /// Also write every event, as one JSON record
    #[arg(long)]
    events: bool,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn judge(suite: &Suite, arguments: &Arguments) -> Status {
    let watchdog = watchdog();
    let mut status = Status::AsExpected;
    for path in &arguments.histories {
        // A bad file is named and skipped; the others still get their verdict.
        let recording = match Recording::read(suite, path) {
            Ok(recording) => recording,
            Err(error) => {
                print_error(error);
                status = status.worse(Status::BadInput);
                continue;
            }
        };
        let Judged { run, same_history } =
            watchdog.watch(recording.case(), recording.seed(), || recording.judge());
        if arguments.events {
            say_record(&Trace::of(&run.outcome));
        }
        let report = Report::new(&recording, &run, Some(path));
        report.tell(Sink::StandardOutput, arguments.format);
        status = status.worse(report.status());
        if !same_history {
            warn(format!(
                "{}: the history is not the recorded one: perfidy, or the suite of the scenario, has changed since",
                inert::path(path)
            ));
            status = status.worse(Status::Inconclusive);
        }
    }
    status
}
