//! The states of a tool over time, computed from its ledger.
//!
//! ```
//! use perfidy::properties::{StatesOverTime, TeamHistory, Verdict};
//! use perfidy::tools::Accounts;
//!
//! fn money_is_neither_made_nor_lost(history: &TeamHistory) -> Verdict {
//!     history.states::<Accounts>("bank").always(|bank| bank.total() == 500)
//! }
//! ```

use crate::agent::{TeamEvent, ToolEvent, ToolRequest, kinds};
use crate::properties::{TeamHistory, Verdict};
use crate::tools::{Asked, Tool};
use perfidy_sim::{Event, Name};

/// The states of tools in a history, and their requests.
pub trait StatesOverTime {
    /// Every state of a tool: the initial one, and one more after each effect. None if the history has no
    /// tool of that name, or one of another type.
    fn states<T: Tool>(&self, tool: &str) -> States<'_, T>;

    /// The tools of this type that got requests.
    fn tools_of<T: Tool>(&self) -> Vec<Name>;

    /// Every request that a tool handled, in order, with the event that shows its effect.
    fn requests(&self, tool: &str) -> impl Iterator<Item = (&Event<TeamEvent>, &ToolRequest)>;
}

/// The states of a tool, in order.
pub struct States<'a, T> {
    states: Vec<(&'a Event<TeamEvent>, T)>,
}

impl StatesOverTime for TeamHistory {
    fn states<T: Tool>(&self, tool: &str) -> States<'_, T> {
        let tool = Name::new(tool);
        let mut states: Vec<(&Event<TeamEvent>, T)> = Vec::new();
        let of_tools = self.app_events_of(kinds::OPENED.and(kinds::EFFECT));
        for (event, note) in of_tools.filter(|(event, _)| event.node == tool) {
            match note {
                TeamEvent::Tool(ToolEvent::Opened { state }) => {
                    states.extend(state.open::<T>().map(|state| (event, state.clone())));
                }
                TeamEvent::Tool(ToolEvent::Effect { request, .. }) => {
                    let Some((_, state)) = states.last() else { continue };
                    let mut next = state.clone();
                    apply_again(&mut next, event, request);
                    states.push((event, next));
                }
                _ => {}
            }
        }
        States { states }
    }

    fn tools_of<T: Tool>(&self) -> Vec<Name> {
        let of_type = self.app_events_of(kinds::OPENED).filter(|(_, note)| match note {
            TeamEvent::Tool(ToolEvent::Opened { state }) => state.open::<T>().is_some(),
            _ => false,
        });
        of_type.map(|(event, _)| event.node).collect()
    }

    fn requests(&self, tool: &str) -> impl Iterator<Item = (&Event<TeamEvent>, &ToolRequest)> {
        let tool = Name::new(tool);
        self.app_events().filter_map(move |(event, note)| match note {
            TeamEvent::Tool(note) if event.node == tool => note.request().map(|request| (event, request)),
            _ => None,
        })
    }
}

/// Applies a call that took effect.
pub(super) fn apply_again<T: Tool>(state: &mut T, event: &Event<TeamEvent>, request: &ToolRequest) {
    let operation = request.operation();
    let asked = Asked { by: request.by, at: request.at, headers: request.headers() };
    let call = T::parse(operation.name, &operation.arguments);
    let done = call.is_ok_and(|call| state.apply(call, &asked).is_ok());
    assert!(
        done,
        "{}: a call that took effect does not take effect again; is the tool deterministic?",
        event.id
    );
}

impl<'a, T> States<'a, T> {
    /// The states with the events that led to them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Event<TeamEvent>, &T)> {
        self.states.iter().map(|(event, state)| (*event, state))
    }

    /// The final state of the tool.
    pub fn last(&self) -> Option<&T> {
        self.states.last().map(|(_, state)| state)
    }

    /// Whether a condition holds in every state. Vacuous if there is only the initial one.
    pub fn always(&self, condition: impl Fn(&T) -> bool) -> Verdict {
        match self.states.iter().find(|(_, state)| !condition(state)) {
            Some((event, _)) => {
                let message = format!("{} is in a state in which it must not be", event.node);
                Verdict::violated(&[event], message)
            }
            None if self.states.len() > 1 => Verdict::Holds,
            None => Verdict::Vacuous,
        }
    }
}
