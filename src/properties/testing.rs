//! Hand-written histories.

use super::{Property, TeamHistory, Verdict};
use crate::agent::{
    AgentEvent, AnswerPart, Body, CallOutcome, CallRequest, ChatMessage, Content, Definite, Finish, Headers,
    Indefinite, InitialState, Message, ModelError, OpId, Operation, Outcome, PersonEvent, Reply, ReplyTiming,
    Report, StatedConfidence, TaskRequest, TeamEvent, ToolCall, ToolEvent, ToolRequest, UserEvent, Wire,
};
use crate::tools::Tool;
use perfidy_sim::{EventId, EventKind, Name, RunEnd, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A message or record with these headers and a number as content.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Numbered(Headers, u64);

impl Message for Numbered {
    fn kind(&self) -> &'static str {
        "numbered"
    }

    fn headers(&self) -> Headers {
        self.0
    }
}

/// A message with these headers.
pub fn message(headers: Headers) -> Body {
    Body::new(Numbered(headers, 0))
}

/// A message or record with a number as content.
pub fn number(number: u64) -> Body {
    Body::new(Numbered(Headers::NONE, number))
}

/// A call as it reached a tool.
pub fn asked(operation: Name, intent: Name) -> ToolRequest {
    let operation = Operation::new(Name::new("ticketing"), operation, intent);
    let call = Wire::Call(Box::new(ToolCall::unkeyed(operation, OpId(1))));
    ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(call))
}

/// A call as an agent makes it.
pub fn called([tool, operation, intent]: [Name; 3], op: OpId) -> AgentEvent {
    let call = ToolCall::unkeyed(Operation::new(tool, operation, intent), op);
    let request =
        ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(Wire::Call(Box::new(call))));
    AgentEvent::Called { tool, operation, intent, op, request }
}

/// That a tool has answered a call, without content.
pub fn answered([tool, operation, intent]: [Name; 3], told: CallOutcome) -> AgentEvent {
    AgentEvent::Answered { tool, operation, intent, told, content: Content::NOTHING }
}

/// That a task wants something created in the ticketing tool, whatever the arguments.
pub fn wanted(task: Name, intent: Name) -> UserEvent {
    let [tool, operation] = ["ticketing", "create"].map(Name::new);
    UserEvent::Wanted { task, intent, tool, operation, arguments: Content::NOTHING }
}

/// How sure a model says it is.
pub fn sure() -> StatedConfidence {
    StatedConfidence::of_percent(90).expect("at most a hundred")
}

/// A model that answers something.
pub fn completed(about: Name) -> AgentEvent {
    completed_when_asked(about, "which?")
}

/// The same, in answer to this prompt.
pub fn completed_when_asked(about: Name, prompt: &'static str) -> AgentEvent {
    let [prompt, completion] = [Content::new(prompt), Content::new("the first")];
    AgentEvent::Completed {
        about,
        choice: 0,
        prompt,
        completion,
        tokens_in: 9,
        tokens_out: 9,
        timing: ReplyTiming::default(),
        confidence: sure(),
    }
}

/// A history under construction: one event a second.
#[derive(Clone, Default)]
pub struct Story(TeamHistory);

impl Story {
    pub fn event(self, node: &str, what: EventKind<TeamEvent>) -> Self {
        self.event_because_of(None, node, what)
    }

    /// An event caused by the event of that number.
    pub fn event_because_of(mut self, cause: Option<u32>, node: &str, what: EventKind<TeamEvent>) -> Self {
        let at = SimTime::ZERO + SimSpan::from_secs(self.0.len() as u64);
        // Written as `node#1`, an event belongs to incarnation 1.
        let (node, incarnation) = node.split_once('#').unwrap_or((node, "0"));
        let author = (Name::new(node), incarnation.parse().expect("an incarnation is a number"));
        self.0.append(at, author, cause.and_then(EventId::new), what);
        self
    }

    pub fn record_event(self, node: &str, says: TeamEvent) -> Self {
        self.event(node, EventKind::App(says))
    }

    /// The number of the last event.
    pub fn last(&self) -> u32 {
        self.0.len() as u32
    }

    /// A message is sent, without a cause.
    pub fn sends(self, (from, to): (&str, &str), about: &str, headers: Headers) -> Self {
        self.sends_because_of(None, (from, to), about, headers)
    }

    /// A message is sent, caused by the event of that number.
    pub fn sends_because_of(
        self,
        cause: Option<u32>,
        (from, to): (&str, &str),
        about: &str,
        headers: Headers,
    ) -> Self {
        let [to, kind, about] = [to, "word", about].map(Name::new);
        self.event_because_of(cause, from, EventKind::Sent { to, kind, about, content: message(headers) })
    }

    /// A message is sent, two events in all, and arrives.
    pub fn tells(self, route: (&str, &str), about: &str, headers: Headers) -> Self {
        self.sends(route, about, headers).arrives(route, about, headers, false)
    }

    /// The same, caused by the event of that number.
    pub fn tells_because_of(
        self,
        cause: Option<u32>,
        route: (&str, &str),
        about: &str,
        headers: Headers,
    ) -> Self {
        self.sends_because_of(cause, route, about, headers).arrives(route, about, headers, false)
    }

    /// The same, as the reply to a request.
    pub fn replies(self, route: (&str, &str), about: &str, headers: Headers) -> Self {
        self.sends(route, about, headers).arrives(route, about, headers, true)
    }

    /// The message that was just sent arrives.
    fn arrives(self, (from, to): (&str, &str), about: &str, headers: Headers, is_reply: bool) -> Self {
        let from = from.split_once('#').map_or(from, |(name, _)| name);
        let (sending, [from, kind, about]) = (self.last(), [from, "word", about].map(Name::new));
        let delivered = EventKind::Delivered { from, kind, about, is_reply, content: message(headers) };
        self.event_because_of(Some(sending), to, delivered)
    }

    /// A tool call with these headers, two events in all: its record, and its sending.
    pub fn calls(self, node: &str, intent: &str, headers: Headers) -> Self {
        let called = self.called(node, intent);
        let call = called.last();
        called.sends_because_of(Some(call), (node, "ticketing"), intent, headers)
    }

    /// The same under an operation id, caused by the event of that number.
    pub fn calls_under(self, cause: u32, node: &str, intent: &str, (op, headers): (u64, Headers)) -> Self {
        let called = called(["ticketing", "create", intent].map(Name::new), OpId(op));
        let called = self.event_because_of(Some(cause), node, EventKind::App(TeamEvent::Agent(called)));
        let call = called.last();
        called.sends_because_of(Some(call), (node, "ticketing"), intent, headers)
    }

    /// The user asks for a bound of a property.
    pub fn bounded(self, property: &str, at_most: u64) -> Self {
        let property = Name::new(property);
        self.record_event("user", TeamEvent::User(UserEvent::Bound { property, at_most }))
    }

    /// A task with one intent, `TASK/file`.
    pub fn given(self, task: &str) -> Self {
        let (task, intent) = (Name::new(task), Name::new(&format!("{task}/file")));
        self.record_event("user", TeamEvent::User(UserEvent::TaskGiven { task }))
            .record_event("user", TeamEvent::User(wanted(task, intent)))
    }

    pub fn effect(self, intent: &str, op: u64) -> Self {
        self.effect_of("create", intent, op)
    }

    pub fn undo(self, intent: &str, op: u64) -> Self {
        self.effect_of("withdraw", intent, op)
    }

    fn effect_of(self, operation: &str, intent: &str, op: u64) -> Self {
        let [operation, intent] = [operation, intent].map(Name::new);
        let request = asked(operation, intent);
        let effect = ToolEvent::Effect { operation, intent, op: OpId(op), receipt: op, request };
        self.record_event("ticketing", TeamEvent::Tool(effect))
    }

    /// The tool gets a call and does nothing.
    pub fn ignores(self, intent: &str) -> Self {
        let [operation, intent] = ["create", intent].map(Name::new);
        let ignored = ToolEvent::Ignored { operation, intent, request: asked(operation, intent) };
        self.record_event("ticketing", TeamEvent::Tool(ignored))
    }

    pub fn called(self, node: &str, intent: &str) -> Self {
        let call = ["ticketing", "create", intent].map(Name::new);
        self.record_event(node, TeamEvent::Agent(called(call, OpId(1))))
    }

    pub fn answered(self, node: &str, intent: &str, told: CallOutcome) -> Self {
        let call = ["ticketing", "create", intent].map(Name::new);
        self.record_event(node, TeamEvent::Agent(answered(call, told)))
    }

    pub fn refused(self, node: &str, intent: &str) -> Self {
        self.answered(node, intent, CallOutcome::Not(Definite::Refused))
    }

    /// A model replies to the request of a task, followed by these messages.
    pub fn chats(self, task: &str, messages: &[ChatMessage]) -> Self {
        self.chats_as("assistant", task, messages)
    }

    /// The same of the model of that agent.
    pub fn chats_as(self, node: &str, task: &str, messages: &[ChatMessage]) -> Self {
        let (calls, finish) = (Arc::default(), Finish::Stop);
        let reply = Reply { calls, is_done: false, wording: 0, text_tokens: 9, finish };
        self.chats_with((node, task), messages, Ok(reply))
    }

    /// The model of that agent asks for a call for this intent.
    pub fn chats_for(self, node: &str, task: &str, intent: &str) -> Self {
        let [tool, name, intent] = ["ticketing", "create", intent].map(Name::new);
        let call = CallRequest { id: OpId(1), operation: Operation::new(tool, name, intent) };
        let calls = [call].into_iter().collect();
        let reply = Reply { calls, is_done: false, wording: 0, text_tokens: 9, finish: Finish::ToolCalls };
        self.chats_with((node, task), &[], Ok(reply))
    }

    /// The same without a reply.
    pub fn chats_in_vain(self, task: &str, messages: &[ChatMessage]) -> Self {
        self.chats_with(("assistant", task), messages, Err(ModelError::Overloaded))
    }

    fn chats_with(
        self,
        (node, task): (&str, &str),
        messages: &[ChatMessage],
        reply: Result<Reply, ModelError>,
    ) -> Self {
        let (task, turn) = (Name::new(task), Name::new(&format!("{task}/turn-1")));
        let confidence = reply.is_ok().then(sure);
        let request = ChatMessage::User(TaskRequest::new(task, Arc::default()));
        let transcript = [request].into_iter().chain(messages.iter().cloned()).collect();
        self.record_event(
            node,
            TeamEvent::Agent(AgentEvent::Chatted {
                task,
                turn,
                transcript,
                reply,
                timing: ReplyTiming::default(),
                confidence,
            }),
        )
    }

    pub fn dead_lettered(self, intent: &str) -> Self {
        let (tool, operation) = (Name::new("ticketing"), Name::new("create"));
        let (intent, op, by) = (Name::new(intent), OpId(1), Name::new("executor-1"));
        let told = CallOutcome::Unknown(Indefinite::TimedOut);
        self.record_event(
            "on-call",
            TeamEvent::Person(PersonEvent::DeadLetterRecorded {
                tool,
                operation,
                intent,
                op,
                told,
                at: SimTime::ZERO,
                by,
            }),
        )
    }

    /// A task with these questions, each prefixed with the name of the task.
    pub fn asked(self, task: &str, wants: &[&str]) -> Self {
        let given =
            self.record_event("user", TeamEvent::User(UserEvent::TaskGiven { task: Name::new(task) }));
        wants.iter().fold(given, |story, want| {
            let (task, intent) = (Name::new(task), Name::new(&format!("{task}/{want}")));
            story.record_event("user", TeamEvent::User(UserEvent::Question { task, intent }))
        })
    }

    /// A tool begins with a state.
    pub fn opens(self, tool: &str, state: impl Tool) -> Self {
        self.record_event(tool, TeamEvent::Tool(ToolEvent::Opened { state: InitialState::new(state) }))
    }

    /// A tool carries an operation out.
    pub fn carries_out(self, wanted: &Operation) -> Self {
        let (operation, intent) = (wanted.name, wanted.intent);
        let call = Wire::Call(Box::new(ToolCall::unkeyed(wanted.clone(), OpId(1))));
        let request = ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(call));
        let effect = ToolEvent::Effect { operation, intent, op: OpId(1), receipt: 1, request };
        self.record_event(wanted.tool.as_str(), TeamEvent::Tool(effect))
    }

    /// A source serves a content, as of now.
    pub fn served(self, intent: &str, content: u64) -> Self {
        let now = SimTime::ZERO + SimSpan::from_secs(self.0.len() as u64);
        self.served_as_of(intent, content, now)
    }

    pub fn served_as_of(self, intent: &str, content: u64, as_of: SimTime) -> Self {
        let (item, intent, content) = (Name::new("item"), Name::new(intent), Content::new(content));
        let request = asked(item, intent);
        self.record_event(
            "source",
            TeamEvent::Tool(ToolEvent::Served { item, intent, as_of, content, request }),
        )
    }

    /// The user gets a report of how a task ended.
    pub fn told(self, task: &str, outcome: Outcome) -> Self {
        let report = Report::of(Name::new(task), outcome);
        self.record_event(
            "user",
            TeamEvent::User(UserEvent::Informed { by: Name::new("coordinator"), report }),
        )
    }

    /// The user gets an answer: each part with its content, or marked as missing.
    pub fn answered_with(self, task: &str, parts: &[(&str, Option<u64>)]) -> Self {
        self.record_event("user", answer(task, parts))
    }

    pub fn dies(self, node: &str) -> Self {
        self.event(node, EventKind::Crashed { lost_writes: 0 })
    }

    pub fn ended(self, stop: RunEnd) -> Self {
        self.event("world", EventKind::Ended(stop))
    }

    /// The same story three times, each stopped in another way.
    pub fn cut_short(self) -> [Self; 3] {
        let node = Name::new("executor-1");
        [RunEnd::TooManyEvents, RunEnd::Spinning { node }, RunEnd::Panicked { node }]
            .map(|stop| self.clone().ended(stop))
    }

    /// So many seconds pass.
    pub fn pass(self, seconds: usize) -> Self {
        (0..seconds).fold(self, |story, _| story.event("world", EventKind::Resumed))
    }

    pub fn history(self) -> TeamHistory {
        self.0
    }

    pub fn judged_by(self, property: &Property) -> Verdict {
        property.judge(&self.0)
    }
}

/// A report to the user, with these parts in the answer.
pub fn answer(task: &str, parts: &[(&str, Option<u64>)]) -> TeamEvent {
    let part = |(intent, content): &(&str, Option<u64>)| AnswerPart {
        intent: Name::new(intent),
        content: content.map(Content::new),
    };
    let answer = parts.iter().map(part).collect();
    let report = Report { answer, ..Report::of(Name::new(task), Outcome::Done) };
    TeamEvent::User(UserEvent::Informed { by: Name::new("synthesiser"), report })
}

/// A task that wants a ticket filed, which can be withdrawn, and then something billed, which cannot be
/// undone.
pub fn saga() -> Story {
    let (task, bill) = (Name::new("task-1"), Name::new("task-1/bill"));
    let (intent, tool, operation) = (Name::new("task-1/file"), Name::new("ticketing"), Name::new("withdraw"));
    let story = Story::default().given("task-1").record_event("user", TeamEvent::User(wanted(task, bill)));
    story.record_event("user", TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }))
}

/// The events in a violation, by number, and its message.
pub fn violation(verdict: Verdict) -> (Vec<u32>, String) {
    match verdict {
        Verdict::Violated(violation) => {
            (violation.because.iter().map(|event| event.get()).collect(), violation.message)
        }
        other => panic!("not violated but {other:?}"),
    }
}
