//! Tools: services with effects, a ledger of what really happened, and acknowledgements that may lie.
//!
//! A call names the *intent* it serves (what the task wants) and carries an operation id. If the caller also
//! hands over the operation id as an idempotency key, a tool that deduplicates recognises a repetition.
//!
//! The ledger is the sequence of [`Note::Effect`]s in the history. An answer is only what somebody was told, and
//! its error says which of two kinds it is: [`Definite`] (it did not happen) or [`Indefinite`] (nobody knows).
//!
//! A tool that deduplicates can also be asked to call an operation off. Whether it is called off or done is decided there,
//! by which of the two comes first, and stays so: the only place where a race between them has a winner.
//!
//! What can go wrong inside a tool is asked of the plan at the site `tool, operation`, when the call has been
//! worked on and is about to take effect.

use crate::agent::{Agents, Body, Message, Note};
use crate::faults::tool_lies::Lie;
use perfidy_sim::{Desk, Envelope, Name, Service, SimSpan, Words};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// The identity of one attempt to get something done. A repetition under the same id means the same wish.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op {:04x}", self.0 >> 48)
    }
}

impl OpId {
    /// The id of the nth attempt to undo this operation: the same for everybody who knows the operation, so that nobody
    /// has to remember it across a crash.
    ///
    /// ```
    /// use perfidy::agent::OpId;
    /// assert_eq!(OpId(7).of_undo(1), OpId(7).of_undo(1));
    /// assert_ne!(OpId(7).of_undo(1), OpId(7).of_undo(2));
    /// ```
    #[must_use]
    pub fn of_undo(self, attempt: u32) -> Self {
        Self(Words::digest(|words| {
            words.put(self.0).text("undo").put(attempt.into());
        }))
    }
}

/// An effect that somebody wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Wish {
    /// Through which tool.
    pub tool: Name,
    /// By which operation.
    pub operation: Name,
    /// What for.
    pub intent: Name,
}

/// A call to a tool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ToolCall {
    /// What the caller wants.
    pub wish: Wish,
    /// Which attempt this is.
    pub op: OpId,
    /// Whether the operation id is handed over as an idempotency key.
    pub keyed: bool,
}

/// A tool's word that an operation is done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Receipt(pub u64);

/// What became of an operation that was to be called off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallOff {
    /// It is not going to happen, whoever asks for it under the same id.
    CalledOff,
    /// It had happened before.
    DoneAlready(Receipt),
}

/// It did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Definite {
    /// The tool does not know the operation, or not in this form. That says nothing about another try of it.
    Refused,
    /// The tool has turned the operation down: under its key, nothing has happened and nothing ever will.
    Declined,
}

impl fmt::Display for Definite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the tool refused the call"),
            Self::Declined => f.write_str("the tool turned it down for good"),
        }
    }
}

/// Nobody knows whether it happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Indefinite {
    /// No answer came in time.
    TimedOut,
    /// The tool said that something went wrong inside it.
    Failed,
    /// The tool refused this time, which says nothing about an earlier try.
    Refused(Definite),
}

impl fmt::Display for Indefinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Failed => f.write_str("an error inside the tool"),
            Self::Refused(why) => write!(f, "{why}, and what happened before is not known"),
        }
    }
}

/// Why a call did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ToolError {
    /// It did not happen.
    Definite(Definite),
    /// Nobody knows whether it happened.
    Indefinite(Indefinite),
}

impl ToolError {
    /// What it means for something that was tried before without a clear answer: that the tool refused this time does not
    /// say that nothing has happened, unless it speaks of the operation and not of the try.
    #[must_use]
    pub fn after_an_unclear_try(self) -> Self {
        match self {
            Self::Definite(error) if error != Definite::Declined => {
                Self::Indefinite(Indefinite::Refused(error))
            }
            as_it_is => as_it_is,
        }
    }
}

/// What travels between an agent and a tool.
#[derive(Clone, Copy, Hash, Debug)]
pub(crate) enum Wire {
    Call(ToolCall),
    LookUp(Wish),
    CallOff(ToolCall),
    Done(Receipt),
    Found(Option<Receipt>),
    Failed,
    Refused,
    Declined,
}

impl Message for Wire {
    fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::LookUp(_) => "look-up",
            Self::CallOff(_) => "call-off",
            Self::Done(_) | Self::Found(_) | Self::Failed | Self::Refused | Self::Declined => "reply",
        }
    }
}

/// The kind of a message that carries a call, such as `call create`.
pub(crate) fn call_kind(operation: Name) -> Name {
    Name::joined(Name::literal("call"), " ", operation)
}

fn reply_kind(operation: Name) -> Name {
    Name::joined(Name::literal("reply to"), " ", operation)
}

/// A look-up's operation, for its messages and addresses.
pub(crate) fn look_up_of(operation: Name) -> Name {
    Name::joined(Name::literal("look-up of"), " ", operation)
}

/// A call-off's operation, for its messages and addresses.
pub(crate) fn call_off_of(operation: Name) -> Name {
    Name::joined(Name::literal("call-off of"), " ", operation)
}

/// A tool.
pub struct ToolService {
    latency: RangeInclusive<SimSpan>,
    deduplicates: bool,
    /// Calls that are worked on, by token.
    work: Vec<(u64, Envelope<Body>)>,
    /// Answers that are held back, by token.
    late: Vec<(u64, Envelope<Body>, Wire)>,
    tokens: u64,
    receipts: u64,
    /// What each key was answered with: done or declined, and that for good.
    by_key: BTreeMap<OpId, Wire>,
    by_intent: BTreeMap<(Name, Name), Receipt>,
}

impl ToolService {
    /// A tool that works on a call for a time from `latency` and, if it deduplicates, recognises keys.
    pub fn new(latency: RangeInclusive<SimSpan>, deduplicates: bool) -> Self {
        Self {
            latency,
            deduplicates,
            work: Vec::new(),
            late: Vec::new(),
            tokens: 0,
            receipts: 0,
            by_key: BTreeMap::new(),
            by_intent: BTreeMap::new(),
        }
    }

    fn next_token(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens
    }

    /// Carries a call out, or recognises it.
    fn commit(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if let Some(known) = self.recognise(desk, call) {
            return known;
        }
        let ToolCall { wish: Wish { operation, intent, .. }, op, .. } = *call;
        self.receipts += 1;
        let receipt = Receipt(self.receipts);
        desk.note(Note::Effect { operation, intent, op, receipt: receipt.0 });
        self.by_intent.entry((operation, intent)).or_insert(receipt);
        self.remember(call, Wire::Done(receipt))
    }

    /// Turns a call down, or recognises it. Whoever deduplicates stays by a refusal as by a receipt: a copy of the
    /// call that is still on its way must not be carried out later.
    fn refuse(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if !(call.keyed && self.deduplicates) {
            return Wire::Refused;
        }
        self.recognise(desk, call).unwrap_or_else(|| self.remember(call, Wire::Declined))
    }

    /// What a call was answered with when it came before, if the tool can tell.
    fn recognise(&self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Option<Wire> {
        let ToolCall { wish: Wish { operation, intent, .. }, op, keyed } = *call;
        let known = *self.by_key.get(&op).filter(|_| keyed && self.deduplicates)?;
        desk.note(Note::Recognised { operation, intent, op });
        Some(known)
    }

    /// Calls an operation off, unless it was done before. A tool that cannot tell one operation from another cannot.
    fn call_off(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if !call.keyed || !self.deduplicates {
            return Wire::Failed;
        }
        let ToolCall { wish: Wish { operation, intent, .. }, op, .. } = *call;
        if !self.by_key.contains_key(&op) {
            desk.note(Note::CalledOff { operation, intent, op });
        }
        self.refuse(desk, call)
    }

    fn remember(&mut self, call: &ToolCall, answer: Wire) -> Wire {
        if call.keyed {
            self.by_key.insert(call.op, answer);
        }
        answer
    }

    fn finish(&mut self, desk: &mut Desk<'_, Agents>, envelope: Envelope<Body>) {
        match envelope.payload.open::<Wire>() {
            Some(Wire::Call(call)) => {
                let call = *call;
                let operation = call.wish.operation;
                let lie =
                    desk.ask(operation, call.wish.intent).map(|(word, span)| Lie::from_word(word, span));
                match lie {
                    None => {
                        let wire = self.commit(desk, &call);
                        answer(desk, &envelope, operation, wire);
                    }
                    Some(Lie::AckLost) => {
                        self.commit(desk, &call);
                    }
                    Some(Lie::LateReply(span)) => {
                        let wire = self.commit(desk, &call);
                        let token = self.next_token();
                        self.late.push((token, envelope, wire));
                        desk.call_back(token, span);
                    }
                    Some(Lie::ErrorWithEffect) => {
                        self.commit(desk, &call);
                        answer(desk, &envelope, operation, Wire::Failed);
                    }
                    Some(Lie::SuccessWithoutEffect) => {
                        answer(desk, &envelope, operation, Wire::Done(Receipt(self.receipts + 1)));
                    }
                    Some(Lie::Mute) => {}
                    Some(Lie::Refused) => {
                        let wire = self.refuse(desk, &call);
                        answer(desk, &envelope, operation, wire);
                    }
                }
            }
            Some(Wire::CallOff(call)) => {
                let wire = self.call_off(desk, call);
                answer(desk, &envelope, call_off_of(call.wish.operation), wire);
            }
            Some(Wire::LookUp(wish)) => {
                let found = self.by_intent.get(&(wish.operation, wish.intent)).copied();
                answer(desk, &envelope, look_up_of(wish.operation), Wire::Found(found));
            }
            _ => answer(desk, &envelope, Name::new("unknown"), Wire::Refused),
        }
    }
}

fn answer(desk: &mut Desk<'_, Agents>, to: &Envelope<Body>, operation: Name, wire: Wire) {
    desk.reply(to, reply_kind(operation), Body::new(wire));
}

impl Service<Agents> for ToolService {
    fn on_message(&mut self, desk: &mut Desk<'_, Agents>, envelope: Envelope<Body>) {
        let latency = desk.draw_span(desk.name(), envelope.about, &self.latency);
        let token = self.next_token();
        self.work.push((token, envelope));
        desk.call_back(token, latency);
    }

    fn on_timer(&mut self, desk: &mut Desk<'_, Agents>, token: u64) {
        if let Some(place) = self.work.iter().position(|(working, _)| *working == token) {
            let (_, envelope) = self.work.swap_remove(place);
            self.finish(desk, envelope);
        } else if let Some(place) = self.late.iter().position(|(late, ..)| *late == token) {
            let (_, envelope, wire) = self.late.swap_remove(place);
            let Some(Wire::Call(call)) = envelope.payload.open::<Wire>() else { return };
            let operation = call.wish.operation;
            answer(desk, &envelope, operation, wire);
        }
    }
}
