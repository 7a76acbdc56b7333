//! What the shipped agents ask their models: a typed prompt with what they know, and a completion that they
//! check before they act on it.
//!
//! A completion that cannot be read, or names what was not offered, is asked for again: the schema of a
//! structured output is a request, and not a promise.

use crate::agent::{Agent, Content, Operation, Prompt};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A question about something.
#[derive(Clone, Hash, Debug, Serialize)]
pub struct Question {
    /// What to do.
    pub instruction: &'static str,
    /// The task, the step or the thing that it is about.
    pub about: Name,
    /// What the agent knows of it.
    #[serde(skip_serializing_if = "Content::is_nothing")]
    pub known: Content,
}

impl Question {
    /// A question about which the agent knows nothing else.
    pub fn new(instruction: &'static str, about: Name) -> Self {
        Self { instruction, about, known: Content::NOTHING }
    }

    /// The same, with what the agent knows.
    #[must_use]
    pub fn knowing(self, known: Content) -> Self {
        Self { known, ..self }
    }

    /// The prompt that asks this, which is so long.
    pub fn prompt(self, tokens: u32) -> Prompt {
        Prompt::new(self, tokens)
    }
}

/// Which agent is to do something?
#[derive(Hash, Serialize)]
struct WhichAgent {
    instruction: &'static str,
    about: Name,
    agents: Arc<[Name]>,
}

/// The agent that is to do something.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Chosen {
    agent: Name,
}

/// Asks the model which of these agents is to do something; its place among them.
///
/// # Panics
/// If there are none.
pub async fn choose_agent(
    agent: &Agent,
    about: Name,
    instruction: &'static str,
    agents: &Arc<[Name]>,
    tokens: u32,
) -> usize {
    let prompt = Prompt::new(WhichAgent { instruction, about, agents: Arc::clone(agents) }, tokens);
    let choose = |nth: u32| Chosen { agent: agents[nth as usize] };
    let place_of = |chosen: &Chosen| agents.iter().position(|agent| *agent == chosen.agent);
    let is_offered = |chosen: &Chosen| place_of(chosen).is_some();
    let chosen = agent.complete_valid(about, &prompt, agents.len() as u32, choose, is_offered).await;
    place_of(&chosen.value).expect("a valid completion names one of them")
}

/// Compose this call.
#[derive(Hash, Serialize)]
struct ToCompose {
    instruction: &'static str,
    call: Operation,
}

/// A call as a model composes it.
#[derive(Clone, PartialEq, Hash, Debug, Serialize, Deserialize)]
pub struct ComposedCall {
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Content::is_nothing")]
    pub arguments: Content,
    /// In which words, of all the ways to put one and the same call.
    pub wording: u32,
}

/// Has the model compose the call for an operation, for which there are so many `wordings`, until the call
/// fits the schema of the tool and its arguments `are_right`. They are those of the operation, unless the
/// model makes a mistake.
pub async fn compose_call(
    agent: &Agent,
    operation: &Operation,
    (tokens, wordings): (u32, u32),
    are_right: impl Fn(&Content) -> bool,
) -> ComposedCall {
    let prompt =
        ToCompose { instruction: "Compose the call that carries this out.", call: operation.clone() };
    let compose = |wording| ComposedCall { arguments: operation.arguments.clone(), wording };
    // What the schema of the tool says: whether there are arguments.
    let fits = |call: &ComposedCall| {
        call.wording < wordings
            && call.arguments.is_nothing() == operation.arguments.is_nothing()
            && are_right(&call.arguments)
    };
    let prompt = Prompt::new(prompt, tokens);
    agent.complete_valid(operation.intent, &prompt, wordings, compose, fits).await.value
}

/// A text as a model writes it.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
pub struct Text {
    /// Which of the ways to put it.
    wording: u32,
}

/// Has the model write something that only its readers look at, for which there are so many ways.
pub async fn write_text(agent: &Agent, about: Name, prompt: &Prompt, ways: u32) -> Text {
    agent.complete_valid(about, prompt, ways, |wording| Text { wording }, |_| true).await.value
}
