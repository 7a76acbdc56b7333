//! No task is handed off more often than its user allows.
//!
//! A task changes hands when a handoff is delivered. Between two agents that counts again only once the first
//! of them was handed the task back, whatever number a handoff bears. A repetition of a handoff counts once:
//! a copy that was sent before the task came back, or one with the same content that does not follow from its
//! coming back.

use crate::agent::{Purpose, TeamEvent, kinds};
use crate::properties::wire::sending_of;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Name, Payload};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-handoffs",
        "no task is handed over more often than its user allows",
        Bound::by_steps("hops", AtMost::Count(8)),
        judge,
    )
    .needs(kinds::purpose(Purpose::Handoff))
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::purpose(Purpose::Handoff);

/// How one task has changed hands.
struct Hands<'a> {
    first: &'a Event<TeamEvent>,
    count: u64,
    /// By sender and receiver: when the last handoff that counted was sent, and the digests of all of them.
    handed: BTreeMap<(Name, Name), (EventId, Vec<u64>)>,
    /// When each agent was last handed it.
    got: BTreeMap<Name, EventId>,
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut tasks = BTreeMap::new();
    for event in history.events_of(READS) {
        let EventKind::Delivered { from, about: task, content, .. } = &event.what else { continue };
        if !content.is_for(Purpose::Handoff) {
            continue;
        }
        let hands = tasks.entry(*task).or_insert_with(|| Hands::from(event));
        hands.change(history, event, *from);
        let count = hands.count;
        if count > at_most {
            let message = format!(
                "{task} changed hands {count} times, from {from} to {} in the end; at most {at_most} were asked for",
                event.node
            );
            return Verdict::violated(&[hands.first, event], message);
        }
    }
    if tasks.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

impl<'a> From<&'a Event<TeamEvent>> for Hands<'a> {
    fn from(first: &'a Event<TeamEvent>) -> Self {
        Self { first, count: 0, handed: BTreeMap::new(), got: BTreeMap::new() }
    }
}

impl Hands<'_> {
    /// A handoff is delivered, and counts unless it is a repetition.
    fn change(&mut self, history: &TeamHistory, delivered: &Event<TeamEvent>, from: Name) {
        let sending = sending_of(history, delivered).unwrap_or(delivered);
        let (EventKind::Sent { content, .. } | EventKind::Delivered { content, .. }) = &sending.what else {
            return;
        };
        let digest = content.digest();
        let back = self.got.get(&from).copied().filter(|back| *back < sending.id);
        match self.handed.get_mut(&(from, delivered.node)) {
            None => {
                self.handed.insert((from, delivered.node), (sending.id, vec![digest]));
            }
            Some((last, digests)) => {
                let follows = |back: EventId| {
                    let mut causes = history.causes(sending.id).take_while(|cause| cause.id >= back);
                    !digests.contains(&digest) || causes.any(|cause| cause.id == back)
                };
                if !back.is_some_and(|back| back > *last && follows(back)) {
                    return;
                }
                *last = sending.id;
                digests.push(digest);
            }
        }
        self.count += 1;
        self.got.insert(delivered.node, delivered.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, message, violation};
    use perfidy_sim::Name;

    fn asked() -> Story {
        Story::default().bounded(property().name, 2)
    }

    fn handoff(attempt: u32) -> Headers {
        Headers { attempt: Some(attempt), ..Headers::of(Purpose::Handoff) }
    }

    /// A task goes from each agent to the next one, two events each: sent and delivered.
    fn took_over(story: Story, task: &str, names: &[&str]) -> Story {
        (1..)
            .zip(names.windows(2))
            .fold(story, |story, (attempt, pair)| story.tells((pair[0], pair[1]), task, handoff(attempt)))
    }

    /// A handoff of task-1 is delivered once more.
    fn arrives_again(story: Story, (from, to): (&str, &str), attempt: u32) -> Story {
        let [from, kind, about] = [from, "word", "task-1"].map(Name::new);
        story.event(
            to,
            EventKind::Delivered { from, kind, about, is_reply: false, content: message(handoff(attempt)) },
        )
    }

    #[test]
    fn as_often_as_was_asked_for_is_not_too_often() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn each_task_has_its_own_count() {
        let story =
            took_over(took_over(asked(), "task-1", &["desk", "a", "b"]), "task-2", &["desk", "b", "a"]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn once_more_is() {
        let (events, message) =
            violation(took_over(asked(), "task-1", &["desk", "a", "b", "a"]).judged_by(&property()));
        assert_eq!(events, [3, 7]);
        assert_eq!(message, "task-1 changed hands 3 times, from b to a in the end; at most 2 were asked for");
    }

    #[test]
    fn where_nothing_changed_hands_or_no_bound_was_asked_for_there_is_nothing_to_judge() {
        assert_eq!(asked().judged_by(&property()), Verdict::Vacuous);
        let names = ["desk", "a", "b", "a"];
        let story = took_over(Story::default(), "task-1", &names);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
        let story = took_over(Story::default().bounded("bounded-staleness", 2), "task-1", &names);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn each_task_is_counted_and_told_of_by_itself() {
        let story = took_over(asked(), "task-2", &["desk", "b"]);
        let story = took_over(story, "task-1", &["desk", "a", "b", "a", "b"]);
        assert_eq!(violation(story.judged_by(&property())).0, [5, 9]);
    }

    #[test]
    fn the_same_handoff_delivered_twice_counts_once() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        let story = arrives_again(arrives_again(story, ("a", "b"), 2), ("desk", "a"), 1);
        let to_the_twin = arrives_again(story, ("a", "b#1"), 2);
        assert_eq!(to_the_twin.clone().judged_by(&property()), Verdict::Holds);
        let once_more = to_the_twin.tells(("b", "a"), "task-1", handoff(3));
        let (events, message) = violation(once_more.judged_by(&property()));
        assert_eq!(events, [3, 10]);
        assert!(message.starts_with("task-1 changed hands 3 times, from b to a"), "{message}");
    }

    #[test]
    fn the_same_two_agents_count_again_once_the_task_was_handed_back() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        let repeated = arrives_again(story, ("a", "b"), 3);
        assert_eq!(repeated.judged_by(&property()), Verdict::Holds, "a number alone is no change of hands");
        let story = took_over(Story::default().bounded(property().name, 3), "task-1", &["a", "b", "a"]);
        assert_eq!(violation(took_over(story, "task-1", &["b", "c", "a"]).judged_by(&property())).0, [3, 9]);
        let story = took_over(Story::default().bounded(property().name, 2), "task-1", &["a", "b", "a"]);
        assert_eq!(violation(story.tells(("a", "b"), "task-1", handoff(9)).judged_by(&property())).0, [3, 7]);
    }

    /// The task goes to and fro between two agents, each of which acts on what it got.
    fn to_and_fro(headers: Headers) -> Story {
        let mut story = asked().tells(("a", "b"), "task-1", headers);
        for pair in [("b", "a"), ("a", "b")] {
            let because = Some(story.last());
            story = story.tells_because_of(because, pair, "task-1", headers);
        }
        story
    }

    #[test]
    fn a_handoff_without_a_number_and_with_always_the_same_one_counts_whenever_the_task_had_come_back() {
        for headers in [Headers::of(Purpose::Handoff), handoff(1)] {
            assert_eq!(violation(to_and_fro(headers).judged_by(&property())).0, [3, 7]);
        }
    }

    #[test]
    fn a_repetition_that_does_not_follow_from_the_way_back_is_one_still() {
        let story = took_over(asked(), "task-1", &["a", "b", "a"]).tells(("a", "b"), "task-1", handoff(1));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn handoffs_of_one_attempt_to_different_agents_are_different_ones() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        assert_eq!(violation(arrives_again(story, ("a", "c"), 2).judged_by(&property())).0, [3, 6]);
    }

    #[test]
    fn a_handoff_that_does_not_arrive_and_a_message_that_is_none_change_no_hands() {
        let end = Headers { purpose: Some(Purpose::Done), ..handoff(3) };
        let nothing = Headers { purpose: None, ..handoff(3) };
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        let story = story.sends(("b", "a"), "task-1", handoff(3));
        let story = story.tells(("b", "desk"), "task-1", end).tells(("b", "desk"), "task-1", nothing);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
        let alone = asked().sends(("desk", "a"), "task-1", handoff(1)).tells(("b", "desk"), "task-1", end);
        assert_eq!(alone.judged_by(&property()), Verdict::Vacuous);
    }
}
