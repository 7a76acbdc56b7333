//! Nothing is done on a version of the work that a newer one has replaced.
//!
//! Judged on the ledger: each version of what is asked for has an operation id of its own, and the effect bears the id
//! of the version that it came of.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "acts-on-current-version",
    promise: "nothing is done on a version of the work that a newer one has replaced",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut current = BTreeMap::new();
    let mut version_of = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        match *note {
            Note::Claimed(Claim::Issued { intent, version, op }) => {
                version_of.insert((intent, op), version);
                current.insert(intent, (event, version, op));
            }
            Note::Effect { operation, intent, op, .. } => {
                let Some(acted_on) = version_of.get(&(intent, op)) else { continue };
                verdict = Verdict::Holds;
                let Some((issued, newest, _)) = current.get(&intent).filter(|(.., newest)| *newest != op)
                else {
                    continue;
                };
                let message = format!(
                    "{}.{operation} happened for {intent} on version {acted_on}, after version {newest} had replaced it",
                    event.node
                );
                return Verdict::violated(&[issued, event], message);
            }
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::OpId;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;

    fn issued(story: Story, version: u32, op: u64) -> Story {
        let intent = Name::new("task-1/file");
        story.claim("lead", Claim::Issued { intent, version, op: OpId(op) })
    }

    #[test]
    fn acting_on_the_newest_version_is_what_was_promised() {
        let story = issued(issued(Story::default(), 1, 10), 2, 20).effect("task-1/file", 20);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_version_that_comes_after_the_act_was_not_known_to_anybody() {
        let story = issued(issued(Story::default(), 1, 10).effect("task-1/file", 10), 2, 20);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn acting_on_a_version_that_was_replaced_is_stale() {
        let story = issued(issued(Story::default(), 1, 10), 2, 20).effect("task-1/file", 10);
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [2, 3]);
        assert_eq!(
            message,
            "ticketing.create happened for task-1/file on version 1, after version 2 had replaced it"
        );
    }

    #[test]
    fn acting_on_both_is_stale_in_the_second() {
        let both = issued(issued(Story::default(), 1, 10), 2, 20);
        let both = both.effect("task-1/file", 20).effect("task-1/file", 10);
        assert_eq!(violation(both.judged_by(&PROPERTY)).0, [2, 4]);
    }

    #[test]
    fn a_version_counts_by_when_it_was_asked_for_and_not_by_its_number() {
        let forgot = issued(issued(Story::default(), 1, 10), 1, 20).effect("task-1/file", 10);
        assert!(forgot.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn without_versions_or_without_effects_there_is_nothing_to_judge() {
        assert_eq!(Story::default().effect("task-1/file", 1).judged_by(&PROPERTY), Verdict::Vacuous);
        assert_eq!(issued(Story::default(), 1, 10).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn each_intent_has_versions_of_its_own_even_under_one_id() {
        let issued_for = |story: Story, intent: &str, version, op| {
            story.claim("lead", Claim::Issued { intent: Name::new(intent), version, op: OpId(op) })
        };
        let story = issued_for(issued_for(Story::default(), "task-1/file", 1, 10), "task-2/file", 2, 20);
        assert_eq!(story.clone().effect("task-1/file", 10).judged_by(&PROPERTY), Verdict::Holds);
        let strange = story.effect("task-1/file", 20);
        assert_eq!(strange.judged_by(&PROPERTY), Verdict::Vacuous, "20 is no version of task-1/file");
        let shared = issued_for(issued_for(Story::default(), "task-1/file", 1, 10), "task-2/file", 7, 10);
        let (_, message) = violation(issued(shared, 2, 20).effect("task-1/file", 10).judged_by(&PROPERTY));
        assert!(message.contains("for task-1/file on version 1, after version 2"), "{message}");
    }

    #[test]
    fn a_version_that_is_asked_for_again_is_the_newest_again() {
        let story = issued(issued(issued(Story::default(), 1, 10), 2, 20), 1, 10);
        assert_eq!(story.clone().effect("task-1/file", 10).judged_by(&PROPERTY), Verdict::Holds);
        assert_eq!(violation(story.effect("task-1/file", 20).judged_by(&PROPERTY)).0, [3, 4]);
    }
}
