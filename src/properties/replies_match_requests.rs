//! No agent takes the reply to one request for the answer to another.
//!
//! Judged on what an agent was told by a tool, and on the message from which it was told: a reply of that
//! tool to a request for that intent and that operation. An outcome that the agent takes for unknown is no
//! answer.

use crate::agent::{AgentEvent, CallOutcome, TeamEvent, kinds, reply_operation};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "replies-match-requests",
        "an agent takes a tool's reply only for the answer to its own request",
        judge,
    )
    .needs(kinds::ANSWERED)
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::ANSWERED) {
        let TeamEvent::Agent(AgentEvent::Answered { tool, operation, intent, told, .. }) = *note else {
            continue;
        };
        if matches!(told, CallOutcome::Unknown(_)) {
            continue;
        }
        let Some((reply, about, of)) = reply_behind(history, event, tool) else { continue };
        verdict = Verdict::Holds;
        if about != intent || of != operation.as_str() {
            let message = format!(
                "{} took the reply of {tool} to {of} for {about} for the answer to its {operation} for {intent}",
                event.node
            );
            return Verdict::violated(&[reply, event], message);
        }
    }
    verdict
}

/// The reply of a tool that led to an event, the intent that it is about, and the operation.
fn reply_behind<'a>(
    history: &'a TeamHistory,
    event: &Event<TeamEvent>,
    tool: Name,
) -> Option<(&'a Event<TeamEvent>, Name, &'static str)> {
    let reply = history.event(event.cause?);
    match &reply.what {
        EventKind::Delivered { from, kind, about, is_reply: true, .. } if *from == tool => {
            Some((reply, *about, reply_operation(*kind)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Indefinite};
    use crate::properties::testing::{Story, answered, message, violation};

    /// An executor that asked for `create` for task-1/a gets a reply of that kind about that intent, and
    /// takes this from it.
    fn takes(kind: &str, about: &str, told: CallOutcome) -> Verdict {
        let [from, kind, about] = ["ticketing", kind, about].map(Name::new);
        let content = message(Headers::NONE);
        let reply = EventKind::Delivered { from, kind, about, is_reply: true, content };
        let story = Story::default().event("executor", reply);
        let [tool, operation, intent] = ["ticketing", "create", "task-1/a"].map(Name::new);
        let answered = TeamEvent::Agent(answered([tool, operation, intent], told));
        let delivery = story.last();
        story.event_because_of(Some(delivery), "executor", EventKind::App(answered)).judged_by(&property())
    }

    #[test]
    fn the_reply_to_its_own_request_is_an_answer() {
        assert_eq!(takes("reply to create", "task-1/a", CallOutcome::Done), Verdict::Holds);
    }

    #[test]
    fn the_reply_about_another_intent_is_none() {
        let (events, message) = violation(takes("reply to create", "task-2/a", CallOutcome::Done));
        assert_eq!(events, [1, 2]);
        assert_eq!(
            message,
            "executor took the reply of ticketing to create for task-2/a for the answer to its create for task-1/a"
        );
    }

    #[test]
    fn the_reply_to_another_operation_is_none() {
        let (_, message) = violation(takes("reply to look-up of create", "task-1/a", CallOutcome::Done));
        assert!(message.contains("to look-up of create for task-1/a"), "{message}");
    }

    #[test]
    fn a_reply_that_is_recognised_as_that_of_another_is_not_taken_for_an_answer() {
        let unknown = CallOutcome::Unknown(Indefinite::OfAnotherRequest);
        assert_eq!(takes("reply to create", "task-2/a", unknown), Verdict::Vacuous);
    }

    #[test]
    fn a_reply_of_another_than_the_tool_is_not_taken_for_an_answer_of_the_tool() {
        let [from, kind, about] = ["planner", "reply to create", "task-2/a"].map(Name::new);
        let content = message(Headers::NONE);
        let reply = EventKind::Delivered { from, kind, about, is_reply: true, content };
        let story = Story::default().event("executor", reply);
        let call = ["ticketing", "create", "task-1/a"].map(Name::new);
        let told = EventKind::App(TeamEvent::Agent(answered(call, CallOutcome::Done)));
        let story = story.event_because_of(Some(1), "executor", told);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
