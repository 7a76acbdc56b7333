//! How far a long campaign is: a line that renews itself on a terminal, elsewhere a line a minute.
//!
//! All other output to standard error goes through [`with_progress_suspended`], so that the line neither
//! hides it nor is torn.

use super::tell;
use crate::inert;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_mins(1);

/// The line that is shown, if one is. Other threads write beside it: the watchdog, the signal handler.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn show(bar: Option<ProgressBar>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Writes to standard error while the line is out of the way.
pub fn with_progress_suspended(write: impl FnOnce()) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Tells how far it is, on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    told: Duration,
}

/// How often the line of steps renews itself.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    pub fn new() -> Self {
        Self::with_template("{spinner} {wide_msg}")
    }

    /// Of work in steps, which are told on a terminal only. The line lives also while a step takes long.
    pub fn of_steps() -> Self {
        let progress = Self::with_template("{spinner} {elapsed} {wide_msg}");
        progress.bar.iter().for_each(|bar| bar.enable_steady_tick(TICK));
        progress
    }

    fn with_template(template: &str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(template).expect("the template is good");
            ProgressBar::new_spinner().with_style(style)
        });
        show(bar.clone());
        Self { bar, told: Duration::ZERO }
    }

    /// Shows which step is under way.
    pub fn show(&self, step: impl fmt::Display) {
        if let Some(bar) = &self.bar {
            bar.set_message(inert::line(&step.to_string()).into_owned());
        }
    }

    /// Tells, if it is time to: `now` is the time since the campaign began.
    pub fn tell(&mut self, now: Duration, line: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(inert::line(&line()).into_owned());
            bar.tick();
        } else if now.saturating_sub(self.told) >= PAUSE {
            self.told = now;
            tell(line());
        }
    }

    /// Leaves the terminal as it was.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        show(None);
    }
}
