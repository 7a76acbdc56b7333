//! No transcript that a model gets is longer than its user allows.
//!
//! A longer one is rejected, or pays for what the model does not need, or pushes out what it does.

use crate::agent::{AgentEvent, TeamEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "within-context-budget",
        "no transcript that a model gets is longer than its user allows",
        Bound::of("tokens", AtMost::Count(128_000)),
        judge,
    )
    .needs(kinds::CHATTED)
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::CHATTED) {
        let TeamEvent::Agent(AgentEvent::Chatted { turn, transcript, .. }) = note else { continue };
        let tokens = transcript.tokens();
        if u64::from(tokens) > at_most {
            let message = format!(
                "the model of {} got {tokens} tokens in {turn}; at most {at_most} were asked for",
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
    use crate::properties::testing::{Story, violation};
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
    fn without_a_transcript_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(asked().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().chats("task-1", &[]).judged_by(&property()), Verdict::Vacuous);
    }
}
