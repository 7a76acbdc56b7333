//! Fan-out caps: an agent works on a limited number of steps at a time, and the others wait.
//!
//! A model can ask for a hundred things at once, and a user can submit as many tasks. Without a limit, each
//! is a call at once, and the tool behind them gets all of them in the same second ("bulkhead", Nygard 2007,
//! "Release It!").

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};
use tokio::sync::Semaphore;

/// How many steps an agent works on at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FanOutCap(pub u32);

impl Safeguard for FanOutCap {
    const NAME: &'static str = "fan-out-cap";
    const ABOUT: &'static str = "built in: an agent works on a limited number of steps at a time";
    const EXAMPLE: &'static str = r#"fan-out-cap = "4 steps""#;
    const WITHOUT: &'static str = "an agent works on all steps at once that it is ordered to take";
    const PROTECTS: &'static [&'static str] = &["calls-within-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let text: String = entry.read()?;
        if text == "none" {
            return Ok(None);
        }
        let number = text.strip_suffix(" steps").or_else(|| text.strip_suffix(" step"));
        let number =
            number.and_then(|number| number.parse().ok()).filter(|number| (1..=1_000).contains(number));
        let problem = || {
            let problem = entry.problem(format!("`{text}` is no number of steps from 1 to 1000"));
            problem.help("write it like \"4 steps\", or \"none\"")
        };
        number.map(Self).map(Some).ok_or_else(problem)
    }
}

impl BuiltIn for FanOutCap {
    const USUAL: Self = Self(4);
}

impl FanOutCap {
    /// How many steps an agent with these safeguards works on at a time.
    pub fn of(safeguards: &Safeguards) -> usize {
        safeguards.built_in::<Self>().map_or(Semaphore::MAX_PERMITS, |Self(most)| most as usize)
    }
}
