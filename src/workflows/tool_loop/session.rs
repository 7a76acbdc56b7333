//! The session of an assistant: its transcript, durable message by message in the journal.
//!
//! The journal is a log of [`SessionEvent`]s; recovery applies them in order. An event is durable before the
//! assistant acts on it, except where a safeguard is off: without `event-log` a reply is written with the
//! first result that follows it, and without `reset-between-tasks` the start of a task is not written at all.

use crate::agent::{Agent, ChatMessage, Message, Transcript};
use crate::safeguards::Safeguards;
use crate::safeguards::budgets::Spent;
use crate::safeguards::checkpoint;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// A change of a session.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(super) enum SessionEvent {
    /// It begins anew, for this task.
    Reset,
    /// A message was added.
    Said(ChatMessage),
    /// The model is about to be called, for the so many-th time about this task.
    Turn(u32),
    /// The messages were replaced by these.
    Replaced(Transcript),
}

/// A record of the journal.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct SessionRecord {
    task: Name,
    event: SessionEvent,
}

impl Message for SessionRecord {
    fn kind(&self) -> &'static str {
        "session"
    }
}

/// A session.
pub(super) struct Session {
    agent: Agent,
    safeguards: Safeguards,
    task: Option<Name>,
    transcript: Transcript,
    spent: Spent,
    /// Events that are not durable yet.
    unsaved: Vec<SessionEvent>,
}

impl Session {
    /// The session as its journal has it.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let mut session = Self {
            agent: agent.clone(),
            safeguards: safeguards.clone(),
            task: None,
            transcript: Transcript::default(),
            spent: Spent::default(),
            unsaved: Vec::new(),
        };
        checkpoint::recover(agent, |SessionRecord { task, event }| session.apply(*task, event));
        session
    }

    /// The task that it is about.
    pub fn task(&self) -> Option<Name> {
        self.task
    }

    /// Its messages.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What the task has cost so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Begins anew for a task; with `is_durable` the journal says so.
    pub async fn reset(&mut self, task: Name, is_durable: bool) {
        self.apply(task, &SessionEvent::Reset);
        if is_durable {
            self.save(task, SessionEvent::Reset).await;
        }
    }

    /// Records an event of the current task, and applies it once it is durable.
    pub async fn record(&mut self, task: Name, event: SessionEvent) {
        for earlier in std::mem::take(&mut self.unsaved) {
            self.save(task, earlier).await;
        }
        self.save(task, event.clone()).await;
        self.apply(task, &event);
    }

    /// Applies an event of the current task, which becomes durable together with the next.
    pub fn record_later(&mut self, task: Name, event: SessionEvent) {
        self.apply(task, &event);
        self.unsaved.push(event);
    }

    async fn save(&self, task: Name, event: SessionEvent) {
        checkpoint::save(&self.agent, &self.safeguards, task, SessionRecord { task, event }).await;
    }

    fn apply(&mut self, task: Name, event: &SessionEvent) {
        if self.task != Some(task) {
            self.task = Some(task);
            self.spent = Spent::default();
        }
        match event {
            SessionEvent::Reset => {
                self.transcript = Transcript::default();
                self.unsaved.clear();
            }
            SessionEvent::Said(message) => {
                if let ChatMessage::Assistant(reply) = message {
                    self.spent.tokens += reply.tokens();
                }
                self.transcript.push(message.clone());
            }
            SessionEvent::Turn(number) => {
                self.spent.turns = *number;
                self.spent.tokens += self.transcript.tokens();
            }
            SessionEvent::Replaced(transcript) => self.transcript = transcript.clone(),
        }
    }
}
