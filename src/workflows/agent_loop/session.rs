//! The session of a loop: its transcript, durable message by message in the journal of its agent.
//!
//! The journal is a log of [`SessionEvent`]s; recovery applies them in order. An event is durable before the
//! agent acts on it, except where a safeguard is off: without `event-log` a reply is written with the first
//! result that follows it, and without `reset-between-tasks` the start of a piece of work is not written at
//! all.

use crate::agent::{Agent, ChatMessage, Message, OpId, Receipt, ToolResult, Transcript};
use crate::protocols::Decision;
use crate::safeguards::Safeguards;
use crate::safeguards::budgets::Spent;
use crate::safeguards::checkpoint;
use crate::safeguards::durable_approvals::ApprovalsOnRecord;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A change of a session.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(super) enum SessionEvent {
    /// It begins anew, for this work.
    Reset,
    /// A message was added.
    Said(ChatMessage),
    /// The model is about to be called, for the so many-th time about this work.
    Turn(u32),
    /// The messages were replaced by these.
    Replaced(Transcript),
    /// A person has decided on a call. That outlasts the work: it is bound to the call, and expires.
    Decided(Decision),
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

    /// Half-written, the number of a turn reads as zero: the work has cost nothing so far.
    fn corrupted(&self) -> Option<Self> {
        match self.event {
            SessionEvent::Turn(_) => Some(Self { event: SessionEvent::Turn(0), ..self.clone() }),
            _ => None,
        }
    }
}

/// A session.
pub(super) struct Session {
    agent: Agent,
    safeguards: Safeguards,
    work: Option<Name>,
    transcript: Transcript,
    /// The intent of each call that the model has asked for.
    calls: BTreeMap<OpId, Name>,
    /// The results of the calls that succeeded, by intent.
    results: BTreeMap<Name, ToolResult>,
    approvals: ApprovalsOnRecord,
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
            work: None,
            transcript: Transcript::default(),
            calls: BTreeMap::new(),
            results: BTreeMap::new(),
            approvals: ApprovalsOnRecord::default(),
            spent: Spent::default(),
            unsaved: Vec::new(),
        };
        checkpoint::recover(agent, |SessionRecord { task, event }| session.apply(*task, event));
        session
    }

    /// The work that it is about.
    pub fn work(&self) -> Option<Name> {
        self.work
    }

    /// Its messages.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What its calls were confirmed with, by intent.
    pub fn receipts(&self) -> BTreeMap<Name, Receipt> {
        self.results.iter().filter_map(|(intent, result)| Some((*intent, result.receipt()?))).collect()
    }

    /// The result of an earlier call for an intent, if that succeeded, no tool has denied it since, and the
    /// transcript still shows that it is done.
    pub fn result_for(&self, intent: Name) -> Option<ToolResult> {
        let result = self.results.get(&intent).copied()?;
        self.transcript.done().contains(&intent).then_some(result)
    }

    /// What people have decided on its calls, as far as that is on record.
    pub fn approvals(&self) -> &ApprovalsOnRecord {
        &self.approvals
    }

    /// What the work has cost so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Begins anew for some work; with `is_durable` the journal says so.
    pub async fn reset(&mut self, work: Name, is_durable: bool) {
        self.apply(work, &SessionEvent::Reset);
        if is_durable {
            self.save(work, SessionEvent::Reset).await;
        }
    }

    /// Records an event of the current work, and applies it once it is durable.
    pub async fn record(&mut self, work: Name, event: SessionEvent) {
        for earlier in std::mem::take(&mut self.unsaved) {
            self.save(work, earlier).await;
        }
        self.save(work, event.clone()).await;
        self.apply(work, &event);
    }

    /// Applies an event of the current work, which becomes durable together with the next.
    pub fn record_later(&mut self, work: Name, event: SessionEvent) {
        self.apply(work, &event);
        self.unsaved.push(event);
    }

    async fn save(&self, task: Name, event: SessionEvent) {
        checkpoint::save(&self.agent, &self.safeguards, task, SessionRecord { task, event }).await;
    }

    fn apply(&mut self, work: Name, event: &SessionEvent) {
        if self.work != Some(work) {
            self.work = Some(work);
            self.forget_calls();
        }
        match event {
            SessionEvent::Reset => {
                self.transcript = Transcript::default();
                self.unsaved.clear();
                self.forget_calls();
            }
            SessionEvent::Said(message) => self.add(message),
            SessionEvent::Turn(number) => {
                self.spent.turns = *number;
                self.spent.tokens += self.transcript.tokens();
            }
            SessionEvent::Replaced(transcript) => self.transcript = transcript.clone(),
            SessionEvent::Decided(decision) => self.approvals.record(decision.clone()),
        }
    }

    fn add(&mut self, message: &ChatMessage) {
        match message {
            ChatMessage::Assistant(reply) => {
                self.spent.tokens += reply.tokens();
                self.calls.extend(reply.calls.iter().map(|call| (call.id, call.operation.intent)));
            }
            ChatMessage::Tool { call, result } => {
                let intent = self.calls.get(call).filter(|_| result.receipt().is_some());
                self.results.extend(intent.map(|intent| (*intent, *result)));
            }
            ChatMessage::Reminder(missing) => self.results.retain(|intent, _| !missing.contains(intent)),
            ChatMessage::System(_) | ChatMessage::User(_) | ChatMessage::Summary(_) => {}
        }
        self.transcript.push(message.clone());
    }

    /// Forgets what earlier work has cost and called.
    fn forget_calls(&mut self) {
        self.spent = Spent::default();
        self.calls.clear();
        self.results.clear();
    }
}
