//! Each effect can be traced to a task that the user asked for.
//!
//! The trace is what the tool has on record with the effect: the header `correlation` of the request names
//! the task. What else the team has written down does not count, since it can be lost; neither does the name
//! of what the call is for, which the tool need not understand. An effect whose trace names a task that the
//! user never gave, or another task than the one that wants it, is traced to the wrong place.
//!
//! Only the calls of teams that trace them are judged: those of which some agent has made a call with that
//! header.

use crate::agent::{AgentEvent, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "effects-traceable",
        "each effect can be traced, by what its tool has on record, to the task that wants it",
        judge,
    )
    .needs(kinds::CORRELATION.and(kinds::EFFECT))
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::TASK_GIVEN.and(kinds::WANTED).and(kinds::CALLED).and(kinds::EFFECT);

fn judge(history: &TeamHistory) -> Verdict {
    let mut given = Lookup::default();
    let mut wanted: Lookup<Name, Name> = Lookup::default();
    let mut untraced: Option<(&Event<TeamEvent>, String)> = None;
    let (mut is_traced, mut has_effects) = (false, false);
    for (event, note) in history.app_events_of(READS) {
        match note {
            TeamEvent::User(UserEvent::TaskGiven { task }) => drop(given.insert(*task, event)),
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => drop(wanted.insert(*intent, *task)),
            TeamEvent::Agent(AgentEvent::Called { request, .. }) => {
                is_traced |= request.headers().correlation.is_some();
            }
            TeamEvent::Tool(ToolEvent::Effect { operation, intent, request, .. }) => {
                has_effects = true;
                let what = || format!("{}.{operation} for {intent}", event.node);
                let wrong = match request.headers().correlation {
                    None => Some(format!("{} cannot be traced to any task", what())),
                    Some(task) if given.get(task).is_none() => {
                        Some(format!("{} is traced to {task}, which no user asked for", what()))
                    }
                    Some(task) => wanted.get(*intent).filter(|wants| **wants != task).map(|wants| {
                        format!("{} is traced to {task}, but it is {wants} that wants it", what())
                    }),
                };
                untraced = untraced.or(wrong.map(|wrong| (event, wrong)));
            }
            _ => {}
        }
    }
    match untraced {
        _ if !is_traced || !has_effects => Verdict::Vacuous,
        Some((event, message)) => Verdict::violated(&[event], message),
        None => Verdict::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Body, Headers, OpId, Operation, ToolCall, ToolRequest, Wire};
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::SimTime;

    fn call(intent: &str, task: Option<&str>) -> ToolRequest {
        let [tool, name, intent] = ["ticketing", "create", intent].map(Name::new);
        let headers = Headers { correlation: task.map(Name::new), ..Headers::NONE };
        let call = ToolCall { headers, ..ToolCall::unkeyed(Operation::new(tool, name, intent), OpId(1)) };
        ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(Wire::Call(Box::new(call))))
    }

    /// An agent calls with the first trace, and the tool has the second one on record.
    fn acts(story: Story, intent: &str, [sent, kept]: [Option<&str>; 2]) -> Story {
        let request = call(intent, sent);
        let Operation { tool, name: operation, intent: about, .. } = *request.operation();
        let called = AgentEvent::Called { tool, operation, intent: about, op: OpId(1), request };
        let request = call(intent, kept);
        let effect = ToolEvent::Effect { operation, intent: about, op: OpId(1), receipt: 1, request };
        let headers = Headers { correlation: sent.map(Name::new), ..Headers::NONE };
        story
            .record_event("executor-1", TeamEvent::Agent(called))
            .sends(("executor-1", "ticketing"), intent, headers)
            .record_event("ticketing", TeamEvent::Tool(effect))
    }

    fn given() -> Story {
        Story::default().given("task-1").given("task-2")
    }

    #[test]
    fn an_effect_that_is_on_record_with_its_task_can_be_traced() {
        let story = acts(given(), "task-1/file", [Some("task-1"); 2]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_effect_of_which_the_tool_does_not_know_the_task_cannot() {
        let (events, message) =
            violation(acts(given(), "task-1/file", [Some("task-1"), None]).judged_by(&property()));
        assert_eq!(
            (events, message.as_str()),
            (vec![7], "ticketing.create for task-1/file cannot be traced to any task")
        );
    }

    #[test]
    fn a_trace_to_a_task_that_no_user_asked_for_or_to_another_task_leads_nowhere() {
        for (task, said) in
            [("task-7", "which no user asked for"), ("task-2", "but it is task-1 that wants it")]
        {
            let (_, message) =
                violation(acts(given(), "task-1/file", [Some(task); 2]).judged_by(&property()));
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn one_effect_without_a_trace_is_one_too_many() {
        let story = acts(given(), "task-1/file", [Some("task-1"); 2]);
        assert!(acts(story, "task-2/file", [None, None]).judged_by(&property()).is_violated());
    }

    #[test]
    fn an_effect_that_no_task_wants_must_still_be_traced_to_a_task_that_was_given() {
        let injected = |task| acts(given(), "task-1/injected", [Some(task); 2]).judged_by(&property());
        assert_eq!(injected("task-1"), Verdict::Holds);
        assert!(injected("task-9").is_violated());
    }

    #[test]
    fn a_team_that_traces_no_call_and_one_without_effects_have_nothing_to_judge() {
        assert_eq!(acts(given(), "task-1/file", [None, None]).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(given().called("executor-1", "task-1/file").judged_by(&property()), Verdict::Vacuous);
    }
}
