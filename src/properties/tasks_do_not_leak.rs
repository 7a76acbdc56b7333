//! What a model is told about one task, it is not told in the work on another.
//!
//! Judged on the transcripts that the models got: each is about one task only. It tells of a task by the
//! request of its user, or by a tool call for one of its intents; which task an intent belongs to, the user
//! has said. Work on one step of a task is work on that task.

use crate::agent::{AgentEvent, ChatMessage, TeamEvent, Transcript, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("tasks-do-not-leak", "a model that works on a task is told nothing of another task", judge)
        .needs(kinds::CHATTED)
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut tasks = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::CHATTED.and(kinds::WANTED)) {
        match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                tasks.insert(*intent, (*task, event));
            }
            TeamEvent::Agent(AgentEvent::Chatted { task, turn, transcript, .. }) => {
                verdict = Verdict::Holds;
                let task_of = |intent| tasks.get(intent).map(|(task, _)| *task);
                let task = task_of(*task).unwrap_or(*task);
                let leaked = told_of(transcript, &task_of).find(|other| *other != task);
                if let Some(other) = leaked {
                    let message = format!("the model of {} was told of {other} in {turn}", event.node);
                    return Verdict::violated(&[event], message);
                }
            }
            _ => {}
        }
    }
    verdict
}

/// The tasks of which a transcript tells.
fn told_of<'a>(
    transcript: &'a Transcript,
    task_of: &'a impl Fn(Name) -> Option<Name>,
) -> impl Iterator<Item = Name> + 'a {
    transcript.messages().iter().flat_map(move |message| -> Vec<Name> {
        match message {
            ChatMessage::User(request) => vec![task_of(request.task).unwrap_or(request.task)],
            ChatMessage::Assistant(reply) => {
                reply.calls.iter().filter_map(|call| task_of(call.operation.intent)).collect()
            }
            ChatMessage::Reminder(intents) | ChatMessage::Summary(intents) => {
                intents.iter().filter_map(|intent| task_of(*intent)).collect()
            }
            ChatMessage::System(_) | ChatMessage::Tool { .. } => Vec::new(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::TaskRequest;
    use crate::properties::testing::{Story, violation};
    use std::sync::Arc;

    fn request(task: &str) -> ChatMessage {
        ChatMessage::User(TaskRequest::new(Name::new(task), Arc::default()))
    }

    #[test]
    fn a_transcript_of_its_own_task_is_what_was_promised() {
        let story = Story::default().given("task-1").chats("task-1", &[]).chats("task-2", &[]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn the_request_of_another_task_is_a_leak() {
        let story = Story::default().chats("task-2", &[request("task-1")]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [1]);
        assert_eq!(message, "the model of assistant was told of task-1 in task-2/turn-1");
    }

    #[test]
    fn what_was_done_for_another_task_is_a_leak_too() {
        let done = ChatMessage::Summary([Name::new("task-1/file")].into());
        let story = Story::default().given("task-1").chats("task-2", &[done]);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn work_on_a_step_is_work_on_its_task() {
        let story = Story::default().given("task-1");
        let story = story.chats_as("worker-1", "task-1/file", &[request("task-1")]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
        let story = Story::default().given("task-1");
        let story = story.chats_as("worker-1", "task-1/file", &[request("task-2")]);
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "the model of worker-1 was told of task-2 in task-1/file/turn-1");
    }

    #[test]
    fn without_a_model_there_is_nothing_to_judge() {
        assert_eq!(Story::default().given("task-1").judged_by(&property()), Verdict::Vacuous);
    }
}
