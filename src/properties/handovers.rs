//! Handovers as the properties see them: what agents receive under a contract, and what they do by it.

use super::wire::Incarnation;
use crate::agent::{AgentEvent, Purpose, TeamEvent};
use crate::properties::TeamHistory;
use perfidy_sim::{Event, EventKind};
use std::collections::BTreeSet;

/// The agents that have received a handover so far.
pub(super) struct Receivers {
    agents: BTreeSet<Incarnation>,
    /// Whether only work that is handed over counts, and no answers.
    only_orders: bool,
}

/// That an agent acts on what it was handed.
pub(super) struct Act<'a> {
    /// What it does, in words.
    pub what: &'static str,
    /// The delivery of the handover that it works from.
    pub basis: &'a Event<TeamEvent>,
}

impl Receivers {
    /// Those that were handed work.
    pub fn of_work() -> Self {
        Self { agents: BTreeSet::new(), only_orders: true }
    }

    /// Those that were handed work, or told something on a question.
    pub fn of_any() -> Self {
        Self { agents: BTreeSet::new(), only_orders: false }
    }

    fn counts(&self, event: &Event<TeamEvent>) -> bool {
        let EventKind::Delivered { content, .. } = &event.what else { return false };
        content.handover().is_some() && (!self.only_orders || content.is_for(Purpose::Order))
    }

    /// Takes an event in: a message that is sent or delivered, or a call. What an agent does by it about work
    /// that it was handed, if it does something.
    ///
    /// On which handover that rests, the causes of the event say: it is the last one that the agent received
    /// on the way that led there.
    pub fn take_in<'a>(&mut self, history: &'a TeamHistory, event: &'a Event<TeamEvent>) -> Option<Act<'a>> {
        let by = Incarnation::of(event);
        if self.counts(event) {
            self.agents.insert(by);
        }
        let what = act(event)?;
        if !self.agents.contains(&by) {
            return None;
        }
        let mut causes = history.causes(event.id);
        let basis = causes.find(|cause| Incarnation::of(cause) == by && self.counts(cause))?;
        Some(Act { what, basis })
    }
}

/// What an agent does by an event, if that is to act on work.
fn act(event: &Event<TeamEvent>) -> Option<&'static str> {
    match &event.what {
        EventKind::Sent { content, .. } if content.is_for(Purpose::Order) => Some("passed work"),
        EventKind::App(TeamEvent::Agent(AgentEvent::Called { .. })) => Some("called a tool"),
        _ => None,
    }
}

/// Hand-written handovers.
#[cfg(test)]
pub(super) mod testing {
    use crate::agent::{Body, Content, Fact, Handover, Headers, Message, Purpose};
    use crate::properties::testing::Story;
    use perfidy_sim::{EventKind, Name};
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// What they are about.
    pub const INTENT: &str = "task-1/pay";

    /// Work that is passed on, or a refusal of it.
    #[derive(Clone, Hash, Serialize, Deserialize)]
    pub struct Item(pub Purpose, pub Option<Handover>);

    impl Message for Item {
        fn kind(&self) -> &'static str {
            "item"
        }

        fn headers(&self) -> Headers {
            Headers::of(self.0)
        }

        fn handover(&self) -> Option<&Handover> {
            self.1.as_ref()
        }
    }

    impl Item {
        /// An order with these fields.
        pub fn with_fields(fields: Value) -> Self {
            Self(Purpose::Order, Some(Handover::in_version(1, Content::of_json(fields))))
        }

        /// An order with these facts.
        pub fn with_facts(facts: Vec<Fact>) -> Self {
            Self(Purpose::Order, Some(Handover { facts, ..Handover::default() }))
        }
    }

    /// A message is sent: one event.
    pub fn sent(story: Story, cause: Option<u32>, (from, to): (&str, &str), item: &Item) -> Story {
        let [to, kind, about] = [to, "item", INTENT].map(Name::new);
        let content = Body::new(item.clone());
        story.event_because_of(cause, from, EventKind::Sent { to, kind, about, content })
    }

    /// A message is sent and arrives as `read`: two events.
    pub fn passed(story: Story, cause: Option<u32>, route: (&str, &str), sends: &Item, read: &Item) -> Story {
        let story = sent(story, cause, route, sends);
        let (sending, [from, kind, about]) = (story.last(), [route.0, "item", INTENT].map(Name::new));
        let what =
            EventKind::Delivered { from, kind, about, is_reply: false, content: Body::new(read.clone()) };
        story.event_because_of(Some(sending), route.1, what)
    }
}
