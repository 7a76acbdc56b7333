//! The requests of an agent to tools: calls, reads, look-ups and cancellations.

use super::{
    CallError, Cancelled, Confirmation, Definite, Indefinite, OpId, Operation, ReadResult, Receipt, Refused,
};
use super::{ToolCall, ToolError, ToolRequest, Wire, call_kind, cancel_of, look_up_of, read_of};
use crate::agent::{Agent, AgentEvent, Author, Body, CallOutcome, Content, TeamEvent};
use perfidy_sim::{DrawPurpose, Name, SimSpan, TimedOut};
use serde::de::DeserializeOwned;
use std::future::pending;

const OP: DrawPurpose = DrawPurpose::new("op");

impl Agent {
    /// Calls a tool and waits for its answer, for at most `within`.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened.
    pub async fn call(&self, call: ToolCall, within: SimSpan) -> Result<Receipt, ToolError> {
        Ok(self.call_confirmed(call, within).await?.receipt)
    }

    /// Calls a tool and waits for its result, read as a value of this type.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened: also
    /// if an answer came whose result is not of this type.
    pub async fn call_and_read<T: DeserializeOwned + Clone + 'static>(
        &self,
        call: ToolCall,
        within: SimSpan,
    ) -> Result<T, ToolError> {
        let done = self.call_confirmed(call, within).await?;
        done.result.read().map_err(|_| ToolError::Indefinite(Indefinite::Malformed))
    }

    /// Calls a tool and waits for its confirmation: the receipt and the result, as the tool says them.
    ///
    /// # Errors
    /// A [`CallError`] with what the tool says of it: [`ToolError::Definite`] if it did not happen,
    /// [`ToolError::Indefinite`] if it may have happened.
    pub async fn call_confirmed(&self, call: ToolCall, within: SimSpan) -> Result<Confirmation, CallError> {
        let Operation { tool, name: operation, intent, .. } = call.operation;
        let op = call.op;
        self.before("call", intent).await;
        let headers = call.headers.within(self.headers);
        let stamp = self.stamping.as_ref().and_then(|stamping| stamping.of_call(tool, self.now()));
        let call = Body::new(Wire::Call(Box::new(ToolCall { headers, ..call }))).stamped(stamp);
        let request = ToolRequest::new(self.name(), self.now(), call.clone());
        let called = AgentEvent::Called { tool, operation, intent, op, request };
        self.context.record_event(Author::HARNESS, TeamEvent::Agent(called));
        let answer = self.ask_tool(tool, operation, intent, call, within).await;
        let result = answer.and_then(|answer| answer.done().ok_or(CallError::MALFORMED));
        let (told, content) = match &result {
            Ok(confirmed) => (CallOutcome::Done, confirmed.result.clone()),
            Err(CallError { error, why }) => (CallOutcome::from(*error), why.clone()),
        };
        self.was_answered((tool, operation, intent), told, content);
        self.after("call", intent).await;
        result
    }

    /// Sends a tool a read-only query and waits for its answer, for at most `within`.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if the tool refuses, [`ToolError::Indefinite`] if no answer came or it cannot
    /// be read.
    pub async fn read(&self, question: Operation, within: SimSpan) -> Result<ReadResult, ToolError> {
        let Operation { tool, name, intent, .. } = question;
        self.before("read", intent).await;
        let answer =
            self.ask_tool(tool, read_of(name), intent, Body::new(Wire::Read(question)), within).await;
        let result = answer.and_then(|answer| answer.reading().ok_or(CallError::MALFORMED));
        let (told, content) = match &result {
            Ok(reading) => (CallOutcome::AsOf(reading.as_of), reading.content.clone()),
            Err(CallError { error, why }) => (CallOutcome::from(*error), why.clone()),
        };
        self.was_answered((tool, read_of(name), intent), told, content);
        self.after("read", intent).await;
        Ok(result?)
    }

    /// Stops waiting for the answer to a call of an operation, as after a timeout: the future of the call was
    /// dropped.
    #[cfg(feature = "clients")]
    pub(crate) async fn stops_waiting(&self, operation: &Operation) {
        let Operation { tool, name, intent, .. } = *operation;
        self.was_answered((tool, name, intent), CallOutcome::Unknown(Indefinite::TimedOut), Content::NOTHING);
        self.after("call", intent).await;
    }

    /// Records what a tool has answered.
    fn was_answered(
        &self,
        (tool, operation, intent): (Name, Name, Name),
        told: CallOutcome,
        content: Content,
    ) {
        let answered = AgentEvent::Answered { tool, operation, intent, told, content };
        self.context.record_event(Author::HARNESS, TeamEvent::Agent(answered));
    }

    /// Sends a tool a request and waits for its answer.
    async fn ask_tool(
        &self,
        tool: Name,
        what: Name,
        intent: Name,
        request: Body,
        within: SimSpan,
    ) -> Result<Wire, CallError> {
        let kind = call_kind(what);
        let until = self.failures.can_strand_replies().then(|| self.monotonic() + within);
        let answer = match &self.connections {
            None => self.context.request_in_a_step(tool, kind, intent, request, within).await,
            Some(connections) => {
                connections.request(&self.context, (tool, kind, intent), request, within).await
            }
        };
        let answer = match until.filter(|_| answer.is_ok() && self.has_stranded(intent)) {
            None => answer,
            Some(until) => {
                let left = until.since(self.monotonic());
                self.context.within(left, kind, pending()).await
            }
        };
        let is_correlated = self.connections.is_none();
        match answer.as_ref().map(|incoming| incoming.payload.open()) {
            Ok(_) if is_correlated && answer.as_ref().is_ok_and(|reply| reply.about != intent) => {
                Err(Indefinite::OfAnotherRequest.into())
            }
            Ok(Some(Wire::Refused(Refused { error, why }))) => {
                Err(CallError { error: ToolError::Definite(*error), why: why.clone() })
            }
            Ok(Some(Wire::Failed)) => Err(Indefinite::Failed.into()),
            Ok(Some(answer)) => Ok(answer.clone()),
            Ok(None) => Err(CallError::MALFORMED),
            Err(TimedOut) => Err(Indefinite::TimedOut.into()),
        }
    }

    /// Asks a tool whether it has a record of an operation, without changing anything. The tool confirms what
    /// it has on record, with the receipt and the result of that time.
    ///
    /// # Errors
    /// [`Indefinite`] if no answer came, or the tool refused to answer: the outcome of the operation is still
    /// unknown.
    pub async fn look_up(
        &self,
        operation: &Operation,
        within: SimSpan,
    ) -> Result<Option<Confirmation>, Indefinite> {
        let Operation { tool, name, intent, .. } = *operation;
        self.before("look-up", intent).await;
        let request = Body::new(Wire::LookUp(operation.clone()));
        let (result, content) = match self.ask_tool(tool, look_up_of(name), intent, request, within).await {
            Ok(Wire::Found(found)) => {
                let content = found.as_ref().map_or(Content::NOTHING, |found| found.result.clone());
                (Ok(found), content)
            }
            Ok(_) => (Err(Indefinite::Malformed), Content::NOTHING),
            Err(CallError { error: ToolError::Definite(error), why }) => {
                (Err(Indefinite::Refused(error)), why)
            }
            Err(CallError { error: ToolError::Indefinite(error), why }) => (Err(error), why),
        };
        let told = match &result {
            Ok(found) => CallOutcome::Found(found.is_some()),
            Err(error) => CallOutcome::Unknown(*error),
        };
        self.was_answered((tool, look_up_of(name), intent), told, content);
        self.after("look-up", intent).await;
        result
    }

    /// Asks a tool to cancel an operation: never to carry it out from now on, whichever agent sends it under
    /// that id.
    ///
    /// # Errors
    /// [`Indefinite`] if no clear answer came. A tool that does not deduplicate cannot give one.
    pub async fn cancel(
        &self,
        operation: &Operation,
        op: OpId,
        within: SimSpan,
    ) -> Result<Cancelled, Indefinite> {
        let Operation { tool, name, intent, .. } = *operation;
        let what = cancel_of(name);
        let request = Body::new(Wire::Cancel(Box::new(ToolCall::keyed(operation.clone(), op))));
        self.before("cancel", intent).await;
        let answer = self.ask_tool(tool, what, intent, request, within).await;
        let content = match &answer {
            Ok(Wire::Done(done)) => done.result.clone(),
            Ok(_) => Content::NOTHING,
            Err(refused) => refused.why.clone(),
        };
        let result = match answer.map_err(ToolError::from) {
            Ok(Wire::Done(done)) => Ok(Cancelled::DoneAlready(done.receipt)),
            Ok(_) => Err(Indefinite::Malformed),
            Err(ToolError::Definite(Definite::Declined)) => Ok(Cancelled::NeverHappens),
            Err(ToolError::Definite(error)) => Err(Indefinite::Refused(error)),
            Err(ToolError::Indefinite(error)) => Err(error),
        };
        let told = match result {
            Ok(Cancelled::NeverHappens) => CallOutcome::Cancelled,
            Ok(Cancelled::DoneAlready(_)) => CallOutcome::Done,
            Err(error) => CallOutcome::Unknown(error),
        };
        self.was_answered((tool, what, intent), told, content);
        self.after("cancel", intent).await;
        result
    }

    /// A fresh, random operation id: a second call, or a call after a crash, gets another.
    pub fn new_operation_id(&self, intent: Name) -> OpId {
        OpId(self.draw("mint", intent, |draw| draw.bits(OP)))
    }
}
