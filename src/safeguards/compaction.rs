//! Compaction: a transcript that grows too long is replaced by a shorter one with everything that the model
//! still needs: the request, which steps are done, and each call that has not succeeded, with its result.
//!
//! A transcript grows with every reply. An agent that drops the oldest messages when the window is full drops
//! the request first, and then its model does not know what it is asked for; one that forgets a call without
//! a clear outcome lets its model ask for it again.

use crate::agent::{CallRequest, ChatMessage, OpId, Reply, ToolResult, Transcript};
use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// How long a transcript can be before it is compacted, in tokens.
const LENGTHS: RangeInclusive<u32> = 500..=10_000_000;

/// The switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compaction {
    /// The length from which on a transcript is compacted, in tokens.
    pub above: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    above: u32,
}

impl Safeguard for Compaction {
    const NAME: &'static str = "compaction";
    const ABOUT: &'static str =
        "a transcript that is too long is shortened, and keeps the request and what is not settled";
    const EXAMPLE: &'static str = "compaction = { above = 6000 }";
    const WITHOUT: &'static str =
        "a transcript grows past the window, and what is oldest is dropped: first the request";
    const PROTECTS: &'static [&'static str] = &["required-facts-survive", "within-context-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { above } = entry.read()?;
        if !LENGTHS.contains(&above) {
            let (least, most) = LENGTHS.into_inner();
            return Err(entry.problem(format!("`above` is {above}; it can be {least} to {most}")));
        }
        Ok(Some(Self { above }))
    }
}

/// A transcript without open calls, shortened: how the model is to behave, the last request, which steps are
/// done, and the calls without success.
pub fn compacted(transcript: &Transcript) -> Transcript {
    let system = transcript.messages().iter().find(|message| matches!(message, ChatMessage::System(_)));
    let request = transcript.request().cloned().map(ChatMessage::User);
    let done = ChatMessage::Summary(transcript.done().into());
    let kept = system.cloned().into_iter().chain(request).chain([done]);
    kept.chain(unsettled(transcript)).collect()
}

/// The replies and results of a transcript with only the calls that did not succeed and that no reminder
/// followed.
fn unsettled(transcript: &Transcript) -> Vec<ChatMessage> {
    let reminder = transcript.messages().iter().rposition(|said| matches!(said, ChatMessage::Reminder(_)));
    let messages = &transcript.messages()[reminder.map_or(0, |last| last + 1)..];
    let results: BTreeMap<OpId, ToolResult> = messages
        .iter()
        .filter_map(|message| match message {
            ChatMessage::Tool { call, result } => Some((*call, *result)),
            _ => None,
        })
        .filter(|(_, result)| result.receipt().is_none())
        .collect();
    let mut kept = Vec::new();
    for message in messages {
        let ChatMessage::Assistant(reply) = message else { continue };
        let calls: Vec<CallRequest> =
            reply.calls.iter().filter(|call| results.contains_key(&call.id)).cloned().collect();
        if calls.is_empty() {
            continue;
        }
        let told = calls.iter().map(|call| ChatMessage::Tool { call: call.id, result: results[&call.id] });
        let told: Vec<ChatMessage> = told.collect();
        kept.push(ChatMessage::Assistant(Reply { calls: calls.into(), text_tokens: 0, ..reply.clone() }));
        kept.extend(told);
    }
    kept
}

/// The newest messages of a transcript that fit into a window, as an agent without this safeguard trims it:
/// the oldest are dropped, whatever they say, up to the first that does not belong to a dropped one.
pub fn trimmed(transcript: &Transcript, window: u32) -> Transcript {
    let messages = transcript.messages();
    let fits = |start: &usize| messages[*start..].iter().map(ChatMessage::tokens).sum::<u32>() <= window;
    let is_whole = |start: &usize| !matches!(messages.get(*start), Some(ChatMessage::Tool { .. }));
    let start = (0..messages.len()).filter(is_whole).find(fits).unwrap_or(messages.len());
    let kept: Transcript = messages[start..].iter().cloned().collect();
    if kept.messages().is_empty() { [ChatMessage::Summary([].into())].into_iter().collect() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Finish, Indefinite, Operation, Receipt, TaskRequest, ToolError};
    use perfidy_sim::Name;
    use std::sync::Arc;

    fn asks(id: u64, step: &str) -> ChatMessage {
        let [tool, create, intent] = ["ticketing", "create", step].map(Name::new);
        let calls = [CallRequest { id: OpId(id), operation: Operation::new(tool, create, intent) }].into();
        let (is_done, finish) = (false, Finish::ToolCalls);
        ChatMessage::Assistant(Reply { calls, is_done, wording: 0, text_tokens: 5_000, finish })
    }

    fn told(id: u64, result: ToolResult) -> ChatMessage {
        ChatMessage::Tool { call: OpId(id), result }
    }

    fn transcript() -> Transcript {
        let unclear = ToolResult::Failed(ToolError::Indefinite(Indefinite::TimedOut));
        let request = TaskRequest::new(Name::new("task-1"), Arc::default());
        let messages = [
            ChatMessage::System("Be useful."),
            ChatMessage::User(request),
            asks(1, "task-1/file"),
            told(1, ToolResult::Done(Receipt(1))),
            asks(2, "task-1/tell"),
            told(2, unclear),
        ];
        messages.into_iter().collect()
    }

    #[test]
    fn a_call_that_an_agent_claims_to_be_done_without_a_receipt_stays_unsettled() {
        let claimed = told(2, ToolResult::Done(Receipt::NONE));
        let long: Transcript = transcript().messages()[..5].iter().cloned().chain([claimed]).collect();
        assert_eq!(compacted(&long).unsettled(), long.unsettled());
        assert_eq!(long.unsettled().len(), 1);
    }

    #[test]
    fn the_request_what_is_done_and_what_is_not_settled_survive() {
        let (long, short) = (transcript(), compacted(&transcript()));
        short.check().unwrap();
        assert!(short.tokens() < 1_000);
        assert_eq!(short.request(), long.request());
        assert_eq!(short.done(), [Name::new("task-1/file")]);
        assert_eq!(short.messages().last(), long.messages().last(), "the outcome is still unclear");
        assert_eq!(compacted(&short), short);
    }

    #[test]
    fn what_is_trimmed_loses_its_request_and_is_valid() {
        let short = trimmed(&transcript(), 6_000);
        assert_eq!(short.messages(), &transcript().messages()[4..]);
        assert_eq!(short.request(), None);
        let shortest = trimmed(&transcript(), 100);
        assert_eq!(shortest.check(), Ok(()));
    }
}
