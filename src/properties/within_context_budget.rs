//! No transcript and no prompt that a model gets is longer than its user allows.
//!
//! A longer one is rejected, or pays for what the model does not need, or pushes out what it does.

use crate::agent::{AgentEvent, TeamEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::EventKinds;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "within-context-budget",
        "no transcript or prompt that a model gets is longer than its user allows",
        Bound::of("tokens", AtMost::Count(128_000)),
        judge,
    )
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::CHATTED.and(kinds::COMPLETED);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(READS) {
        let TeamEvent::Agent(call) = note else { continue };
        let (tokens, relates, place) = match call {
            AgentEvent::Chatted { turn, transcript, .. } => (transcript.tokens(), "in", turn),
            AgentEvent::Completed { about, tokens_in, .. } => (*tokens_in, "about", about),
            _ => continue,
        };
        if u64::from(tokens) > at_most {
            let message = format!(
                "the model of {} got {tokens} tokens {relates} {place}; at most {at_most} were asked for",
                event.node
            );
            return Verdict::violated(&[event], message);
        }
        verdict = Verdict::Holds;
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::ChatMessage;
    use crate::properties::testing::{Story, completed, violation};
    use perfidy_sim::Name;
    use std::sync::Arc;

    fn asked() -> Story {
        Story::default().bounded(property().name, 100)
    }

    /// A request has 60 tokens, and each of these 40.
    fn more(count: usize) -> Vec<ChatMessage> {
        vec![ChatMessage::Reminder(Arc::default()); count]
    }

    #[test]
    fn as_much_as_was_asked_for_is_not_too_much() {
        assert_eq!(asked().chats("task-1", &more(1)).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_longer_transcript_is_shown_with_its_length() {
        let story = asked().chats("task-1", &more(1)).chats_in_vain("task-1", &more(2));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [3]);
        assert_eq!(
            message,
            "the model of assistant got 140 tokens in task-1/turn-1; at most 100 were asked for"
        );
    }

    #[test]
    fn a_prompt_counts_as_a_transcript_does() {
        let completes = |at_most| {
            let completed = TeamEvent::Agent(completed(Name::new("task-1/figure")));
            Story::default().bounded(property().name, at_most).record_event("service-1", completed)
        };
        assert_eq!(completes(9).judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(completes(8).judged_by(&property()));
        assert_eq!(events, [2]);
        assert_eq!(
            message,
            "the model of service-1 got 9 tokens about task-1/figure; at most 8 were asked for"
        );
    }

    #[test]
    fn without_a_transcript_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(asked().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().chats("task-1", &[]).judged_by(&property()), Verdict::Vacuous);
    }
}
