//! An agent's chat model, simulated: it gets a [`Transcript`] and replies with tool calls or with a last
//! word.
//!
//! The model knows nothing but the transcript. From it, it reads which task is asked for and which of its
//! steps are done, and asks for those that can be taken now; where the request is missing it does not know of
//! any work. Its API rejects a transcript that real ones reject ([`Transcript::check`]), and one that is
//! longer than the context window. Wording, order, ids and lengths are drawn.
//!
//! The latency has a long tail: the time to the first token is the model's latency as configured, then comes
//! the text at a constant rate, and one call in ten is slowed down by up to twenty times, as by a queue at
//! the provider. One measured team had a median of 2.8 s and a mean of 6.0 s; this has 2.9 s and 5.4 s for
//! replies of 100 tokens. A reply comes whole, and is not streamed to the agent.

mod transcript;

pub use transcript::{
    CallRequest, ChatMessage, Finish, InvalidTranscript, Reply, RequestedStep, TaskRequest, ToolResult,
    Transcript,
};

use crate::agent::{
    Agent, AgentEvent, Author, Content, Model, OpId, Operation, ReplyTiming, SUMMARY, StatedConfidence,
    TeamEvent,
};
use perfidy_sim::{DrawPurpose, DrawSite, Name, SimSpan, SimTime};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use transcript::{StepState, unreadable_arguments};

/// The call site at which a model replies to a transcript.
pub const CHAT: &str = "chat";

/// The faults of replies: what each does is in [`faults::chat`](crate::faults::chat).
pub const CHAT_FAULTS: &[&str] = &[
    MODEL_ERROR,
    MODEL_TIMEOUT,
    TRUNCATED_REPLY,
    MODEL_REFUSAL,
    INVALID_ARGUMENTS,
    UNKNOWN_TOOL,
    FALSE_COMPLETION,
    VERBOSE_REPLY,
    CONTEXT_OVERFLOW,
    IGNORED_VETO,
    MODEL_RATE_LIMIT,
    REPEATED_CALL,
    OBEYED_INSTRUCTION,
];

/// The API answers with an error, as when it is overloaded.
pub const MODEL_ERROR: &str = "model-error";
/// No reply comes in time.
pub const MODEL_TIMEOUT: &str = "model-timeout";
/// The reply is cut off at the limit of output tokens: its last call is missing.
pub const TRUNCATED_REPLY: &str = "truncated-reply";
/// The model declines to answer.
pub const MODEL_REFUSAL: &str = "model-refusal";
/// The arguments of a call are not JSON.
pub const INVALID_ARGUMENTS: &str = "invalid-arguments";
/// A call names a tool that does not exist.
pub const UNKNOWN_TOOL: &str = "unknown-tool";
/// The model says that the task is done, in the place of a call.
pub const FALSE_COMPLETION: &str = "false-completion";
/// The text of the reply is very long.
pub const VERBOSE_REPLY: &str = "verbose-reply";
/// The API counts more tokens than fit into the context window.
pub const CONTEXT_OVERFLOW: &str = "context-overflow";
/// The model asks again for a call that a person did not approve.
pub const IGNORED_VETO: &str = "ignored-veto";

/// The API answers every request with a rate limit for a while, and says for how long.
pub const MODEL_RATE_LIMIT: &str = "model-rate-limit";
/// The model asks for a call again although the transcript has its result.
pub const REPEATED_CALL: &str = "repeated-call";
/// The model does what a text that it reads says: it asks for a call that its user did not ask for.
pub const OBEYED_INSTRUCTION: &str = "obeyed-instruction";

/// What a call is for that a text has asked for, and no user.
const INJECTED: &str = "injected";

/// A tool that a model may name and that does not exist.
const NO_SUCH_TOOL: &str = "search_web";

/// How often a model has a step tried again that was refused.
const TRIES: u32 = 3;

/// How many different wordings there are of one reply.
const WORDINGS: u64 = 4;

/// The length of a text in tokens, without faults and of a verbose model.
const TEXT_TOKENS: RangeInclusive<u64> = 10..=120;
const VERBOSE_TOKENS: u32 = 6_000;

/// How long a model takes for one token.
const TIME_PER_TOKEN: SimSpan = SimSpan::from_millis(15);

/// One call in so many is slowed down, by up to this factor; none takes longer than the limit.
const SLOWED_DOWN: u64 = 10;
const SLOWEST: u64 = 20;
const LONGEST_REPLY: SimSpan = SimSpan::from_secs(180);

/// How long an agent waits for its model.
pub const MODEL_TIMEOUT_SPAN: SimSpan = SimSpan::from_secs(180);

const FIRST_TOKEN: DrawPurpose = DrawPurpose::new("first token");
const QUEUE: DrawPurpose = DrawPurpose::new("queue");
const FACTOR: DrawPurpose = DrawPurpose::new("factor");
const ORDER: DrawPurpose = DrawPurpose::new("order");
const CALL_ID: DrawPurpose = DrawPurpose::new("call id");
const WORDING: DrawPurpose = DrawPurpose::new("wording");
const TEXT: DrawPurpose = DrawPurpose::new("text");

/// What a chat model can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChatLimits {
    /// The length of the longest transcript that it accepts, in tokens.
    pub context_window: u32,
    /// Whether it asks for several tool calls in one reply.
    pub parallel_tool_calls: bool,
}

impl Default for ChatLimits {
    fn default() -> Self {
        Self { context_window: 128_000, parallel_tool_calls: true }
    }
}

/// Why a model did not reply.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum ModelError {
    /// The API rejects the transcript (HTTP 400).
    Invalid(InvalidTranscript),
    /// The transcript is longer than the context window.
    ContextOverflow,
    /// The API answers with an error (HTTP 529).
    Overloaded,
    /// No reply came in time.
    TimedOut,
    /// The reply cannot be read.
    Unreadable,
    /// The caller has sent too many requests (HTTP 429).
    RateLimited {
        /// For how long the API goes on rejecting them, as it says itself.
        retry_after_secs: u32,
    },
}

impl ModelError {
    /// How long the API asks to wait before a retry; zero if it does not say.
    pub fn retry_after(self) -> SimSpan {
        match self {
            Self::RateLimited { retry_after_secs } => SimSpan::from_secs(retry_after_secs.into()),
            _ => SimSpan::ZERO,
        }
    }

    fn rate_limited(left: SimSpan) -> Self {
        let secs = left.as_nanos().div_ceil(1_000_000_000);
        Self::RateLimited { retry_after_secs: secs.try_into().unwrap_or(u32::MAX) }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "invalid transcript: {why}"),
            Self::ContextOverflow => f.write_str("the transcript is longer than the context window"),
            Self::Overloaded => f.write_str("the model is overloaded"),
            Self::TimedOut => f.write_str("no reply in time"),
            Self::Unreadable => f.write_str("a reply that cannot be read"),
            Self::RateLimited { retry_after_secs } => {
                write!(f, "too many requests, try again after {retry_after_secs}s")
            }
        }
    }
}

/// What of a reply is drawn.
struct Drawn {
    order: u64,
    first_id: u64,
    wording: u32,
    text_tokens: u32,
    first_token: SimSpan,
    slowed_down: u64,
    confidence: StatedConfidence,
}

impl Drawn {
    /// Without faults.
    fn time_to_first_token(&self) -> SimSpan {
        self.first_token.saturating_mul(self.slowed_down).min(LONGEST_REPLY)
    }
}

impl Agent {
    /// Has the model reply to a transcript, in this turn of work on a task.
    ///
    /// # Errors
    /// [`ModelError`] if there is no reply.
    pub async fn chat(&self, task: Name, turn: u32, transcript: &Transcript) -> Result<Reply, ModelError> {
        self.chat_with(task, turn, transcript, None).await
    }

    /// The same of a model outside of the world, which has replied this and taken its time already: faults
    /// alter the reply, or come in its place.
    #[cfg(feature = "clients")]
    pub(crate) async fn chat_relayed(
        &self,
        (task, turn): (Name, u32),
        transcript: &Transcript,
        said: &Reply,
    ) -> Result<Reply, ModelError> {
        self.chat_with(task, turn, transcript, Some(said)).await
    }

    async fn chat_with(
        &self,
        task: Name,
        turn: u32,
        transcript: &Transcript,
        said: Option<&Reply>,
    ) -> Result<Reply, ModelError> {
        let about = turn_name(task, turn);
        let drawn = self.draw("reply", about, |draw| Drawn {
            order: draw.bits(ORDER),
            first_id: draw.bits(CALL_ID),
            wording: draw.below(WORDING, WORDINGS) as u32,
            text_tokens: (TEXT_TOKENS.start() + draw.below(TEXT, TEXT_TOKENS.end() - TEXT_TOKENS.start()))
                as u32,
            first_token: draw.span(FIRST_TOKEN, &self.model.latency),
            slowed_down: slow_down(&draw),
            confidence: StatedConfidence::drawn(draw),
        });
        let drawn = if said.is_some() { Drawn { first_token: SimSpan::ZERO, ..drawn } } else { drawn };
        self.before("model call", about).await;
        let (reply, span) = self.chat_outcome(about, transcript, said, &drawn);
        let delay = self.first_token_delay(about);
        let (reply, total) = match span + delay {
            late if late > MODEL_TIMEOUT_SPAN => (Err(ModelError::TimedOut), MODEL_TIMEOUT_SPAN),
            total => (reply, total),
        };
        self.context.work(total).await;
        let first_token = reply.is_ok().then(|| drawn.time_to_first_token() + delay);
        let chatted = AgentEvent::Chatted {
            task,
            turn: about,
            transcript: transcript.clone(),
            reply: reply.clone(),
            timing: ReplyTiming { first_token, total },
            confidence: reply.is_ok().then_some(drawn.confidence),
        };
        self.context.record_event(Author::HARNESS, TeamEvent::Agent(chatted));
        self.after("model call", about).await;
        reply
    }

    /// The outcome of a call of the model, and how long it takes.
    fn chat_outcome(
        &self,
        about: Name,
        transcript: &Transcript,
        said: Option<&Reply>,
        drawn: &Drawn,
    ) -> (Result<Reply, ModelError>, SimSpan) {
        let limits = self.model.chat;
        let Drawn { first_token, slowed_down, .. } = *drawn;
        let at_once = drawn.time_to_first_token();
        if let Some(limited) = self.rate_limit() {
            return (Err(limited), at_once);
        }
        if said.is_none() {
            if let Err(why) = transcript.check() {
                return (Err(ModelError::Invalid(why)), at_once);
            }
            if transcript.tokens() > limits.context_window {
                return (Err(ModelError::ContextOverflow), at_once);
            }
        }
        let simulated = || honest_reply(&transcript.steps(), transcript.request(), limits, drawn);
        let honest = said.cloned().unwrap_or_else(simulated);
        // As a model replies that does not see vetoes, or results.
        let blind = |forget: fn(&mut StepState)| {
            let mut states = transcript.steps();
            states.values_mut().for_each(forget);
            honest_reply(&states, transcript.request(), limits, drawn)
        };
        let usual = honest.clone();
        let others = Others { blind: &blind, obedient: &|| obedient_reply(transcript, &usual, drawn) };
        let outcome = self.with_chat_fault(about, Ok(honest), &others);
        match outcome {
            Err(ModelError::TimedOut) => (Err(ModelError::TimedOut), MODEL_TIMEOUT_SPAN),
            Err(error) => (Err(error), at_once),
            Ok(reply) => {
                let span = match said {
                    Some(_) => SimSpan::ZERO,
                    None => reply_span(first_token, reply.tokens().into(), slowed_down),
                };
                let reply = self.completed(about, Content::new(reply)).read();
                (reply.map_err(|_| ModelError::Unreadable), span)
            }
        }
    }

    /// The outcome with the first fault that is due and makes a difference to it, if there is one.
    fn with_chat_fault(
        &self,
        about: Name,
        honest: Result<Reply, ModelError>,
        others: &Others<'_>,
    ) -> Result<Reply, ModelError> {
        let Ok(reply) = &honest else { return honest };
        for due in self.context.due_faults(Name::literal(CHAT), about) {
            let span = due.span();
            let altered = with_fault(due.word().as_str(), span, reply, others);
            if altered != honest {
                self.context.inject(due);
                if let Err(ModelError::RateLimited { .. }) = altered {
                    self.model.limited_until.set(self.monotonic() + span);
                }
                return altered;
            }
        }
        honest
    }

    /// The error with which the API rejects every request at present, if it does.
    fn rate_limit(&self) -> Option<ModelError> {
        let until = self.model.limited_until.get();
        if until == SimTime::ZERO {
            return None;
        }
        let left = until.since(self.monotonic());
        (left > SimSpan::ZERO).then(|| ModelError::rate_limited(left))
    }

    /// A transcript with a summary of what is done, as a model has written that: it can say that every step
    /// is done.
    pub fn summarised(&self, task: Name, transcript: &Transcript) -> Transcript {
        let steps = transcript.request().map_or(&[][..], |request| &request.steps);
        let all: Arc<[Name]> = steps.iter().map(|step| step.operation.intent).collect();
        let is_summary = |message: &ChatMessage| matches!(message, ChatMessage::Summary(_));
        let wrong = || {
            let messages = transcript.messages().iter();
            messages.map(
                |said| if is_summary(said) { ChatMessage::Summary(Arc::clone(&all)) } else { said.clone() },
            )
        };
        let differs = |_: &str| wrong().zip(transcript.messages()).any(|(wrong, said)| wrong != *said);
        match self.fault_at(SUMMARY, task, differs) {
            Some(_) => wrong().collect(),
            None => transcript.clone(),
        }
    }
}

impl Model {
    /// How long a reply of about so many tokens takes, drawn.
    pub(crate) fn time_to_reply(&self, draw: &DrawSite<'_>, tokens: &RangeInclusive<u64>) -> SimSpan {
        let first_token = draw.span(FIRST_TOKEN, &self.latency);
        let tokens = tokens.start() + draw.below(TEXT, tokens.end() - tokens.start());
        reply_span(first_token, tokens, slow_down(draw))
    }
}

/// How long a reply of so many tokens takes.
fn reply_span(first_token: SimSpan, tokens: u64, slowed_down: u64) -> SimSpan {
    let text = TIME_PER_TOKEN.saturating_mul(tokens);
    (first_token + text).saturating_mul(slowed_down).min(LONGEST_REPLY)
}

/// How many times slower than usual a call is.
fn slow_down(draw: &DrawSite<'_>) -> u64 {
    match draw.below(QUEUE, SLOWED_DOWN) {
        0 => 2 + draw.below(FACTOR, SLOWEST - 1),
        _ => 1,
    }
}

/// The name of a turn of work on a task.
pub(crate) fn turn_name(task: Name, turn: u32) -> Name {
    Name::new(&format!("{task}/turn-{turn}"))
}

/// The replies of models that go about a transcript in another way.
struct Others<'a> {
    /// Of one that does not see something of each step.
    blind: &'a dyn Fn(fn(&mut StepState)) -> Reply,
    /// Of one that does what the texts say that it reads.
    obedient: &'a dyn Fn() -> Reply,
}

/// What a fault makes of a reply; the same where it does not concern it.
fn with_fault(fault: &str, span: SimSpan, honest: &Reply, others: &Others<'_>) -> Result<Reply, ModelError> {
    let with_first_call = |alter: &dyn Fn(&mut CallRequest)| {
        let mut calls = honest.calls.to_vec();
        calls.first_mut().into_iter().for_each(alter);
        Reply { calls: calls.into(), ..honest.clone() }
    };
    Ok(match fault {
        MODEL_ERROR => return Err(ModelError::Overloaded),
        MODEL_TIMEOUT => return Err(ModelError::TimedOut),
        CONTEXT_OVERFLOW => return Err(ModelError::ContextOverflow),
        TRUNCATED_REPLY => {
            let whole = honest.calls.len().saturating_sub(1);
            Reply { calls: honest.calls[..whole].into(), finish: Finish::Length, ..honest.clone() }
        }
        MODEL_REFUSAL => {
            Reply { calls: Arc::default(), is_done: false, finish: Finish::Refusal, ..honest.clone() }
        }
        INVALID_ARGUMENTS => with_first_call(&|call| call.operation.arguments = unreadable_arguments()),
        UNKNOWN_TOOL => with_first_call(&|call| call.operation.tool = Name::literal(NO_SUCH_TOOL)),
        FALSE_COMPLETION => {
            Reply { calls: Arc::default(), is_done: true, finish: Finish::Stop, ..honest.clone() }
        }
        IGNORED_VETO => (others.blind)(|step| step.is_vetoed = false),
        MODEL_RATE_LIMIT => return Err(ModelError::rate_limited(span)),
        REPEATED_CALL => (others.blind)(|step| step.is_done = false),
        OBEYED_INSTRUCTION => (others.obedient)(),
        VERBOSE_REPLY => Reply { text_tokens: VERBOSE_TOKENS, ..honest.clone() },
        _ => honest.clone(),
    })
}

/// What a model replies that does what the texts say that it reads: it asks for one more call, of a tool that
/// it knows. The same as `honest` where no text says anything.
fn obedient_reply(transcript: &Transcript, honest: &Reply, drawn: &Drawn) -> Reply {
    let request = transcript.request().filter(|_| transcript.carries_an_instruction());
    let Some((request, step)) = request.and_then(|request| Some((request, request.steps.last()?))) else {
        return honest.clone();
    };
    let intent = Name::joined(request.task, "/", Name::literal(INJECTED));
    let operation = Operation { intent, ..step.operation.clone() };
    let id = OpId(drawn.first_id.wrapping_add(request.steps.len() as u64));
    let calls = honest.calls.iter().cloned().chain([CallRequest { id, operation }]).collect();
    Reply { calls, is_done: false, finish: Finish::ToolCalls, ..honest.clone() }
}

/// What a model that makes no mistake replies.
fn honest_reply(
    states: &BTreeMap<Name, StepState>,
    request: Option<&TaskRequest>,
    limits: ChatLimits,
    drawn: &Drawn,
) -> Reply {
    let reply = |finish, is_done, calls: Vec<CallRequest>| Reply {
        calls: calls.into(),
        is_done,
        wording: drawn.wording,
        text_tokens: drawn.text_tokens,
        finish,
    };
    // A model that sees no request knows of nothing that is left to do.
    let Some(request) = request else { return reply(Finish::Stop, true, Vec::new()) };
    let state = |intent: Name| states.get(&intent).copied().unwrap_or_default();
    let is_hopeless = |StepState { is_done, is_unclear, is_vetoed, failures }: StepState| {
        !is_done && (is_unclear || is_vetoed || failures >= TRIES)
    };
    if request.steps.iter().any(|step| is_hopeless(state(step.operation.intent))) {
        return reply(Finish::Stop, false, Vec::new());
    }
    let mut ready: Vec<&Operation> = request
        .steps
        .iter()
        .filter(|step| !state(step.operation.intent).is_done)
        .filter(|step| step.needs.iter().all(|need| state(*need).is_done))
        .map(|step| &step.operation)
        .collect();
    if ready.is_empty() {
        return reply(Finish::Stop, true, Vec::new());
    }
    let begin = drawn.order as usize % ready.len();
    ready.rotate_left(begin);
    if !limits.parallel_tool_calls {
        ready.truncate(1);
    }
    let ids = (0..).map(|nth| OpId(drawn.first_id.wrapping_add(nth)));
    let call = |(operation, id): (&Operation, OpId)| CallRequest { id, operation: operation.clone() };
    reply(Finish::ToolCalls, false, ready.into_iter().zip(ids).map(call).collect())
}

#[cfg(test)]
mod tests;
