//! The requests of an agent to tools: calls, reads, look-ups and cancellations.

use super::{Cancelled, Confirmation, Definite, Indefinite, OpId, Operation, ReadResult, Receipt, Refused};
use super::{ToolCall, ToolError, ToolRequest, Wire, call_kind, cancel_of, look_up_of, read_of};
use crate::agent::{Agent, AgentEvent, Author, Body, CallOutcome, TeamEvent};
use perfidy_sim::{Name, Purpose, SimSpan, TimedOut};
use serde::de::DeserializeOwned;
use std::future::pending;

const OP: Purpose = Purpose::new("op");

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
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened.
    pub async fn call_confirmed(&self, call: ToolCall, within: SimSpan) -> Result<Confirmation, ToolError> {
        let Operation { tool, name: operation, intent, .. } = call.operation;
        let op = call.op;
        self.before("call", intent).await;
        let headers = call.headers.within(self.headers);
        let call = Body::new(Wire::Call(Box::new(ToolCall { headers, ..call })));
        let request = ToolRequest::new(self.name(), self.now(), call.clone());
        let called = AgentEvent::Called { tool, operation, intent, op, request };
        self.context.note(Author::HARNESS, TeamEvent::Agent(called));
        let answer = self.ask_tool(tool, operation, intent, call, within).await;
        let result =
            answer.and_then(|answer| answer.done().ok_or(ToolError::Indefinite(Indefinite::Malformed)));
        let told = result.as_ref().map_or_else(|error| CallOutcome::from(*error), |_| CallOutcome::Done);
        self.context
            .note(Author::HARNESS, TeamEvent::Agent(AgentEvent::Answered { tool, operation, intent, told }));
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
        let result =
            answer.and_then(|answer| answer.reading().ok_or(ToolError::Indefinite(Indefinite::Malformed)));
        let told = result
            .as_ref()
            .map_or_else(|error| CallOutcome::from(*error), |reading| CallOutcome::AsOf(reading.as_of));
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: read_of(name), intent, told }),
        );
        self.after("read", intent).await;
        result
    }

    /// Sends a tool a request and waits for its answer.
    async fn ask_tool(
        &self,
        tool: Name,
        what: Name,
        intent: Name,
        request: Body,
        within: SimSpan,
    ) -> Result<Wire, ToolError> {
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
        match answer.as_ref().map(|envelope| envelope.payload.open()) {
            Ok(_) if is_correlated && answer.as_ref().is_ok_and(|reply| reply.about != intent) => {
                Err(ToolError::Indefinite(Indefinite::OfAnotherRequest))
            }
            Ok(Some(Wire::Refused(Refused { error, .. }))) => Err(ToolError::Definite(*error)),
            Ok(Some(Wire::Failed)) => Err(ToolError::Indefinite(Indefinite::Failed)),
            Ok(Some(answer)) => Ok(answer.clone()),
            Ok(None) => Err(ToolError::Indefinite(Indefinite::Malformed)),
            Err(TimedOut) => Err(ToolError::Indefinite(Indefinite::TimedOut)),
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
        let result = match self.ask_tool(tool, look_up_of(name), intent, request, within).await {
            Ok(Wire::Found(found)) => Ok(found),
            Ok(_) => Err(Indefinite::Malformed),
            Err(ToolError::Definite(error)) => Err(Indefinite::Refused(error)),
            Err(ToolError::Indefinite(error)) => Err(error),
        };
        let told = match &result {
            Ok(found) => CallOutcome::Found(found.is_some()),
            Err(error) => CallOutcome::Unknown(*error),
        };
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: look_up_of(name), intent, told }),
        );
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
        let result = match self.ask_tool(tool, what, intent, request, within).await {
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
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: what, intent, told }),
        );
        self.after("cancel", intent).await;
        result
    }

    /// A fresh, random operation id: a second call, or a call after a crash, gets another.
    pub fn new_operation_id(&self, intent: Name) -> OpId {
        OpId(self.draw("mint", intent, |draw| draw.bits(OP)))
    }
}
