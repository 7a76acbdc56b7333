//! Whenever a model works on a task, its transcript has what the user asked for: every step, with the
//! arguments as the user gave them.
//!
//! A transcript is shortened as it grows. What the user wants must survive that: a model that does not see it
//! cannot know that it is missing. A model that works on one step of a task for another agent sees what is
//! wanted of that step.

use crate::agent::{AgentEvent, ChatMessage, Content, TeamEvent, Transcript, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "required-facts-survive",
        "a model that works on a task sees everything that its user asks for",
        judge,
    )
    .needs(kinds::CHATTED.and(kinds::WANTED))
}

/// What the user wants of a task, or of a step of it: each intent with its arguments.
type Wants<'a> = Vec<(&'a Event<TeamEvent>, Name, &'a Content)>;

fn judge(history: &TeamHistory) -> Verdict {
    let mut wants: Lookup<Name, Wants<'_>> = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::CHATTED.and(kinds::WANTED)) {
        match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, arguments, .. }) => {
                wants.get_or_insert_with(*task, Vec::new).push((event, *intent, arguments));
                wants.get_or_insert_with(*intent, Vec::new).push((event, *intent, arguments));
            }
            TeamEvent::Agent(AgentEvent::Chatted { task, turn, transcript, .. }) => {
                let Some(wants) = wants.get(*task) else { continue };
                verdict = Verdict::Holds;
                let lost = wants.iter().find(|(_, intent, arguments)| !shows(transcript, *intent, arguments));
                if let Some((wanted, intent, _)) = lost {
                    let message = format!(
                        "the model of {} does not see in {turn} that {intent} is asked for",
                        event.node
                    );
                    return Verdict::violated(&[wanted, event], message);
                }
            }
            _ => {}
        }
    }
    verdict
}

/// Whether a transcript shows that an intent is asked for with these arguments.
fn shows(transcript: &Transcript, intent: Name, arguments: &Content) -> bool {
    transcript.messages().iter().any(|message| match message {
        ChatMessage::User(request) => request
            .steps
            .iter()
            .any(|step| step.operation.intent == intent && step.operation.arguments == *arguments),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Operation, RequestedStep, TaskRequest};
    use crate::properties::testing::{Story, violation};
    use std::sync::Arc;

    /// The request of task-1, with these arguments of its step.
    fn request(arguments: Content) -> ChatMessage {
        let [task, tool, create, intent] = ["task-1", "ticketing", "create", "task-1/file"].map(Name::new);
        let operation = Operation::new(tool, create, intent).with(arguments);
        let steps = [RequestedStep { operation, needs: Arc::default() }].into();
        ChatMessage::User(TaskRequest::new(task, steps))
    }

    #[test]
    fn a_model_that_sees_the_request_sees_what_is_wanted() {
        let story = Story::default().given("task-1").chats("task-1", &[request(Content::NOTHING)]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_request_that_was_dropped_or_has_other_arguments_is_lost() {
        let story = Story::default().given("task-1").chats("task-1", &[]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(
            message,
            "the model of assistant does not see in task-1/turn-1 that task-1/file is asked for"
        );
        let story = Story::default().given("task-1").chats("task-1", &[request(Content::new(5_u64))]);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn a_model_that_works_on_a_step_sees_what_is_wanted_of_it() {
        let story = Story::default().given("task-1");
        let sees = story.chats_as("worker-1", "task-1/file", &[request(Content::NOTHING)]);
        assert_eq!(sees.judged_by(&property()), Verdict::Holds);
        let story = Story::default().given("task-1").chats_as("worker-1", "task-1/file", &[]);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn where_nothing_is_wanted_there_is_nothing_to_judge() {
        let story = Story::default().given("task-1").chats("task-2", &[]);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
