//! A watchdog for code that never comes back.
//!
//! Bounds inside a world stop agents that spin through operations of their context. Code that loops without
//! touching it cannot be stopped from within its thread; the watchdog names the work, and the command ends
//! the process.
//!
//! Patience is counted in ticks of the watchdog's own thread, not by a clock: a process that is suspended
//! (SIGSTOP, the lid of a laptop) does not tick, so a run is not blamed for time in which it could not run.

use perfidy_sim::{Activity, Name};
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
    running: BTreeMap<u64, Work>,
}

/// Work that is under way.
struct Work {
    /// The tick at which it began.
    since: u64,
    name: Box<dyn Fn() -> String + Send>,
    activity: Option<Activity>,
}

/// Work that takes longer than it may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overdue {
    /// What it is.
    pub work: String,
    /// The agent whose code does not come back, if that is known.
    pub agent: Option<Name>,
}

impl Overdue {
    /// What has not come back for so long, and what to do about it.
    pub fn in_words(&self, patience: Duration) -> String {
        let (work, seconds) = (&self.work, patience.as_secs());
        match self.agent {
            None => format!(
                "{work}: this run has not come back for {seconds}s. Some agent loops without ever waiting or touching its \
                 world; attach a debugger to this seed to see where."
            ),
            Some(agent) => format!(
                "{work}: the agent `{agent}` has not come back for {seconds}s. Its code loops without ever waiting or \
                 touching its world; let the loop await something, such as `agent.receive()` or `agent.sleep(..)`. A \
                 debugger attached to this process shows where it is."
            ),
        }
    }
}

impl Watched {
    /// Counts a tick; returns work that has taken longer than `patience` ticks.
    fn tick(&mut self, patience: u64) -> Option<Overdue> {
        self.ticks += 1;
        let work = self.running.values().find(|work| self.ticks - work.since > patience)?;
        Some(Overdue { work: (work.name)(), agent: work.activity.as_ref().and_then(Activity::node) })
    }
}

/// Knows which work is under way.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<Watched>>);

/// Work under watch; it ends with this.
pub(crate) struct Watch<'a> {
    watchdog: &'a Watchdog,
    key: u64,
}

impl Watch<'_> {
    /// The work begins anew, with the whole patience.
    pub fn restart(&self) {
        let mut watched = lock(&self.watchdog.0);
        let now = watched.ticks;
        if let Some(work) = watched.running.get_mut(&self.key) {
            work.since = now;
        }
    }
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

    /// A watchdog that calls `bark` with work that takes longer than `patience`.
    #[expect(clippy::disallowed_methods, reason = "it watches real time, and nothing simulated reads it")]
    pub fn with_timeout(patience: Duration, bark: impl Fn(&Overdue) + Send + 'static) -> Self {
        let watchdog = Self::default();
        let watched = Arc::downgrade(&watchdog.0);
        let patience = patience.as_millis().div_ceil(TICK.as_millis()) as u64;
        thread::spawn(move || {
            while let Some(watched) = watched.upgrade() {
                let overdue = lock(&watched).tick(patience);
                if let Some(overdue) = overdue {
                    bark(&overdue);
                }
                drop(watched);
                thread::sleep(TICK);
            }
        });
        watchdog
    }

    /// Runs code of agents under watch, so that the watchdog can name the agent whose code does not come
    /// back.
    pub(crate) fn watch_agents<T>(
        &self,
        name: impl Fn() -> String + Send + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        let activity = Activity::default();
        let _watch = self.begin(name, Some(activity.clone()));
        activity.within(work)
    }

    pub(crate) fn begin(
        &self,
        name: impl Fn() -> String + Send + 'static,
        activity: Option<Activity>,
    ) -> Watch<'_> {
        let mut watched = lock(&self.0);
        watched.next += 1;
        let (key, since) = (watched.next, watched.ticks);
        watched.running.insert(key, Work { since, name: Box::new(name), activity });
        Watch { watchdog: self, key }
    }

    /// Counts a tick by hand, as the thread of a watchdog with a timeout does.
    #[cfg(test)]
    pub(crate) fn tick(&self, patience: u64) -> Option<Overdue> {
        lock(&self.0).tick(patience)
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}
