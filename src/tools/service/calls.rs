//! Calls: carried out, recognised by their keys, turned down or cancelled, and what faults make of that.

use super::answers::{Altering, altered, done, refuse, unanswered};
use super::{Reply, ToolService, Work};
use crate::agent::{
    Agents, Author, Content, Definite, Note, Operation, Receipt, Refused, ToolCall, ToolEvent, Wire,
};
use crate::tools::prototype::NotDone;
use crate::tools::{Asked, CallFault};
use perfidy_sim::Desk;

impl ToolService {
    pub(super) fn on_call(
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
                Reply::Now(altered(desk, work, answer, &Altering::Own(&self.faults.own, name)))
            }
        }
    }

    /// What the result of a call is going to be, if it is not going to be turned down. Nothing happens to the
    /// tool.
    #[cold]
    pub(super) fn result_of(&self, work: &Work, call: &ToolCall) -> Option<Content> {
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

    /// Turns a call down, or recognises it. A tool that deduplicates stays by a refusal as by a receipt: a
    /// copy of the call that is still on its way must not be carried out later.
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

    /// Cancels an operation, unless it was done before. A tool that cannot tell one operation from another
    /// cannot.
    pub(super) fn cancel(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, call: &ToolCall) -> Wire {
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
}
