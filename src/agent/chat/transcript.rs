//! Transcripts: the conversation of an agent with its model, as the model gets it with every call.

use crate::agent::alter::INSTRUCTION;
use crate::agent::{Content, Indefinite, OpId, Operation, Receipt, ToolError};
use perfidy_sim::Name;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// One step of a task, as its user asks for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RequestedStep {
    /// What is to be done.
    pub operation: Operation,
    /// The intents of the steps that come first.
    pub needs: Arc<[Name]>,
}

/// A task, as its user asks for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TaskRequest {
    /// The task.
    pub task: Name,
    /// Its steps.
    pub steps: Arc<[RequestedStep]>,
    /// What others have found out so far, in their words.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub notes: Arc<[Name]>,
}

fn is_empty(notes: &Arc<[Name]>) -> bool {
    notes.is_empty()
}

impl TaskRequest {
    /// A task with these steps, about which nothing is known.
    pub fn new(task: Name, steps: Arc<[RequestedStep]>) -> Self {
        Self { task, steps, notes: Arc::default() }
    }
}

/// A tool call that a model asks for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CallRequest {
    /// The id by which its result refers to it (`tool_call_id`).
    pub id: OpId,
    /// What the tool is asked to do.
    pub operation: Operation,
}

/// Why a reply ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model has said what it had to say.
    Stop,
    /// It waits for the results of its calls.
    ToolCalls,
    /// It was cut off at the limit of output tokens.
    Length,
    /// It declines to answer.
    Refusal,
}

/// What a model says in reply to a transcript.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The tool calls that it asks for.
    #[serde(default)]
    pub calls: Arc<[CallRequest]>,
    /// Whether it reports the task as done; it means something only in the last reply.
    pub is_done: bool,
    /// The number of the wording, of all the ways to put it.
    pub wording: u32,
    /// The length of its text in tokens.
    pub text_tokens: u32,
    /// Why it ended.
    pub finish: Finish,
}

/// The result of a tool call, as the model is told it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ToolResult {
    /// It is done.
    Done(Receipt),
    /// It is done, and this is what the tool says.
    Said(Receipt, Name),
    /// The call ended with this error.
    Failed(ToolError),
    /// There is no such tool, or it is not part of the task.
    UnknownTool,
    /// The arguments do not fit the schema of the tool.
    InvalidArguments,
    /// A person did not approve it.
    NotApproved,
}

impl ToolResult {
    /// What the call was confirmed with, if it is confirmed: an agent that says that something is done and
    /// has no receipt for it confirms nothing.
    pub fn receipt(self) -> Option<Receipt> {
        match self {
            Self::Done(receipt) | Self::Said(receipt, _) => Some(receipt).filter(|it| *it != Receipt::NONE),
            Self::Failed(_) | Self::UnknownTool | Self::InvalidArguments | Self::NotApproved => None,
        }
    }

    /// What the tool says, if it is a text.
    pub fn text(self) -> Option<Name> {
        match self {
            Self::Said(_, text) => Some(text),
            _ => None,
        }
    }
}

/// The length of a text in tokens, by the usual rule of thumb.
fn tokens_of(text: Name) -> u32 {
    text.as_str().len().div_ceil(4) as u32
}

/// A text that code has, and not a message.
type Text = &'static str;

/// A text read back: what has its type lasts as long as the process, as names do.
fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    Name::deserialize(deserializer).map(Name::as_str)
}

/// A message of a transcript.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ChatMessage {
    /// How the model is to behave.
    System(#[serde(deserialize_with = "kept")] Text),
    /// The user asks for a task.
    User(TaskRequest),
    /// The user, or the agent on its behalf, says that these steps are not done, whatever was said before.
    Reminder(Arc<[Name]>),
    /// The model replied.
    Assistant(Reply),
    /// A tool call ended.
    Tool {
        /// The id of the call.
        call: OpId,
        /// Its result.
        result: ToolResult,
    },
    /// What earlier messages came to, in their place: the steps that are done.
    Summary(Arc<[Name]>),
}

impl ChatMessage {
    /// Its length in tokens.
    pub fn tokens(&self) -> u32 {
        match self {
            Self::System(_) => 200,
            Self::User(TaskRequest { steps, notes, .. }) => {
                60 + 50 * steps.len() as u32 + notes.iter().copied().map(tokens_of).sum::<u32>()
            }
            Self::Reminder(steps) | Self::Summary(steps) => 40 + 10 * steps.len() as u32,
            Self::Assistant(reply) => reply.tokens(),
            Self::Tool { result, .. } => 50 + result.text().map_or(0, tokens_of),
        }
    }
}

impl Reply {
    /// Its length in tokens.
    pub fn tokens(&self) -> u32 {
        self.text_tokens.saturating_add(10 + 60 * self.calls.len() as u32)
    }
}

/// What a model's API does not accept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum InvalidTranscript {
    /// A tool call has no result before the next message that is none.
    CallWithoutResult(OpId),
    /// A result belongs to no tool call, or to one that has a result.
    ResultWithoutCall(OpId),
    /// There is nothing to reply to: the last message is the model's own, or there is none.
    NothingToReplyTo,
}

impl fmt::Display for InvalidTranscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallWithoutResult(call) => write!(f, "the tool call {call} has no result"),
            Self::ResultWithoutCall(call) => write!(f, "a result for {call} belongs to no open tool call"),
            Self::NothingToReplyTo => f.write_str("there is nothing to reply to"),
        }
    }
}

/// The state of a step, as a transcript shows it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct StepState {
    pub is_done: bool,
    /// Whether a call for it may have happened.
    pub is_unclear: bool,
    pub is_vetoed: bool,
    /// How many calls for it have failed.
    pub failures: u32,
}

/// The messages of a conversation, oldest first. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Transcript(Arc<Vec<ChatMessage>>);

impl Transcript {
    /// Its messages.
    pub fn messages(&self) -> &[ChatMessage] {
        &self.0
    }

    /// Appends a message.
    pub fn push(&mut self, message: ChatMessage) {
        Arc::make_mut(&mut self.0).push(message);
    }

    /// Its length in tokens.
    pub fn tokens(&self) -> u32 {
        self.0.iter().map(ChatMessage::tokens).fold(0, u32::saturating_add)
    }

    /// The request that it is about: the last one.
    pub fn request(&self) -> Option<&TaskRequest> {
        self.0.iter().rev().find_map(|message| match message {
            ChatMessage::User(request) => Some(request),
            _ => None,
        })
    }

    /// Removes everything after the last request.
    pub fn truncate_to_request(&mut self) {
        let last = self.0.iter().rposition(|message| matches!(message, ChatMessage::User(_)));
        Arc::make_mut(&mut self.0).truncate(last.map_or(0, |last| last + 1));
    }

    /// The tool calls without a result, oldest first.
    ///
    /// ```
    /// use perfidy::agent::{
    ///     CallRequest, ChatMessage, Finish, OpId, Operation, Receipt, Reply, ToolResult, Transcript,
    /// };
    /// use perfidy_sim::Name;
    ///
    /// let [tool, create, intent] = ["ticketing", "create", "task-1/file"].map(Name::new);
    /// let call = CallRequest { id: OpId(1), operation: Operation::new(tool, create, intent) };
    /// let reply = Reply {
    ///     calls: [call.clone()].into(),
    ///     is_done: false,
    ///     wording: 0,
    ///     text_tokens: 20,
    ///     finish: Finish::ToolCalls,
    /// };
    /// let mut transcript = Transcript::default();
    /// transcript.push(ChatMessage::Assistant(reply));
    /// assert_eq!(transcript.open_calls(), [call]);
    /// transcript.push(ChatMessage::Tool { call: OpId(1), result: ToolResult::Done(Receipt(7)) });
    /// assert!(transcript.open_calls().is_empty());
    /// ```
    pub fn open_calls(&self) -> Vec<CallRequest> {
        let mut open = Vec::new();
        for message in self.messages() {
            match message {
                ChatMessage::Assistant(reply) => open.extend(reply.calls.iter().cloned()),
                ChatMessage::Tool { call, .. } => open.retain(|asked: &CallRequest| asked.id != *call),
                ChatMessage::System(_)
                | ChatMessage::User(_)
                | ChatMessage::Reminder(_)
                | ChatMessage::Summary(_) => {}
            }
        }
        open
    }

    /// The calls that came to nothing, or of which it is not known, each with the last error: those that have
    /// failed and are not known to be done, and those without a result. An unclear outcome stays unclear
    /// until there is a receipt; that another agent says that the call is done, without one, is unclear too.
    pub fn unsettled(&self) -> Vec<(CallRequest, ToolError)> {
        let mut unsettled: BTreeMap<Name, (CallRequest, ToolError)> = BTreeMap::new();
        let mut open: BTreeMap<OpId, CallRequest> = BTreeMap::new();
        for message in self.messages() {
            match message {
                ChatMessage::Assistant(reply) => {
                    open.extend(reply.calls.iter().map(|call| (call.id, call.clone())));
                }
                ChatMessage::Tool { call, result } => {
                    let Some(asked) = open.remove(call) else { continue };
                    let intent = asked.operation.intent;
                    match result {
                        ToolResult::Done(Receipt::NONE) => {
                            let unclear = ToolError::Indefinite(Indefinite::Malformed);
                            unsettled.entry(intent).or_insert((asked, unclear));
                        }
                        // No call was made.
                        ToolResult::UnknownTool | ToolResult::InvalidArguments | ToolResult::NotApproved => {}
                        ToolResult::Done(_) | ToolResult::Said(..) => drop(unsettled.remove(&intent)),
                        ToolResult::Failed(error) => {
                            let known = unsettled.get(&intent).map(|(_, error)| *error);
                            let is_unclear = matches!(known, Some(ToolError::Indefinite(_)));
                            let last = known.filter(|_| is_unclear).unwrap_or(*error);
                            unsettled.insert(intent, (asked, last));
                        }
                    }
                }
                ChatMessage::Summary(done) => done.iter().for_each(|intent| drop(unsettled.remove(intent))),
                ChatMessage::System(_) | ChatMessage::User(_) | ChatMessage::Reminder(_) => {}
            }
        }
        let no_result = |call: CallRequest| (call, ToolError::Indefinite(Indefinite::TimedOut));
        unsettled.extend(open.into_values().map(|call| (call.operation.intent, no_result(call))));
        unsettled.into_values().collect()
    }

    /// Checks it as the API of a model does: directly after each reply come the results of its calls, exactly
    /// one for each, and there is something to reply to.
    ///
    /// # Errors
    /// [`InvalidTranscript`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), InvalidTranscript> {
        let mut open: BTreeSet<OpId> = BTreeSet::new();
        for message in self.messages() {
            if let ChatMessage::Tool { call, .. } = message {
                if !open.remove(call) {
                    return Err(InvalidTranscript::ResultWithoutCall(*call));
                }
                continue;
            }
            if let Some(call) = open.first() {
                return Err(InvalidTranscript::CallWithoutResult(*call));
            }
            if let ChatMessage::Assistant(reply) = message {
                open.extend(reply.calls.iter().map(|call| call.id));
            }
        }
        match (open.first(), self.messages().last()) {
            (Some(call), _) => Err(InvalidTranscript::CallWithoutResult(*call)),
            (None, None | Some(ChatMessage::Assistant(_) | ChatMessage::System(_))) => {
                Err(InvalidTranscript::NothingToReplyTo)
            }
            (None, Some(_)) => Ok(()),
        }
    }

    /// The state of each step, by its intent, as far as the messages show it.
    pub(super) fn steps(&self) -> BTreeMap<Name, StepState> {
        let mut steps: BTreeMap<Name, StepState> = BTreeMap::new();
        let mut intents: BTreeMap<OpId, Name> = BTreeMap::new();
        for message in self.messages() {
            match message {
                ChatMessage::Assistant(reply) => {
                    intents.extend(reply.calls.iter().map(|call| (call.id, call.operation.intent)));
                }
                ChatMessage::Tool { call, result } => {
                    let Some(intent) = intents.get(call) else { continue };
                    steps.entry(*intent).or_default().learn(*result);
                }
                ChatMessage::Reminder(missing) => {
                    steps.extend(missing.iter().map(|intent| (*intent, StepState::default())));
                }
                ChatMessage::Summary(done) => {
                    for intent in done.iter() {
                        steps.entry(*intent).or_default().is_done = true;
                    }
                }
                ChatMessage::System(_) | ChatMessage::User(_) => {}
            }
        }
        steps
    }

    /// What tools have said in it.
    pub fn said(&self) -> impl Iterator<Item = Name> + '_ {
        self.messages().iter().filter_map(|message| match message {
            ChatMessage::Tool { result, .. } => result.text(),
            _ => None,
        })
    }

    /// Whether a text in it that comes from outside is an instruction.
    pub(super) fn carries_an_instruction(&self) -> bool {
        let notes = self.messages().iter().flat_map(|message| match message {
            ChatMessage::User(request) => &request.notes[..],
            _ => &[],
        });
        notes.copied().chain(self.said()).any(|text| text.as_str().contains(INSTRUCTION))
    }

    /// The intents that are done, as far as the messages show it.
    pub fn done(&self) -> Vec<Name> {
        self.steps().iter().filter(|(_, step)| step.is_done).map(|(intent, _)| *intent).collect()
    }
}

impl StepState {
    fn learn(&mut self, result: ToolResult) {
        match result {
            ToolResult::Done(_) | ToolResult::Said(..) => self.is_done = true,
            ToolResult::Failed(ToolError::Indefinite(_)) => self.is_unclear = true,
            ToolResult::NotApproved => self.is_vetoed = true,
            ToolResult::Failed(ToolError::Definite(_))
            | ToolResult::UnknownTool
            | ToolResult::InvalidArguments => self.failures += 1,
        }
    }
}

impl FromIterator<ChatMessage> for Transcript {
    fn from_iter<I: IntoIterator<Item = ChatMessage>>(messages: I) -> Self {
        Self(Arc::new(messages.into_iter().collect()))
    }
}

/// How many messages it has and how long it is.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages, {} tokens", self.0.len(), self.tokens())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.finish, self.is_done) {
            (Finish::Length, _) => return f.write_str("a reply that is cut off"),
            (Finish::Refusal, _) => return f.write_str("a refusal"),
            (Finish::Stop, true) => return f.write_str("the task is done"),
            (Finish::Stop, false) => return f.write_str("the task cannot be done"),
            (Finish::ToolCalls, _) => {}
        }
        f.write_str("call ")?;
        for (nth, CallRequest { id, operation }) in self.calls.iter().enumerate() {
            let comma = if nth == 0 { "" } else { ", " };
            write!(f, "{comma}{}.{} for {} ({id})", operation.tool, operation.name, operation.intent)?;
        }
        Ok(())
    }
}

/// A call whose arguments are not JSON.
pub(super) fn unreadable_arguments() -> Content {
    Content::new("{\"amount\": ")
}
