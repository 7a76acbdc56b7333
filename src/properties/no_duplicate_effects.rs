//! Every effect of a task happens at most once.
//!
//! Judged on the ledger by logical intent, never by request or key: two effects under two keys are two
//! tickets for one intent. An effect that was undone before the next one counts as one effect.

use crate::agent::{TeamEvent, ToolEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::Lookup;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-duplicate-effects", "each effect that a task wants happens at most once", judge)
        .needs(kinds::EFFECT)
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut first = Lookup::default();
    for (event, note) in history.app_events_of(kinds::EFFECT) {
        let TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) = note else { continue };
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
    use crate::agent::OpId;
    use crate::properties::testing::{Story, asked, violation};
    use perfidy_sim::Name;

    #[test]
    fn one_effect_each_is_what_was_promised() {
        let story = Story::default().effect("task-1/file", 1).effect("task-2/file", 2);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn the_same_intent_twice_is_a_duplicate_whatever_its_key() {
        for second_op in [1, 2] {
            let story = Story::default().effect("task-1/file", 1).effect("task-1/file", second_op);
            let (events, message) = violation(story.judged_by(&property()));
            assert_eq!(events, [1, 2]);
            assert_eq!(message, "ticketing.create happened twice for task-1/file");
        }
    }

    #[test]
    fn no_effect_at_all_is_nothing_to_judge() {
        assert_eq!(Story::default().given("task-1").judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn other_operations_and_other_tools_do_other_things() {
        let story = Story::default().effect("task-1/file", 1).undo("task-1/file", 2);
        let (operation, intent) = (Name::new("create"), Name::new("task-1/file"));
        let request = asked(operation, intent);
        let note = TeamEvent::Tool(ToolEvent::Effect { operation, intent, op: OpId(3), receipt: 3, request });
        assert_eq!(story.record_event("calendar", note).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_was_undone_has_happened_all_the_same() {
        let story = Story::default().effect("task-1/file", 1).undo("task-1/file", 2);
        assert_eq!(violation(story.clone().effect("task-1/file", 3).judged_by(&property())).0, [1, 3]);
        let (events, message) = violation(story.undo("task-1/file", 2).judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "ticketing.withdraw happened twice for task-1/file");
    }
}
