//! What a store keeps as the newer of two writes is never the one from which the other followed.
//!
//! Two clocks never agree, so of two writes by different agents a stamp does not tell which came first. If
//! one of them was made in the knowledge of the other, there is a right answer: the other came first. A store
//! in which the last writer wins loses a write in two ways: an earlier one that comes late replaces it, or it
//! is dropped when it comes, because an earlier one has the higher stamp.
//!
//! Which write followed from which is judged by the causes in the history and never by a stamp: a call
//! follows from what its agent had received, done, and read in the store when it made the call. What a
//! restarted agent knows from its journal alone, or has read from the registers, is not followed up: for
//! that, no team is accused. A retry counts as a new write, with a stamp of its own.

use super::states::apply_again;
use crate::agent::{AgentEvent, StoreEvent, StoreOutcome, TeamEvent, ToolEvent, ToolRequest, Version, kinds};
use crate::properties::{Property, StatesOverTime, TeamHistory, Verdict};
use crate::tools::{RegisterCall, Registers, Tool};
use perfidy_sim::{Event, EventId, EventKind, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "causal-order",
        "of two writes, one that followed from the other is never taken for the older",
        judge,
    )
    .needs(kinds::OPENED.and(kinds::EFFECT))
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    let mut causes = Causes::new(history);
    for tool in history.tools_of::<Registers>() {
        let mut registers = Registers::default();
        let mut held: BTreeMap<String, Write<'_>> = BTreeMap::new();
        let of_tool = history.app_events_of(kinds::EFFECT).filter(|(event, _)| event.node == tool);
        for (event, note) in of_tool {
            let TeamEvent::Tool(ToolEvent::Effect { intent, request, .. }) = note else { continue };
            let before = registers.clone();
            apply_again(&mut registers, event, request);
            let Some(write) = Write::of(history, event, *intent, request) else { continue };
            let is_kept = registers != before;
            if let Some(other) = held.get(&write.key).filter(|other| other.intent != write.intent) {
                let (kept, lost) = if is_kept { (&write, other) } else { (other, &write) };
                if causes.leads_to(kept.made, lost.made) {
                    return Verdict::violated(&[kept.event, lost.event], in_words(tool, kept, lost));
                }
                verdict = Verdict::Holds;
            }
            if is_kept {
                held.insert(write.key.clone(), write);
            }
        }
    }
    verdict
}

fn in_words(tool: Name, kept: &Write<'_>, lost: &Write<'_>) -> String {
    let (key, kept, lost) = (&kept.key, kept.intent, lost.intent);
    format!("{key} on {tool} keeps the write for {kept} and loses the one for {lost}, which followed from it")
}

/// A write that a store has carried out.
struct Write<'a> {
    event: &'a Event<TeamEvent>,
    intent: Name,
    key: String,
    /// The event in which its writer sent it.
    made: EventId,
}

impl<'a> Write<'a> {
    fn of(
        history: &TeamHistory,
        event: &'a Event<TeamEvent>,
        intent: Name,
        request: &ToolRequest,
    ) -> Option<Self> {
        let operation = request.operation();
        let call = Registers::parse(operation.name, &operation.arguments);
        let Ok(RegisterCall::Put { key, .. }) = call else { return None };
        let is_sending = |cause: &&Event<TeamEvent>| {
            matches!(cause.what, EventKind::Sent { .. }) && cause.node == request.by
        };
        let made = history.causes(event.id).find(is_sending)?.id;
        Some(Self { event, intent, key, made })
    }
}

/// What followed from what: the causes of events, and through the store, what a reader read.
struct Causes<'a> {
    history: &'a TeamHistory,
    /// The changes of each item of the store, by version; made when it is first needed.
    changes: Option<BTreeMap<(Name, Version), EventId>>,
}

impl<'a> Causes<'a> {
    fn new(history: &'a TeamHistory) -> Self {
        Self { history, changes: None }
    }

    /// Whether an event led to another one, which came later.
    fn leads_to(&mut self, first: EventId, then: EventId) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![then]);
        while let Some(id) = open.pop() {
            if id == first {
                return true;
            }
            if id > first && seen.insert(id) {
                self.before(id, &mut open);
            }
        }
        false
    }

    /// Adds the events that led straight to an event.
    fn before(&mut self, id: EventId, open: &mut Vec<EventId>) {
        let event = self.history.event(id);
        let is_followed = match &event.what {
            // A new incarnation knows nothing of the former one.
            EventKind::Started { .. } => false,
            // A receiver learns nothing from what it cannot read.
            EventKind::Delivered { content, .. } => !content.is_unreadable(),
            _ => true,
        };
        open.extend(event.cause.filter(|_| is_followed));
        if let EventKind::App(TeamEvent::Agent(AgentEvent::StoreOutcome {
            item,
            heard: StoreOutcome::Saw(version),
            ..
        })) = event.what
        {
            let first = (item, Version::default());
            open.extend(self.changes().range(first..=(item, version)).map(|(_, event)| *event));
        }
    }

    fn changes(&mut self) -> &BTreeMap<(Name, Version), EventId> {
        let history = self.history;
        self.changes.get_or_insert_with(|| {
            let stored = history.app_events_of(kinds::STORED).filter_map(|(event, note)| match note {
                TeamEvent::Store(StoreEvent::Stored { item, version, .. }) => {
                    Some(((*item, *version), event.id))
                }
                _ => None,
            });
            stored.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Body, Content, Headers, OpId, Operation, Stamp, ToolCall, Wire};
    use crate::properties::testing::{Story, message, violation};
    use perfidy_sim::{Payload, SimTime};
    use serde_json::json;

    /// A call that puts the name of its step under the name of its task.
    fn put(by: &str, step: &str, stamp: u64) -> ToolRequest {
        let arguments = Content::of_json(json!({ "key": "task-1", "value": step }));
        let intent = Name::new(&format!("task-1/{step}"));
        let operation = Operation::new(Name::new("wiki"), Name::new("put"), intent).with(arguments);
        let headers = Headers { stamp: Some(Stamp(stamp)), ..Headers::NONE };
        let call = ToolCall { headers, ..ToolCall::unkeyed(operation, OpId(stamp)) };
        // Whichever incarnation makes the call, it is made under the name of the agent.
        let by = by.split_once('#').map_or(by, |(name, _)| name);
        ToolRequest::new(Name::new(by), SimTime::ZERO, Body::new(Wire::Call(Box::new(call))))
    }

    /// A call is sent because of an event, and carried out because of that, three events in all.
    fn writes(story: Story, cause: Option<u32>, (by, step, stamp): (&str, &str, u64)) -> Story {
        let sent = sends(story, cause, by, step);
        let sending = sent.last();
        carries_out(sent, sending, (by, step, stamp))
    }

    fn sends(story: Story, cause: Option<u32>, by: &str, step: &str) -> Story {
        let [to, kind, about] = ["wiki", "call put", &format!("task-1/{step}")].map(Name::new);
        let content = message(Headers::NONE);
        story.event_because_of(cause, by, EventKind::Sent { to, kind, about, content })
    }

    fn carries_out(story: Story, sending: u32, (by, step, stamp): (&str, &str, u64)) -> Story {
        let request = put(by, step, stamp);
        let Operation { name: operation, intent, .. } = *request.operation();
        let effect = ToolEvent::Effect { operation, intent, op: OpId(stamp), receipt: stamp, request };
        story.event_because_of(Some(sending), "wiki", EventKind::App(TeamEvent::Tool(effect)))
    }

    fn wiki() -> Story {
        Story::default().opens("wiki", Registers::default())
    }

    #[test]
    fn a_write_that_follows_from_another_and_has_the_higher_stamp_is_kept() {
        let story = writes(wiki(), None, ("peer-1", "draft", 10));
        let story = writes(story, Some(3), ("peer-2", "final", 20));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_write_that_is_dropped_though_it_followed_from_the_one_that_is_kept_is_lost() {
        let story = writes(wiki(), None, ("peer-1", "draft", 20));
        let (events, said) =
            violation(writes(story, Some(3), ("peer-2", "final", 10)).judged_by(&property()));
        assert_eq!(events, [3, 5]);
        assert_eq!(
            said,
            "task-1 on wiki keeps the write for task-1/draft and loses the one for task-1/final, which followed \
             from it"
        );
    }

    #[test]
    fn an_earlier_write_that_comes_late_does_not_replace_what_followed_from_it() {
        let late = |draft, last| {
            // Event 2 sends the draft; the other write is made because of it, and comes first.
            let story = sends(wiki(), None, "peer-1", "draft");
            let story = writes(story, Some(2), ("peer-2", "final", last));
            carries_out(story, 2, ("peer-1", "draft", draft)).judged_by(&property())
        };
        assert_eq!(late(10, 20), Verdict::Holds);
        assert_eq!(violation(late(20, 10)).0, [4, 5]);
    }

    #[test]
    fn of_two_writes_that_do_not_know_of_each_other_either_may_be_kept() {
        let story = writes(wiki(), None, ("peer-1", "draft", 20));
        assert_eq!(writes(story, None, ("peer-2", "final", 10)).judged_by(&property()), Verdict::Holds);
    }

    /// A peer stores a part because of its write, and another one reads that version of the item and writes.
    fn by_way_of_the_store(read: u64) -> Verdict {
        let item = Name::new("progress");
        let stored = |version, based_on| {
            let (version, based_on) = (Version(version), Version(based_on));
            EventKind::App(TeamEvent::Store(StoreEvent::Stored {
                item,
                by: Name::new("peer-1"),
                version,
                based_on,
            }))
        };
        let story = Story::default().opens("wiki", Registers::default());
        let story = story.event("store", stored(1, 0));
        let story = writes(story, None, ("peer-1", "draft", 20));
        let story = story.event_because_of(Some(4), "store", stored(2, 1));
        let (asked, heard) = (EventId::new(1).expect("there is one"), StoreOutcome::Saw(Version(read)));
        let outcome = AgentEvent::StoreOutcome { item, asked, heard };
        let story = story.event("peer-2", EventKind::App(TeamEvent::Agent(outcome)));
        let cause = Some(story.last());
        writes(story, cause, ("peer-2", "final", 10)).judged_by(&property())
    }

    #[test]
    fn who_reads_what_another_has_stored_knows_of_it() {
        assert!(by_way_of_the_store(2).is_violated());
        assert_eq!(by_way_of_the_store(1), Verdict::Holds, "that version says nothing of the draft");
    }

    #[test]
    fn what_a_receiver_cannot_read_and_what_it_knew_before_a_crash_it_does_not_know() {
        let draft = || writes(wiki(), None, ("peer-1", "draft", 20));
        let [from, kind, about] = ["peer-1", "word", "task-1"].map(Name::new);
        let is_reply = false;
        let content = message(Headers::NONE).corrupted();
        let garbled = EventKind::Delivered { from, kind, about, is_reply, content };
        let story = draft().event_because_of(Some(3), "peer-2", garbled);
        let cause = Some(story.last());
        assert_eq!(writes(story, cause, ("peer-2", "final", 10)).judged_by(&property()), Verdict::Holds);
        let restarted = EventKind::Started { incarnation: 1 };
        let story = draft().event_because_of(Some(3), "peer-1#1", restarted);
        let cause = Some(story.last());
        assert_eq!(writes(story, cause, ("peer-1#1", "final", 10)).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_write_under_a_key_and_a_write_that_comes_twice_are_nothing_to_judge() {
        let story = writes(wiki(), None, ("peer-1", "draft", 20));
        assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(writes(story, Some(3), ("peer-1", "draft", 30)).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().given("task-1").judged_by(&property()), Verdict::Vacuous);
    }
}
