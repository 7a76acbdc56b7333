//! `perfidy judge`: histories of real agents, judged and told.
//!
//! The run of a client is made again from what the client has asked; what was seen of a real team is taken as
//! it is.

use super::client_report::{Report, Sink, warn_of_another_history};
use super::ending::watchdog;
use super::{Format, Status, print_error, say_record};
use crate::clients::{History, Judged, Recording};
use crate::explore::{Run, Trace};
use crate::suite::{Suite, Watchdog};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Histories that `serve` has saved, or that say what was seen of a real team
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
        status = status.worse(match History::read(suite, path) {
            Ok(History::Recording(recording)) => judge_recording(&recording, path, &watchdog, arguments),
            Ok(History::Observed(observed)) => {
                tell(&Report::of_a_real_team(&observed, path), &observed.run, arguments)
            }
            Err(error) => {
                print_error(error);
                Status::BadInput
            }
        });
    }
    status
}

/// Makes the run again and judges it.
fn judge_recording(recording: &Recording, path: &Path, watchdog: &Watchdog, arguments: &Arguments) -> Status {
    let Judged { run, same_history } =
        watchdog.watch(recording.case(), recording.seed(), || recording.judge());
    let status = tell(&Report::new(recording, &run, Some(path)), &run, arguments);
    if same_history {
        return status;
    }
    warn_of_another_history(path);
    status.worse(Status::Inconclusive)
}

fn tell(report: &Report<'_>, run: &Run, arguments: &Arguments) -> Status {
    if arguments.events {
        say_record(&Trace::of(&run.outcome));
    }
    report.tell(Sink::StandardOutput, arguments.format);
    report.status()
}
