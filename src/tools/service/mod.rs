//! The wrapper around a tool, as the world runs it.
//!
//! A request waits for the latency of the tool, meets an outage or a fault, is recognised by its key or
//! handed to the tool, and is answered. Each request that is handled leaves one event of the tool, which says
//! what was asked, by whom, under which headers, and what the tool did; two, if it was handled twice.

mod answers;
mod calls;
mod reads;

use super::keys::Memory;
use super::outage::{Outages, refusal};
use super::prototype::Running;
use super::{CallFault, LookUpFault, Moment, ReadFault, ToolConfig, ToolFault, ToolFaults};
use crate::agent::{
    Agents, Author, Body, Content, Definite, Note, Reading, Refused, Request, ToolEvent, ToolRequest, Wire,
};
use answers::{answer, refuse, unanswered};
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
    faults: ToolFaults,
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
    pub fn new(tool: &ToolConfig) -> Self {
        let ToolConfig { latency, deduplicates, prototype, .. } = tool;
        Self {
            latency: latency.clone(),
            deduplicates: *deduplicates,
            tool: prototype.copy(),
            initial: prototype.copy(),
            effects: Vec::new(),
            outages: Outages::default(),
            faults: ToolFaults::default(),
            memory: Memory::default(),
            pending: Lookup::default(),
            tokens: 0,
            receipts: 0,
            last_answer: None,
            last_reading: None,
            is_open: false,
        }
    }

    /// The same tool, subject to these faults.
    #[must_use]
    pub fn subject_to(self, faults: ToolFaults) -> Self {
        Self { faults, ..self }
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
                && self.faults.find(word, span).is_some_and(|fault| {
                    fault.concerns(work.request)
                        && self.makes_a_difference(fault, work, wire, reading.as_ref(), now)
                })
        });
        let fault = injected.and_then(|(word, span)| self.faults.find(word, span)).unwrap_or_default();
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
                self.result_of(work, call).is_some_and(|said| self.faults.own.concerns(name, &said.json()))
            }
            (Wire::Read(_), ToolFault { read: Some(ReadFault::Altered(_)), .. }) => reading.is_some(),
            (Wire::Read(_), ToolFault { read: Some(ReadFault::Own(name)), .. }) => {
                reading.is_some_and(|said| self.faults.own.concerns(name, &said.json()))
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
        if let Some((outage, _)) = self.faults.find(word, lasting).and_then(|fault| fault.outage) {
            self.outages.begin(outage, desk.now(), lasting);
        }
    }
}
