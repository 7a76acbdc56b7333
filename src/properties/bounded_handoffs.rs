//! No task changes hands more often than its user puts up with.

use crate::agent::{Claim, Note};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "bounded-handoffs",
    promise: "no task changes hands more often than its user puts up with",
    bound: Some(Bound { key: "hops", usual: AtMost::Count(8) }),
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let Some(at_most) = PROPERTY.asked_for(history) else { return Verdict::Vacuous };
    let mut hops: BTreeMap<_, (u64, _)> = BTreeMap::new();
    for (event, note) in history.notes() {
        let Note::Claimed(Claim::TookOver { task, from }) = note else { continue };
        let (count, first) = hops.entry(*task).or_insert((0, event));
        *count += 1;
        if *count > at_most {
            let message = format!(
                "{task} changed hands {count} times, from {from} to {} in the end; at most {at_most} were asked for",
                event.node
            );
            return Verdict::violated(&[*first, event], message);
        }
    }
    if hops.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;

    fn asked() -> Story {
        Story::default().note("user", Note::Bound { property: Name::new(PROPERTY.name), at_most: 2 })
    }

    fn took_over(story: Story, task: &str, names: &[&str]) -> Story {
        names.windows(2).fold(story, |story, pair| {
            story.claim(pair[1], Claim::TookOver { task: Name::new(task), from: Name::new(pair[0]) })
        })
    }

    #[test]
    fn as_often_as_was_asked_for_is_not_too_often() {
        let story = took_over(asked(), "task-1", &["desk", "a", "b"]);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn each_task_has_its_own_count() {
        let story =
            took_over(took_over(asked(), "task-1", &["desk", "a", "b"]), "task-2", &["desk", "b", "a"]);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn once_more_is() {
        let (events, message) =
            violation(took_over(asked(), "task-1", &["desk", "a", "b", "a"]).judged_by(&PROPERTY));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "task-1 changed hands 3 times, from b to a in the end; at most 2 were asked for");
    }

    #[test]
    fn where_nothing_changed_hands_or_nobody_asked_there_is_nothing_to_judge() {
        assert_eq!(asked().judged_by(&PROPERTY), Verdict::Vacuous);
        let story = took_over(Story::default(), "task-1", &["desk", "a", "b"]);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn each_task_is_counted_and_told_of_by_itself() {
        let story = took_over(asked(), "task-2", &["desk", "b"]);
        let story = took_over(story, "task-1", &["desk", "a", "b", "a", "b"]);
        assert_eq!(violation(story.judged_by(&PROPERTY)).0, [3, 5]);
    }
}
