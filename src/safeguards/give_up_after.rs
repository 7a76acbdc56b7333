//! Giving up: work that fails again and again is ended, and its user is told.
//!
//! A team that tries for ever never tells its user anything, and pays for each try. After so many failures of
//! one step the task is reported as failed; where there is a [person on call](super::dead_letter), the step
//! is escalated first.

use crate::agent::Agent;
use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};
use perfidy_sim::SimSpan;

/// How often a step of a task may fail before the task is given up. Each failure is the end of all
/// [retries](super::retry) of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GiveUpAfter(pub u32);

impl Safeguard for GiveUpAfter {
    const NAME: &'static str = "give-up-after";
    const ABOUT: &'static str = "built in: a task fails once one of its steps has failed so often";
    const EXAMPLE: &'static str = r#"give-up-after = "5 failures""#;
    const WITHOUT: &'static str = "a step that fails is tried again for ever, and its user is never told";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let text: String = entry.read()?;
        if text == "never" {
            return Ok(None);
        }
        let number = text.strip_suffix(" failures").or_else(|| text.strip_suffix(" failure"));
        let number =
            number.and_then(|number| number.parse().ok()).filter(|number| (1..=1_000).contains(number));
        let problem = || {
            let problem = entry.problem(format!("`{text}` is no number of failures from 1 to 1000"));
            problem.help("write it like \"5 failures\", or \"never\"")
        };
        number.map(Self).map(Some).ok_or_else(problem)
    }
}

impl BuiltIn for GiveUpAfter {
    const USUAL: Self = Self(5);
}

impl GiveUpAfter {
    /// Whether a team with these safeguards gives up after so many failures.
    pub fn is_reached(safeguards: &Safeguards, failures: u32) -> bool {
        safeguards.built_in::<Self>().is_some_and(|Self(most)| failures >= most)
    }
}

/// Asks until there is an answer, with a pause after each try without one; `None` once that is given up.
///
/// ```
/// use perfidy::agent::{Agent, Operation};
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::give_up_after::ask_until_given_up;
/// use perfidy_sim::SimSpan;
///
/// /// Whether a tool has an effect on record; `None` if it does not answer.
/// async fn is_there(agent: &Agent, safeguards: &Safeguards, effect: Operation) -> Option<bool> {
///     ask_until_given_up(agent, safeguards, SimSpan::from_secs(5), async || {
///         agent.look_up(&effect, SimSpan::from_secs(10)).await.ok().map(|found| found.is_some())
///     })
///     .await
/// }
/// ```
pub async fn ask_until_given_up<T>(
    agent: &Agent,
    safeguards: &Safeguards,
    pause: SimSpan,
    ask: impl AsyncFn() -> Option<T>,
) -> Option<T> {
    let mut failures = 0;
    loop {
        let answer = ask().await;
        failures += 1;
        if answer.is_some() || GiveUpAfter::is_reached(safeguards, failures) {
            return answer;
        }
        agent.sleep(pause).await;
    }
}
