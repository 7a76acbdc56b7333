//! How a command ends before it is through: by a signal, because its time is over, or because a run does not
//! come back.
//!
//! A signal (Ctrl-C, SIGTERM, SIGHUP) or the end of `--for` first ends the runs under way; shrinking has a
//! moment more, and is then ended too. That is enough for all but a run in code that no engine can look into.
//! If the command has not come to its end another moment later, a thread of this module says its last words
//! for it: it saves and reports what there is and ends the process with the run still in it. A run that takes
//! a minute gets the same, signal or not.

use super::stopwatch::Stopwatch;
use super::{Status, output, print_error, tell, warn};
use crate::suite::Watchdog;
use perfidy_sim::{Interrupt, SimSpan};
use signal_hook::flag;
use std::fs;
use std::io;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a run may take in real time before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often signals and the time are looked at.
const TICK: Duration = Duration::from_millis(20);

/// After how many ticks shrinking is ended, and after how many the command is not waited for any longer. They
/// count from the end of runs; ticks, since a process that was suspended has not had the time between.
const AFTER_SIGNAL: (u32, u32) = (15, 40);
const AFTER_TIME: (u32, u32) = (40, 75);

/// What is left to do for a command that cannot do it: saves and reports what there is, and says how it ends.
type LastWords = Box<dyn FnOnce() -> Status + Send>;

/// The signals that ask a process to end.
const SIGNALS: &[i32] = &[
    signal_hook::consts::SIGINT,
    signal_hook::consts::SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// Knows when a command is to end.
pub struct Ending {
    /// Ends runs.
    pub runs: Interrupt,
    /// Ends shrinking as well.
    pub shrinking: Interrupt,
    signalled: Signalled,
    /// Names the run that does not come back.
    pub watchdog: Watchdog,
    last_words: Arc<Mutex<Option<LastWords>>>,
}

/// Whether a signal came, and whether its sender was told that it was heard.
#[derive(Clone, Default)]
struct Signalled {
    is: Arc<AtomicBool>,
    is_told: Arc<Mutex<bool>>,
}

impl Signalled {
    fn get(&self) -> bool {
        self.is.load(Ordering::Relaxed)
    }

    /// Whether a signal came that was not known of before; its sender is told.
    fn is_news(&self) -> bool {
        // Held until the words are out, so that the process does not end before them.
        let mut is_told = self.is_told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = self.get() && !*is_told;
        if is_news {
            *is_told = true;
            tell("stopping, with what there is up to now (again to stop at once)");
        }
        is_news
    }
}

impl Ending {
    /// Looks out for signals, and for the end of the time that there is from now on.
    pub fn within(time: Option<SimSpan>) -> Self {
        let last_words: Arc<Mutex<Option<LastWords>>> =
            Arc::new(Mutex::new(Some(Box::new(|| Status::AsExpected))));
        let signalled = Signalled::default();
        if let Err(error) = catch_signals(&signalled.is) {
            warn(format!("Ctrl-C will end this at once: {error}"));
        }
        let (runs, shrinking) = (Interrupt::default(), Interrupt::default());
        let monitor = Monitor {
            runs: runs.clone(),
            shrinking: shrinking.clone(),
            signalled: signalled.clone(),
            last_words: Arc::clone(&last_words),
            time: time.map(|span| Duration::from_nanos(span.as_nanos())),
        };
        monitor.start();
        let watchdog = stuck(Arc::clone(&last_words));
        Self { runs, shrinking, signalled, watchdog, last_words }
    }

    /// Looks out for signals.
    pub fn by_signal() -> Self {
        Self::within(None)
    }

    /// What is to be done if the command cannot come to its end.
    pub fn on_stuck(&self, words: impl FnOnce() -> Status + Send + 'static) {
        *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(words));
    }

    /// Whether a signal came.
    pub fn was_signalled(&self) -> bool {
        self.signalled.get()
    }

    /// The command has come to its end and says its own last words. If they are being said already, the
    /// process ends while this waits.
    pub fn reached(&self) {
        self.signalled.is_news();
        if take(&self.last_words).is_none() {
            loop {
                thread::park();
            }
        }
    }
}

fn take(words: &Mutex<Option<LastWords>>) -> Option<LastWords> {
    words.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Sets the flag when a signal asks the process to end; the second one ends it at once.
pub fn catch_signals(signalled: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in SIGNALS.iter().copied().filter(|signal| !is_nohup(*signal)) {
        // In this order: the first signal finds the flag down.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(signalled))?;
        flag::register(signal, Arc::clone(signalled))?;
    }
    Ok(())
}

/// Whether the process was started by `nohup`, and is to survive its terminal.
#[cfg(unix)]
fn is_nohup(signal: i32) -> bool {
    let ignored = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    signal == signal_hook::consts::SIGHUP && ignored().is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
fn is_nohup(_: i32) -> bool {
    false
}

/// A watchdog that ends the process when a run does not come back; there is nothing else to be done.
pub fn watchdog() -> Watchdog {
    stuck(Arc::new(Mutex::new(Some(Box::new(|| Status::Broken)))))
}

/// A watchdog that ends the process when a run does not come back.
fn stuck(last_words: Arc<Mutex<Option<LastWords>>>) -> Watchdog {
    Watchdog::with_timeout(PATIENCE, move |overdue| {
        print_error(overdue.in_words(PATIENCE));
        if let Some(words) = take(&last_words) {
            exit(i32::from(words().worse(Status::Broken).worse(output::status()).code()));
        }
    })
}

/// Looks at signals and the time on a thread of its own.
struct Monitor {
    runs: Interrupt,
    shrinking: Interrupt,
    signalled: Signalled,
    last_words: Arc<Mutex<Option<LastWords>>>,
    time: Option<Duration>,
}

impl Monitor {
    #[expect(
        clippy::disallowed_methods,
        reason = "signals come in real time, and nothing simulated sees them"
    )]
    fn start(self) {
        let stopwatch = Stopwatch::start();
        thread::spawn(move || {
            let is_time_over = || self.time.is_some_and(|time| stopwatch.elapsed() >= time);
            while !self.signalled.get() && !is_time_over() {
                thread::sleep(TICK);
            }
            self.runs.set();
            let mut ticks = 0;
            loop {
                if self.signalled.is_news() {
                    ticks = 0;
                }
                let (shrinking, all) = if self.signalled.get() { AFTER_SIGNAL } else { AFTER_TIME };
                if ticks >= shrinking {
                    self.shrinking.set();
                }
                if ticks >= all {
                    break;
                }
                thread::sleep(TICK);
                ticks += 1;
            }
            if let Some(words) = take(&self.last_words) {
                tell("not everything came to its end in time; this is what there is");
                let status = words();
                let status = if self.signalled.get() { status.worse(Status::Inconclusive) } else { status };
                exit(i32::from(status.worse(output::status()).code()));
            }
        });
    }
}
