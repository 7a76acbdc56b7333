//! Event log: a model's answer is on disk before an agent acts on it.
//!
//! Model calls are expensive, and a second answer can differ from the first. An agent that reads its log
//! after a crash knows every answer it has acted on, and asks only new questions. Durable execution engines
//! do the same for every external call ("event history replay", Temporal's documentation).

use crate::agent::{Agent, Content, Message, Structured};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The switch.
#[derive(Default)]
pub struct EventLog;

impl Safeguard for EventLog {
    const NAME: &'static str = "event-log";
    const ABOUT: &'static str =
        "a model's completion is durable before it is acted on, and is replayed after a crash";
    const EXAMPLE: &'static str = "event-log = true";
    const WITHOUT: &'static str =
        "after a crash an agent asks its model again, and may get another completion";
    const PROTECTS: &'static [&'static str] =
        &["completed-work-not-rerun", "no-duplicate-effects", "recovery-calls-no-model"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A record of the log.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Answered {
    about: Name,
    /// Which of the questions about it.
    number: u64,
    completion: Content,
}

impl Message for Answered {
    fn kind(&self) -> &'static str {
        "answer"
    }
}

/// The model answers in one agent's log. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct ModelAnswers(Rc<RefCell<BTreeMap<(Name, u64), Content>>>);

impl ModelAnswers {
    /// The answers as the agent left them in its journal.
    pub fn recover(agent: &Agent) -> Self {
        let answers = Self::default();
        checkpoint::recover(agent, |Answered { about, number, completion }| {
            answers.0.borrow_mut().insert((*about, *number), completion.clone());
        });
        answers
    }

    /// The answer to a question: from the log, else from the model, as `ask` asks it. A question is known by
    /// what it is about and by a number, which tells several questions about one thing apart. With the switch
    /// on, the answer is durable when this returns; without it there is no log, and the model is asked
    /// whatever it has answered before.
    pub async fn complete<C: Structured>(
        &self,
        agent: &Agent,
        safeguards: &Safeguards,
        (about, number): (Name, u64),
        ask: impl AsyncFnOnce() -> C,
    ) -> C {
        let known = self.0.borrow().get(&(about, number)).and_then(|completion| completion.read().ok());
        if let Some(known) = known {
            return known;
        }
        let answer = ask().await;
        if safeguards.has::<EventLog>() {
            let completion = Content::new(answer.clone());
            agent.persist(Answered { about, number, completion: completion.clone() }).await;
            self.0.borrow_mut().insert((about, number), completion);
        }
        answer
    }
}
