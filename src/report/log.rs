//! Logs, stamped with virtual time, node and event; off unless asked for.

use perfidy_sim::stamp;
use std::fmt;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

struct VirtualTime;

impl FormatTime for VirtualTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", stamp::current())
    }
}

/// Writes logs to standard error, as `filter` says: `trace` for every event of a history, or any filter of
/// `tracing-subscriber`, such as `my_agents=debug`.
///
/// # Errors
/// A filter that is none, in words.
pub fn init_logging(filter: &str) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| format!("`{filter}` is not a log filter: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(VirtualTime)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_writer(io::stderr)
        .try_init()
        .map_err(|error| error.to_string())
}
