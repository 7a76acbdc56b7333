//! A watchdog for runs that never come back.
//!
//! Bounds inside a world stop agents that spin through operations of their context. Code that loops without
//! touching it cannot be stopped from within its thread; the watchdog names its seed, and the command ends
//! the process.
//!
//! Patience is counted in ticks of the watchdog's own thread, not by a clock: a process that is suspended
//! (SIGSTOP, the lid of a laptop) does not tick, so a run is not blamed for time in which it could not run.

use crate::scenario::Case;
use perfidy_sim::Seed;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Watched {
    ticks: u64,
    next: u64,
    /// Since which tick what is under way.
    running: BTreeMap<u64, (u64, Case, Seed)>,
}

impl Watched {
    /// Counts a tick; names a run that has taken longer than `patience` ticks.
    fn tick(&mut self, patience: u64) -> Option<String> {
        self.ticks += 1;
        let is_late = |since: u64| self.ticks - since > patience;
        let late = self.running.values().find(|(since, ..)| is_late(*since));
        late.map(|(_, case, seed)| format!("{case}, seed {seed}"))
    }
}

/// Knows which runs are under way.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<Watched>>);

/// Work under watch; it ends with this.
struct Watch<'a> {
    watchdog: &'a Watchdog,
    key: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        lock(&self.watchdog.0).running.remove(&self.key);
    }
}

impl Watchdog {
    /// A watchdog that only takes notes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A watchdog that calls `bark` with the name of a run that takes longer than `patience`.
    #[expect(clippy::disallowed_methods, reason = "it watches real time, and nothing simulated reads it")]
    pub fn with_timeout(patience: Duration, bark: impl Fn(&str) + Send + 'static) -> Self {
        let watchdog = Self::default();
        let watched = Arc::downgrade(&watchdog.0);
        let patience = patience.as_millis().div_ceil(TICK.as_millis()) as u64;
        thread::spawn(move || {
            while let Some(watched) = watched.upgrade() {
                let late = lock(&watched).tick(patience);
                if let Some(run) = late {
                    bark(&run);
                }
                drop(watched);
                thread::sleep(TICK);
            }
        });
        watchdog
    }

    /// Runs `work` under watch.
    pub fn watch<T>(&self, case: &Case, seed: Seed, work: impl FnOnce() -> T) -> T {
        self.watch_each(case, seed, |_| work())
    }

    /// Runs `work` of many runs under watch. It says when the next one begins, and each has the whole
    /// patience.
    pub fn watch_each<T>(&self, case: &Case, seed: Seed, work: impl FnOnce(&dyn Fn()) -> T) -> T {
        let watch = self.begin(case.clone(), seed);
        work(&|| {
            let mut watched = lock(&self.0);
            let now = watched.ticks;
            if let Some((since, ..)) = watched.running.get_mut(&watch.key) {
                *since = now;
            }
        })
    }

    fn begin(&self, case: Case, seed: Seed) -> Watch<'_> {
        let mut watched = lock(&self.0);
        watched.next += 1;
        let (key, now) = (watched.next, watched.ticks);
        watched.running.insert(key, (now, case, seed));
        Watch { watchdog: self, key }
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use std::path::Path;

    fn case() -> Case {
        let file = Path::new("scenarios/conductor/lost-ack.toml");
        Case::as_written(
            &Scenario::read(&crate::suite::Suite::shipped(), file, Path::new("scenarios"))
                .unwrap_or_else(|bad| panic!("{bad}")),
        )
    }

    #[test]
    fn time_counts_only_while_the_process_ticks() {
        let watchdog = Watchdog::new();
        let watch = watchdog.begin(case(), Seed(7));
        let tick = || lock(&watchdog.0).tick(3);
        assert_eq!([tick(), tick(), tick()], [None, None, None]);
        assert_eq!(tick().as_deref(), Some("conductor/lost-ack, as written, seed 7"));
        drop(watch);
        assert_eq!(tick(), None);
    }

    #[test]
    fn each_of_many_runs_has_the_whole_patience() {
        let watchdog = Watchdog::new();
        let tick = || lock(&watchdog.0).tick(1);
        watchdog.watch_each(&case(), Seed(7), |next| {
            for _ in 0..5 {
                assert_eq!(tick(), None);
                next();
            }
            assert!(tick().is_none() && tick().is_some());
        });
    }
}
