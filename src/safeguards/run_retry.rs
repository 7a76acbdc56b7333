//! Run-level retry: when a run of an agent's loop fails because its model does, the whole run is made again.
//!
//! Frameworks retry the run and not the model call (a queue redelivers the job, a task runner retries it).
//! What the next run finds of the last one is up to [`resume-from-results`](super::resume_from_results).

use crate::config::{Entry, Problem, Span};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};
use perfidy_sim::SimSpan;
use serde::Deserialize;

/// How often a run is made, and how long the agent waits before the second; the wait doubles from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunRetry {
    /// How many runs in all, the first included.
    pub attempts: u32,
    /// The wait before the second run.
    pub pause: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    attempts: u32,
    pause: Span,
}

impl Safeguard for RunRetry {
    const NAME: &'static str = "run-retry";
    const ABOUT: &'static str = "built in: a run of a loop that fails with its model is made again";
    const EXAMPLE: &'static str = r#"run-retry = { attempts = 7, pause = "5s" }"#;
    const WITHOUT: &'static str = "the first error of the model ends the work, and its task fails";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { attempts, pause: Span(pause) } = entry.read()?;
        if !(1..=100).contains(&attempts) {
            return Err(entry.problem(format!("`attempts` is {attempts}; it can be 1 to 100")));
        }
        Ok(Some(Self { attempts, pause }))
    }
}

impl BuiltIn for RunRetry {
    const USUAL: Self = Self { attempts: 7, pause: SimSpan::from_secs(5) };
}

impl RunRetry {
    /// The retries of a team with these safeguards.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::run_retry::RunRetry;
    /// assert_eq!(RunRetry::of(&Safeguards::default()).attempts, 7);
    /// ```
    pub fn of(safeguards: &Safeguards) -> Self {
        safeguards.built_in().unwrap_or(Self { attempts: 1, pause: SimSpan::ZERO })
    }
}
