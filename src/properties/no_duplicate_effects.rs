//! Whatever a task wants happens at most once.
//!
//! Judged on the ledger by logical intent, never by request or key: two effects under two keys are still two
//! tickets for one wish.

use crate::agent::Note;
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-duplicate-effects",
    promise: "whatever a task wants happens at most once",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut first = BTreeMap::new();
    for (event, note) in history.notes() {
        let Note::Effect { operation, intent, .. } = note else { continue };
        if let Some(earlier) = first.insert((event.node, *operation, *intent), event) {
            let message = format!("{}.{operation} happened twice for {intent}", event.node);
            return Verdict::violated(&[earlier, event], message);
        }
    }
    if first.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    #[test]
    fn one_effect_each_is_what_was_promised() {
        let story = Story::default().effect("task-1/file", 1).effect("task-2/file", 2);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn the_same_intent_twice_is_a_duplicate_whatever_its_key() {
        for second_op in [1, 2] {
            let story = Story::default().effect("task-1/file", 1).effect("task-1/file", second_op);
            let (events, message) = violation(story.judged_by(&PROPERTY));
            assert_eq!(events, [1, 2]);
            assert_eq!(message, "ticketing.create happened twice for task-1/file");
        }
    }

    #[test]
    fn no_effect_at_all_is_nothing_to_judge() {
        assert_eq!(Story::default().given("task-1").judged_by(&PROPERTY), Verdict::Vacuous);
    }
}
