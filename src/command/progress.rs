//! How far a long campaign is: a line that renews itself on a terminal, elsewhere a line a minute.

use super::tell;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// The time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_mins(1);

/// Tells how far it is, on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    told: Duration,
}

impl Progress {
    pub fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is good");
            ProgressBar::new_spinner().with_style(style)
        });
        Self { bar, told: Duration::ZERO }
    }

    /// Tells, if it is time to: `now` is the time since the campaign began.
    pub fn tell(&mut self, now: Duration, line: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(line());
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
    }
}
