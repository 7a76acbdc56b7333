//! No tool is asked more often than its budget allows, in any ten seconds.
//!
//! A tool that is down, or slow, gets its usual load and all the retries on top of it, and every caller alone
//! is reasonable. Judged on the requests as they reached the tool, whatever became of them: calls, reads,
//! look-ups and cancels, also those that it refused or ignored.

use crate::agent::{TeamEvent, ToolEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Lookup, Name, SimSpan};
use std::collections::VecDeque;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "calls-within-budget",
        "in no ten seconds is a tool asked more often than its budget allows",
        Bound::of("per-10s", AtMost::Count(100)),
        judge,
    )
}

/// The time over which requests are counted.
const WINDOW: SimSpan = SimSpan::from_secs(10);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut requests: Lookup<Name, VecDeque<&Event<TeamEvent>>> = Lookup::default();
    for (event, note) in history.app_events_of(kinds::TOOL_REQUESTS) {
        if !matches!(note, TeamEvent::Tool(note) if !matches!(note, ToolEvent::Opened { .. })) {
            continue;
        }
        let recent = requests.get_or_insert_with(event.node, VecDeque::new);
        while recent.front().is_some_and(|earlier| event.at.since(earlier.at) >= WINDOW) {
            recent.pop_front();
        }
        recent.push_back(event);
        if recent.len() as u64 > at_most {
            let (tool, count) = (event.node, recent.len());
            let message =
                format!("{tool} got {count} requests within {WINDOW}; at most {at_most} were asked for");
            return Verdict::violated(&[recent[0], event], message);
        }
    }
    if requests.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Definite, Refused};
    use crate::properties::testing::{Story, asked, violation};

    fn bounded() -> Story {
        Story::default().bounded(property().name, 3)
    }

    /// The tool refuses a request: one event.
    fn refuses(story: Story, tool: &str) -> Story {
        let [operation, intent] = ["create", "task-1/file"].map(Name::new);
        let (request, refused) = (asked(operation, intent), Refused::of(Definite::Unavailable));
        story.record_event(tool, TeamEvent::Tool(ToolEvent::Refused { operation, intent, refused, request }))
    }

    #[test]
    fn as_many_requests_as_the_budget_allows_are_not_too_many() {
        let story = refuses(refuses(bounded().effect("task-1/file", 1), "ticketing"), "ticketing");
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_request_more_is_too_many_also_if_it_is_refused() {
        let story = (0..3).fold(bounded().effect("task-1/file", 1), |story, _| refuses(story, "ticketing"));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 5]);
        assert_eq!(message, "ticketing got 4 requests within 10s; at most 3 were asked for");
    }

    #[test]
    fn requests_that_are_ten_seconds_apart_do_not_count_together() {
        let three = (0..3).fold(bounded(), |story, _| refuses(story, "ticketing"));
        let later = refuses(three.clone().pass(7), "ticketing");
        assert_eq!(later.judged_by(&property()), Verdict::Holds);
        assert!(refuses(three.pass(6), "ticketing").judged_by(&property()).is_violated());
    }

    #[test]
    fn each_tool_has_a_budget_of_its_own() {
        let story = (0..3).fold(bounded(), |story, _| refuses(refuses(story, "ticketing"), "mail"));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_a_request_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(bounded().called("a", "task-1/file").judged_by(&property()), Verdict::Vacuous);
        assert_eq!(refuses(Story::default(), "ticketing").judged_by(&property()), Verdict::Vacuous);
    }
}
