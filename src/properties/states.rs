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
use crate::tools::{Caller, Tool};
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
    let asked = Caller { by: request.by, at: request.at, headers: request.headers() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Operation};
    use crate::properties::testing::{Story, violation};
    use crate::tools::{Accounts, Files};
    use serde_json::json;

    fn opened() -> Story {
        Story::default().opens("bank", Accounts::of([("alice", 100), ("bob", 0)]))
    }

    /// Alice pays five.
    fn pays(story: Story, bank: &str) -> Story {
        let arguments = Content::of_json(json!({ "from": "alice", "to": "bob", "amount": 5 }));
        let [bank, transfer, intent] = [bank, "transfer", "task-1/pay"].map(Name::new);
        story.carries_out(&Operation::new(bank, transfer, intent).with(arguments))
    }

    #[test]
    fn there_is_a_state_at_the_beginning_and_one_after_each_effect() {
        let history = pays(pays(opened(), "bank"), "bank").history();
        let states = history.states::<Accounts>("bank");
        let of_alice: Vec<_> =
            states.iter().map(|(event, bank)| (event.id.get(), bank.balance("alice"))).collect();
        assert_eq!(of_alice, [(1, Some(100)), (2, Some(95)), (3, Some(90))]);
        assert_eq!(states.last().and_then(|bank| bank.balance("bob")), Some(10));
        assert!(history.states::<Files>("bank").last().is_none(), "the bank is no disk");
        assert!(history.states::<Accounts>("other").last().is_none());
    }

    #[test]
    fn what_is_always_so_holds_only_if_something_happened() {
        let is_never_short = |bank: &Accounts| bank.balance("alice") >= Some(95);
        let verdict = |story: Story| story.history().states::<Accounts>("bank").always(is_never_short);
        assert_eq!(verdict(opened()), Verdict::Vacuous);
        assert_eq!(verdict(pays(opened(), "bank")), Verdict::Holds);
        let (events, message) = violation(verdict(pays(pays(opened(), "bank"), "bank")));
        assert_eq!(events, [3]);
        assert_eq!(message, "bank is in a state in which it must not be");
    }

    #[test]
    fn the_requests_of_a_tool_are_those_that_it_handled() {
        let story = pays(opened(), "bank").opens("other", Accounts::of([("alice", 9), ("bob", 0)]));
        let history = pays(pays(story, "other"), "bank").history();
        let of = |tool: &str| history.requests(tool).map(|(event, _)| event.id.get()).collect::<Vec<_>>();
        assert_eq!(of("bank"), [2, 5]);
        assert_eq!(of("other"), [4]);
        assert!(of("disk").is_empty());
    }
}
