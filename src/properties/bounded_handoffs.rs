//! No task is handed off more often than its user allows.
//!
//! A task changes hands when a handoff is delivered. Repeated deliveries of one handoff count once; sender,
//! receiver and attempt identify a handoff.

use crate::agent::{Purpose, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{EventKind, EventKinds};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-handoffs",
        "no task is handed over more often than its user allows",
        Bound { key: "hops", usual: AtMost::Count(8) },
        judge,
    )
    .needs(kinds::purpose(Purpose::Handoff))
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::purpose(Purpose::Handoff);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut handoffs = BTreeMap::new();
    for event in history.events_of(READS) {
        let EventKind::Delivered { from, about: task, content, .. } = &event.what else { continue };
        if !content.is_for(Purpose::Handoff) {
            continue;
        }
        let headers = content.headers();
        let (known, first) = handoffs.entry(*task).or_insert_with(|| (BTreeSet::new(), event));
        known.insert((*from, event.node, headers.attempt));
        let count = known.len() as u64;
        if count > at_most {
            let message = format!(
                "{task} changed hands {count} times, from {from} to {} in the end; at most {at_most} were asked for",
                event.node
            );
            return Verdict::violated(&[*first, event], message);
        }
    }
    if handoffs.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
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
    fn the_same_two_agents_in_a_later_attempt_are_another_handoff() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        assert_eq!(violation(arrives_again(story, ("a", "b"), 3).judged_by(&property())).0, [3, 6]);
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
