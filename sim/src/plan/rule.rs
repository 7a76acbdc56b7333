//! Rules: how a fuzzed plan decides.

use crate::{Action, Chance, Fault, Name, SimSpan, SimTime};
use std::ops::RangeInclusive;

/// The kinds of places where the world asks its plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// A message goes out; `what` is its kind. Site: `from > to, kind`.
    Message,
    /// A node is about to take a step; `what` is the step. Site: `node, before step`.
    Before,
    /// A node has just taken a step. Site: `node, after step`.
    After,
    /// A service handles a call, or a node's own code asks; `what` is the call's kind. Site: `service, kind`.
    Service,
}

/// Which names a rule concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// All of them.
    Any,
    /// Only these.
    Of(Vec<Name>),
}

impl Selector {
    /// Whether `name` is one of them.
    pub fn covers(&self, name: Name) -> bool {
        match self {
            Self::Any => true,
            Self::Of(names) => names.contains(&name),
        }
    }
}

/// A fault that strikes by chance wherever it applies.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The fault's name, as scenario files and reports give it.
    pub kind: Name,
    /// Where the question is asked.
    pub hook: Hook,
    /// Which senders, nodes or services.
    pub from: Selector,
    /// Which receivers; for hooks other than [`Hook::Message`] it is the node itself once more.
    pub to: Selector,
    /// Which message kinds, steps or calls.
    pub what: Selector,
    /// How likely, at each place.
    pub chance: Chance,
    /// What happens then.
    pub action: Action,
    /// From where the action's span is drawn, if it has one.
    pub span: Option<RangeInclusive<SimSpan>>,
}

/// What a window of trouble does while it is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// Cuts one group off from another.
    Cut {
        /// One side; the sending side if `one_way`.
        left: Vec<Name>,
        /// The other side.
        right: Vec<Name>,
        /// Whether only messages from left to right are lost.
        one_way: bool,
    },
    /// Stops one of these nodes, drawn anew for every window.
    Pause(Vec<Name>),
    /// Kills one of these nodes, drawn anew for every window; it is back when the window closes.
    Crash(Vec<Name>),
    /// Something befalls one of these services, drawn anew for every window. What the word means is for the service
    /// to know.
    Custom {
        /// The word.
        word: Name,
        /// Whom it may befall.
        among: Vec<Name>,
    },
}

/// Trouble that comes and goes by the clock.
#[derive(Clone, Debug)]
pub struct Window {
    /// The fault's name, as scenario files and reports give it.
    pub kind: Name,
    /// The site of its draws and addresses, such as `partition coordinator | executors`.
    pub site: Name,
    /// What it does.
    pub disturbance: Disturbance,
    /// The calm before each window.
    pub every: RangeInclusive<SimSpan>,
    /// How long each window stays open.
    pub lasting: RangeInclusive<SimSpan>,
}

/// Everything that a fuzzed run may meet.
#[derive(Clone, Debug, Default)]
pub struct Chaos {
    /// Faults by chance. At one place the first rule that fires is the answer.
    pub rules: Vec<Rule>,
    /// Faults by the clock.
    pub windows: Vec<Window>,
    /// Faults that stand in the scenario word for word, struck in every run.
    pub pinned: Vec<Fault>,
    /// When chaos ends: nothing fires from then on, and windows still open close.
    pub until: SimTime,
}
