//! Calls: carried out, recognised by their keys, refused or cancelled, and what faults make of that.

use super::call_records::CallRecords;
use super::outcome::{ActualOutcome, Outcome};
use super::{Asking, Injecting, altered_result};
use crate::agent::{Confirmation, Content, Definite, OpId, Operation, Refused, ToolCall, Wire};
use crate::tools::prototype::{NotDone, Running};
use crate::tools::{CallFault, Caller};

impl CallRecords {
    /// What comes of a call.
    pub(super) fn on_call(
        &self,
        tool: &mut dyn Running,
        asking: &Asking<'_>,
        call: &ToolCall,
        injecting: Option<(CallFault, &Injecting<'_>)>,
    ) -> Outcome {
        let key = self.key_of(call);
        let Some((fault, injecting)) = injecting else {
            return Outcome::from(self.handle(tool, asking, call, key, 1)).under(key);
        };
        let mut handled = || Outcome::from(self.handle(tool, asking, call, key, 1)).under(key);
        match fault {
            CallFault::AckLost => handled().unanswered(),
            CallFault::LateReply(span) => handled().late_by(span),
            CallFault::LateEffect(span) => Outcome::from(ActualOutcome::Ignored).put_off_by(span),
            CallFault::ErrorWithEffect => handled().answering(Wire::Failed),
            CallFault::SuccessWithoutEffect => {
                let done = Confirmation { receipt: self.receipt(1), result: Content::NOTHING };
                Outcome::from(ActualOutcome::Ignored).answering(Wire::Done(done))
            }
            CallFault::NoResponse => ActualOutcome::Ignored.into(),
            CallFault::Refused => {
                let refused = || refused(key, Content::NOTHING);
                Outcome::from(self.known(key).map_or_else(refused, ActualOutcome::Recognised)).under(key)
            }
            CallFault::DuplicateEffect => {
                let once = handled();
                let again = Some(self.handle_again(tool, asking, call, &once));
                Outcome { again, ..once }
            }
            CallFault::TraceLost => {
                let untraced = call.untraced();
                let loses_trace = untraced.headers != call.headers;
                Outcome {
                    loses_trace,
                    ..Outcome::from(self.handle(tool, asking, &untraced, key, 1)).under(key)
                }
            }
            CallFault::KeyIgnored => self.handle(tool, asking, call, None, 1).into(),
            CallFault::KeyForgotten(age) => {
                let now = asking.now;
                let forgets = (self.deduplicates && self.memory.has_keys_older_than(age, now)).then_some(age);
                let is_forgotten = key.is_some_and(|key| self.memory.is_older_than(key, age, now));
                let known = if is_forgotten { None } else { key };
                Outcome { forgets, ..Outcome::from(self.handle(tool, asking, call, known, 1)).under(key) }
            }
            CallFault::WrongReply => {
                let other = self.last_answer.as_ref().filter(|(intent, _)| *intent != asking.work.intent);
                match other {
                    Some((intent, other)) => handled().answering_as_to(*intent, other.clone()),
                    None => handled(),
                }
            }
            CallFault::MalformedResult => handled().answering(Wire::Malformed),
            CallFault::Altered(alteration) => {
                let handled = handled();
                altered_result(tool, handled, |json, said| injecting.alter(alteration, json, said))
            }
            CallFault::Own(name) => {
                let handled = handled();
                altered_result(tool, handled, |json, said| injecting.alter_own(name, json, said))
            }
        }
    }

    /// The key of a call, if the tool looks at it.
    fn key_of(&self, call: &ToolCall) -> Option<OpId> {
        call.headers.idempotency_key.filter(|_| self.deduplicates)
    }

    /// What a key was answered with, if the call came before.
    fn known(&self, key: Option<OpId>) -> Option<Wire> {
        self.memory.answer(key?).cloned()
    }

    /// Hands a call to the tool, unless its key is known.
    fn handle(
        &self,
        tool: &mut dyn Running,
        asking: &Asking<'_>,
        call: &ToolCall,
        key: Option<OpId>,
        nth: u64,
    ) -> ActualOutcome {
        if let Some(known) = self.known(key) {
            return ActualOutcome::Recognised(known);
        }
        if self.refuses_untraced && call.headers.correlation.is_none() {
            return ActualOutcome::refused(Refused::of(Definite::Untraced));
        }
        let Operation { name, arguments, .. } = &call.operation;
        match tool.apply(*name, arguments, &Caller::by(&asking.work.asked)) {
            Ok(result) => ActualOutcome::Effect(Confirmation { receipt: self.receipt(nth), result }),
            Err(NotDone::Declined(why)) => refused(key, why),
            Err(NotDone::Unreadable(why)) => {
                ActualOutcome::refused(Refused { error: Definite::Unreadable, why: Content::new(why) })
            }
        }
    }

    /// Handles a call that was handled just now.
    fn handle_again(
        &self,
        tool: &mut dyn Running,
        asking: &Asking<'_>,
        call: &ToolCall,
        Outcome { happens, key, .. }: &Outcome,
    ) -> ActualOutcome {
        let is_known = match happens {
            ActualOutcome::Refused { is_final, .. } => *is_final,
            _ => key.is_some(),
        };
        if let Some(known) = happens.answer().filter(|_| is_known) {
            return ActualOutcome::Recognised(known);
        }
        let is_effect = matches!(happens, ActualOutcome::Effect(_));
        self.handle(tool, asking, call, None, 1 + u64::from(is_effect))
    }

    /// What comes of a request to cancel an operation: it is cancelled unless it was done before. A tool that
    /// cannot tell one operation from another cannot.
    pub(super) fn on_cancel(&self, call: &ToolCall) -> Outcome {
        let key = self.key_of(call);
        if key.is_none() {
            return Outcome::from(ActualOutcome::Ignored).answering(Wire::Failed);
        }
        Outcome::from(self.known(key).map_or(ActualOutcome::Cancelled, ActualOutcome::Recognised)).under(key)
    }
}

/// A refusal of a call. A tool that deduplicates stays by it as by a receipt: a copy of the call that is
/// still on its way must not be carried out later.
fn refused(key: Option<OpId>, why: Content) -> ActualOutcome {
    let is_final = key.is_some();
    let error = if is_final { Definite::Declined } else { Definite::Refused };
    ActualOutcome::Refused { refused: Refused { error, why }, is_final }
}
