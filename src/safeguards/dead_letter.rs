//! Dead letters: a call that cannot be brought to a good end is handed to a person, with everything they need.
//!
//! An error that somebody gives up on must not vanish with them. The letter says what was wanted, which operation it
//! was, what went wrong, when, and who tried; it is sent until the person on call has taken it down, and only then
//! does the agent let go ("dead letter channel", Hohpe and Woolf 2003, "Enterprise Integration Patterns").

use crate::agent::{Agent, Mail, Message, OpId, ToolError, Wish};
use crate::protocols::{ResendTiming, request_until_answered};
use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::Serialize;

/// How long an agent waits for word that a letter was taken down before it sends it again.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct DeadLetter;

impl Safeguard for DeadLetter {
    const NAME: &'static str = "dead-letter";
    const ABOUT: &'static str = "what cannot be brought to a good end is handed to the person on call";
    const EXAMPLE: &'static str = "dead-letter = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A call that failed, with everything somebody needs to finish it by hand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Letter {
    /// What was wanted: tool, operation and what for.
    pub wish: Wish,
    /// The id of the last try.
    pub op: OpId,
    /// What went wrong at that try.
    pub error: ToolError,
    /// When it was given up, by the clock of whoever did.
    pub at: SimTime,
    /// Who gave it up.
    pub agent: Name,
}

/// What travels between an agent and the person on call.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
pub enum Post {
    /// Please see to this.
    Letter(Letter),
    /// It was taken down.
    TakenDown,
}

impl Message for Post {
    fn kind(&self) -> &'static str {
        match self {
            Self::Letter(_) => "dead letter",
            Self::TakenDown => "taken down",
        }
    }
}

/// Hands a call that failed to `person`, and comes back once they have taken it down. An agent that dies before has let
/// go of nothing, as long as it records the failure only afterwards.
pub async fn escalate(agent: &Agent, person: Name, wish: Wish, op: OpId, error: ToolError) {
    let letter = Letter { wish, op, error, at: agent.now(), agent: agent.name() };
    let timing = ResendTiming { timeout: PATIENCE, pause: PATIENCE };
    let waits_for = (person, "word that a dead letter was taken down");
    let is_taken_down = |mail: &Mail| matches!(mail.open(), Some(Post::TakenDown)).then_some(());
    request_until_answered(agent, waits_for, wish.intent, Post::Letter(letter), timing, is_taken_down).await;
}
