//! Event log: what a model has answered is on disk before an agent acts on it.
//!
//! A model call is what an agent pays for, and the second answer need not be the first. An agent that reads
//! its log after a crash knows every answer it has acted on, and asks only what it had not asked before.
//! Engines of durable execution do the same to every call that leaves the process ("event history replay",
//! Temporal's documentation).

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The switch.
#[derive(Default)]
pub struct EventLog;

impl Safeguard for EventLog {
    const NAME: &'static str = "event-log";
    const ABOUT: &'static str =
        "what a model answered is durable before it is acted on, and is not asked again";
    const EXAMPLE: &'static str = "event-log = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A record of the log.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
struct Answered {
    about: Name,
    choice: u32,
}

impl Message for Answered {
    fn kind(&self) -> &'static str {
        "answer"
    }
}

/// The answers of one agent's model that stand in its log. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct ModelAnswers(Rc<RefCell<BTreeMap<Name, u32>>>);

impl ModelAnswers {
    /// The answers as the agent left them in its journal.
    pub fn recover(agent: &Agent) -> Self {
        let answers = Self::default();
        checkpoint::recover(agent, |Answered { about, choice }| {
            answers.0.borrow_mut().insert(*about, *choice);
        });
        answers
    }

    /// The answer to a question: from the log, else from the model. With the switch on, it is durable when
    /// this returns; without it there is no log, and the model is asked whatever it has answered before.
    pub async fn think(
        &self,
        agent: &Agent,
        safeguards: &Safeguards,
        about: Name,
        tokens_in: u32,
        answers: u32,
    ) -> u32 {
        let known = self.0.borrow().get(&about).copied();
        if let Some(choice) = known {
            return choice;
        }
        let choice = agent.think(about, tokens_in, answers).await.choice;
        if safeguards.has::<EventLog>() {
            agent.persist(Answered { about, choice }).await;
            self.0.borrow_mut().insert(about, choice);
        }
        choice
    }
}
