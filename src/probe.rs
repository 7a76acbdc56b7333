//! Probes: places that some run must reach, or the test has not tested what it was written for.
//!
//! A property says what must hold in every run; a probe says what must be reached in *some* run ("sometimes"
//! assertions of Antithesis, reachability in model checkers). A campaign counts the runs that reach each
//! probe of its workflow; a probe that no run reaches makes the case vacuous. A probe does not affect the
//! verdict of a run.
//!
//! A probe is reached where the agent's code calls [`Agent::reached`](crate::agent::Agent::reached), or in a
//! run whose history satisfies a predicate:
//!
//! ```
//! use perfidy::probe::Probe;
//!
//! let gave_up = Probe::in_code("gave-up", "an agent has used up all its tries");
//! let busy = Probe::when("busy", "a run has many events", |history| history.len() > 1_000);
//! assert_eq!(busy.name, "busy");
//! ```

use crate::agent::{AgentEvent, TeamEvent, kinds};
use crate::properties::TeamHistory;
use std::fmt;
use std::sync::Arc;

/// Whether a history reaches a probe.
type IsReached = Arc<dyn Fn(&TeamHistory) -> bool + Send + Sync>;

/// A condition that some run should reach.
#[derive(Clone)]
pub struct Probe {
    /// Its name in reports and in [`Agent::reached`](crate::agent::Agent::reached).
    pub name: &'static str,
    /// What is reached, in one line.
    pub about: &'static str,
    is_reached: IsReached,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.name).finish()
    }
}

impl Probe {
    /// A probe that is reached where an agent calls [`Agent::reached`](crate::agent::Agent::reached) with its
    /// name.
    pub fn in_code(name: &'static str, about: &'static str) -> Self {
        Self::when(name, about, move |history| {
            let is_it = |note: &TeamEvent| matches!(note, TeamEvent::Agent(AgentEvent::Reached { probe }) if probe.as_str() == name);
            history.app_events_of(kinds::REACHED).any(|(_, note)| is_it(note))
        })
    }

    /// A probe that is reached in a run whose history satisfies this predicate.
    pub fn when(
        name: &'static str,
        about: &'static str,
        is_reached: impl Fn(&TeamHistory) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { name, about, is_reached: Arc::new(is_reached) }
    }

    /// Whether a history reaches it.
    pub fn is_reached(&self, history: &TeamHistory) -> bool {
        (self.is_reached)(history)
    }
}
