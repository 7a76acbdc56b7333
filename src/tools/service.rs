//! The wrapper around a tool, as the world runs it.
//!
//! A request waits for the latency of the tool, meets an outage or a fault, is recognised by its key or handed to the
//! tool, and is answered. Each request that is handled leaves one event of the tool, which says what was asked, by whom,
//! under which headers, and what the tool did; two, if it was handled twice.

use super::keys::Memory;
use super::outage::{Outages, refusal};
use super::prototype::{NotDone, Running};
use super::{Alteration, Asked, CallFault, LookUpFault, Moment, OwnFaults, ReadFault, ToolFault};
use crate::agent::{
    Agents, Author, Body, Content, Definite, Done, Note, Operation, Reading, Receipt, Refused, Request,
    ToolCall, ToolEvent, ToolRequest, Wire, reply_kind,
};
use crate::faults::tool_lies::fault_of;
use crate::scenario::Tool;
use perfidy_sim::{Desk, Envelope, Lookup, Name, Service, SimSpan, SimTime};
use std::ops::RangeInclusive;

/// A tool in its world.
pub struct ToolService {
    latency: RangeInclusive<SimSpan>,
    deduplicates: bool,
    tool: Box<dyn Running>,
    /// The tool as it was at the beginning.
    initial: Box<dyn Running>,
    /// What took effect since then.
    effects: Vec<(SimTime, ToolRequest)>,
    outages: Outages,
    own_faults: OwnFaults,
    memory: Memory,
    /// What is to be done when a token comes back.
    pending: Lookup<u64, Pending>,
    tokens: u64,
    receipts: u64,
    /// The answers to the last call and to the last question.
    last_answer: Option<(Name, Wire)>,
    last_reading: Option<(Name, Reading)>,
    /// Whether the state with which the tool began stands in the history.
    is_open: bool,
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

/// What the service is asked, as it works on it.
struct Work {
    request: Request,
    /// What it is about, as addresses name it.
    what: Name,
    intent: Name,
    asked: ToolRequest,
}

impl ToolService {
    /// A tool as a file describes it.
    pub fn new(tool: &Tool) -> Self {
        let Tool { latency, deduplicates, prototype, .. } = tool;
        Self {
            latency: latency.clone(),
            deduplicates: *deduplicates,
            tool: prototype.copy(),
            initial: prototype.copy(),
            effects: Vec::new(),
            outages: Outages::default(),
            own_faults: OwnFaults::default(),
            memory: Memory::default(),
            pending: Lookup::default(),
            tokens: 0,
            receipts: 0,
            last_answer: None,
            last_reading: None,
            is_open: false,
        }
    }

    /// The same tool, subject to these faults beside the shipped ones.
    #[must_use]
    pub fn subject_to(self, own_faults: OwnFaults) -> Self {
        Self { own_faults, ..self }
    }

    /// The fault of that name, if it is one of tools.
    fn fault_of(&self, word: Name, span: SimSpan) -> Option<ToolFault> {
        fault_of(word, span).or_else(|| self.own_faults.find(word).map(|_| ToolFault::own(word)))
    }

    fn put_off(&mut self, desk: &mut Desk<'_, Agents>, what: Pending, span: SimSpan) {
        self.tokens += 1;
        self.pending.insert(self.tokens, what);
        desk.call_back(self.tokens, span);
    }

    /// Works on a request whose latency is over.
    fn finish(&mut self, desk: &mut Desk<'_, Agents>, envelope: Envelope<Body>) {
        let Some(wire) = envelope.payload.open::<Wire>() else { return };
        let Some((request, operation)) = wire.request() else {
            let unreadable = Wire::Refused(Refused::of(Definite::Unreadable));
            return answer(desk, &envelope, Name::literal("unknown"), unreadable);
        };
        let (what, intent, now) = (request.of(operation.name), operation.intent, desk.now());
        let asked = ToolRequest::new(envelope.from, now, envelope.payload.clone());
        let work = Work { request, what, intent, asked };
        if !self.is_open {
            self.open(desk);
        }
        let fault = self.inject_fault(desk, &work, wire, now);
        let reply = match self.outages.at(now) {
            Some((outage, until)) => match refusal(outage, until, now) {
                Some(error) => Reply::Now(refuse(desk, &work, Refused::of(error))),
                None => unanswered(desk, &work),
            },
            None => match wire {
                Wire::Call(call) => self.on_call(desk, &work, call, fault.call),
                Wire::Read(query) => self.on_read(desk, &work, query, fault.read),
                Wire::LookUp(operation) => self.on_look_up(desk, &work, operation, fault.look_up, now),
                Wire::Cancel(call) => Reply::Now(self.cancel(desk, &work, call)),
                Wire::Done(_)
                | Wire::Found(_)
                | Wire::Failed
                | Wire::Refused(_)
                | Wire::Reading(_)
                | Wire::Altered(_)
                | Wire::Malformed => unreachable!("an answer is no request"),
            },
        };
        match reply {
            Reply::Now(wire) => answer(desk, &envelope, what, wire),
            Reply::Later(wire, span) => self.put_off(desk, Pending::Answer(envelope, what, wire), span),
            Reply::Never => {}
        }
    }

    /// Writes down the state with which the tool begins, before anything happens to it.
    #[cold]
    fn open(&mut self, desk: &mut Desk<'_, Agents>) {
        self.is_open = true;
        if let Some(state) = self.initial.initial_state() {
            desk.note(Author::HARNESS, Note::Tool(ToolEvent::Opened { state }));
        }
    }

    /// Asks the plan what goes wrong with a request. What would make no difference to it is not injected.
    fn inject_fault(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        wire: &Wire,
        now: SimTime,
    ) -> ToolFault {
        let is_out = self.outages.at(now).is_some();
        let reading = match wire {
            Wire::Read(query) => {
                self.tool.read(query.name, &query.arguments, &Moment { as_of: now, desk }).ok()
            }
            _ => None,
        };
        let injected = desk.ask_for(work.what, work.intent, |word, span| {
            !is_out
                && self.fault_of(word, span).is_some_and(|fault| {
                    fault.concerns(work.request)
                        && self.makes_a_difference(fault, work, wire, reading.as_ref(), now)
                })
        });
        let fault = injected.and_then(|(word, span)| self.fault_of(word, span)).unwrap_or_default();
        if let Some((outage, lasting)) = fault.outage {
            self.outages.begin(outage, now, lasting);
        }
        fault
    }

    /// Whether a fault that can be injected into such a request would change anything about this one.
    fn makes_a_difference(
        &self,
        fault: ToolFault,
        work: &Work,
        wire: &Wire,
        reading: Option<&Content>,
        now: SimTime,
    ) -> bool {
        match (wire, fault) {
            (Wire::Call(call), ToolFault { call: Some(CallFault::KeyIgnored), .. }) => {
                call.headers.idempotency_key.is_some() && self.deduplicates
            }
            // A refusal says nothing that could be altered.
            (Wire::Call(call), ToolFault { call: Some(CallFault::Altered(_)), .. }) => {
                self.result_of(work, call).is_some()
            }
            (Wire::Call(call), ToolFault { call: Some(CallFault::Own(name)), .. }) => {
                self.result_of(work, call).is_some_and(|said| self.own_faults.concerns(name, &said.json()))
            }
            (Wire::Read(_), ToolFault { read: Some(ReadFault::Altered(_)), .. }) => reading.is_some(),
            (Wire::Read(_), ToolFault { read: Some(ReadFault::Own(name)), .. }) => {
                reading.is_some_and(|said| self.own_faults.concerns(name, &said.json()))
            }
            (_, ToolFault { call: Some(CallFault::KeyForgotten(age)), .. }) => {
                self.deduplicates && self.memory.has_keys_older_than(age, now)
            }
            (Wire::Call(call), ToolFault { call: Some(CallFault::WrongReply), .. }) => {
                self.last_answer.as_ref().is_some_and(|(intent, _)| *intent != call.operation.intent)
            }
            (Wire::Read(query), ToolFault { read: Some(ReadFault::WrongReply), .. }) => {
                self.last_reading.as_ref().is_some_and(|(item, _)| *item != query.name)
            }
            (Wire::LookUp(operation), ToolFault { look_up: Some(LookUpFault::Stale(age)), .. }) => {
                let done = self.memory.find(operation.name, operation.intent);
                done.is_some_and(|(_, at)| at + age > now)
            }
            _ => true,
        }
    }

    fn on_call(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        call: &ToolCall,
        fault: Option<CallFault>,
    ) -> Reply {
        let Some(fault) = fault else { return Reply::Now(self.answer_to(desk, work, call)) };
        match fault {
            CallFault::AckLost => {
                self.answer_to(desk, work, call);
                Reply::Never
            }
            CallFault::LateReply(span) => Reply::Later(self.answer_to(desk, work, call), span),
            CallFault::ErrorWithEffect => {
                self.answer_to(desk, work, call);
                Reply::Now(Wire::Failed)
            }
            CallFault::SuccessWithoutEffect => {
                unanswered(desk, work);
                Reply::Now(done(self.receipts + 1, Content::NOTHING))
            }
            CallFault::NoResponse => unanswered(desk, work),
            CallFault::Refused => Reply::Now(self.refuse_call(desk, work, call, Content::NOTHING)),
            CallFault::DuplicateEffect => {
                let answer = self.answer_to(desk, work, call);
                self.carry_out(desk, work, call);
                Reply::Now(answer)
            }
            CallFault::KeyIgnored => {
                let mut call = call.clone();
                call.headers.idempotency_key = None;
                Reply::Now(self.answer_to(desk, work, &call))
            }
            CallFault::KeyForgotten(age) => {
                self.memory.forget_older_than(age, desk.now());
                Reply::Now(self.answer_to(desk, work, call))
            }
            CallFault::WrongReply => {
                let other = self.last_answer.clone();
                let answer = self.answer_to(desk, work, call);
                Reply::Now(other.map_or(answer, |(_, other)| other))
            }
            CallFault::MalformedResult => {
                self.answer_to(desk, work, call);
                Reply::Now(Wire::Malformed)
            }
            CallFault::Altered(alteration) => {
                let answer = self.answer_to(desk, work, call);
                Reply::Now(altered(desk, work, answer, &Altering::Shipped(alteration)))
            }
            CallFault::Own(name) => {
                let answer = self.answer_to(desk, work, call);
                Reply::Now(altered(desk, work, answer, &Altering::Own(&self.own_faults, name)))
            }
        }
    }

    /// What the result of a call is going to be, if it is not going to be turned down. Nothing happens to the tool.
    #[cold]
    fn result_of(&self, work: &Work, call: &ToolCall) -> Option<Content> {
        let key = call.headers.idempotency_key.filter(|_| self.deduplicates);
        if let Some(known) = key.and_then(|key| self.memory.answer(key)) {
            return known.done().map(|done| done.result);
        }
        let Operation { name, arguments, .. } = &call.operation;
        let asked = Asked { by: work.asked.by, at: work.asked.at, headers: work.asked.headers() };
        self.tool.copy().apply(*name, arguments, &asked).ok()
    }

    /// Carries a call out, and remembers what the answer to it was.
    fn answer_to(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, call: &ToolCall) -> Wire {
        let answer = self.carry_out(desk, work, call);
        self.last_answer = Some((call.operation.intent, answer.clone()));
        answer
    }

    /// Carries a call out, or recognises it.
    fn carry_out(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, call: &ToolCall) -> Wire {
        if let Some(known) = self.recognise(desk, work, call) {
            return known;
        }
        let Operation { name, arguments, intent, .. } = &call.operation;
        let (name, intent, now) = (*name, *intent, desk.now());
        let asked = Asked { by: work.asked.by, at: work.asked.at, headers: work.asked.headers() };
        let result = match self.tool.apply(name, arguments, &asked) {
            Ok(result) => result,
            Err(NotDone::Declined(why)) => return self.refuse_call(desk, work, call, why),
            Err(NotDone::Unreadable(why)) => {
                let why = Content::new(why);
                return refuse(desk, work, Refused { error: Definite::Unreadable, why });
            }
        };
        self.receipts += 1;
        let receipt = Receipt(self.receipts);
        let (op, request) = (call.op, work.asked.clone());
        self.effects.push((now, request.clone()));
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::Effect { operation: name, intent, op, receipt: receipt.0, request }),
        );
        self.memory.enter(name, intent, receipt, now);
        let answer = done(receipt.0, result);
        self.memory.remember(call, &answer, now);
        answer
    }

    /// What a call was answered with when it came before, if the tool can tell.
    fn recognise(&self, desk: &mut Desk<'_, Agents>, work: &Work, call: &ToolCall) -> Option<Wire> {
        let key = call.headers.idempotency_key.filter(|_| self.deduplicates)?;
        let known = self.memory.answer(key)?.clone();
        let (operation, intent) = (call.operation.name, work.intent);
        let request = work.asked.clone();
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::Recognised { operation, intent, op: call.op, request }),
        );
        Some(known)
    }

    /// Turns a call down, or recognises it. A tool that deduplicates stays by a refusal as by a receipt: a copy of
    /// the call that is still on its way must not be carried out later.
    fn refuse_call(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        call: &ToolCall,
        why: Content,
    ) -> Wire {
        if call.headers.idempotency_key.is_none() || !self.deduplicates {
            return refuse(desk, work, Refused { error: Definite::Refused, why });
        }
        if let Some(known) = self.recognise(desk, work, call) {
            return known;
        }
        let declined = refuse(desk, work, Refused { error: Definite::Declined, why });
        self.memory.remember(call, &declined, desk.now());
        declined
    }

    /// Cancels an operation, unless it was done before. A tool that cannot tell one operation from another cannot.
    fn cancel(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, call: &ToolCall) -> Wire {
        let Some(key) = call.headers.idempotency_key.filter(|_| self.deduplicates) else {
            unanswered(desk, work);
            return Wire::Failed;
        };
        if let Some(known) = self.memory.answer(key).cloned() {
            self.recognise(desk, work, call);
            return known;
        }
        let (operation, intent, request) = (call.operation.name, work.intent, work.asked.clone());
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::Cancelled { operation, intent, op: call.op, request }),
        );
        let declined = Wire::Refused(Refused::of(Definite::Declined));
        self.memory.remember(call, &declined, desk.now());
        declined
    }

    fn on_read(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        query: &Operation,
        fault: Option<ReadFault>,
    ) -> Reply {
        let Some(fault) = fault else { return Reply::Now(self.reading(desk, work, query, SimSpan::ZERO)) };
        match fault {
            ReadFault::LateReply(span) => Reply::Later(self.reading(desk, work, query, SimSpan::ZERO), span),
            ReadFault::NoResponse => unanswered(desk, work),
            ReadFault::WrongReply => {
                let other = self.last_reading.clone();
                match other {
                    Some((_, other)) => Reply::Now(serve(desk, work, Wire::Reading(other.clone()), &other)),
                    None => Reply::Now(self.reading(desk, work, query, SimSpan::ZERO)),
                }
            }
            ReadFault::Stale(age) => Reply::Now(self.reading(desk, work, query, age)),
            ReadFault::MalformedResult => {
                unanswered(desk, work);
                Reply::Now(Wire::Malformed)
            }
            ReadFault::Altered(alteration) => {
                self.altered_reading(desk, work, query, &Altering::Shipped(alteration))
            }
            ReadFault::Own(name) => {
                let own = self.own_faults.clone();
                self.altered_reading(desk, work, query, &Altering::Own(&own, name))
            }
        }
    }

    fn altered_reading(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        query: &Operation,
        altering: &Altering<'_>,
    ) -> Reply {
        match self.look(desk, query, SimSpan::ZERO) {
            Ok(reading) => {
                let answer = altered(desk, work, Wire::Reading(reading.clone()), altering);
                let said = answer.reading().unwrap_or(reading);
                Reply::Now(serve(desk, work, answer, &said))
            }
            Err(refused) => Reply::Now(refuse(desk, work, refused)),
        }
    }

    /// Answers a question as of so long ago.
    fn reading(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, query: &Operation, age: SimSpan) -> Wire {
        match self.look(desk, query, age) {
            Ok(reading) => serve(desk, work, Wire::Reading(reading.clone()), &reading),
            Err(refused) => refuse(desk, work, refused),
        }
    }

    /// What the tool says as of so long ago.
    fn look(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        query: &Operation,
        age: SimSpan,
    ) -> Result<Reading, Refused> {
        let as_of = SimTime::ZERO + desk.now().since(SimTime::ZERO + age);
        let earlier = (age > SimSpan::ZERO).then(|| self.as_it_was(as_of));
        let tool = earlier.as_ref().unwrap_or(&self.tool);
        match tool.read(query.name, &query.arguments, &Moment { as_of, desk }) {
            Ok(content) => {
                let reading = Reading { as_of, content };
                self.last_reading = Some((query.name, reading.clone()));
                Ok(reading)
            }
            Err(NotDone::Declined(why)) => Err(Refused { error: Definite::Refused, why }),
            Err(NotDone::Unreadable(why)) => {
                Err(Refused { error: Definite::Unreadable, why: Content::new(why) })
            }
        }
    }

    /// The tool as it was at a time: as at the beginning, with everything applied again that took effect until then.
    fn as_it_was(&self, at: SimTime) -> Box<dyn Running> {
        let mut tool = self.initial.copy();
        for (_, request) in self.effects.iter().take_while(|(done, _)| *done <= at) {
            let Operation { name, arguments, .. } = request.operation();
            let asked = Asked { by: request.by, at: request.at, headers: request.headers() };
            // It took effect, so it does again.
            let _ = tool.apply(*name, arguments, &asked);
        }
        tool
    }

    fn on_look_up(
        &self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        operation: &Operation,
        fault: Option<LookUpFault>,
        now: SimTime,
    ) -> Reply {
        let age = match fault {
            Some(LookUpFault::Stale(age)) => age,
            None => SimSpan::ZERO,
        };
        let Operation { name, intent, .. } = *operation;
        let found = self.memory.find(name, intent).filter(|(_, at)| *at + age <= now);
        let found = found.map(|(receipt, _)| receipt);
        let request = work.asked.clone();
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::LookedUp { operation: name, intent, found: found.is_some(), request }),
        );
        Reply::Now(Wire::Found(found))
    }
}

fn done(receipt: u64, result: Content) -> Wire {
    Wire::Done(Done { receipt: Receipt(receipt), result })
}

/// Turns a request down.
fn refuse(desk: &mut Desk<'_, Agents>, work: &Work, refused: Refused) -> Wire {
    let (operation, intent, request) = (work.what, work.intent, work.asked.clone());
    let note = ToolEvent::Refused { operation, intent, refused: refused.clone(), request };
    desk.note(Author::HARNESS, Note::Tool(note));
    Wire::Refused(refused)
}

/// Does nothing about a request.
fn unanswered(desk: &mut Desk<'_, Agents>, work: &Work) -> Reply {
    let (operation, intent, request) = (work.what, work.intent, work.asked.clone());
    desk.note(Author::HARNESS, Note::Tool(ToolEvent::Ignored { operation, intent, request }));
    Reply::Never
}

/// Writes down what a reader gets to read.
fn serve(desk: &mut Desk<'_, Agents>, work: &Work, answer: Wire, said: &Reading) -> Wire {
    let Reading { as_of, content } = said.clone();
    let (intent, request) = (work.intent, work.asked.clone());
    let item = request.operation().name;
    desk.note(Author::HARNESS, Note::Tool(ToolEvent::Served { item, intent, as_of, content, request }));
    answer
}

/// What is done to the JSON of an answer.
enum Altering<'a> {
    Shipped(Alteration),
    Own(&'a OwnFaults, Name),
}

/// An answer with something done to its JSON. A refusal has nothing to alter.
fn altered(desk: &mut Desk<'_, Agents>, work: &Work, answer: Wire, altering: &Altering<'_>) -> Wire {
    let site = Name::joined(desk.name(), ", alteration of ", work.what);
    let Some((mut json, said)) = answer.said() else { return answer };
    Wire::Altered(desk.draw(site, work.intent, |spot| match altering {
        Altering::Shipped(alteration) => alteration.of_answer(json, said, spot),
        Altering::Own(faults, name) => {
            faults.alter(*name, &mut json[said], spot);
            json
        }
    }))
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
        if let Some((outage, _)) = self.fault_of(word, lasting).and_then(|fault| fault.outage) {
            self.outages.begin(outage, desk.now(), lasting);
        }
    }
}
