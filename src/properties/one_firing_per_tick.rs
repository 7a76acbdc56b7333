//! Each tick of a schedule and each delivery of a message leads to one run.
//!
//! A trigger can come twice: from two schedulers, from a queue that delivers at least once, from a sender
//! that saw no answer. Runs that do not know of each other call their tools under ids of their own, so no
//! tool can tell that they are the same work. Judged on the calls as they left their agents: every call for
//! one step of one trigger has the same operation id, whichever agent makes it and however often. A tool that
//! happens to refuse the second, or never gets it, does not make it one firing.

use crate::agent::{AgentEvent, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("one-firing-per-tick", "each tick, message or webhook leads to one run", judge)
        .needs(kinds::TRIGGERED.and(kinds::CALLED))
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::TRIGGERED.and(kinds::CALLED);

fn judge(history: &TeamHistory) -> Verdict {
    let mut triggers: Lookup<Name, Name> = Lookup::default();
    // Not in one pass: by a clock that is wrong, a run can begin before its tick.
    for (_, note) in history.app_events_of(kinds::TRIGGERED) {
        if let TeamEvent::User(UserEvent::Triggered { trigger, intent, .. }) = note {
            triggers.insert(*intent, *trigger);
        }
    }
    let mut first = Lookup::default();
    for (event, note) in history.app_events_of(READS) {
        let TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, op, .. }) = note else { continue };
        let Some(trigger) = triggers.get(*intent) else { continue };
        let (known, earlier) = first.get_or_insert_with(*intent, || (*op, event));
        if known != op {
            let (by, then) = (event.node, earlier.node);
            let message = format!(
                "{trigger} was fired twice: {then} called {tool}.{operation} for {intent} under {known}, \
                 and {by} under {op}"
            );
            return Verdict::violated(&[*earlier, event], message);
        }
    }
    if first.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::OpId;
    use crate::properties::testing::{Story, called, violation};

    fn triggered(story: Story, trigger: &str) -> Story {
        let [trigger, job, intent] = [trigger, "cron-job", &format!("{trigger}/file")].map(Name::new);
        story.record_event("user", TeamEvent::User(UserEvent::Triggered { trigger, job, intent }))
    }

    fn calls(story: Story, node: &str, intent: &str, op: u64) -> Story {
        let called = called(["ticketing", "create", intent].map(Name::new), OpId(op));
        story.record_event(node, TeamEvent::Agent(called))
    }

    #[test]
    fn a_run_that_another_runner_takes_over_is_the_same_run() {
        let story = triggered(triggered(Story::default(), "task-1"), "task-2");
        let story = calls(calls(story, "runner-1", "task-1/file", 1), "runner-2", "task-1/file", 1);
        assert_eq!(calls(story, "runner-1", "task-2/file", 2).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn two_runs_of_one_tick_are_two_firings_also_if_the_second_has_no_effect() {
        for second in ["runner-1", "runner-2"] {
            let story = calls(triggered(Story::default(), "task-1"), "runner-1", "task-1/file", 1);
            let (events, message) = violation(calls(story, second, "task-1/file", 2).judged_by(&property()));
            assert_eq!(events, [2, 3]);
            let expected = format!(
                "task-1 was fired twice: runner-1 called ticketing.create for task-1/file under {}, and {second} \
                 under {}",
                OpId(1),
                OpId(2)
            );
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn a_run_may_begin_before_its_tick_by_a_clock_that_is_wrong() {
        let story = calls(Story::default(), "runner-1", "task-1/file", 1);
        let story = calls(triggered(story, "task-1"), "runner-2", "task-1/file", 2);
        assert_eq!(violation(story.judged_by(&property())).0, [1, 3]);
    }

    #[test]
    fn what_no_trigger_begins_is_nothing_to_judge() {
        let story = calls(calls(Story::default(), "a", "task-1/file", 1), "a", "task-1/file", 2);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(triggered(story, "task-2").judged_by(&property()), Verdict::Vacuous);
        assert_eq!(triggered(Story::default(), "task-1").judged_by(&property()), Verdict::Vacuous);
    }
}
