//! An agent's model, simulated: it takes time and tokens, and completes a prompt with one of several
//! completions.
//!
//! Prompts and completions are serde values. The agent has them typed; a story, `--log trace`, a property and
//! a fault read them as JSON, which is made only then. Which completion the model gives is drawn, keyed by
//! the agent and what the question is about, so the same question has the same answer, also after a crash,
//! unless a fault is injected. A fault of completions alters the JSON: what the agent gets is read out of
//! that, and cannot be read where the fields or their types are others than the agent expects.

use crate::agent::{
    Agent, AgentEvent, Alteration, Altered, Artifact, ArtifactId, Author, ChatLimits, Content, OwnFaults,
    ReplyTiming, RequestedStep, StatedConfidence, TeamEvent, TypeMismatch,
};
use perfidy_sim::{DrawPurpose, DrawSite, Name, SimSpan, SimTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::Cell;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// The call site at which a model answers a question that it may have answered before.
pub const ANSWER: &str = "answer";
/// The call site at which a model completes a prompt, whatever it is.
pub const COMPLETION: &str = "completion";
/// The call site at which a model sums a piece of work up.
pub const SUMMARY: &str = "summary";
/// The call site at which a model says who should go on with something.
pub const HANDOFF: &str = "handoff";
/// The place at which an agent that reports on its own work could say more than is its own to say.
pub const ROLE: &str = "role";

/// The call site at which a model begins to answer.
pub const FIRST_TOKEN: &str = "first-token";
/// The first token of an answer comes late, as from a queue at the provider.
pub const SLOW_FIRST_TOKEN: &str = "slow-first-token";

/// The fault by which a model names an agent that is not on the team, in the place of a colleague.
pub const UNKNOWN_TARGET: &str = "unknown-target";

/// The agent that a model names then. There is none of that name, so what is sent to it is lost.
pub const UNKNOWN_AGENT: &str = "unknown-agent";

/// Tokens a model reads to sum up a piece of work.
const SUMMARY_TOKENS: u32 = 1_000;

const LATENCY: DrawPurpose = DrawPurpose::new("latency");
const CHOICE: DrawPurpose = DrawPurpose::new("choice");
const OTHERWISE: DrawPurpose = DrawPurpose::new("otherwise");
const TOKENS: DrawPurpose = DrawPurpose::new("tokens");

/// What a model is asked: any serde value, and how long it is.
#[derive(Clone, Debug)]
pub struct Prompt {
    content: Content,
    tokens: u32,
}

impl Prompt {
    /// A prompt that says this, in so many tokens.
    pub fn new(content: impl Serialize + Hash + Send + Sync + 'static, tokens: u32) -> Self {
        Self { content: Content::new(content), tokens }
    }
}

/// What a model can complete a prompt with: a structured output.
pub trait Structured: Serialize + DeserializeOwned + Clone + Hash + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Hash + Send + Sync + 'static> Structured for T {}

/// What a model completed, as its agent reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion<C> {
    /// What it says.
    pub value: C,
    /// Tokens read.
    pub tokens_in: u32,
    /// Tokens written.
    pub tokens_out: u32,
    /// How sure of it the model says it is.
    pub confidence: StatedConfidence,
}

/// Who should go on with something, as a model sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// The agent that asked.
    Myself,
    /// One of its colleagues, counted from zero.
    Colleague(u32),
    /// An agent that is not on the team.
    Unknown,
}

/// What a fault does to a completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModelFault {
    /// It is altered.
    Altered(Alteration),
    /// It is not the JSON that was asked for: the text breaks off in the middle.
    Malformed,
}

/// Every fault that models can be subject to, by name.
#[derive(Clone, Debug)]
pub struct ModelFaults {
    shipped: fn(Name) -> Option<ModelFault>,
    own: OwnFaults,
}

/// None.
impl Default for ModelFaults {
    fn default() -> Self {
        Self { shipped: |_| None, own: OwnFaults::default() }
    }
}

impl ModelFaults {
    /// The shipped faults, as a function says what each is, and these.
    pub fn new(shipped: fn(Name) -> Option<ModelFault>, own: OwnFaults) -> Self {
        Self { shipped, own }
    }

    /// The completion that the fault of a name makes of one; `None` if it is the same.
    #[cold]
    fn altered(&self, word: Name, honest: &Content, draw: DrawSite<'_>) -> Option<Content> {
        let honest = honest.json();
        let altered = match (self.shipped)(word) {
            Some(ModelFault::Altered(alteration)) => alteration.of_value(honest.clone(), draw),
            Some(ModelFault::Malformed) => {
                let text = honest.to_string();
                Value::String(text.chars().take(text.chars().count().div_ceil(2)).collect())
            }
            None => {
                let mut altered = honest.clone();
                self.own.alter(word, Altered::Completions, &mut altered, draw);
                altered
            }
        };
        (altered != honest).then(|| Content::of_json(altered))
    }
}

/// An agent's model.
#[derive(Clone)]
pub(crate) struct Model {
    pub latency: RangeInclusive<SimSpan>,
    pub chat: ChatLimits,
    pub faults: ModelFaults,
    /// Until when the API rejects every request, by the monotonic clock of its callers.
    pub limited_until: Rc<Cell<SimTime>>,
}

impl Model {
    /// A model that answers in such a time, with these limits as a chat model, and these faults.
    pub fn new(latency: RangeInclusive<SimSpan>, chat: ChatLimits, faults: ModelFaults) -> Self {
        Self { latency, chat, faults, limited_until: Rc::default() }
    }
}

/// A piece of work as a model writes it.
#[derive(Clone, Copy, Hash, Serialize, Deserialize)]
struct Written {
    body: u64,
}

/// What a model is asked that is to sum up a piece of work.
#[derive(Hash, Serialize)]
struct ToSumUp {
    instruction: &'static str,
    work: Artifact,
}

/// What a model is asked that is to tell others what is left to do.
#[derive(Hash, Serialize)]
struct ToBrief {
    instruction: &'static str,
    steps: Arc<[RequestedStep]>,
}

/// What is left to do, as a model puts it.
#[derive(Clone, Hash, Serialize, Deserialize)]
struct Briefed {
    steps: Arc<[RequestedStep]>,
}

impl Agent {
    /// Has the model complete a prompt about something, with one of so many `answers` (at least one), of
    /// which the nth says `completion(n)`.
    ///
    /// ```
    /// use perfidy::agent::{Agent, TypeMismatch, Prompt};
    /// use perfidy_sim::Name;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Hash, Serialize)]
    /// struct Classify { mail: String }
    ///
    /// #[derive(Clone, Hash, Serialize, Deserialize)]
    /// struct Classified { is_urgent: bool }
    ///
    /// async fn is_urgent(agent: &Agent, about: Name, mail: String) -> Result<bool, TypeMismatch> {
    ///     let prompt = Prompt::new(Classify { mail }, 300);
    ///     let classified = |nth| Classified { is_urgent: nth == 1 };
    ///     let completion = agent.complete(about, &prompt, 2, classified).await?;
    ///     Ok(completion.value.is_urgent)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`TypeMismatch`] if the completion does not have this type: a model does not always keep to its
    /// schema.
    pub async fn complete<C: Structured>(
        &self,
        about: Name,
        prompt: &Prompt,
        answers: u32,
        completion: impl Fn(u32) -> C,
    ) -> Result<Completion<C>, TypeMismatch> {
        let answers = u64::from(answers.max(1));
        let is_otherwise = answers > 1 && self.context.inject_fault(Name::literal(ANSWER), about).is_some();
        let usual = self.context.draw_once(self.site("think"), about, |draw| draw.below(CHOICE, answers));
        let choose = |draw: DrawSite<'_>| {
            if is_otherwise { (usual + 1 + draw.below(OTHERWISE, answers - 1)) % answers } else { usual }
        };
        self.answer(about, prompt, choose, completion).await
    }

    /// The same, asked again until the completion can be read and `is_valid`. The tokens are those of all
    /// tries, the confidence is that of the last.
    pub async fn complete_valid<C: Structured>(
        &self,
        about: Name,
        prompt: &Prompt,
        answers: u32,
        completion: impl Fn(u32) -> C,
        is_valid: impl Fn(&C) -> bool,
    ) -> Completion<C> {
        let (mut tokens_in, mut tokens_out) = (0, 0);
        loop {
            tokens_in += prompt.tokens;
            if let Ok(said) = self.complete(about, prompt, answers, &completion).await {
                tokens_out += said.tokens_out;
                if is_valid(&said.value) {
                    return Completion { tokens_in, tokens_out, ..said };
                }
            }
        }
    }

    /// Has the model complete a prompt with one of so many answers, of which the one of this number, from
    /// zero, is right: with that one, unless it errs, as often as it takes until the completion can be read.
    ///
    /// ```
    /// use perfidy::agent::{Agent, Prompt};
    /// use perfidy_sim::Name;
    ///
    /// /// Whether the model says that a number is even.
    /// async fn is_even(agent: &Agent, number: u32) -> bool {
    ///     let prompt = Prompt::new(("Is this even?", number), 50);
    ///     let right = u32::from(number % 2 == 0);
    ///     agent.complete_rightly(Name::new("task-1"), &prompt, (2, right), |nth| nth == 1).await
    /// }
    /// ```
    ///
    /// # Panics
    /// If there is no answer of that number.
    pub async fn complete_rightly<C: Structured>(
        &self,
        about: Name,
        prompt: &Prompt,
        (answers, right): (u32, u32),
        completion: impl Fn(u32) -> C,
    ) -> C {
        assert!(right < answers, "the right answer is one of {answers}");
        let (answers, right) = (u64::from(answers), u64::from(right));
        loop {
            let errs = answers > 1 && self.context.inject_fault(Name::literal(ANSWER), about).is_some();
            let choose = |draw: DrawSite<'_>| {
                if errs { (right + 1 + draw.below(OTHERWISE, answers - 1)) % answers } else { right }
            };
            if let Ok(said) = self.answer(about, prompt, choose, &completion).await {
                return said.value;
            }
        }
    }

    /// Has the model answer in its time.
    async fn answer<C: Structured>(
        &self,
        about: Name,
        prompt: &Prompt,
        choose: impl FnOnce(DrawSite<'_>) -> u64,
        completion: impl FnOnce(u32) -> C,
    ) -> Result<Completion<C>, TypeMismatch> {
        let (timing, choice, tokens_out, confidence) = self.draw("think", about, |draw| {
            let timing = ReplyTiming::of_completion(draw, draw.span(LATENCY, &self.model.latency));
            let tokens_out = 20 + draw.below(TOKENS, 200) as u32;
            (timing, choose(draw) as u32, tokens_out, StatedConfidence::drawn(draw))
        });
        self.before("model call", about).await;
        let timing = timing.begun_after(self.first_token_delay(about));
        self.context.work(timing.total).await;
        let content = self.completed(about, Content::new(completion(choice)));
        let (tokens_in, prompt, completion) = (prompt.tokens, prompt.content.clone(), content.clone());
        self.context.record_event(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Completed {
                about,
                choice,
                prompt,
                completion,
                tokens_in,
                tokens_out,
                timing,
                confidence,
            }),
        );
        self.after("model call", about).await;
        Ok(Completion { value: content.read()?, tokens_in, tokens_out, confidence })
    }

    /// A completion with the first fault that is due and makes a difference to it, if there is one.
    pub(super) fn completed(&self, about: Name, honest: Content) -> Content {
        for due in self.context.due_faults(Name::literal(COMPLETION), about) {
            let alter = |draw: DrawSite<'_>| self.model.faults.altered(due.word(), &honest, draw);
            if let Some(altered) = self.context.draw_at(&due, alter) {
                self.context.inject(due);
                return altered;
            }
        }
        honest
    }

    /// Has the model make a piece of work about something, from another one or from nothing; `question` is
    /// what it is asked about, and there are so many `ways` to answer it. What it makes stands in the
    /// history.
    pub async fn make(
        &self,
        (about, question): (Name, Name),
        from: Option<ArtifactId>,
        prompt: &Prompt,
        ways: u32,
    ) -> Artifact {
        let write = |way: u32| Written { body: way.into() };
        let written = self.complete_valid(question, prompt, ways, write, |_| true).await;
        let artifact = Artifact { about, from, body: written.value.body };
        self.context.record_event(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Produced { intent: about, artifact: artifact.id(), from }),
        );
        artifact
    }

    /// Asks the model to sum a piece of work up for others. What comes back is what they will take the piece
    /// to be: the same, if the summary is right.
    pub async fn summarise(&self, artifact: Artifact) -> Artifact {
        let about = artifact.about;
        let prompt = ToSumUp { instruction: "Sum this piece of work up.", work: artifact };
        let sum_up = |_| {
            if self.context.inject_fault(Name::literal(SUMMARY), about).is_none() {
                return Written { body: artifact.body };
            }
            let slip = self.draw("slip", about, |draw| 1 + draw.below(CHOICE, u64::from(u32::MAX)));
            Written { body: artifact.body ^ slip }
        };
        let prompt = Prompt::new(prompt, SUMMARY_TOKENS);
        let summary = self.complete_valid(about, &prompt, 1, sum_up, |_| true).await;
        Artifact { body: summary.value.body, ..artifact }
    }

    /// Has the model tell others which steps are left to do. One that sums them up wrongly leaves one out.
    pub async fn write_brief(&self, about: Name, steps: Arc<[RequestedStep]>) -> Arc<[RequestedStep]> {
        let prompt = ToBrief { instruction: "Say what is left to do.", steps: Arc::clone(&steps) };
        let write = |_| {
            if steps.is_empty() || self.context.inject_fault(Name::literal(SUMMARY), about).is_none() {
                return Briefed { steps: Arc::clone(&steps) };
            }
            let lost = self.draw("slip", about, |draw| draw.below(CHOICE, steps.len() as u64)) as usize;
            let kept = steps.iter().enumerate().filter(|(place, _)| *place != lost);
            Briefed { steps: kept.map(|(_, step)| step.clone()).collect() }
        };
        let prompt = Prompt::new(prompt, SUMMARY_TOKENS);
        self.complete_valid(about, &prompt, 1, write, |_| true).await.value.steps
    }

    /// Asks the model who should go on with something: the agent itself or one of so many `colleagues` (at
    /// least one). Every third time, when nothing goes wrong, it is a colleague. What was done since it was
    /// asked last makes it another question every time.
    pub async fn route(&self, about: Name, prompt: &Prompt, colleagues: u32) -> Completion<Route> {
        let colleagues = colleagues.max(1);
        let answers = u64::from(3 * colleagues);
        let route = |choice: u32| {
            let honest = if choice < colleagues { Route::Colleague(choice) } else { Route::Myself };
            for fault in self.context.due_faults(Name::literal(HANDOFF), about) {
                let mistaken = match fault.word().as_str() {
                    UNKNOWN_TARGET => Route::Unknown,
                    _ => Route::Colleague(choice % colleagues),
                };
                if mistaken != honest {
                    self.context.inject(fault);
                    return mistaken;
                }
            }
            honest
        };
        loop {
            let said = self.answer(about, prompt, |draw| draw.below(CHOICE, answers), route).await;
            match said {
                Ok(said) if !matches!(said.value, Route::Colleague(which) if which >= colleagues) => {
                    return said;
                }
                // What names none of them is no answer.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Whether the model keeps to the agent's role as it reports on work of its own. If not, it says as well
    /// what would be for others to say.
    pub fn stays_in_role(&self, about: Name) -> bool {
        self.context.inject_fault(Name::literal(ROLE), about).is_none()
    }
}
