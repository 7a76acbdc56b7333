//! No task takes more tokens of models than its user allows.
//!
//! What counts is what is paid for: the tokens that go into a call of a model and those that come out of it.
//! A call that got no reply in time is paid for as far as it went in; one that the API rejects costs nothing.
//! Every turn of a loop sends the whole transcript again, so a few long replies cost more than many short
//! ones, and a limit of turns is none of tokens. Calls about a step of a task, or about a question of one,
//! are calls of the task, whichever agent makes them.

use crate::agent::{AgentEvent, ModelError, TeamEvent, kinds};
use crate::properties::waits::task_of;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-tokens",
        "no task takes more tokens of models than its user allows",
        Bound::by_steps("tokens", AtMost::Count(1_000_000)),
        judge,
    )
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::CHATTED.and(kinds::COMPLETED);

/// The tokens that are paid for in a call of a model, and what the call is about; `None` for another event.
pub(crate) fn tokens_of(event: &AgentEvent) -> Option<(Name, u64)> {
    match event {
        AgentEvent::Chatted { task, transcript, reply, .. } => {
            let sent = u64::from(transcript.tokens());
            let cost = match reply {
                Ok(reply) => sent + u64::from(reply.tokens()),
                Err(ModelError::TimedOut | ModelError::Unreadable) => sent,
                Err(_) => 0,
            };
            Some((*task, cost))
        }
        AgentEvent::Completed { about, tokens_in, tokens_out, .. } => {
            Some((*about, u64::from(*tokens_in) + u64::from(*tokens_out)))
        }
        _ => None,
    }
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut tokens = Lookup::default();
    for (event, note) in history.app_events_of(READS) {
        let TeamEvent::Agent(call) = note else { continue };
        let Some((about, cost)) = tokens_of(call) else { continue };
        let task = Name::new(task_of(about));
        let (sum, first) = tokens.get_or_insert_with(task, || (0, event));
        *sum += cost;
        if *sum > at_most {
            let message = format!("{task} took {sum} tokens of models; at most {at_most} were asked for");
            return Verdict::violated(&[*first, event], message);
        }
    }
    if tokens.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, completed, violation};

    /// A call with the request of a task costs 79 tokens: 60 go in, and 19 come out.
    fn asked(at_most: u64) -> Story {
        Story::default().bounded(property().name, at_most).given("task-1").given("task-2")
    }

    #[test]
    fn as_many_tokens_as_were_asked_for_are_not_too_many() {
        let story = asked(158).chats("task-1", &[]).chats("task-2", &[]).chats("task-1", &[]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_token_more_is_too_many() {
        let story = asked(157).chats("task-1", &[]).chats("task-1", &[]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [6, 7]);
        assert_eq!(message, "task-1 took 158 tokens of models; at most 157 were asked for");
    }

    #[test]
    fn what_an_api_rejects_costs_nothing() {
        let story = asked(100).chats_in_vain("task-1", &[]).chats_in_vain("task-1", &[]);
        assert_eq!(story.chats("task-1", &[]).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn completions_and_calls_about_a_part_of_a_task_are_those_of_the_task() {
        let asks = |story: Story, about: &str| {
            story.record_event("worker-1", TeamEvent::Agent(completed(Name::new(about))))
        };
        let story = asks(asks(asked(115), "task-1/file"), "task-1/turn-2");
        let story = story.chats_as("worker-2", "task-1/file", &[]);
        assert_eq!(asks(story.clone(), "task-2").judged_by(&property()), Verdict::Holds);
        let (_, message) = violation(asks(story, "task-1").judged_by(&property()));
        assert_eq!(message, "task-1 took 133 tokens of models; at most 115 were asked for");
    }

    #[test]
    fn without_a_call_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(asked(1).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().chats("task-1", &[]).judged_by(&property()), Verdict::Vacuous);
    }
}
