//! Work that leaves no trace in the log: runs that the user has not asked for.

use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::subscriber::{Interest, Subscriber, with_default};
use tracing::{Event, Metadata};

/// Does work on this thread without any log line, whatever log the process has.
///
/// ```
/// assert_eq!(perfidy_sim::unlogged(|| 6 * 7), 42);
/// ```
pub fn unlogged<T>(work: impl FnOnce() -> T) -> T {
    with_default(Silent, work)
}

/// Takes no log lines, and says so: tracing's own `NoSubscriber` does not. A process that has had one
/// offers every event of every later run to the log, which is a few percent of a run.
struct Silent;

impl Subscriber for Silent {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level is one for the whole process: nothing else in these tests may raise it.
    #[test]
    fn a_log_that_is_off_stays_off() {
        unlogged(|| assert_eq!(LevelFilter::current(), LevelFilter::OFF));
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    }
}
