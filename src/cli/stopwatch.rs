//! Real time, for people who wait. Nothing simulated reads it.

use std::time::{Duration, Instant};

/// Counts from its start.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "runs a second are counted in real time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Does the work, and says how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let stopwatch = Stopwatch::start();
    let result = work();
    (result, stopwatch.elapsed())
}
