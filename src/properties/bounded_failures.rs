//! No more tasks fail than the user allows.
//!
//! A team that reports each task as failed keeps every other property. Its user still wants the work done: a
//! fault that passes should cost time, and no task. How many tasks of a run may fail is a bound of the file,
//! such as an error budget is.

use crate::agent::{Outcome, TeamEvent, UserEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-failures",
        "no more tasks fail than the user allows",
        Bound::of("tasks", AtMost::Count(1)),
        judge,
    )
    .needs(kinds::INFORMED)
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut failed = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::INFORMED) {
        let TeamEvent::User(UserEvent::Informed { report, .. }) = note else { continue };
        verdict = Verdict::Holds;
        if report.outcome != Outcome::Failed {
            continue;
        }
        failed.entry(report.task).or_insert(event);
        let count = failed.len() as u64;
        if count > at_most {
            let events: Vec<_> = failed.values().copied().collect();
            let message =
                format!("{count} tasks failed, {} the last of them; at most {at_most} may", report.task);
            return Verdict::violated(&events, message);
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    fn asked() -> Story {
        Story::default().bounded(property().name, 1)
    }

    #[test]
    fn as_many_as_are_allowed_may_fail_however_often_that_is_reported() {
        let story = asked().told("task-1", Outcome::Failed).told("task-1", Outcome::Failed);
        assert_eq!(story.told("task-2", Outcome::Done).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_more_is_a_violation() {
        let story = asked().told("task-1", Outcome::Failed).told("task-2", Outcome::Failed);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "2 tasks failed, task-2 the last of them; at most 1 may");
    }

    #[test]
    fn where_nothing_was_asked_for_there_is_nothing_to_judge() {
        let story = Story::default().told("task-1", Outcome::Failed).told("task-2", Outcome::Failed);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
