//! A watchdog for runs that never come back.
//!
//! Bounds inside a world stop agents that spin through operations of their context. Code that loops without
//! touching it cannot be stopped from within its thread; the watchdog names its seed and ends the process.

use crate::scenario::Case;
use perfidy_sim::Seed;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Watched {
    next: u64,
    running: BTreeMap<u64, (Instant, Case, Seed)>,
}

/// Knows which runs are under way.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<Watched>>);

impl Watchdog {
    /// A watchdog that only takes notes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A watchdog that calls `bark` with the name of a run that takes longer than `patience`.
    #[expect(clippy::disallowed_methods, reason = "it watches real time, and nothing simulated reads it")]
    pub fn barking(patience: Duration, bark: impl Fn(&str) + Send + 'static) -> Self {
        let watchdog = Self::default();
        let watched = Arc::downgrade(&watchdog.0);
        thread::spawn(move || {
            while let Some(watched) = watched.upgrade() {
                let late = lock(&watched)
                    .running
                    .values()
                    .find(|(since, ..)| since.elapsed() > patience)
                    .map(|(_, case, seed)| format!("{case}, seed {seed}"));
                if let Some(run) = late {
                    bark(&run);
                }
                drop(watched);
                thread::sleep(Duration::from_millis(500));
            }
        });
        watchdog
    }

    /// Runs `work` under watch.
    pub fn watch<T>(&self, case: &Case, seed: Seed, work: impl FnOnce() -> T) -> T {
        let key = self.begin(case.clone(), seed);
        let result = work();
        lock(&self.0).running.remove(&key);
        result
    }

    #[expect(clippy::disallowed_methods, reason = "it watches real time, and nothing simulated reads it")]
    fn begin(&self, case: Case, seed: Seed) -> u64 {
        let mut watched = lock(&self.0);
        watched.next += 1;
        let key = watched.next;
        watched.running.insert(key, (Instant::now(), case, seed));
        key
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}
