//! Whether a team was still getting somewhere when the time of its run was over.
//!
//! The time of a run is a bound like any other: a team that reaches it may be stuck, or may only have more to
//! do than fits. What tells the two apart is not how much is left, which grows with the number of tasks, but
//! whether work was still getting done: in the last quarter of the time that the last task had, an effect
//! that had not happened before took place, a question was answered, an entry came into the store or a user
//! learnt how a task ended. Effects that happen again do not count, or a team that goes round in circles
//! would seem to move.

use crate::agent::{Note, StoreEvent, ToolEvent, UserEvent};
use crate::properties::TeamHistory;
use perfidy_sim::{Name, SimTime};
use std::collections::BTreeSet;

/// In the last of so many parts of the time that the last task had, something must have got done.
const PARTS: u64 = 4;

/// Whether anything got done for the first time shortly before the end.
pub(super) fn was_made_to_the_end(history: &TeamHistory) -> bool {
    let Some(last) = history.events().last() else { return false };
    let given = |note: &Note| matches!(note, Note::User(UserEvent::TaskGiven { .. }));
    let last_task =
        history.notes().filter(|(_, note)| given(note)).map(|(event, _)| event.at).max().unwrap_or_default();
    let time = last.at.since(last_task);
    let since = SimTime::from_nanos(last.at.as_nanos() - time.split(PARTS).as_nanos());
    let mut seen = BTreeSet::new();
    history
        .notes()
        .any(|(event, note)| what_got_done(note).is_some_and(|done| seen.insert(done)) && event.at >= since)
}

/// What a note shows to have been done, and of what kind that is.
fn what_got_done(note: &Note) -> Option<(u8, Name)> {
    match *note {
        Note::Tool(ToolEvent::Effect { intent, .. }) => Some((0, intent)),
        Note::Tool(ToolEvent::Served { intent, .. }) => Some((1, intent)),
        Note::Store(StoreEvent::Entered { entry, .. }) => Some((2, entry)),
        Note::User(UserEvent::Informed { ref report, .. }) => Some((3, report.task)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Outcome;
    use crate::properties::testing::{Story, number};
    use perfidy_sim::{Stop, What};

    fn is_made(story: Story) -> bool {
        was_made_to_the_end(&story.ended(Stop::Deadline).history())
    }

    #[test]
    fn an_effect_shortly_before_the_end_is_headway() {
        assert!(is_made(Story::default().given("task-1").pass(100).effect("task-1/file", 1).pass(20)));
        assert!(!is_made(Story::default().given("task-1").effect("task-1/file", 1).pass(100)));
    }

    #[test]
    fn an_effect_that_happens_again_is_none() {
        let again =
            Story::default().given("task-1").effect("task-1/file", 1).pass(100).effect("task-1/file", 2);
        assert!(!is_made(again));
    }

    #[test]
    fn the_end_of_one_task_is_headway_for_those_that_wait_behind_it() {
        let waiting = Story::default().given("task-1").given("task-2").pass(100);
        assert!(is_made(waiting.told("task-1", Outcome::Done).pass(9)));
    }

    #[test]
    fn heartbeats_and_messages_are_no_headway() {
        let beat = What::Sent {
            to: Name::new("b"),
            kind: Name::new("beat"),
            about: Name::new("x"),
            content: number(0),
        };
        let story =
            (0..100).fold(Story::default().given("task-1"), |story, _| story.event("a", beat.clone()));
        assert!(!is_made(story));
    }
}
