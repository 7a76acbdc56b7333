//! A tool as the world runs it.

use super::items::Items;
use super::trouble::{Troubles, refusal};
use super::wire::{Request, Wire, call_off_of, look_up_of, read_of, reply_kind};
use crate::agent::{
    Agents, Author, Body, Definite, Note, OpId, Query, Reading, Receipt, ToolCall, ToolEvent, Wish,
};
use crate::faults::tool_lies::{self, Lie};
use crate::scenario::Tool;
use perfidy_sim::{Desk, Envelope, Lookup, Name, Service, SimSpan, SimTime};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// A tool.
pub struct ToolService {
    latency: RangeInclusive<SimSpan>,
    deduplicates: bool,
    items: Items,
    troubles: Troubles,
    /// What is to be done when a token comes back.
    pending: Lookup<u64, Pending>,
    tokens: u64,
    receipts: u64,
    /// What each key was answered with, done or declined, and when.
    by_key: Lookup<OpId, (Wire, SimTime)>,
    /// The keys it remembers, by when they came.
    keys_by_time: VecDeque<(SimTime, OpId)>,
    /// What was done, and when.
    by_intent: Lookup<(Name, Name), (Receipt, SimTime)>,
    /// The answer to the last call, and the last reading.
    last_answer: Option<(Name, Wire)>,
    last_read: Option<Reading>,
}

/// Something that takes its time.
enum Pending {
    /// A request that is worked on.
    Work(Envelope<Body>),
    /// An answer that is held back.
    Answer(Envelope<Body>, Name, Wire),
}

/// What becomes of a request.
enum Reply {
    Now(Wire),
    Later(Wire, SimSpan),
    Never,
}

impl ToolService {
    /// A tool as a file describes it.
    pub fn new(tool: Tool) -> Self {
        let Tool { latency, deduplicates, changes_every, tokens } = tool;
        Self {
            latency,
            deduplicates,
            items: Items::new(changes_every, tokens),
            troubles: Troubles::default(),
            pending: Lookup::default(),
            tokens: 0,
            receipts: 0,
            by_key: Lookup::default(),
            keys_by_time: VecDeque::new(),
            by_intent: Lookup::default(),
            last_answer: None,
            last_read: None,
        }
    }

    fn put_off(&mut self, desk: &mut Desk<'_, Agents>, what: Pending, span: SimSpan) {
        self.tokens += 1;
        self.pending.insert(self.tokens, what);
        desk.call_back(self.tokens, span);
    }

    fn finish(&mut self, desk: &mut Desk<'_, Agents>, envelope: Envelope<Body>) {
        let wire = envelope.payload.open::<Wire>().copied();
        let (request, what, intent) = match wire {
            Some(Wire::Call(ToolCall { wish: Wish { operation, intent, .. }, .. })) => {
                (Request::Call, operation, intent)
            }
            Some(Wire::Read(Query { item, intent, .. })) => (Request::Read, read_of(item), intent),
            Some(Wire::LookUp(Wish { operation, intent, .. })) => {
                (Request::LookUp, look_up_of(operation), intent)
            }
            Some(Wire::CallOff(ToolCall { wish: Wish { operation, intent, .. }, .. })) => {
                (Request::CallOff, call_off_of(operation), intent)
            }
            _ => {
                let unreadable = Wire::Refused(Definite::Unreadable);
                return answer(desk, &envelope, Name::literal("unknown"), unreadable);
            }
        };
        let now = desk.now();
        let was_in_trouble = self.troubles.at(now).is_some();
        let lie = desk.ask_for(what, intent, |word, span| {
            let kind = tool_lies::find(word.as_str());
            !was_in_trouble
                && kind.is_some_and(|kind| kind.of.contains(&request))
                && self.makes_a_difference(Lie::from_word(word, span), wire.as_ref(), now)
        });
        let lie = lie.map(|(word, span)| Lie::from_word(word, span));
        if let Some(Lie::Trouble(trouble, lasting)) = lie {
            self.troubles.begin(trouble, now, lasting);
        }
        let reply = match (self.troubles.at(now), wire) {
            (Some((trouble, until)), _) => match refusal(trouble, until, now) {
                Some(refusal) => Reply::Now(Wire::Refused(refusal)),
                None => Reply::Never,
            },
            (None, Some(Wire::Call(call))) => self.on_call(desk, call, lie),
            (None, Some(Wire::Read(query))) => self.on_read(desk, query, lie),
            (None, Some(Wire::LookUp(wish))) => Reply::Now(Wire::Found(self.on_look_up(wish, lie, now))),
            (None, Some(Wire::CallOff(call))) => Reply::Now(self.call_off(desk, &call)),
            (None, _) => Reply::Never,
        };
        match reply {
            Reply::Now(wire) => answer(desk, &envelope, what, wire),
            Reply::Later(wire, span) => self.put_off(desk, Pending::Answer(envelope, what, wire), span),
            Reply::Never => {}
        }
    }

    /// Whether a lie that can be told of such a request would change anything about this one.
    fn makes_a_difference(&self, lie: Lie, request: Option<&Wire>, now: SimTime) -> bool {
        match (request, lie) {
            (Some(Wire::Call(call)), Lie::KeyIgnored) => {
                call.headers.idempotency_key.is_some() && self.deduplicates
            }
            (_, Lie::KeyForgotten(age)) => {
                self.deduplicates && self.keys_by_time.front().is_some_and(|(at, _)| *at + age <= now)
            }
            (Some(Wire::Call(call)), Lie::WrongReply) => {
                self.last_answer.is_some_and(|(intent, _)| intent != call.wish.intent)
            }
            (Some(Wire::Read(query)), Lie::WrongReply) => {
                self.last_read.is_some_and(|reading| reading.item != query.item)
            }
            (Some(Wire::LookUp(wish)), Lie::StaleRead(age)) => {
                let done = self.by_intent.get((wish.operation, wish.intent));
                done.is_some_and(|(_, at)| *at + age > now)
            }
            _ => true,
        }
    }

    /// Carries a call out, or recognises it.
    fn commit(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if let Some(known) = self.recognise(desk, call) {
            return known;
        }
        let ToolCall { wish: Wish { operation, intent, .. }, op, .. } = *call;
        self.receipts += 1;
        let receipt = Receipt(self.receipts);
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::Effect { operation, intent, op, receipt: receipt.0 }),
        );
        let now = desk.now();
        self.by_intent.get_or_insert_with((operation, intent), || (receipt, now));
        self.remember(desk, call, Wire::Done(receipt))
    }

    /// Turns a call down, or recognises it. Whoever deduplicates stays by a refusal as by a receipt: a copy
    /// of the call that is still on its way must not be carried out later.
    fn refuse(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if call.headers.idempotency_key.is_none() || !self.deduplicates {
            return Wire::Refused(Definite::Refused);
        }
        let declined = Wire::Refused(Definite::Declined);
        self.recognise(desk, call).unwrap_or_else(|| self.remember(desk, call, declined))
    }

    /// Calls an operation off, unless it was done before. A tool that cannot tell one operation from another
    /// cannot.
    fn call_off(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Wire {
        if call.headers.idempotency_key.is_none() || !self.deduplicates {
            return Wire::Failed;
        }
        let ToolCall { wish: Wish { operation, intent, .. }, op, headers } = *call;
        if headers.idempotency_key.is_some_and(|key| !self.by_key.contains(key)) {
            desk.note(Author::HARNESS, Note::Tool(ToolEvent::CalledOff { operation, intent, op }));
        }
        self.refuse(desk, call)
    }

    /// What a call was answered with when it came before, if the tool can tell.
    fn recognise(&self, desk: &mut Desk<'_, Agents>, call: &ToolCall) -> Option<Wire> {
        let ToolCall { wish: Wish { operation, intent, .. }, op, headers } = *call;
        let key = headers.idempotency_key.filter(|_| self.deduplicates)?;
        let (known, _) = *self.by_key.get(key)?;
        desk.note(Author::HARNESS, Note::Tool(ToolEvent::Recognised { operation, intent, op }));
        Some(known)
    }

    fn remember(&mut self, desk: &mut Desk<'_, Agents>, call: &ToolCall, answer: Wire) -> Wire {
        if let Some(key) = call.headers.idempotency_key {
            let now = desk.now();
            self.by_key.insert(key, (answer, now));
            self.keys_by_time.push_back((now, key));
        }
        answer
    }

    fn on_call(&mut self, desk: &mut Desk<'_, Agents>, mut call: ToolCall, lie: Option<Lie>) -> Reply {
        match lie {
            Some(Lie::SuccessWithoutEffect) => return Reply::Now(Wire::Done(Receipt(self.receipts + 1))),
            Some(Lie::Mute) => return Reply::Never,
            Some(Lie::Refused) => return Reply::Now(self.refuse(desk, &call)),
            Some(Lie::KeyForgotten(age)) => {
                let now = desk.now();
                while let Some((_, key)) = self.keys_by_time.pop_front_if(|(at, _)| *at + age <= now) {
                    self.by_key.remove(key);
                }
            }
            Some(Lie::KeyIgnored) => call.headers.idempotency_key = None,
            _ => {}
        }
        let answer = self.commit(desk, &call);
        let other = self.last_answer.replace((call.wish.intent, answer));
        match lie {
            Some(Lie::AckLost) => Reply::Never,
            Some(Lie::LateReply(span)) => Reply::Later(answer, span),
            Some(Lie::ErrorWithEffect) => Reply::Now(Wire::Failed),
            Some(Lie::MalformedResult) => Reply::Now(Wire::Malformed),
            Some(Lie::WrongReply) => Reply::Now(other.map_or(answer, |(_, other)| other)),
            Some(Lie::DuplicateEffect) => {
                self.commit(desk, &call);
                Reply::Now(answer)
            }
            _ => Reply::Now(answer),
        }
    }

    fn on_read(&mut self, desk: &mut Desk<'_, Agents>, query: Query, lie: Option<Lie>) -> Reply {
        match lie {
            Some(Lie::Mute) => return Reply::Never,
            Some(Lie::MalformedResult) => return Reply::Now(Wire::Malformed),
            _ => {}
        }
        let mut as_of = desk.now();
        if let Some(Lie::StaleRead(age)) = lie {
            as_of = SimTime::ZERO + as_of.since(SimTime::ZERO + age);
        }
        let true_reading = self.items.read(desk, query.item, as_of);
        let other = self.last_read.replace(true_reading);
        let reading = match lie {
            Some(Lie::WrongValue) => true_reading.falsified(),
            Some(Lie::PartialResult) => true_reading.truncated(),
            Some(Lie::InjectedInstruction) => true_reading.instructing(),
            Some(Lie::OversizeResult) => true_reading.bloated(),
            Some(Lie::WrongReply) => other.unwrap_or(true_reading),
            _ => true_reading,
        };
        let Reading { item, version, as_of, content, .. } = reading;
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::Served { item, intent: query.intent, version, as_of, content }),
        );
        match lie {
            Some(Lie::LateReply(span)) => Reply::Later(Wire::Reading(reading), span),
            _ => Reply::Now(Wire::Reading(reading)),
        }
    }

    fn on_look_up(&self, wish: Wish, lie: Option<Lie>, now: SimTime) -> Option<Receipt> {
        let (receipt, at) = *self.by_intent.get((wish.operation, wish.intent))?;
        let in_view = !matches!(lie, Some(Lie::StaleRead(age)) if at + age > now);
        in_view.then_some(receipt)
    }
}

fn answer(desk: &mut Desk<'_, Agents>, to: &Envelope<Body>, what: Name, wire: Wire) {
    desk.reply(to, reply_kind(what), Body::new(wire));
}

impl Service<Agents> for ToolService {
    fn on_message(&mut self, desk: &mut Desk<'_, Agents>, envelope: Envelope<Body>) {
        let latency = desk.draw_span(desk.name(), envelope.about, &self.latency);
        self.put_off(desk, Pending::Work(envelope), latency);
    }

    fn on_timer(&mut self, desk: &mut Desk<'_, Agents>, token: u64) {
        match self.pending.remove(token) {
            Some(Pending::Work(envelope)) => self.finish(desk, envelope),
            Some(Pending::Answer(envelope, what, wire)) => answer(desk, &envelope, what, wire),
            None => {}
        }
    }

    fn on_fault(&mut self, desk: &mut Desk<'_, Agents>, word: Name, lasting: SimSpan) {
        if let Lie::Trouble(trouble, _) = Lie::from_word(word, lasting) {
            self.troubles.begin(trouble, desk.now(), lasting);
        }
    }
}
