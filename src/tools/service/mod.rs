//! The wrapper around a tool, as the world runs it.
//!
//! A request waits for the latency of the tool, meets an outage or a fault, is recognised by its key or
//! handed to the tool, and is answered. Each request that is handled leaves one event of the tool, which says
//! what was asked, by whom, under which headers, and what the tool did; two, if it was handled twice.
//!
//! What comes of a request is an `Outcome`, which is worked out before it happens. A fault is injected only
//! if the outcome with it is another one than without.

mod call_records;
mod calls;
mod outcome;
mod reads;

use super::keys::Memory;
use super::outage::Outages;
use super::prototype::Running;
use super::{ToolConfig, ToolFault, ToolFaults};
use crate::agent::{
    Agents, Alteration, Altered, Author, Body, Definite, OwnFaults, Refused, Request, TeamEvent, ToolEvent,
    ToolRequest, Wire, reply_kind,
};
use call_records::CallRecords;
use outcome::{ActualOutcome, Outcome, Reply};
use perfidy_sim::{DrawSite, IncomingMessage, Lookup, Name, Service, ServiceContext, SimSpan, SimTime};
use serde_json::Value;
use std::ops::RangeInclusive;

/// A tool in its world.
pub struct ToolService {
    latency: RangeInclusive<SimSpan>,
    tool: Box<dyn Running>,
    books: CallRecords,
    faults: ToolFaults,
    /// What is to be done when a token comes back.
    pending: Lookup<u64, Pending>,
    tokens: u64,
    /// Whether the state with which the tool began stands in the history.
    is_open: bool,
}

/// Something that takes its time.
enum Pending {
    /// A request that is worked on.
    Work(IncomingMessage<Body>),
    /// An answer that is held back, to a request of that operation.
    Answer(IncomingMessage<Body>, Name, Wire),
}

/// What the service is asked, as it works on it.
struct Work {
    request: Request,
    /// What it is about, as addresses name it.
    what: Name,
    intent: Name,
    asked: ToolRequest,
}

/// A request, and the world in which it is worked out what comes of it.
struct Asking<'a> {
    work: &'a Work,
    wire: &'a Wire,
    now: SimTime,
    context: &'a ServiceContext<'a, Agents>,
}

/// A fault that is due at a request, and where it is drawn what it does.
struct Injecting<'a> {
    fault: ToolFault,
    /// The only field of an answer that it may alter, if it is to be that one.
    field: Option<Name>,
    draw: DrawSite<'a>,
    own: &'a OwnFaults,
}

impl Injecting<'_> {
    fn alter(&self, alteration: Alteration, json: Value, said: &str) -> Value {
        alteration.of_answer(json, (said, self.field), self.draw)
    }

    fn alter_own(&self, name: Name, mut json: Value, said: &str) -> Value {
        self.own.alter(name, Altered::ToolAnswers, &mut json[said], self.draw);
        json
    }
}

/// An outcome with something done to the JSON of its answer. A refusal has nothing to alter, and what is the
/// same as before is no alteration.
fn altered(outcome: Outcome, alter: impl FnOnce(Value, &'static str) -> Value) -> Outcome {
    let Some((honest, said)) = outcome.reply.answer.as_ref().and_then(Wire::said) else { return outcome };
    let json = alter(honest.clone(), said);
    if json == honest { outcome } else { outcome.answering(Wire::Altered(json)) }
}

/// The same for the answer to a call. The client of a caller checks its result against the tool's schema.
fn altered_result(
    tool: &dyn Running,
    outcome: Outcome,
    alter: impl FnOnce(Value, &'static str) -> Value,
) -> Outcome {
    let outcome = altered(outcome, alter);
    match &outcome.reply.answer {
        Some(Wire::Altered(json)) if !tool.can_reply(json["result"].clone()) => {
            let mistyped = Wire::Mistyped(json.clone());
            outcome.answering(mistyped)
        }
        _ => outcome,
    }
}

impl ToolService {
    /// A tool as a file describes it.
    pub fn new(tool: &ToolConfig) -> Self {
        let ToolConfig { latency, deduplicates, refuses_untraced, prototype, .. } = tool;
        Self {
            latency: latency.clone(),
            tool: prototype.copy(),
            books: CallRecords {
                deduplicates: *deduplicates,
                refuses_untraced: *refuses_untraced,
                initial: prototype.copy(),
                effects: Vec::new(),
                outages: Outages::default(),
                memory: Memory::default(),
                receipts: 0,
                last_answer: None,
                last_reading: None,
            },
            faults: ToolFaults::default(),
            pending: Lookup::default(),
            tokens: 0,
            is_open: false,
        }
    }

    /// The same tool, subject to these faults.
    #[must_use]
    pub fn subject_to(self, faults: ToolFaults) -> Self {
        Self { faults, ..self }
    }

    fn put_off(&mut self, context: &mut ServiceContext<'_, Agents>, what: Pending, span: SimSpan) {
        self.tokens += 1;
        self.pending.insert(self.tokens, what);
        context.call_back(self.tokens, span);
    }

    /// Works on a request whose latency is over.
    fn finish(&mut self, context: &mut ServiceContext<'_, Agents>, incoming: IncomingMessage<Body>) {
        let Some(wire) = incoming.payload.open::<Wire>() else { return };
        let Some((request, operation)) = wire.request() else {
            let unreadable = Wire::Refused(Refused::of(Definite::Unreadable));
            return answer(context, &incoming, Name::literal("unknown"), unreadable);
        };
        let (what, intent) = (request.of(operation.name), operation.intent);
        let asked = ToolRequest::new(incoming.from, context.now(), incoming.payload.clone());
        let work = Work { request, what, intent, asked };
        if !self.is_open {
            self.open(context);
        }
        let Reply { answer: reply, late_by, of_another, again_after } = self.respond(context, &work, wire);
        if let Some(span) = again_after {
            return self.put_off(context, Pending::Work(incoming), span);
        }
        let Some(reply) = reply else { return };
        let incoming = match of_another {
            None => incoming,
            Some(about) => IncomingMessage { about, ..incoming },
        };
        if late_by > SimSpan::ZERO {
            self.put_off(context, Pending::Answer(incoming, what, reply), late_by);
        } else {
            answer(context, &incoming, what, reply);
        }
    }

    /// Writes down the state with which the tool begins, before anything happens to it.
    #[cold]
    fn open(&mut self, context: &mut ServiceContext<'_, Agents>) {
        self.is_open = true;
        if let Some(state) = self.books.initial.initial_state() {
            context.record_event(Author::HARNESS, TeamEvent::Tool(ToolEvent::Opened { state }));
        }
    }

    /// Lets happen what comes of a request: with the first fault that is due and makes a difference, if there
    /// is one.
    fn respond(&mut self, context: &mut ServiceContext<'_, Agents>, work: &Work, wire: &Wire) -> Reply {
        let now = context.now();
        for due in context.due_faults(work.what, work.intent) {
            let Some(fault) = self.faults.find(due.word(), due.span()) else { continue };
            let injecting = Injecting {
                fault,
                field: due.detail(),
                draw: context.draw_site_of(&due),
                own: &self.faults.own,
            };
            let asking = Asking { work, wire, now, context };
            if let Some((outcome, tool)) = self.difference(&asking, &injecting) {
                context.inject(due);
                self.tool = tool;
                return self.books.enter(context, work, outcome);
            }
        }
        let outcome = self.books.outcome(&mut *self.tool, &Asking { work, wire, now, context }, None);
        self.books.enter(context, work, outcome)
    }

    /// What comes of a request if a fault is injected, and the tool after that; `None` if the same comes of
    /// it without the fault.
    #[cold]
    fn difference(
        &self,
        asking: &Asking<'_>,
        injecting: &Injecting<'_>,
    ) -> Option<(Outcome, Box<dyn Running>)> {
        let [mut tool, mut untouched] = [self.tool.copy(), self.tool.copy()];
        let outcome = self.books.outcome(&mut *tool, asking, Some(injecting));
        let honest = self.books.outcome(&mut *untouched, asking, None);
        outcome.differs_from(&honest).then_some((outcome, tool))
    }
}

impl CallRecords {
    /// What comes of a request. The books stay as they are, and the tool is as after it.
    fn outcome(
        &self,
        tool: &mut dyn Running,
        asking: &Asking<'_>,
        injecting: Option<&Injecting<'_>>,
    ) -> Outcome {
        let (now, known) = (asking.now, asking.work.asked.capability());
        if let Some(out_of_order) = self.outages.response(now, known) {
            return ActualOutcome::from(out_of_order).into();
        }
        let Some((outage, lasting)) = injecting.and_then(|injecting| injecting.fault.outage) else {
            return self.work_on(tool, asking, injecting);
        };
        let begun = self.outages.next(outage, now, lasting);
        let outcome = match begun.response(now, known) {
            Some(out_of_order) => ActualOutcome::from(out_of_order).into(),
            None => self.work_on(tool, asking, None),
        };
        Outcome { begins: Some(begun), ..outcome }
    }

    /// What comes of a request to a tool that is in order.
    fn work_on(
        &self,
        tool: &mut dyn Running,
        asking: &Asking<'_>,
        injecting: Option<&Injecting<'_>>,
    ) -> Outcome {
        let fault = injecting.map(|injecting| injecting.fault).unwrap_or_default();
        match asking.wire {
            Wire::Call(call) => self.on_call(tool, asking, call, fault.call.zip(injecting)),
            Wire::Read(query) => self.on_read(tool, asking, query, fault.read.zip(injecting)),
            Wire::LookUp(operation) => self.on_look_up(asking, operation, fault.look_up),
            Wire::Cancel(call) => self.on_cancel(call),
            Wire::Done(_)
            | Wire::Found(_)
            | Wire::Failed
            | Wire::Refused(_)
            | Wire::ReadResult(_)
            | Wire::Altered(_)
            | Wire::Malformed
            | Wire::Mistyped(_) => unreachable!("an answer is no request"),
        }
    }
}

fn answer(context: &mut ServiceContext<'_, Agents>, to: &IncomingMessage<Body>, what: Name, wire: Wire) {
    context.reply(to, reply_kind(what), Body::new(wire));
}

impl Service<Agents> for ToolService {
    fn on_message(&mut self, context: &mut ServiceContext<'_, Agents>, incoming: IncomingMessage<Body>) {
        let latency = context.draw_span(context.name(), incoming.about, &self.latency);
        self.put_off(context, Pending::Work(incoming), latency);
    }

    fn on_timer(&mut self, context: &mut ServiceContext<'_, Agents>, token: u64) {
        match self.pending.remove(token) {
            Some(Pending::Work(incoming)) => self.finish(context, incoming),
            Some(Pending::Answer(incoming, what, wire)) => answer(context, &incoming, what, wire),
            None => {}
        }
    }

    fn on_fault(&mut self, context: &mut ServiceContext<'_, Agents>, word: Name, lasting: SimSpan) {
        if let Some((outage, _)) = self.faults.find(word, lasting).and_then(|fault| fault.outage) {
            let begun = self.books.outages.next(outage, context.now(), lasting);
            self.books.begin(context, begun);
        }
    }
}
