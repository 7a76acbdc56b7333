//! Run-level retry: when a run of an agent's loop fails because its model does, the whole run is made again.
//!
//! Frameworks retry the run and not the model call (a queue redelivers the job, a task runner retries it).
//! What the next run finds of the last one is up to [`resume-from-results`](super::resume_from_results).

use crate::config::{Entry, Problem};
use crate::safeguards::retry::RetryKeys;
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};
use perfidy_sim::SimSpan;

/// How often a run is made, and how long the agent waits in between: twice as long each time, up to a
/// maximum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunRetry {
    /// How many runs in all, the first included.
    pub attempts: u32,
    /// The wait before the second run.
    pub first_wait: SimSpan,
    /// The longest wait.
    pub longest_wait: SimSpan,
}

impl Safeguard for RunRetry {
    const NAME: &'static str = "run-retry";
    const ABOUT: &'static str = "built in: a run of a loop that fails with its model is made again";
    const EXAMPLE: &'static str = r#"run-retry = { attempts = 7, backoff = "5s..3m" }"#;
    const WITHOUT: &'static str = "the first error of the model ends the work, and its task fails";
    const PROTECTS: &'static [&'static str] = &["bounded-failures"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let retry = entry.read::<RetryKeys>()?.checked(entry)?;
        let (first_wait, longest_wait) = retry.backoff.into_inner();
        Ok(Some(Self { attempts: retry.attempts, first_wait, longest_wait }))
    }
}

impl BuiltIn for RunRetry {
    const USUAL: Self =
        Self { attempts: 7, first_wait: SimSpan::from_secs(5), longest_wait: SimSpan::from_secs(180) };
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
        safeguards.built_in().unwrap_or(Self { attempts: 1, ..Self::USUAL })
    }

    /// How long to wait after the `failed`th run (counted from one) has failed.
    ///
    /// ```
    /// use perfidy::safeguards::BuiltIn;
    /// use perfidy::safeguards::run_retry::RunRetry;
    /// use perfidy_sim::SimSpan;
    /// assert_eq!(RunRetry::USUAL.wait(3), SimSpan::from_secs(20));
    /// assert_eq!(RunRetry::USUAL.wait(30), SimSpan::from_secs(180));
    /// ```
    pub fn wait(&self, failed: u32) -> SimSpan {
        self.first_wait.saturating_mul(1 << failed.saturating_sub(1).min(40)).min(self.longest_wait)
    }
}
