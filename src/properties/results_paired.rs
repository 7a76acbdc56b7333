//! Whenever a model is called, every tool call of its transcript has exactly one result, and its own.
//!
//! Judged on the transcripts that the models got, and on the ledgers of the tools: a result with the receipt
//! of an effect belongs to a call for the intent of that effect. That of a call of another agent is the
//! receipt of the tool that this agent has called in turn. A tool that ignores a call and answers that it is
//! done makes up a receipt, and another effect may have the same: no result for that intent is judged. APIs
//! reject a transcript with a call without a result; they do not notice one that has the result of another.

use crate::agent::{
    AgentEvent, ChatMessage, InvalidTranscript, OpId, TeamEvent, ToolEvent, Transcript, kinds,
};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "results-paired",
        "whenever a model is called, every tool call of its transcript has exactly one result, and its own",
        judge,
    )
    .needs(kinds::CHATTED)
}

/// The effects so far.
#[derive(Default)]
struct Effects<'a> {
    /// The agents that have models of their own.
    agents: Lookup<Name, ()>,
    /// By receipt: each with its tool and its intent.
    by_receipt: Lookup<u64, Vec<(&'a Event<TeamEvent>, Name)>>,
    /// The intents of calls that a tool has ignored.
    ignored: Lookup<Name, ()>,
}

impl<'a> Effects<'a> {
    fn add(&mut self, event: &'a Event<TeamEvent>, intent: Name, receipt: u64) {
        self.by_receipt.get_or_insert_with(receipt, Vec::new).push((event, intent));
    }

    /// The effect with that receipt, if none with it is for that intent: of that tool, or of any if the call
    /// went to an agent.
    fn mistaken(&self, tool: Name, receipt: u64, intent: Name) -> Option<&'a Event<TeamEvent>> {
        if self.ignored.contains(intent) {
            return None;
        }
        let is_agent = self.agents.contains(tool);
        let all = self.by_receipt.get(receipt).into_iter().flatten();
        let mut possible = all.filter(|(event, _)| is_agent || event.node == tool);
        let first = possible.clone().next().map(|(event, _)| *event);
        first.filter(|_| possible.all(|(_, known)| *known != intent))
    }
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut effects = Effects::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(kinds::CHATTED.and(kinds::EFFECT).and(kinds::IGNORED)) {
        match note {
            TeamEvent::Tool(ToolEvent::Effect { intent, receipt, .. }) => {
                effects.add(event, *intent, *receipt);
            }
            TeamEvent::Tool(ToolEvent::Ignored { intent, .. }) => {
                effects.ignored.insert(*intent, ());
            }
            TeamEvent::Agent(AgentEvent::Chatted { turn, transcript, .. }) => {
                if let Some(problem) = unpaired(transcript) {
                    let message =
                        format!("the model of {} got a transcript in {turn} in which {problem}", event.node);
                    return Verdict::violated(&[event], message);
                }
                if let Some((effect, call)) = mistaken(transcript, &effects) {
                    let message = format!("in {turn}, the result of {call} is that of another call");
                    return Verdict::violated(&[effect, event], message);
                }
                effects.agents.insert(event.node, ());
                if transcript.messages().iter().any(|said| matches!(said, ChatMessage::Tool { .. })) {
                    verdict = Verdict::Holds;
                }
            }
            _ => {}
        }
    }
    verdict
}

/// What is wrong with the calls and results of a transcript.
fn unpaired(transcript: &Transcript) -> Option<InvalidTranscript> {
    transcript.check().err().filter(|problem| match problem {
        InvalidTranscript::CallWithoutResult(_) | InvalidTranscript::ResultWithoutCall(_) => true,
        InvalidTranscript::NothingToReplyTo => false,
    })
}

/// A call whose result has the receipt of an effect for another intent, with that effect.
fn mistaken<'a>(transcript: &Transcript, effects: &Effects<'a>) -> Option<(&'a Event<TeamEvent>, OpId)> {
    let calls = || {
        transcript.messages().iter().filter_map(|message| match message {
            ChatMessage::Assistant(reply) => Some(reply.calls.iter()),
            _ => None,
        })
    };
    transcript.messages().iter().find_map(|message| {
        let ChatMessage::Tool { call, result } = message else { return None };
        let receipt = result.receipt()?;
        let asked = calls().flatten().find(|asked| asked.id == *call)?;
        let effect = effects.mistaken(asked.operation.tool, receipt.0, asked.operation.intent)?;
        Some((effect, *call))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{CallRequest, Finish, Operation, Receipt, Reply, ToolResult};
    use crate::properties::testing::{Story, violation};

    fn asks(calls: &[(u64, &str)]) -> ChatMessage {
        let call = |(id, intent): &(u64, &str)| {
            let [tool, create, intent] = ["ticketing", "create", intent].map(Name::new);
            CallRequest { id: OpId(*id), operation: Operation::new(tool, create, intent) }
        };
        let calls = calls.iter().map(call).collect();
        let finish = Finish::ToolCalls;
        ChatMessage::Assistant(Reply { calls, is_done: false, wording: 0, text_tokens: 9, finish })
    }

    fn done(call: u64, receipt: u64) -> ChatMessage {
        ChatMessage::Tool { call: OpId(call), result: ToolResult::Done(Receipt(receipt)) }
    }

    #[test]
    fn each_call_with_its_own_result_is_what_was_promised() {
        let story = Story::default().effect("task-1/file", 7).effect("task-1/tell", 8);
        let messages = [asks(&[(1, "task-1/file"), (2, "task-1/tell")]), done(2, 8), done(1, 7)];
        assert_eq!(story.chats("task-1", &messages).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_without_a_result_is_shown_where_the_model_is_called_with_it() {
        let story = Story::default().chats_in_vain("task-1", &[asks(&[(1, "task-1/file")])]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [1]);
        let expected = "the model of assistant got a transcript in task-1/turn-1 in which the tool call op 0000 has no \
             result";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_second_result_belongs_to_no_call() {
        let messages = [asks(&[(1, "task-1/file")]), done(1, 7), done(1, 7)];
        assert!(Story::default().chats("task-1", &messages).judged_by(&property()).is_violated());
    }

    #[test]
    fn the_receipt_of_another_effect_is_not_its_own_result() {
        let story = Story::default().effect("task-1/file", 7).effect("task-1/tell", 8);
        let messages = [asks(&[(1, "task-1/file"), (2, "task-1/tell")]), done(1, 8), done(2, 7)];
        let (events, _) = violation(story.chats("task-1", &messages).judged_by(&property()));
        assert_eq!(events, [2, 3]);
    }

    /// A model that has asked an agent for a step, and has this receipt for it. The agent has a model.
    fn asked_an_agent(receipt: u64) -> Story {
        let [worker, step, intent] = ["worker-1", "do-step", "task-1/file"].map(Name::new);
        let calls = [CallRequest { id: OpId(1), operation: Operation::new(worker, step, intent) }].into();
        let (is_done, finish) = (false, Finish::ToolCalls);
        let asks = ChatMessage::Assistant(Reply { calls, is_done, wording: 0, text_tokens: 9, finish });
        let story = Story::default().chats_as("worker-1", "task-1/file", &[]);
        let story = story.effect("task-1/file", 7).effect("task-1/tell", 8);
        story.chats("task-1", &[asks, done(1, receipt)])
    }

    #[test]
    fn what_an_agent_answers_has_the_receipt_of_its_own_step() {
        assert_eq!(asked_an_agent(7).judged_by(&property()), Verdict::Holds);
        let (events, _) = violation(asked_an_agent(8).judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(asked_an_agent(0).judged_by(&property()), Verdict::Holds, "it has none");
    }

    #[test]
    fn a_receipt_that_a_tool_made_up_belongs_to_no_other_call() {
        let messages = [asks(&[(1, "task-1/file"), (2, "task-1/tell")]), done(1, 8), done(2, 8)];
        let story = Story::default().effect("task-1/tell", 8).ignores("task-1/file");
        assert_eq!(story.chats("task-1", &messages).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_a_result_there_is_nothing_to_judge() {
        assert_eq!(Story::default().chats("task-1", &[]).judged_by(&property()), Verdict::Vacuous);
    }
}
