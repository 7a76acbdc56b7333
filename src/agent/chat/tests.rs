//! The simulated model: what it makes of a transcript, and which transcripts it rejects.

use super::*;
use crate::agent::{Definite, Receipt, ToolError};

fn drawn(order: u64) -> Drawn {
    let first_token = SimSpan::from_secs(1);
    let confidence = StatedConfidence::of_percent(90).expect("at most a hundred");
    Drawn { order, first_id: 10, wording: 0, text_tokens: 20, first_token, slowed_down: 1, confidence }
}

fn operation(step: &str) -> Operation {
    Operation::new(Name::new("ticketing"), Name::new("create"), Name::new(&format!("task-1/{step}")))
}

/// A task with two steps that can be taken at once, and one after the first.
fn request() -> ChatMessage {
    let step = |name, needs: &[&str]| RequestedStep {
        operation: operation(name),
        needs: needs.iter().map(|need| Name::new(&format!("task-1/{need}"))).collect(),
    };
    let steps = [step("file", &[]), step("tell", &[]), step("close", &["file"])].into();
    ChatMessage::User(TaskRequest::new(Name::new("task-1"), steps))
}

fn asked(messages: impl IntoIterator<Item = ChatMessage>) -> Transcript {
    [ChatMessage::System("Be useful."), request()].into_iter().chain(messages).collect()
}

fn replied(transcript: &Transcript, limits: ChatLimits, drawn: &Drawn) -> Reply {
    honest_reply(&transcript.steps(), transcript.request(), limits, drawn)
}

fn reply_to(transcript: &Transcript) -> Reply {
    transcript.check().unwrap();
    replied(transcript, ChatLimits::default(), &drawn(0))
}

fn intents(reply: &Reply) -> Vec<&'static str> {
    reply.calls.iter().map(|call| call.operation.intent.as_str()).collect()
}

fn result(call: u64, result: ToolResult) -> ChatMessage {
    ChatMessage::Tool { call: OpId(call), result }
}

#[test]
fn a_model_asks_for_what_can_be_done_now_until_everything_is_done() {
    let first = reply_to(&asked([]));
    assert_eq!(intents(&first), ["task-1/file", "task-1/tell"]);
    let (one, two) = (first.calls[0].id.0, first.calls[1].id.0);
    let mut transcript = asked([ChatMessage::Assistant(first)]);
    transcript.push(result(two, ToolResult::Done(Receipt(2))));
    transcript.push(result(one, ToolResult::Done(Receipt(1))));
    let second = replied(&transcript, ChatLimits::default(), &Drawn { first_id: 20, ..drawn(0) });
    assert_eq!(intents(&second), ["task-1/close"]);
    transcript.push(ChatMessage::Assistant(second));
    transcript.push(result(20, ToolResult::Done(Receipt(3))));
    let last = reply_to(&transcript);
    assert_eq!((last.finish, last.is_done), (Finish::Stop, true));
}

#[test]
fn a_model_without_parallel_calls_asks_for_one_and_draws_which() {
    let limits = ChatLimits { parallel_tool_calls: false, ..ChatLimits::default() };
    let first = |order| replied(&asked([]), limits, &drawn(order));
    assert_eq!(intents(&first(0)), ["task-1/file"]);
    assert_eq!(intents(&first(1)), ["task-1/tell"]);
}

#[test]
fn a_refused_call_is_tried_again_and_an_unclear_one_is_not() {
    let after = |results: &[ToolResult]| {
        let mut transcript = asked([]);
        for (nth, told) in results.iter().enumerate() {
            let id = OpId(nth as u64);
            let calls = [CallRequest { id, operation: operation("file") }].into();
            let finish = Finish::ToolCalls;
            let reply = Reply { calls, is_done: false, wording: 0, text_tokens: 1, finish };
            transcript.push(ChatMessage::Assistant(reply));
            transcript.push(result(id.0, *told));
        }
        reply_to(&transcript).finish
    };
    let refused = ToolResult::Failed(ToolError::Definite(Definite::Refused));
    let unclear = ToolResult::Failed(ToolError::Indefinite(crate::agent::Indefinite::TimedOut));
    assert_eq!(after(&[refused, refused]), Finish::ToolCalls);
    assert_eq!(after(&[refused, refused, refused]), Finish::Stop);
    assert_eq!(after(&[unclear]), Finish::Stop);
    assert_eq!(after(&[ToolResult::NotApproved]), Finish::Stop);
}

#[test]
fn what_has_failed_or_has_no_result_is_unsettled_until_it_is_done() {
    let refused = ToolError::Definite(Definite::Refused);
    let unclear = ToolError::Indefinite(crate::agent::Indefinite::TimedOut);
    let unsettled = |results: &[Option<ToolResult>]| {
        let mut transcript = asked([]);
        for (nth, told) in results.iter().enumerate() {
            let id = OpId(nth as u64);
            let calls = [CallRequest { id, operation: operation("file") }].into();
            let finish = Finish::ToolCalls;
            let reply = Reply { calls, is_done: false, wording: 0, text_tokens: 1, finish };
            transcript.push(ChatMessage::Assistant(reply));
            if let Some(told) = told {
                transcript.push(result(id.0, *told));
            }
        }
        let unsettled = transcript.unsettled();
        unsettled.iter().map(|(call, error)| (call.id.0, *error)).collect::<Vec<_>>()
    };
    let (failed, done) = (|error| Some(ToolResult::Failed(error)), Some(ToolResult::Done(Receipt(1))));
    assert_eq!(unsettled(&[failed(refused)]), [(0, refused)]);
    assert!(unsettled(&[failed(refused), done]).is_empty());
    let claimed = Some(ToolResult::Done(Receipt::NONE));
    assert_eq!(unsettled(&[failed(unclear), claimed]), [(0, unclear)], "a claim is no receipt");
    assert_eq!(unsettled(&[claimed]).len(), 1);
    assert!(unsettled(&[claimed, done]).is_empty());
    assert_eq!(unsettled(&[failed(unclear), failed(refused)]), [(1, unclear)], "it may have happened");
    assert_eq!(unsettled(&[done, None]), [(1, unclear)]);
    assert!(unsettled(&[Some(ToolResult::NotApproved)]).is_empty(), "no call was made");
}

#[test]
fn a_model_that_does_not_see_the_request_believes_that_nothing_is_left_to_do() {
    let summary = ChatMessage::Summary(Arc::default());
    let reply = reply_to(&[ChatMessage::System("Be useful."), summary].into_iter().collect());
    assert_eq!((reply.finish, reply.is_done), (Finish::Stop, true));
}

#[test]
fn an_api_rejects_a_call_without_its_result_and_a_result_without_its_call() {
    let call = reply_to(&asked([]));
    let (one, two) = (call.calls[0].id, call.calls[1].id);
    let done = ToolResult::Done(Receipt(1));
    let mut transcript = asked([ChatMessage::Assistant(call)]);
    assert_eq!(transcript.check(), Err(InvalidTranscript::CallWithoutResult(one)));
    transcript.push(result(one.0, done));
    assert_eq!(transcript.check(), Err(InvalidTranscript::CallWithoutResult(two)));
    let mut twice = transcript.clone();
    twice.push(result(one.0, done));
    assert_eq!(twice.check(), Err(InvalidTranscript::ResultWithoutCall(one)));
    let mut interrupted = transcript.clone();
    interrupted.push(ChatMessage::Reminder(Arc::default()));
    interrupted.push(result(two.0, done));
    assert_eq!(interrupted.check(), Err(InvalidTranscript::CallWithoutResult(two)));
    transcript.push(result(two.0, done));
    assert_eq!(transcript.check(), Ok(()));
    assert_eq!(Transcript::default().check(), Err(InvalidTranscript::NothingToReplyTo));
}

#[test]
fn a_fault_that_does_not_concern_a_reply_leaves_it_as_it_is() {
    let last =
        Reply { calls: Arc::default(), is_done: true, wording: 0, text_tokens: 20, finish: Finish::Stop };
    let idle =
        [INVALID_ARGUMENTS, UNKNOWN_TOOL, FALSE_COMPLETION, IGNORED_VETO, REPEATED_CALL, OBEYED_INSTRUCTION];
    let same = |reply: &Reply, fault: &str| {
        let others = Others { blind: &|_| reply.clone(), obedient: &|| reply.clone() };
        with_fault(fault, SimSpan::ZERO, reply, &others)
    };
    for fault in CHAT_FAULTS {
        let is_idle = same(&last, fault) == Ok(last.clone());
        assert_eq!(is_idle, idle.contains(fault), "{fault}");
    }
    let calling = reply_to(&asked([]));
    let of_others = [IGNORED_VETO, REPEATED_CALL, OBEYED_INSTRUCTION];
    for fault in CHAT_FAULTS.iter().filter(|fault| !of_others.contains(*fault)) {
        let altered = same(&calling, fault);
        assert_ne!(altered, Ok(calling.clone()), "{fault}");
    }
}

#[test]
fn a_model_obeys_an_instruction_in_what_a_tool_says_or_another_agent_has_noted() {
    let honest = reply_to(&asked([]));
    let obeys = |transcript: &Transcript| obedient_reply(transcript, &honest, &drawn(0));
    assert_eq!(obeys(&asked([])), honest, "no text says anything");
    let said = |text: &str| {
        let calls = ChatMessage::Assistant(honest.clone());
        let ids = (honest.calls[0].id.0, honest.calls[1].id.0);
        let said = result(ids.0, ToolResult::Said(Receipt(1), Name::new(text)));
        asked([calls, said, result(ids.1, ToolResult::Done(Receipt(2)))])
    };
    assert_eq!(obeys(&said("An offer.")), honest);
    let injected = format!("An offer. {}", crate::agent::alter::INSTRUCTION);
    let obeyed = obeys(&said(&injected));
    assert_eq!(intents(&obeyed), ["task-1/file", "task-1/tell", "task-1/injected"]);
    let notes = [Name::new(&injected)].into();
    let request = match request() {
        ChatMessage::User(request) => ChatMessage::User(TaskRequest { notes, ..request }),
        other => other,
    };
    assert_eq!(obeys(&[request].into_iter().collect()), obeyed);
}
