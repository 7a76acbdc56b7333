//! Progress: whether a team was still completing work when the time of its run was over.
//!
//! A team that reaches the time limit of a run may be stuck, or may have more work than fits. The amount of
//! remaining work does not tell, because it grows with the number of tasks. What tells is whether work was
//! still being completed: in the last quarter of the time that the last task had, a new effect happened, a
//! question was answered, an entry was added to the store or a user got a final report. Repeated effects do
//! not count; otherwise a team in a loop would seem to make progress.

use crate::agent::{StoreEvent, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::TeamHistory;
use perfidy_sim::{Name, SimTime};
use std::collections::BTreeSet;

/// The time of the last task is divided into so many parts; the last part must contain progress.
pub(crate) const PARTS: u64 = 4;

/// Whether some work was completed for the first time shortly before the end.
pub(super) fn was_made_to_the_end(history: &TeamHistory) -> bool {
    let Some(last) = history.events().last() else { return false };
    let last_task = history.events_of(kinds::TASK_GIVEN).last().map(|event| event.at).unwrap_or_default();
    let time = last.at.since(last_task);
    let since = SimTime::from_nanos(last.at.as_nanos() - time.split(PARTS).as_nanos());
    let mut seen = BTreeSet::new();
    history
        .app_events_of(kinds::EFFECT.and(kinds::SERVED).and(kinds::ENTERED).and(kinds::INFORMED))
        .any(|(event, note)| what_got_done(note).is_some_and(|done| seen.insert(done)) && event.at >= since)
}

/// The work that an event shows to be completed, and its kind.
fn what_got_done(note: &TeamEvent) -> Option<(u8, Name)> {
    match *note {
        TeamEvent::Tool(ToolEvent::Effect { intent, .. }) => Some((0, intent)),
        TeamEvent::Tool(ToolEvent::Served { intent, .. }) => Some((1, intent)),
        TeamEvent::Store(StoreEvent::Entered { entry, .. }) => Some((2, entry)),
        TeamEvent::User(UserEvent::Informed { ref report, .. }) => Some((3, report.task)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Outcome;
    use crate::properties::testing::{Story, number};
    use perfidy_sim::{EventKind, RunEnd};

    fn is_made(story: Story) -> bool {
        was_made_to_the_end(&story.ended(RunEnd::Deadline).history())
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
        let beat = EventKind::Sent {
            to: Name::new("b"),
            kind: Name::new("beat"),
            about: Name::new("x"),
            content: number(0),
        };
        let story =
            (0..100).fold(Story::default().given("task-1"), |story, _| story.event("a", beat.clone()));
        assert!(!is_made(story));
    }

    #[test]
    fn a_source_that_serves_something_for_the_first_time_is_headway() {
        let given = || Story::default().given("task-1");
        assert!(is_made(given().pass(100).served("task-1/figure", 1).pass(9)));
        assert!(!is_made(given().served("task-1/figure", 1).pass(100).served("task-1/figure", 2)));
        assert!(!is_made(given().served("task-1/figure", 1).pass(100)));
    }
}
