//! Logs, with virtual time, node and event; off by default.

use crate::inert::{line, shown};
use perfidy_sim::stamp;
use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;

struct VirtualTime;

impl FormatTime for VirtualTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", shown(stamp::current()))
    }
}

/// A field of an event. All text from agents is in fields, so it is escaped here.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{}", shown(format_args!("{value:?}"))),
        name => write!(writer, "{name}={}", shown(format_args!("{value:?}"))),
    }
}

/// Writes logs to standard error, as `filter` says: `trace` for every event of a history, or any filter of
/// `tracing-subscriber`, such as `my_agents=debug`.
///
/// # Errors
/// An invalid filter, with a description.
pub fn init_logging(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("`{}` is not a log filter: {}", line(filter), shown(error)))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(VirtualTime)
        .fmt_fields(debug_fn(write_field).delimited(" "))
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_writer(io::stderr)
        // That would go to standard error too, and panic if that is closed or full.
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| error.to_string())
}
